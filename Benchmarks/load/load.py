#!/usr/bin/env python3
"""Hundreds of restores queued on one node, while clients poll them.

load.py --program REHOME --work FOLDER --minutes N [--queue N] [--clients N] [--running N]
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "data"))

from rehome import Libvirt  # noqa: E402
from world import World  # noqa: E402

CLIENTS_A_GROUP = 5
"""Keys of one customer, who has one source."""
POLL_SECONDS = 0.2
"""Between two polls of one client, each of another of its jobs."""
WARM_UP_SHARE = 0.1
FLAT_GROWTH = 1.1
P99_MS = 50
GUESTS_NICENESS = 15
"""An emulated guest takes whole processors, which those of a host with KVM have of their own."""
FAULTS_SHOWN = 20
SETTINGS = {
    # As an operator would: each client may poll and restore as fast as it does, and is still bounded.
    "REHOME_LIMITS_READ_RATE": "6000", "REHOME_LIMITS_WRITE_RATE": "1200",
    "REHOME_WORKER_CONCURRENCY": "4", "REHOME_RESTORE_CONFIRMTIMEOUT": "60s",
    "REHOME_RESTORE_UNDOWINDOW": "1h",
}


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--queue", type=int, default=200)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--running", type=int, default=3)
    return parser.parse_args()


def say(text):
    print(f"load: {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def make_clients(told, world):
    """For each client its key and its targets: one more than its share of the queue."""
    groups = max(1, told.clients // CLIENTS_A_GROUP)
    each = told.clients // groups
    share = -(-told.queue // (groups * each)) + 1
    say(f"{groups * each * share} VPSs of {groups} customers")
    clients = []
    for keys, targets in world.groups(groups, each, each * share):
        clients += [
            {"key": key, "targets": targets[number::each]} for number, key in enumerate(keys)]
    if told.running:
        say(f"{told.running} guests that run")
        (key,), targets = world.running_group(told.running)
        clients.append({"key": key, "targets": targets})
    return clients


def drive(told, world, clients):
    """The clients at work; what they tell, and the server's memory while the queue was full."""
    until = time.time() + told.minutes * 60
    plan = {
        "host": f"127.0.0.1:{world.port}", "until": until, "pollSeconds": POLL_SECONDS,
        "clients": clients}
    memory = []
    # A file takes any number of figures; a pipe that nobody reads meanwhile would fill up.
    with tempfile.TemporaryFile("w+", dir=told.work) as answer:
        process = subprocess.Popen(
            [sys.executable, HERE / "clients.py"], stdin=subprocess.PIPE, stdout=answer, text=True)
        try:
            json.dump(plan, process.stdin)
            process.stdin.close()
            while process.poll() is None:
                if time.time() < until:
                    memory.append(world.rss_mib())
                elif len(memory) and world.process.poll() is not None:
                    raise RuntimeError("the server has ended")
                time.sleep(1)
        finally:
            process.kill()
            process.wait()
        answer.seek(0)
        return json.load(answer), memory


def growth(memory):
    """The most of the last third beside the most of the first, after the warm-up."""
    warm = memory[int(len(memory) * WARM_UP_SHARE):]
    third = max(1, len(warm) // 3)
    return max(warm[-third:]) / max(warm[:third])


def report(told, answer, memory, seconds):
    polls = statistics.quantiles(answer["polls"], n=100)
    posts = statistics.quantiles(answer["posts"], n=100)
    health = statistics.quantiles([0, *answer["health"]], n=100)
    faults = answer["faults"]
    for fault in faults[:FAULTS_SHOWN]:
        print(f"wrong: {fault}")
    warm = answer["depths"][int(len(answer["depths"]) * WARM_UP_SHARE):] or [0]
    print(f"{answer['done']} restores in {seconds:.0f} s, {answer['compared']} targets compared "
          f"byte by byte, {len(answer['polls'])} polls")
    print(f"figure load-minutes {told.minutes:g}")
    print(f"figure load-jobs {answer['done']}")
    print(f"figure load-queue-least {min(warm)}")
    print(f"figure load-poll-p50-ms {polls[49]:.1f}")
    print(f"figure load-poll-p99-ms {polls[98]:.1f}")
    print(f"figure load-post-p99-ms {posts[98]:.1f}")
    print(f"figure load-health-p99-ms {health[98]:.1f}")
    print(f"figure load-rss-mib {max(memory):.0f}")
    print(f"figure load-rss-growth {growth(memory):.3f}")
    print(f"figure load-failed {len(faults)}")
    return not faults and growth(memory) <= FLAT_GROWTH and polls[98] <= P99_MS


def main():
    told = options()
    libvirt = Libvirt(told.work / "lv", GUESTS_NICENESS)
    try:
        world = World(told.program, libvirt, told.work, SETTINGS)
        try:
            world.start()
            clients = make_clients(told, world)
            say(f"{told.minutes:g} minutes, then until the queue is empty")
            started = time.monotonic()
            answer, memory = drive(told, world, clients)
            is_right = report(told, answer, memory, time.monotonic() - started)
        finally:
            world.end()
    finally:
        libvirt.stop()
    sys.exit(0 if is_right else 1)


if __name__ == "__main__":
    main()
