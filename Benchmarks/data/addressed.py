"""A guest with a network card, whose address is that of its VPS: so restores can be confirmed."""
from guests import MicroGuest


class AddressedGuest(MicroGuest):
    """Its number is a part of its hardware address and its address."""

    def __init__(self, libvirt, folder, name, number, size, second=None):
        self.number = number
        self.mac = f"52:54:00:cc:01:{number:02x}"
        self.address = f"10.0.2.{20 + number}/24"
        super().__init__(libvirt, folder, name, size, second=second)

    def xml(self):
        network = (
            f"<interface type='user'><mac address='{self.mac}'/><model type='virtio'/>"
            "<rom enabled='no'/></interface>")
        return (
            super().xml().replace("<memballoon", f"{network}<memballoon")
            .replace("panic=-1 quiet", f"panic=-1 quiet ip4={self.address}"))

    def write_netplan(self):
        """Writes the network of its VPS, as `rehome vps add` takes it; gives the file."""
        path = self.folder / "network.yaml"
        path.write_text(
            "version: 2\nethernets:\n  wan:\n"
            f"    match: {{ macaddress: \"{self.mac}\" }}\n    addresses: [ {self.address} ]\n")
        return path
