"""A guest's jobs: begun through either door, followed to their end, and judged by what the guest says."""
import os
import random
import subprocess
import threading
import time
import uuid

from server import Door, Unanswered

JOB_SECONDS = 400
FINAL = ("completed", "failed", "cancelled")


class Surprise(Exception):
    """Something is so wrong that this guest's thread knows no more what to expect."""


class Watcher(threading.Thread):
    """Knows what must be on the guest's disks, and whether it must run."""

    def __init__(self, world, guest, vps, key, seed):
        super().__init__(name=guest.name, daemon=True)
        self.world, self.guest, self.vps = world, guest, vps
        self.chance = random.Random(f"{seed}/{guest.name}")
        self.door = Door(world.server.port, key)
        self.known = set()
        self.content = None
        self.power = {"shut off"}
        """The states of which it must be in one."""

    @property
    def is_running(self):
        return self.power == {"running"}

    def say(self, text):
        self.world.say(f"{self.guest.name}: {text}")

    def begin(self, what, path, body, command):
        """Has a job accepted through one of the doors; None when it is refused."""
        self.known |= set(self.listed())
        if path is None or self.chance.random() < 0.35:
            code, told = self.world.server.tell(*command)
            job, refusal = (told["id"], None) if code == 0 else (None, told["code"])
        else:
            job, refusal = self.post(path, body)
        if job is None and refusal is None:
            new = [other for other in self.listed() if other not in self.known]
            job, refusal = (new[0], None) if new else (None, "unanswered and not done")
        if job is None:
            self.world.count(f"{what}: refused, {refusal}")
            self.say(f"{what} refused: {refusal}")
            if refusal in ("internal_error", "unreadable"):
                self.world.violate(f"{self.guest.name}: {what} was answered {refusal}")
            time.sleep(0.5)
            return None
        self.known.add(job)
        self.world.accept(job)
        self.say(f"{what}: {job} {' '.join(map(str, command))}")
        return job

    def post(self, path, body):
        """Asks once, or with a key again and again; the job, or the refusal's code, or neither."""
        key = str(uuid.UUID(int=self.chance.getrandbits(128))) if self.chance.random() < 0.6 else None
        while True:
            try:
                status, told = self.door.ask("POST", path, body, key)
                break
            except Unanswered as error:
                self.say(str(error))
                self.world.count("requests without an answer")
                if key is None:
                    return None, None
                time.sleep(0.2)
        if status != 202:
            return None, told["code"]
        job = told["operation"]["jobId"]
        if key and self.chance.random() < 0.4:
            self.repeat(path, body, key, job)
        return job, None

    def repeat(self, path, body, key, job):
        """The same request again must be the same job."""
        try:
            status, told = self.door.ask("POST", path, body, key)
        except Unanswered:
            return
        self.world.count("requests repeated with their key")
        if status != 202 or told["operation"]["jobId"] != job:
            self.world.violate(f"{job}: its request again, with its key, was answered {status} {told}")

    def listed(self):
        newest = self.world.rows(
            "SELECT id FROM job WHERE vps_id = ? ORDER BY created_at DESC LIMIT 5", self.vps)
        return [job for job, in newest]

    def cancel(self, job):
        if self.chance.random() < 0.4:
            code, told = self.world.server.tell("job", "cancel", job)
            answer = "accepted" if code == 0 else told["code"]
        else:
            try:
                status, told = self.door.ask("POST", f"/api/jobs/{job}/actions/cancel", {})
                answer = "accepted" if status == 202 else told["code"]
            except Unanswered:
                answer = "unanswered"
        self.world.count(f"cancel: {answer}")
        self.say(f"cancel of {job}: {answer}")
        # A job that is cancelled may say so; it mustn't fail.
        return False

    def follow(self, job):
        """Waits for a job's end by both doors; what an operator is told of it."""
        deadline = time.monotonic() + JOB_SECONDS
        while True:
            try:
                status, told = self.door.ask("GET", f"/api/jobs/{job}")
                if status == 404:
                    raise Surprise(f"{job}: accepted, and then unknown")
                if status == 200 and told["operation"]["status"] in ("completed", "failed"):
                    break
            except Unanswered:
                pass
            if time.monotonic() > deadline:
                raise Surprise(f"{job}: no end within {JOB_SECONDS} s")
            time.sleep(0.3)
        seen = self.world.server.patiently("job", "show", job)
        if seen["state"] not in FINAL or seen["status"] != told["operation"]["status"]:
            self.world.violate(f"{job}: {told['operation']['status']} by HTTP, then {seen['state']}")
        self.world.ended(job, seen["state"])
        code = f", {seen['error']['code']}" if seen["state"] == "failed" else ""
        self.world.count(f"{seen['kind']}: {seen['state']}{code}")
        error = f" {seen['error']}" if seen["error"] else ""
        self.say(f"{job} {seen['state']} after {seen['attempts']} attempts{error}")
        return seen

    # The oracle.

    def check(self, when):
        """Running state, attached disks and contents, from inside if it runs."""
        state = self.guest.power()
        if state not in self.power:
            self.world.violate(
                f"{self.guest.name}: {state} instead of {' or '.join(sorted(self.power))}, {when}")
        self.power = {state}
        self.check_attached(when)
        if state == "running":
            self.check_inside(when)
        elif self.guest.second_sum() != self.content[2]:
            raise Surprise(f"the second disk isn't that of {self.story()}, {when}")

    def check_attached(self, when):
        wanted = {device: str(path) for path, _, device in self.guest.disks}
        seeds = f"{self.world.server.folder}/seeds/{self.vps}/"
        for options in (), ("--inactive",):
            found = self.guest.attached(*options)
            own = {device: path for device, path in found.items() if not path.startswith(seeds)}
            missing = [path for path in found.values() if not os.path.exists(path)]
            if own != wanted or len(found) > len(own) + 1 or missing:
                self.world.violate(f"{self.guest.name}: the disks {found} are attached, {when}")

    def check_inside(self, when):
        try:
            self.guest.await_agent()
            found = self.guest.content()
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise Surprise(f"its agent doesn't tell what is on its disks: {error}, {when}") from None
        if found != self.content:
            raise Surprise(
                f"{self.world.story(found)} is on its disks {found} instead of "
                f"{self.story()} {self.content}, {when}")
        self.world.count("contents checked inside")

    def story(self):
        return self.world.story(self.content)
