"""What goes on beside the guests: deletions, garbage collection, verification."""
import random
import subprocess
import threading
import traceback

from server import Door, Unanswered

KEPT_BACKUPS = 5
"""More than these are deleted, whether somebody restores them or not."""
PATIENCE_SECONDS = 330
"""Longer than any command may take."""


class Caretaker(threading.Thread):
    def __init__(self, world, key, seed):
        super().__init__(name="care", daemon=True)
        self.world = world
        self.chance = random.Random(f"{seed}/care")
        self.door = Door(world.server.port, key)

    def run(self):
        deeds = {
            self.delete: 4, self.collect: 2, self.look_for_garbage: 1, self.verify_all: 1,
            self.verify_one: 2}
        try:
            while not self.world.is_ending.wait(self.chance.uniform(0.5, 4)):
                self.chance.choices(list(deeds), deeds.values())[0]()
        except Exception as error:  # Whatever it is, the run's end must tell of it.
            self.world.say(traceback.format_exc())
            self.world.violate(f"care: the thread ended: {error!r}")

    def delete(self):
        backups = self.world.complete_backups()
        if len(backups) <= KEPT_BACKUPS:
            return
        backup = self.chance.choice(sorted(backups))
        vps = backups[backup][0]
        if self.chance.random() < 0.3:
            code, told = self.world.server.tell("backup", "delete", backup)
            answer = "done" if code == 0 else told["code"]
        else:
            try:
                status, told = self.door.ask("DELETE", f"/api/v2/vps/{vps}/backups/{backup}")
                answer = "done" if status == 204 else told["code"]
            except Unanswered:
                answer = "unanswered"
        self.world.count(f"delete: {answer}")
        self.world.say(f"delete of {backup}: {answer}")
        if answer == "not_found":
            self.world.violate(f"{backup}: complete once, never deleted, and not found")
        if answer == "done" or (answer == "unanswered" and self.is_gone(vps, backup)):
            self.world.removed.add(backup)

    def is_gone(self, vps, backup):
        listed = self.world.server.patiently("backup", "list", vps)
        return backup not in [one["id"] for one in listed if one["state"] != "deleting"]

    def collect(self):
        self.judge("garbage collection", "datastore", "gc")

    def look_for_garbage(self):
        self.judge("garbage told", "datastore", "gc", "--dry-run")

    def verify_all(self):
        self.judge("verification", "datastore", "verify")

    def verify_one(self):
        backups = self.world.complete_backups()
        if backups:
            self.judge("verification of one", "backup", "verify", self.chance.choice(sorted(backups)))

    def judge(self, what, *command):
        try:
            code, told = self.world.server.tell(*command)
        except subprocess.TimeoutExpired:
            return self.world.violate(f"{what}: no end")
        answer = "done" if code == 0 else told["code"]
        self.world.count(f"{what}: {answer}")
        self.world.say(f"{what}: {told}")
        if code == 1:
            self.world.violate(f"{what} failed: {told}")
        for bad in ("missingCount", "badCount", "damagedCount", "badChunkCount"):
            if code == 0 and told.get(bad):
                self.world.violate(f"{what}: {bad} is {told[bad]}: {told}")


def clean(world):
    """The last collection and verification, of a server that isn't killed any more."""
    care = Caretaker(world, "", 0)
    care.verify_all()
    care.collect()
