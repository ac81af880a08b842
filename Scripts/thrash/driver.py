"""One guest's life: writes, backups, restores, undos and power actions, each judged when it is over.

Each guest has a thread that begins one thing after the other, so that it knows at every end what may
be on the guest's disks. What comes in between is meant to disturb: cancels, power actions, and the
server's deaths.
"""
import time
import traceback

from watcher import Surprise, Watcher

POWER_AFTER = {
    "start": "running", "restart": "running", "reset": "running", "stop": "shut off",
    "shutdown": "shut off",
}


class Driver(Watcher):
    undo = None
    """The restore that can be taken back, and what comes back then."""
    writes = 0

    def run(self):
        try:
            self.write()
            while not self.world.is_ending.is_set():
                self.turn()
        except Surprise as error:
            self.world.violate(f"{self.guest.name}: {error}")
        except Exception as error:  # Whatever it is, the run's end must tell of it.
            self.world.say(traceback.format_exc())
            self.world.violate(f"{self.guest.name}: the thread ended: {error!r}")

    def turn(self):
        deeds = {self.back_up: 3, self.restore: 6, self.change_power: 2}
        if self.is_running:
            deeds[self.write] = 2
        if self.undo:
            deeds[self.take_back] = 3
        self.chance.choices(list(deeds), deeds.values())[0]()

    # What it does.

    def write(self):
        self.writes += 1
        tag = f"{self.guest.name}-{self.writes}"
        self.guest.await_agent()
        self.content = self.guest.write(tag, self.chance)
        self.world.know(self.content, f"what {self.guest.name} wrote as {tag}")
        self.world.count("write")
        self.say(f"wrote {tag}")

    def back_up(self, is_calm=False):
        job = self.begin(
            "backup", f"/api/v2/vps/{self.vps}/backups", {"note": "thrash"},
            ("backup", "create", self.vps))
        if not job:
            return
        disturbed = self.disturb(job, is_calm)
        told = self.follow(job)
        backup = told["task"]["backupId"]
        if told["state"] == "completed":
            self.world.add_backup(backup, self.vps, self.content)
        elif told["state"] == "failed" and not disturbed:
            self.world.violate(f"{job}: a backup that nobody disturbed failed: {told['error']}")
        self.check(f"after {job}, a backup that is {told['state']}")

    def restore(self, is_calm=False):
        choices = self.world.complete_backups()
        if not choices:
            return self.back_up(is_calm)
        backup = self.chance.choice(sorted(choices))
        source, content = choices[backup]
        starts = self.chance.random() < 0.2
        in_place = self.guest.kind == "raw" and self.chance.random() < 0.2
        command = ["restore", "start", "--to", self.vps, "--from", source, "--backup", backup]
        if source == self.vps:
            path, body = f"/api/v2/vps/{self.vps}/backups/{backup}/actions/restore", {}
        else:
            path = f"/api/v2/vps/{self.vps}/backups/actions/restore-from-vps"
            body = {"sourceVpsId": source, "backupId": backup}
        if starts or in_place:
            path = None  # Only operators have these choices.
            command += ["--start"] * starts + ["--strategy", "in-place"] * in_place
        job = self.begin("in-place restore" if in_place else "restore", path, body, command)
        if not job:
            return
        disturbed = self.disturb(job, is_calm)
        told = self.follow(job)
        self.judge_restore(told, content, disturbed, starts)
        self.check(f"after {job}, a restore that is {told['state']}")

    def judge_restore(self, told, content, disturbed, starts):
        job, before = told["id"], self.content
        if told["state"] == "completed":
            self.content, self.undo = content, (job, before)
            # A power action may have come before its stop or after its start.
            if starts:
                self.power = self.power | {"running"} if disturbed else {"running"}
            result = told["result"]
            if not result["verified"] or result["targetVpsId"] != self.vps:
                self.world.violate(f"{job}: completed, with the result {result}")
            return
        left = told["error"]["left"]
        if told["state"] == "failed" and not disturbed:
            self.world.violate(f"{job}: a restore that nobody disturbed failed: {told['error']}")
        self.settle(job, left, content)
        # Its stage, once verified, has cost the earlier undo; otherwise that one is still there.
        undo = self.world.server.patiently("vps", "show", self.vps)["undo"]
        if undo is None:
            self.undo = None
        elif undo["restoreJobId"] == job:
            self.undo = (job, before)
        elif not self.undo or undo["restoreJobId"] != self.undo[0]:
            raise Surprise(f"{job}: the undo is of {undo['restoreJobId']}, not of {self.undo}")

    def settle(self, job, left, content):
        """Believes a failed job's last word on its target; the check will see if it is true."""
        if left in ("new_disk_not_running", "new_disk_running"):
            self.content = content
        if left in ("new_disk_not_running", "rolled_back_not_running", "not_running"):
            self.power = {"shut off"}
        if left == "needs_operator":
            raise Surprise(f"{job}: an operator is needed, where nobody but kills was at work")

    def take_back(self):
        restore, content = self.undo
        job = self.begin(
            "undo", f"/api/jobs/{restore}/actions/undo", {}, ("restore", "undo", restore))
        if not job:
            return
        disturbed = self.disturb(job, False)
        told = self.follow(job)
        if told["state"] == "completed":
            self.content, self.undo = content, None
        else:
            if told["state"] == "failed" and not disturbed:
                self.world.violate(f"{job}: an undo that nobody disturbed failed: {told['error']}")
            self.settle(job, told["error"]["left"], content)
        self.check(f"after {job}, an undo that is {told['state']}")

    def change_power(self, action=None):
        job, action = self.begin_power(action)
        if not job:
            return
        self.end_power(job, action, is_alone=True)
        self.check(f"after {job}, a {action}")

    def begin_power(self, action=None):
        choices = ("stop", "shutdown", "restart", "reset") if self.is_running else ("start",)
        action = action or self.chance.choice(choices)
        return self.begin(
            f"power {action}", f"/api/v2/vps/{self.vps}/actions/{action}", {},
            ("vps", action, self.vps)), action

    def end_power(self, job, action, is_alone):
        told = self.follow(job)
        if told["state"] == "completed":
            self.power = {POWER_AFTER[action]}
        else:
            self.power = self.power | {POWER_AFTER[action]}
            if is_alone and told["state"] == "failed":
                self.world.violate(f"{job}: {action} of an idle guest failed: {told['error']}")

    def disturb(self, job, is_calm):
        """Perhaps does something beside a data job; tells whether it did."""
        luck = self.chance.random()
        if is_calm or luck < 0.6:
            return False
        time.sleep(self.chance.expovariate(1 / 2.0))
        if luck < 0.8:
            return self.cancel(job)
        power, action = self.begin_power()
        if power:
            self.end_power(power, action, is_alone=False)
        return power is not None
