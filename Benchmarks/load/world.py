"""A host with hundreds of VPSs: stopped ones with small disks, and a few that run."""
import os
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from addressed import AddressedGuest
from rehome import QEMU_USER, Rehome

DISK_BYTES = 8 << 20
HOLE_BYTES = 2 << 20
"""A part of each disk is zeros, as on any real one."""
BACKUPS = 2
"""Of each source; they take turns, so that each restore changes all of its target's disk."""
COMMANDS_AT_ONCE = 2
GUEST_SIZE = "64M"


class World(Rehome):
    """One installation with its clients' VPSs."""

    def __init__(self, program, libvirt, work, settings):
        self.settings = settings
        super().__init__(program, libvirt, work / "data")
        self.work = work
        self.disks = work / "disks"
        self.disks.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = None

    def environment(self, **settings):
        return super().environment(
            **{**self.settings, "REHOME_API_PORT": str(self.port), **settings})

    def start(self):
        with open(self.work / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", self.program, "serve"], stderr=log,
                stdin=subprocess.DEVNULL,
                env={**self.environment(), "REHOME_LOG_LEVEL": "warning"})
        self.await_answer(f"http://127.0.0.1:{self.port}/readyz", self.process)

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def rss_mib(self):
        """What the server has in memory now."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024
        raise RuntimeError("the server has ended")

    def make_disk(self, name):
        """A raw disk with random bytes and a hole."""
        path = self.disks / f"{name}.raw"
        with open(path, "wb") as disk:
            disk.write(os.urandom((DISK_BYTES - HOLE_BYTES) // 2))
            disk.seek(HOLE_BYTES, os.SEEK_CUR)
            disk.write(os.urandom((DISK_BYTES - HOLE_BYTES) // 2))
        shutil.chown(path, QEMU_USER, QEMU_USER)
        return path

    def new_client(self, name, keys):
        client = self.command("client", "create", name)["id"]
        return client, [
            self.command(
                "key", "create", "--client", client, "--scope", "read:vm", "--scope", "backup:vm"
            )["key"] for _ in range(keys)]

    def register(self, client, domain, *options):
        return self.command(
            "vps", "add", "--client", client, "--domain", domain, "--name", domain, *options)["id"]

    def stopped_vps(self, client, name):
        disk = self.make_disk(name)
        self.libvirt.define_stopped(name, disk)
        return {"vps": self.register(client, name), "disk": str(disk)}

    def backups_of(self, name, vps, disk):
        """Backups of a stopped VPS with what was on its disk at each; null for one that boots."""
        made = []
        for number in range(BACKUPS):
            kept = self.disks / f"{name}-{number}.kept"
            if number:
                content = self.make_disk(f"{name}-next")
                shutil.copyfile(content, disk)
                content.unlink()
            shutil.copyfile(disk, kept)
            # A backup isn't taken of a file that has changed within the second.
            time.sleep(1.1)
            job = self.command("backup", "create", vps, "--wait")
            made.append({"id": job["task"]["backupId"], "file": str(kept)})
        return made

    def group(self, name, keys, targets):
        """A client with its source, its backups and its targets."""
        client, texts = self.new_client(name, keys)
        source = self.stopped_vps(client, f"{name}-source")
        backups = self.backups_of(name, source["vps"], source["disk"])
        made = [self.stopped_vps(client, f"{name}-{number}") for number in range(targets)]
        for target in made:
            target |= {"source": source["vps"], "backups": backups}
        return texts, made

    def groups(self, count, keys, targets):
        with ThreadPoolExecutor(COMMANDS_AT_ONCE) as pool:
            return list(pool.map(
                lambda number: self.group(f"c{number}", keys, targets), range(count)))

    def running_group(self, targets):
        """Guests that are stopped and booted by their restores."""
        client, texts = self.new_client("running", 1)
        source, *others = [
            AddressedGuest(self.libvirt, self.work / f"m{number}", f"m{number}", number, GUEST_SIZE)
            for number in range(targets + 1)]
        vps = self.register(client, source.name, "--network", str(source.write_netplan()))
        backup = self.command("backup", "create", vps, "--wait")["task"]["backupId"]
        made = []
        for guest in others:
            guest.boot()
            made.append({
                "vps": self.register(client, guest.name, "--network", str(guest.write_netplan())),
                "source": vps, "disk": str(guest.disks[0][0]),
                "backups": [{"id": backup, "file": None}]})
        return texts, made
