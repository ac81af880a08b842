#!/usr/bin/env python3
"""Guests that are backed up, restored, undone, started and stopped, while their server is killed.

thrash.py --program REHOME --work FOLDER --minutes N --guests N --seed N
"""
import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Benchmarks" / "data"))

import care  # noqa: E402
import oracle  # noqa: E402
from driver import Driver  # noqa: E402
from guest import Guest  # noqa: E402
from rehome import Libvirt  # noqa: E402
from server import Server, age_chunks  # noqa: E402
from world import World  # noqa: E402

GAP_SECONDS = (0.2, 8.0)
GAP_MEAN_SECONDS = 2.5
"""Of the time from a start to the next kill."""
AGED_SHARE, AGED_SECONDS = 0.25, 2 * 86_400
"""How often the datastore is, after a kill, as old as after a pause of so long."""
LAST_WORD_SECONDS = 500


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--guests", type=int, default=3)
    parser.add_argument("--seed", type=int, required=True)
    return parser.parse_args()


def say(text):
    print(f"thrash: {text}", file=sys.stderr, flush=True)


def make_world(told):
    libvirt = Libvirt(told.work / "lv")
    folder = told.work / "data"
    server = Server(told.program, libvirt, folder, told.work / "server.log")
    world = World(server, libvirt, told.work)
    try:
        guests = []
        for number in range(1, told.guests + 1):
            kind = "raw" if number % 2 else "qcow2"
            guests.append(Guest(libvirt, told.work / f"g{number}", f"g{number}", number, kind))
            guests[-1].boot()
        server.start()
        server.await_ready()
        drivers = []
        for guest in guests:
            vps = server.register(guest)
            drivers.append(Driver(world, guest, vps, server.key(), told.seed))
            drivers[-1].power = {"running"}
    except BaseException:
        close(world)
        raise
    return world, drivers


def close(world):
    if world.server.process and world.server.process.poll() is None:
        world.server.process.kill()
        world.server.process.wait()
    log = world.work / "lv" / "libvirtd.log"
    if log.exists():
        (world.work / "libvirtd.log").write_bytes(log.read_bytes())
    world.libvirt.stop()


def kill_again_and_again(world, seconds, seed):
    """Tells how often. A server that ends by itself is a violation."""
    chance = random.Random(f"{seed}/kills")
    deadline = time.monotonic() + seconds
    kills = 0
    while time.monotonic() < deadline and not world.violations:
        gap = min(GAP_SECONDS[1], max(GAP_SECONDS[0], chance.expovariate(1 / GAP_MEAN_SECONDS)))
        time.sleep(max(0.0, min(gap, deadline - time.monotonic())))
        ended = world.server.kill()
        kills += 1
        world.say(f"kill {kills}, after {gap:.2f} s")
        if ended is not None:
            world.violate(f"the server ended by itself with {ended}; see server.log")
        is_old = chance.random() < AGED_SHARE
        if is_old and age_chunks(world.server.folder / "datastore", AGED_SECONDS):
            world.count("datastore aged")
        time.sleep(chance.uniform(0, 0.5) if chance.random() < 0.9 else chance.uniform(1, 4))
        world.server.start()
    return kills


def last_words(world, drivers):
    """No more kills: everything must come to its end, and every guest tell what is on it."""
    world.is_ending.set()
    if world.violations:
        return  # What is there now is the evidence.
    say("no more kills; what is under way comes to its end")
    world.server.await_ready()
    deadline = time.monotonic() + LAST_WORD_SECONDS
    for driver in drivers:
        driver.join(max(0.0, deadline - time.monotonic()))
        if driver.is_alive():
            world.violate(f"{driver.guest.name}: its last job doesn't end")
    if world.violations:
        return
    for driver in drivers:
        driver.restore(is_calm=True)
        if not driver.is_running:
            driver.change_power("start")
    say("looking for what is left")
    care.clean(world)
    oracle.settle(world, drivers)


def take_down(world, drivers):
    """What only shows when the server and the guests have ended."""
    if (status := world.server.stop()) != 0:
        world.violate(f"the server, asked to end, ended with {status}")
    for process in oracle.leftovers(world):
        world.violate(process)
    for driver in drivers:
        if driver.guest.power() != "shut off":
            world.libvirt.virsh("destroy", driver.guest.name, "--graceful")
    for flaw in oracle.images(drivers):
        world.violate(flaw)


def main():
    told = options()
    say(f"seed {told.seed}, {told.guests} guests, {told.minutes:g} minutes, in {told.work}")
    world, drivers = make_world(told)
    kills = 0
    try:
        caretaker = care.Caretaker(world, drivers[0].door.key, told.seed)
        for thread in [*drivers, caretaker]:
            thread.start()
        started = time.monotonic()
        kills = kill_again_and_again(world, told.minutes * 60, told.seed)
        minutes = (time.monotonic() - started) / 60
        last_words(world, drivers)
        if not world.violations:
            caretaker.join(care.PATIENCE_SECONDS)
            take_down(world, drivers)
    finally:
        world.is_closed = True
        jobs = world.rows("SELECT count(*) FROM job")[0][0]
        close(world)
    print(oracle.summary(world))
    print(f"figure thrash-minutes {minutes:.1f}")
    print(f"figure thrash-kills {kills}")
    print(f"figure thrash-jobs {jobs}")
    print(f"figure thrash-violations {len(world.violations)}")
    sys.exit(1 if world.violations else 0)


if __name__ == "__main__":
    main()
