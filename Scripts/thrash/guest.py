"""A guest with two disks that tells from inside what is on them."""
import base64
import shutil
import subprocess
import time

from addressed import AddressedGuest
from rehome import QEMU_USER

ROOT_SIZE = "64M"
SECOND_MIB = 16
BLOB_MIB = 8
"""What micro-guest.sh puts into /data/blob."""
AGENT_SECONDS = 180
WRITE_MIB = 2
"""What a write changes in the blob and on the second disk: so increments and clones have a point."""

SUMS = """
echo 3 >/proc/sys/vm/drop_caches
{ cat /data/tag; sha256sum </data/blob; sha256sum </dev/vdb; } >/run/sums
"""


class Guest(AddressedGuest):
    """Kernel, busybox and agent, on two disks of one format."""

    def __init__(self, libvirt, folder, name, number, kind):
        self.kind = kind
        self.second = folder.parent / f"{name}-second.{kind}"
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", kind, self.second, f"{SECOND_MIB}M"], check=True)
        shutil.chown(self.second, QEMU_USER, QEMU_USER)
        super().__init__(
            libvirt, folder, name, number, ROOT_SIZE,
            second=self.second if kind == "qcow2" else None)
        if kind == "raw":
            # The class makes qcow2 disks where there are two; raw ones can be written over in place.
            self.disks.append((self.second, "raw", "vdb"))

    def xml(self):
        if self.kind == "qcow2":
            return super().xml()
        second = (
            "<disk type='file' device='disk'><driver name='qemu' type='raw' discard='unmap'/>"
            f"<source file='{self.second}'/><target dev='vdb' bus='virtio'/></disk>")
        return super().xml().replace("<memballoon", f"{second}<memballoon")

    def power(self):
        """What libvirt says: `running`, `shut off` or something else."""
        return self.libvirt.virsh("domstate", self.name).strip()

    def attached(self, *options):
        """The files that are its disks."""
        lines = self.libvirt.virsh("domblklist", self.name, "--details", *options).splitlines()
        rows = [line.split(maxsplit=3) for line in lines]
        return {row[2]: row[3].strip() for row in rows if len(row) == 4 and row[1] == "disk"}

    def beside(self):
        """What Rehome keeps beside its disks."""
        found = []
        for path, _, _ in self.disks:
            found += path.parent.glob(f".{path.name}.rehome-*")
        return sorted(str(path) for path in found)

    def await_agent(self, seconds=AGENT_SECONDS):
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.agent({"execute": "guest-ping"})
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the agent of {self.name} doesn't answer") from None
                time.sleep(0.2)

    def said(self, command):
        """Runs a command that writes /run/sums, and reads it."""
        self.shell(command)
        handle = self.agent(
            {"execute": "guest-file-open", "arguments": {"path": "/run/sums", "mode": "r"}})
        read = self.agent({"execute": "guest-file-read", "arguments": {"handle": handle}})
        self.agent({"execute": "guest-file-close", "arguments": {"handle": handle}})
        return base64.b64decode(read["buf-b64"]).decode()

    def content(self):
        """What is on both disks, as the guest sees it: a tag and two checksums."""
        lines = self.said(SUMS).splitlines()
        return (lines[0], lines[1].split()[0], lines[2].split()[0])

    def write(self, tag, chance):
        """Changes both disks, down to what holds them, and tells what is on them now."""
        blob = chance.randrange(BLOB_MIB - WRITE_MIB)
        second = chance.randrange(SECOND_MIB - WRITE_MIB)
        self.shell(
            f"dd if=/dev/urandom of=/data/blob bs=1M seek={blob} count={WRITE_MIB} "
            "conv=notrunc,fsync 2>/dev/null && "
            f"dd if=/dev/urandom of=/dev/vdb bs=1M seek={second} count={WRITE_MIB} "
            f"conv=fsync 2>/dev/null && echo {tag} >/data/tag && sync")
        return self.content()

    def second_sum(self):
        """The checksum of the second disk of a guest that is off, without its help."""
        raw = self.second.parent / f"{self.name}-look.raw"
        subprocess.run(
            ["qemu-img", "convert", "-f", self.kind, "-O", "raw", self.second, raw], check=True)
        told = subprocess.run(["sha256sum", raw], check=True, capture_output=True, text=True)
        raw.unlink()
        return told.stdout.split()[0]
