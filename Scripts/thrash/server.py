"""A server that can be killed, and the two doors to it: HTTP and the commands."""
import http.client
import json
import os
import signal
import socket
import subprocess
import time

from rehome import Rehome

COMMAND_SECONDS = 300
SETTINGS = {
    # Killed again and again, a job needs more attempts than any real one; each must end well.
    "REHOME_RESTORE_ATTEMPTS": "100",
    "REHOME_RESTORE_CONFIRMTIMEOUT": "60s",
    "REHOME_RESTORE_SHUTDOWNTIMEOUT": "30s",
    "REHOME_RESTORE_ALLOWINPLACE": "true",
    "REHOME_DATASTORE_COLLECTEVERY": "40s",
    "REHOME_DATASTORE_VERIFYEVERY": "90s",
    "REHOME_WORKER_CONCURRENCY": "3",
} | {
    f"REHOME_LIMITS_{kind}_{what}": "1000000"
    for kind in ("READ", "WRITE", "POWER", "ADDRESS") for what in ("RATE", "BURST")
}


class Unanswered(Exception):
    """Nobody knows what became of a request."""


class Server(Rehome):
    """One installation, whose server dies and is started by one thread."""

    def __init__(self, program, libvirt, folder, log):
        super().__init__(program, libvirt, folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log_path = log
        self.process = None

    def environment(self, **settings):
        return super().environment(**{**SETTINGS, "REHOME_API_PORT": str(self.port), **settings})

    def register(self, guest):
        """Adds a guest's domain as a VPS; gives its identifier."""
        self.client = self.client or self.command("client", "create", "thrash")["id"]
        self.vps[guest.name] = self.command(
            "vps", "add", "--client", self.client, "--domain", guest.name, "--name", guest.name,
            "--network", str(guest.write_netplan()))["id"]
        return self.vps[guest.name]

    def key(self):
        scopes = ("read:vm", "backup:vm", "power:vm", "write:vm")
        return self.command(
            "key", "create", "--client", self.client,
            *(word for scope in scopes for word in ("--scope", scope)))["key"]

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", self.program, "serve"], stderr=log,
                stdout=log, stdin=subprocess.DEVNULL,
                env={**self.environment(), "REHOME_LOG_LEVEL": "info"})

    def await_ready(self):
        self.await_answer(f"http://127.0.0.1:{self.port}/readyz", self.process)

    def kill(self):
        """Kills it; tells its exit code if it had ended by itself, which it must not."""
        ended = self.process.poll()
        self.process.kill()
        self.process.wait()
        return ended

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=120)

    def tell(self, *arguments):
        """A command's exit code and what it said, an error's JSON if it failed."""
        told = subprocess.run(
            [self.program, *map(str, arguments), "--json"], env=self.environment(),
            capture_output=True, text=True, timeout=COMMAND_SECONDS)
        if told.returncode == 0:
            return 0, json.loads(told.stdout)
        try:
            return told.returncode, json.loads(told.stderr.splitlines()[-1])["error"]
        except (ValueError, IndexError, KeyError):
            return told.returncode, {"code": "unreadable", "detail": told.stderr + told.stdout}

    def patiently(self, *arguments):
        """A command that only looks; a catalog that is busy for a moment is asked again."""
        for _ in range(20):
            code, told = self.tell(*arguments)
            if code == 0:
                return told
            time.sleep(0.5)
        raise RuntimeError(f"rehome {' '.join(map(str, arguments))}: {code}, {told}")


class Door:
    """HTTP with a key, as a client has it."""

    def __init__(self, port, key):
        self.port, self.key = port, key

    def ask(self, method, path, body=None, idempotency=None):
        """The answer's status and its JSON."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if idempotency:
            headers["Idempotency-Key"] = idempotency
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(
                method, path, headers=headers, body=None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unanswered(f"{method} {path}: {error!r}") from None
        finally:
            connection.close()


def age_chunks(datastore, seconds):
    """As if the host had been down for so long: garbage collection goes by when chunks were used.

    Only while no server runs, and not within a collection: one that was cut off goes on with what it
    had marked, which after a real pause of that length it wouldn't.
    """
    if (datastore / ".rehome-gc.json").exists():
        return False
    chunks = datastore / ".chunks"
    for folder in os.scandir(chunks) if chunks.exists() else ():
        # Of the 65,536 folders nearly all are empty, which their number of links doesn't tell.
        for chunk in os.scandir(folder.path):
            seen = chunk.stat()
            os.utime(chunk.path, ns=(seen.st_atime_ns - seconds * 10**9, seen.st_mtime_ns))
    return True
