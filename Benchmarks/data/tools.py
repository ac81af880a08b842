"""What people use in Rehome's place: each packs a disk up and puts it back."""
import os
import re
import shutil
import subprocess

from measure import timed


class Tool:
    """A tool with a folder of its own; the disk that it backs up is a raw image."""
    name = ""

    def __init__(self, folder):
        self.folder = folder

    def prepare(self):
        """An empty folder, as for a first backup."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def back_up(self, disk):
        self.prepare()
        return self.run(self.backup_command(disk), self.folder)

    def restore(self, disk):
        """Puts the last backup into a new file; gives the cost and where the file is."""
        out = self.folder / "restored"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        cost = self.run(self.restore_command(disk, out), out)
        return cost, self.restored(disk, out)

    def run(self, command, synced):
        return timed(["bash", "-ec", f"set -o pipefail; {command}"], synced, env=self.environment())

    def environment(self):
        return os.environ.copy()

    def restored(self, disk, out):
        return out / "disk.raw"

    def version(self):
        raise NotImplementedError


class QemuImg(Tool):
    """qcow2 with zstd, as Proxmox and others have their archives in."""
    name = "qemu-img convert"

    def backup_command(self, disk):
        return (f"qemu-img convert -f raw -O qcow2 -c -o compression_type=zstd -m 16 -W "
                f"{disk} {self.folder}/disk.qcow2")

    def restore_command(self, disk, out):
        return f"qemu-img convert -f qcow2 -O raw -m 16 -W {self.folder}/disk.qcow2 {out}/disk.raw"

    def version(self):
        return " ".join(first_line("qemu-img", "--version").split()[:3:2])


class ZstdDd(Tool):
    name = "zstd | dd"

    def backup_command(self, disk):
        return (f"dd if={disk} bs=4M iflag=direct status=none | "
                f"zstd -q -T0 -o {self.folder}/disk.zst")

    def restore_command(self, disk, out):
        size = disk.stat().st_size
        return (f"zstd -dcq {self.folder}/disk.zst | dd of={out}/disk.raw bs=4M iflag=fullblock "
                f"conv=sparse status=none; truncate -s {size} {out}/disk.raw")

    def version(self):
        return f"zstd {re.search(r'v([0-9.]+)', first_line('zstd', '--version'))[1]}"


class Restic(Tool):
    name = "restic"

    def environment(self):
        cache = str(self.folder / "cache")
        return dict(os.environ, RESTIC_PASSWORD="bench", RESTIC_CACHE_DIR=cache,
                    RESTIC_REPOSITORY=str(self.folder / "repository"))

    def prepare(self):
        super().prepare()
        subprocess.run(["restic", "-q", "init"], check=True, env=self.environment(),
                       stdout=subprocess.DEVNULL)

    def backup_command(self, disk):
        return f"restic -q backup {disk}"

    def restore_command(self, disk, out):
        return f"restic -q restore latest --target {out}"

    def restored(self, disk, out):
        return out / str(disk).lstrip("/")

    def version(self):
        return " ".join(first_line("restic", "version").split()[:2])


class Borg(Tool):
    """With the chunks that its manual advises for disks, which is also quicker."""
    name = "borg"

    def environment(self):
        return dict(os.environ, BORG_BASE_DIR=str(self.folder / "base"),
                    BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK="yes",
                    BORG_REPO=str(self.folder / "repository"))

    def prepare(self):
        super().prepare()
        subprocess.run(["borg", "init", "-e", "none"], check=True, env=self.environment())

    def backup_command(self, disk):
        return f"borg create --chunker-params fixed,4194304 --sparse -C zstd ::disk {disk}"

    def restore_command(self, disk, out):
        return f"cd {out}; borg extract --sparse ::disk"

    def restored(self, disk, out):
        return out / str(disk).lstrip("/")

    def version(self):
        return first_line("borg", "--version")


def first_line(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]


ALL = [QemuImg, ZstdDd, Borg, Restic]
