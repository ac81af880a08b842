#!/usr/bin/env python3
"""Asks an API over one kept connection and tells how long answers took, as JSON.

ask.py reads BASE KEY IDS     the median of each GET, in milliseconds
ask.py restores BASE KEY IDS  the 99th percentile of restore-from-vps, in milliseconds

IDS is the file that fill_catalog.py's output went to.
"""
import http.client
import json
import statistics
import sys
import time

READS = 200


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


def reads(door, ids):
    vps = ids["vps"][0]
    paths = {
        "list": "/api/v2/vps?limit=20", "by-name": "/api/v2/vps?name=web3",
        "by-address": "/api/v2/vps?primaryIp=10.0.0.3", "vps": f"/api/v2/vps/{vps}",
        "details": f"/api/v2/vps/{vps}/details", "backups": f"/api/v2/vps/{vps}/backups",
        "sources": f"/api/v2/vps/{vps}/backups/restore-sources",
        "schedules": f"/api/v2/vps/{vps}/backup-schedules",
    }
    medians = {}
    for name, path in paths.items():
        times = []
        for _ in range(READS):
            took, status, text = door.ask("GET", path)
            expect(status, 200, path, text)
            times.append(took)
        medians[name] = statistics.median(times)
    return medians


def restores(door, ids):
    """Each target can have one restore, so each is cancelled again, which isn't counted."""
    times = []
    for turn in range(500):
        target = ids["vps"][1 + turn % (len(ids["vps"]) - 1)]
        body = {"sourceVpsId": ids["vps"][0], "backupId": ids["backup"]}
        took, status, text = door.ask(
            "POST", f"/api/v2/vps/{target}/backups/actions/restore-from-vps", body
        )
        expect(status, 202, "restore-from-vps", text)
        times.append(took)
        job = json.loads(text)["operation"]["jobId"]
        _, status, text = door.ask("POST", f"/api/jobs/{job}/actions/cancel")
        expect(status, 202, "cancel", text)
    return {"post-restore": statistics.quantiles(times, n=100)[98]}


def main():
    work = {"reads": reads, "restores": restores}[sys.argv[1]]
    with open(sys.argv[4], encoding="utf-8") as file:
        ids = json.load(file)
    print(json.dumps(work(Door(sys.argv[2], sys.argv[3]), ids)))


main()
