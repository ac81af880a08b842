"""Rehome as people run it: the program, a libvirt of its own, domains with disks."""
import calendar
import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request
import uuid
from pathlib import Path

from measure import Cost, drop_caches, read_statistics

SCRIPTS = Path(__file__).resolve().parents[2] / "Scripts" / "testbed"
QEMU_USER = 65534
READY_SECONDS = 120
SETTLE_SECONDS = 2
DATA_STEPS = {"restore": ("stage", "verify"), "backup": ("snapshot", "read")}
"""The first and the last step of a job that move data."""


class Libvirt:
    """A libvirt that ends with this process, whatever ends that."""

    def __init__(self, folder, niceness=0):
        """With its guests it gives way to others where it is nice."""
        self.guardian = subprocess.Popen(
            ["nice", "-n", str(niceness), SCRIPTS / "private-libvirt.sh", "guard", folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.uri = self.guardian.stdout.readline().strip()
        if not self.uri:
            raise RuntimeError("libvirt did not start")

    def virsh(self, *arguments):
        return subprocess.run(
            ["virsh", "-q", "-c", self.uri, *map(str, arguments)], check=True, capture_output=True,
            text=True).stdout

    def define(self, name, xml):
        path = Path("/tmp", f"{name}-{uuid.uuid4().hex}.xml")
        path.write_text(xml)
        self.virsh("define", path)
        path.unlink()

    def define_stopped(self, name, disk, disk_format="raw"):
        """A domain that is never started, with one disk."""
        os.chown(disk, QEMU_USER, QEMU_USER)
        self.define(name, f"""
          <domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
          <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
          <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
          <disk type='file' device='disk'><driver name='qemu' type='{disk_format}'/>
          <source file='{disk}'/><target dev='vda' bus='virtio'/></disk>
          <memballoon model='none'/></devices></domain>""")

    def undefine(self, name):
        self.virsh("undefine", name, "--checkpoints-metadata")

    def stop(self):
        self.guardian.stdin.close()
        self.guardian.wait()


class JobCost(Cost):
    """What a job took: its data's way, and the job as a whole."""

    def __init__(self, job, steps):
        self.job = job
        self.result = job["result"]
        self.whole = milliseconds(job["finishedAt"]) / 1000 - milliseconds(job["startedAt"]) / 1000
        first, last = DATA_STEPS.get(job["kind"], (None, None))
        begun = [at for name, phase, at in steps if name == first and phase == "begun"]
        done = [at for name, phase, at in steps if name == last and phase == "done"]
        moved = (done[-1] - begun[0]) / 1000 if begun and done else self.whole
        # A backup is durable when it is published, which is the job's end.
        super().__init__(self.whole if job["kind"] == "backup" else moved)


class Rehome:
    """One installation, empty at first; its server runs for the length of each job."""

    def __init__(self, program, libvirt, folder):
        self.program = program
        self.libvirt = libvirt
        self.folder = folder
        self.clear()

    def clear(self):
        """Removes all but the store's folders, of which there are 65,536."""
        store = self.folder / "datastore"
        chunks = store / ".chunks"
        for path in [*self.folder.glob("*"), *store.glob("*")]:
            if path.is_file():
                path.unlink()
            elif path not in (store, chunks):
                shutil.rmtree(path)
        if chunks.exists():
            subprocess.run(["find", chunks, "-type", "f", "-delete"], check=True)
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(0o755)
        self.vps = {}
        self.client = None

    def environment(self, **settings):
        return dict(
            os.environ, REHOME_DATA_PATH=str(self.folder), REHOME_LIBVIRT_URI=self.libvirt.uri,
            REHOME_LOG_LEVEL="error", **settings)

    def command(self, *arguments):
        told = subprocess.run(
            [self.program, *arguments, "--json"], env=self.environment(), capture_output=True,
            text=True)
        if told.returncode != 0:
            raise RuntimeError(f"rehome {' '.join(arguments)}: {told.stderr}{told.stdout}")
        return json.loads(told.stdout)

    def add(self, domain):
        """Registers a domain as a VPS of the one client."""
        self.client = self.client or self.command("client", "create", "bench")["id"]
        told = self.command(
            "vps", "add", "--client", self.client, "--domain", domain, "--name", domain)
        self.vps[domain] = told["id"]

    @contextlib.contextmanager
    def serving(self, **settings):
        """The server at work; yields what will have its cost."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        statistics = self.folder / "time.txt"
        watcher = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "/usr/bin/time", "-v", "-o", statistics,
             "setpriv", "--pdeathsig", "TERM", self.program, "serve"],
            env=self.environment(REHOME_API_PORT=str(port), **settings))
        cost = Cost(0)
        try:
            self.await_answer(f"http://127.0.0.1:{port}/readyz", watcher)
            yield cost
        finally:
            server = Path(f"/proc/{watcher.pid}/task/{watcher.pid}/children").read_text().split()
            for process in server:
                os.kill(int(process), signal.SIGTERM)
            watcher.wait()
            if statistics.exists():
                told = read_statistics(statistics, 0)
                cost.cpu, cost.rss_mib = told.cpu, told.rss_mib

    def await_answer(self, url, watcher):
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).read()
                return
            except OSError:
                if watcher.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the server isn't ready") from None
                time.sleep(0.05)

    def job(self, *arguments, **settings):
        """Has a job done by a fresh server, with caches dropped, and tells what it took."""
        with self.serving(**settings) as server:
            drop_caches()
            job = self.command(*arguments, "--wait")
        cost = JobCost(job, self.steps(job["id"]))
        cost.cpu, cost.rss_mib = server.cpu, server.rss_mib
        return cost

    def steps(self, job):
        with contextlib.closing(sqlite3.connect(self.folder / "catalog.sqlite")) as catalog:
            return catalog.execute(
                "SELECT name, phase, at FROM job_step WHERE job_id = ? ORDER BY sequence",
                (job,)).fetchall()

    def back_up(self, domain, **settings):
        return self.job("backup", "create", self.vps[domain], **settings)

    def back_up_still(self, domain):
        """A backup by which the content of a stopped VPS's disk is known afterwards.

        It isn't taken of a file that has changed within the second, as an exchange does.
        """
        time.sleep(SETTLE_SECONDS)
        return self.back_up(domain)

    def restore(self, backup, source, target, **settings):
        return self.job(
            "restore", "start", "--to", self.vps[target], "--from", self.vps[source],
            "--backup", backup, **settings)

    def undo(self, cost):
        return self.job("restore", "undo", cost.job["id"])

    def version(self):
        told = subprocess.run([self.program, "--version"], capture_output=True, text=True)
        return f"rehome {told.stdout.strip()}"


def milliseconds(text):
    """Of a time such as 2026-11-25T03:30:28.834Z."""
    moment = time.strptime(text[:19] + "UTC", "%Y-%m-%dT%H:%M:%S%Z")
    return calendar.timegm(moment) * 1000 + int(text[20:23])
