#!/usr/bin/env python3
"""Clients that keep restores queued and poll them over HTTP, as JSON in and out.

Standard input has the plan: where the server is, how long to go on, how often to poll, and for each
client its key and its targets. Each client asks for one restore of each of its targets, polls them in
turn, judges each that has ended, and asks for the next. When the time is over it asks for no more and
polls until the last has ended.
"""
import http.client
import json
import random
import sys
import threading
import time

FINAL = ("completed", "failed")
LOOKED_AT_SHARE = 0.25
"""Of the restores after which a target's bytes are compared at once; at the end all are."""
DRAIN_SECONDS = 1800
BLOCK = 1 << 20
SAID_EVERY_SECONDS = 30


class Target:
    """A VPS, and the backups that take turns on its disk."""

    def __init__(self, told):
        self.vps, self.source, self.disk = told["vps"], told["source"], told["disk"]
        self.backups = told["backups"]
        """Identifiers with the file that the disk must equal then; null: a guest that runs changes it."""
        self.turn = 0
        self.job = None

    def next_backup(self):
        self.turn += 1
        return self.backups[self.turn % len(self.backups)]


class Client(threading.Thread):
    def __init__(self, plan, told, seed):
        super().__init__(daemon=True)
        self.host, self.every = plan["host"], plan["pollSeconds"]
        self.deadline = plan["until"]
        self.headers = {
            "Authorization": f"Bearer {told['key']}", "Content-Type": "application/json"}
        self.targets = [Target(target) for target in told["targets"]]
        self.chance = random.Random(seed)
        self.connection = http.client.HTTPConnection(self.host, timeout=60)
        self.polls, self.posts, self.faults = [], [], []
        self.done = self.compared = 0

    def run(self):
        try:
            self.work()
        except Exception as error:  # One client's end must not look like success.
            self.faults.append(f"a client ended: {error!r}")

    def work(self):
        time.sleep(self.chance.uniform(0, self.every))
        at = time.monotonic()
        while True:
            is_over = time.time() >= self.deadline
            for target in self.targets:
                if target.job is None and not is_over:
                    self.ask_for_restore(target)
            waiting = [target for target in self.targets if target.job]
            if is_over and (not waiting or time.time() > self.deadline + DRAIN_SECONDS):
                self.faults += [f"{target.job}: no end" for target in waiting]
                return
            target = waiting[int(at / self.every) % len(waiting)] if waiting else None
            if target:
                self.poll(target)
            at = max(at + self.every, time.monotonic())
            time.sleep(max(0.0, at - time.monotonic()))

    def ask(self, method, path, body, times):
        started = time.perf_counter()
        self.connection.request(
            method, path, body=body and json.dumps(body), headers=self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        times.append((time.perf_counter() - started) * 1000)
        return answer.status, json.loads(text)

    def ask_for_restore(self, target):
        backup = target.next_backup()
        status, told = self.ask(
            "POST", f"/api/v2/vps/{target.vps}/backups/actions/restore-from-vps",
            {"sourceVpsId": target.source, "backupId": backup["id"]}, self.posts)
        if status == 202:
            target.job, target.expected = told["operation"]["jobId"], backup
        else:
            self.faults.append(f"restore onto {target.vps}: {status} {told}")

    def poll(self, target):
        status, told = self.ask("GET", f"/api/jobs/{target.job}", None, self.polls)
        if status != 200:
            self.faults.append(f"{target.job}: {status} {told}")
            return
        operation = told["operation"]
        if operation["status"] not in FINAL:
            return
        self.judge(target, operation)
        self.done += 1
        target.job = None

    def judge(self, target, operation):
        result = operation["result"] or {}
        is_right = (
            operation["status"] == "completed" and result.get("verified") is True
            and result.get("backupId") == target.expected["id"]
            and result.get("targetVpsId") == target.vps)
        if not is_right:
            self.faults.append(f"{target.job}: {operation}")
        elif target.expected["file"] and self.chance.random() < LOOKED_AT_SHARE:
            self.compare(target)

    def compare(self, target):
        self.compared += 1
        if not same(target.disk, target.expected["file"]):
            self.faults.append(f"{target.job}: {target.disk} isn't {target.expected['file']}")

    def compare_all(self):
        for target in self.targets:
            if target.turn and target.expected["file"]:
                self.compare(target)


def same(one, other):
    with open(one, "rb") as first, open(other, "rb") as second:
        while True:
            piece = first.read(BLOCK)
            if piece != second.read(BLOCK):
                return False
            if not piece:
                return True


def ask_health(host, every, times, faults, ends):
    """The least that the server answers, for what the machine alone takes."""
    connection = http.client.HTTPConnection(host, timeout=60)
    while not ends.wait(every):
        started = time.perf_counter()
        try:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            faults.append(f"/healthz: {error!r}")
            connection.close()
            continue
        if answer.status != 200:
            faults.append(f"/healthz: {answer.status}")
        times.append((time.perf_counter() - started) * 1000)


def watch(clients, depths, ends):
    """How many restores are queued or at work, as the clients know it, until there is an end."""
    while True:
        depth = sum(target.job is not None for client in clients for target in client.targets)
        if not ends.wait(1):
            depths.append(depth)
        else:
            time.sleep(1)
        if int(time.monotonic()) % SAID_EVERY_SECONDS == 0:
            done = sum(client.done for client in clients)
            print(f"load: {done} restores have ended, {depth} are queued", file=sys.stderr)


def main():
    plan = json.load(sys.stdin)
    clients = [Client(plan, told, number) for number, told in enumerate(plan["clients"])]
    depths, health, faults, ends = [], [], [], threading.Event()
    watcher = threading.Thread(target=watch, args=(clients, depths, ends), daemon=True)
    asker = threading.Thread(
        target=ask_health, args=(plan["host"], plan["pollSeconds"], health, faults, ends),
        daemon=True)
    for thread in [*clients, watcher, asker]:
        thread.start()
    # Polls of an emptying queue aren't the load that is measured.
    time.sleep(max(0.0, plan["until"] - time.time()))
    ends.set()
    counted = [len(client.polls) for client in clients]
    for client in clients:
        client.join()
    for client in clients:
        client.compare_all()
    json.dump({
        "polls": [ms for client, count in zip(clients, counted) for ms in client.polls[:count]],
        "posts": [ms for client in clients for ms in client.posts],
        "faults": faults + [fault for client in clients for fault in client.faults],
        "done": sum(client.done for client in clients),
        "compared": sum(client.compared for client in clients),
        "depths": depths, "health": health,
    }, sys.stdout)


main()
