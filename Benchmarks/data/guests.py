"""Guests that boot in seconds, for what only a running one shows."""
import base64
import json
import shutil
import subprocess
import time

import image
from rehome import QEMU_USER, SCRIPTS

PATIENCE_SECONDS = 300


class MicroGuest:
    """Kernel, busybox and agent on a small disk of its own; perhaps with a second one."""

    def __init__(self, libvirt, folder, name, size="256M", second=None):
        self.libvirt, self.folder, self.name = libvirt, folder, name
        subprocess.run([SCRIPTS / "micro-guest.sh", folder, size, name], check=True)
        root = folder / "root.raw"
        disks = [(root, "raw", "vda")]
        if second:
            # libvirt sets a mark of what changes in qcow2 disks alone.
            system = folder / "root.qcow2"
            subprocess.run(
                ["qemu-img", "convert", "-O", "qcow2", root, system], check=True)
            root.unlink()
            disks = [(system, "qcow2", "vda"), (second, "qcow2", "vdb")]
        self.disks = disks
        for path in [folder, *folder.iterdir(), *([second] if second else [])]:
            shutil.chown(path, QEMU_USER, QEMU_USER)
        libvirt.define(name, self.xml())

    def xml(self):
        disks = "".join(
            f"<disk type='file' device='disk'><driver name='qemu' type='{kind}' discard='unmap'/>"
            f"<source file='{path}'/><target dev='{device}' bus='virtio'/></disk>"
            for path, kind, device in self.disks)
        return f"""
          <domain type='qemu'><name>{self.name}</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
          <os><type arch='x86_64' machine='pc'>hvm</type>
          <kernel>{self.folder}/vmlinuz</kernel><initrd>{self.folder}/initrd.gz</initrd>
          <cmdline>console=ttyS0 panic=-1 quiet</cmdline></os>
          <features><acpi/></features><on_crash>destroy</on_crash>
          <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{disks}
          <serial type='file'><source path='{self.folder}/console.log'/></serial>
          <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
          <memballoon model='none'/></devices></domain>"""

    def boot(self):
        self.libvirt.virsh("start", self.name)
        self.await_agent()

    def await_agent(self):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.agent({"execute": "guest-ping"})
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def agent(self, command):
        told = self.libvirt.virsh(
            "qemu-agent-command", self.name, "--timeout", 10, json.dumps(command))
        return json.loads(told)["return"]

    def shell(self, command):
        """Runs a command in the guest and waits for it."""
        started = self.agent({"execute": "guest-exec", "arguments": {
            "path": "/bin/sh", "arg": ["-c", command], "capture-output": True}})
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            status = self.agent(
                {"execute": "guest-exec-status", "arguments": {"pid": started["pid"]}})
            if status["exited"]:
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"{command} doesn't end in {self.name}")
            time.sleep(0.1)
        if status["exitcode"] != 0:
            printed = base64.b64decode(status.get("err-data", "")).decode()
            raise RuntimeError(f"{command} in {self.name}: {printed}")

    def overwrite(self, chunks):
        """Writes random bytes over chunks of the second disk, each as a whole."""
        for chunk in chunks:
            self.shell(
                f"dd if=/dev/urandom of=/dev/vdb bs={image.CHUNK} seek={chunk} count=1 "
                "conv=fsync 2>/dev/null")

    def drop_checkpoints(self):
        """Forgets what was recorded of changes, from the youngest on."""
        names = self.libvirt.virsh("checkpoint-list", self.name, "--name", "--topological").split()
        for name in reversed(names):
            self.libvirt.virsh("checkpoint-delete", self.name, name)

    def remove(self):
        try:
            self.libvirt.virsh("destroy", self.name)
        except subprocess.CalledProcessError:
            pass  # It need not run any more.
        self.libvirt.undefine(self.name)
        shutil.rmtree(self.folder)
