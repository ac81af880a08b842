#!/usr/bin/env python3
"""Asks an API over one kept connection and tells how long answers took, as JSON.

ask.py answers BASE KEY IDS   the median of each kind of answer, in milliseconds
ask.py restores BASE KEY IDS  the 99th percentile of restore-from-vps, in milliseconds

IDS is the file that fill_catalog.py's output went to.
"""
import http.client
import json
import statistics
import sys
import time

TIMES = 200


class Door:
    def __init__(self, base, key):
        self.connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=30)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(self, method, path, body=None):
        """Milliseconds that an answer took, its status and its body."""
        started = time.perf_counter()
        self.connection.request(method, path, body=body and json.dumps(body), headers=self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return (time.perf_counter() - started) * 1000, answer.status, text


def expect(found, wanted, what, text):
    if found != wanted:
        sys.exit(f"{what}: {found} instead of {wanted}: {text[:300]!r}")


def answers(door, ids):
    """What changes something is asked for as well: a restore, and its end before it begins."""
    vps = ids["vps"][0]
    paths = {
        "list": "/api/v2/vps?limit=20", "by-name": "/api/v2/vps?name=web3",
        "by-address": "/api/v2/vps?primaryIp=10.0.0.3", "vps": f"/api/v2/vps/{vps}",
        "details": f"/api/v2/vps/{vps}/details", "status": f"/api/v2/vps/{vps}/status",
        "backups": f"/api/v2/vps/{vps}/backups",
        "sources": f"/api/v2/vps/{vps}/backups/restore-sources",
        "schedules": f"/api/v2/vps/{vps}/backup-schedules",
    }
    times = {name: [] for name in [*paths, "restore", "job", "cancel"]}
    for name, path in paths.items():
        for _ in range(TIMES):
            times[name].append(answered(door, 200, "GET", path))
    for turn in range(TIMES):
        restore(door, ids, turn, times)
    return {name: statistics.median(taken) for name, taken in times.items()}


def restores(door, ids):
    times = {"restore": [], "job": [], "cancel": []}
    for turn in range(500):
        restore(door, ids, turn, times)
    return {"post-restore": statistics.quantiles(times["restore"], n=100)[98]}


def restore(door, ids, turn, times):
    """Each target can have one restore, so each is cancelled again."""
    target = ids["vps"][1 + turn % (len(ids["vps"]) - 1)]
    took, status, text = door.ask(
        "POST", f"/api/v2/vps/{target}/backups/actions/restore-from-vps",
        {"sourceVpsId": ids["vps"][0], "backupId": ids["backup"]},
    )
    expect(status, 202, "restore-from-vps", text)
    job = f"/api/jobs/{json.loads(text)['operation']['jobId']}"
    times["restore"].append(took)
    times["job"].append(answered(door, 200, "GET", job))
    times["cancel"].append(answered(door, 202, "POST", f"{job}/actions/cancel"))


def answered(door, wanted, method, path):
    took, status, text = door.ask(method, path)
    expect(status, wanted, path, text)
    return took


def main():
    work = {"answers": answers, "restores": restores}[sys.argv[1]]
    with open(sys.argv[4], encoding="utf-8") as file:
        ids = json.load(file)
    print(json.dumps(work(Door(sys.argv[2], sys.argv[3]), ids)))


main()
