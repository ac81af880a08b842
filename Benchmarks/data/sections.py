"""What is measured, in sections that stand alone."""
import contextlib
import json
import os
import shutil
import statistics
import subprocess
from collections import defaultdict

import image
import measure
from guests import MicroGuest
from measure import MIB, Cost, say

GIB = 1 << 30
CHANGED_SHARE = 0.01
DOWNTIME_ROUNDS = 9
SPARSE_SIZES = (8, 64, 512)
SPARSE_CHUNKS = 64
SPARSE_CHANGES = 4


# What the machine can do at most


def limits(bench):
    reads, writes = [], []
    for _ in range(bench.rounds):
        seconds, count = measure.direct_read(bench.disk)
        reads.append(count / MIB / seconds)
        writes.append(GIB / MIB / measure.direct_write(bench.work / "written", GIB))
    packing, unpacking = measure.zstd_rates(bench.disk, bench.work)
    bench.limits = {
        "direct read of the disk's data": statistics.median(reads),
        "direct write, synced": statistics.median(writes),
        "SHA-256, all cores": measure.sha256_rate(),
        "zstd -1, one core, packing": packing,
        "zstd -1, one core, unpacking": unpacking,
    }


# Whole disks


def full(bench):
    """A first backup and a restore of a whole disk, by each tool in turn."""
    backups, restores = defaultdict(list), defaultdict(list)
    for turn in range(bench.rounds):
        for tool in bench.tools:
            say(f"round {turn + 1}: {tool.name}")
            backups[tool.name].append(tool.back_up(bench.disk))
            cost, path = tool.restore(bench.disk)
            restores[tool.name].append(cost)
            check(bench, path, is_wanted=turn == 0)
            shutil.rmtree(tool.folder)
        say(f"round {turn + 1}: Rehome")
        with whole_world(bench):
            made = bench.rehome.back_up("source")
            backups["Rehome"].append(made)
            backup = made.result["backupId"]
            for name, verify in (("Rehome, read back", "readback"), ("Rehome", "source-only")):
                put = bench.rehome.restore(backup, "source", "target", REHOME_RESTORE_VERIFY=verify)
                restores[name].append(put)
                check(bench, bench.work / "target" / "disk.raw", is_wanted=turn == 0)
    tell_full(bench, backups, restores)


@contextlib.contextmanager
def whole_world(bench):
    """An empty Rehome with two VPSs that are off: one with the disk, one with a blank one."""
    folder = bench.work / "target"
    blank(folder, bench.disk.stat().st_size)
    with domains(bench, source=bench.disk, target=folder / "disk.raw"):
        yield
    shutil.rmtree(folder)


def blank(folder, size):
    folder.mkdir()
    folder.chmod(0o755)
    with open(folder / "disk.raw", "wb") as file:
        file.truncate(size)


@contextlib.contextmanager
def domains(bench, **disks):
    """An empty Rehome with a VPS that is off for each disk."""
    bench.rehome.clear()
    for name, disk in disks.items():
        bench.libvirt.define_stopped(name, disk)
        bench.rehome.add(name)
    try:
        yield
    finally:
        for name in disks:
            bench.libvirt.undefine(name)


def check(bench, path, is_wanted=True):
    """A restore that doesn't give the disk back is no restore."""
    if is_wanted:
        subprocess.run(["cmp", bench.disk, path], check=True)


def tell_full(bench, backups, restores):
    made = {name: bench.row("Backup, whole disk", name, costs) for name, costs in backups.items()}
    put = {name: bench.row("Restore, whole disk", name, costs) for name, costs in restores.items()}
    for name in ("Rehome, read back", "Rehome"):
        jobs = [Cost(cost.whole, cost.cpu, cost.rss_mib) for cost in restores[name]]
        bench.row("Restore, whole disk", f"{name}: the whole job", jobs)
    bench.figure("restore-vs-qemu-img", put["Rehome"] / put["qemu-img convert"])
    bench.figure("restore-vs-restic", put["Rehome"] / put["restic"])
    bench.figure("restore-vs-borg", put["Rehome"] / put["borg"])
    bench.figure("readback-vs-not", put["Rehome, read back"] / put["Rehome"])
    bench.figure("backup-vs-qemu-img", made["Rehome"] / made["qemu-img convert"])
    raise_memory(bench, restores["Rehome"] + restores["Rehome, read back"], backups["Rehome"])


def raise_memory(bench, restores, backups):
    bench.raise_figure("restore-rss-mib", max(cost.rss_mib for cost in restores))
    bench.raise_figure("backup-rss-mib", max(cost.rss_mib for cost in backups))


# Only what differs


def can_share(folder):
    """Whether files in a folder can share blocks."""
    one, other = folder / "one", folder / "other"
    one.write_text("a block")
    told = subprocess.run(["cp", "--reflink=always", one, other], capture_output=True)
    for path in (one, other):
        path.unlink(missing_ok=True)
    return told.returncode == 0


@contextlib.contextmanager
def reflinks(bench, size):
    """A folder whose file system shares blocks: one there already, or an XFS on a loop device."""
    folder = bench.work / "shared"
    folder.mkdir()
    if can_share(folder):
        yield folder
        return shutil.rmtree(folder)
    disk = bench.work / "shared.img"
    with open(disk, "wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", disk], check=True)
    loop = subprocess.check_output(
        ["losetup", "--direct-io=on", "-f", "--show", disk], text=True).strip()
    try:
        subprocess.run(["mount", loop, folder], check=True)
        try:
            folder.chmod(0o755)
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)
    finally:
        subprocess.run(["losetup", "-d", loop], check=True)
        disk.unlink()
        folder.rmdir()


def delta(bench):
    """A restore onto a disk of which one chunk in a hundred is another."""
    data = len(image.data_chunks(bench.disk)) * image.CHUNK
    costs = defaultdict(list)
    with reflinks(bench, 6 * data + 2 * GIB) as folder:
        target, other = folder / "target" / "disk.raw", folder / "other" / "disk.raw"
        for path in (target, other):
            blank(path.parent, bench.disk.stat().st_size)
        subprocess.run(["cp", "--sparse=always", bench.disk, target], check=True)
        image.change(target, CHANGED_SHARE, seed=2)
        with domains(bench, source=bench.disk, target=target, other=other):
            backup = bench.rehome.back_up("source").result["backupId"]
            for turn in range(bench.rounds):
                say(f"round {turn + 1}")
                delta_round(bench, backup, target, costs)
                check(bench, other, is_wanted=turn == 0)
    tell_delta(bench, costs)


def delta_round(bench, backup, target, costs):
    def restore(name, **settings):
        put = bench.rehome.restore(backup, "source", name, **settings)
        check(bench, target, is_wanted=name == "target")
        return put

    seconds, _ = measure.direct_read(target)
    costs["read"].append(Cost(seconds))
    costs["full"].append(restore("other", REHOME_RESTORE_CLONE="false"))
    costs["compared"].append(restore("target"))
    bench.rehome.undo(costs["compared"][-1])
    bench.rehome.back_up_still("target")
    costs["mapped"].append(restore("target"))
    bench.rehome.undo(costs["mapped"][-1])


def tell_delta(bench, costs):
    section = "Restore, 1 % of the chunks different, XFS"
    for key, what in (
            ("read", "a bare direct read of the target's data"),
            ("full", "Rehome, onto an empty disk"), ("compared", "Rehome, all compared"),
            ("mapped", "Rehome, with a map")):
        note = ""
        if key != "read":
            result = costs[key][-1].result
            note = (f"{result['bytesWritten'] / MIB:.0f} MiB written, "
                    f"{result['bytesCompared'] / MIB:.0f} MiB compared")
        bench.row(section, what, costs[key], note)
    median = {key: statistics.median(cost.seconds for cost in runs) for key, runs in costs.items()}
    written = {key: costs[key][-1].result["bytesWritten"] for key in ("full", "compared")}
    bench.figure("delta-vs-read", median["compared"] / median["read"])
    bench.figure("delta-written-vs-full", written["compared"] / written["full"])
    bench.figure("delta-map-vs-full", median["mapped"] / median["full"])


# Backups of a running guest


def incremental(bench):
    """A first backup of a running guest's disk, and a second after one chunk in a hundred changed."""
    second = bench.work / "second.qcow2"
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", bench.disk, second], check=True)
    chunks = image.data_chunks(bench.disk)
    guest = MicroGuest(bench.libvirt, bench.work / "guest", "guest", size="64M", second=second)
    costs = defaultdict(list)
    try:
        guest.boot()
        for turn in range(bench.rounds):
            say(f"round {turn + 1}")
            changes = [image.pick(chunks, CHANGED_SHARE, seed=f"{turn}{kind}") for kind in "ab"]
            virtnbdbackup(bench, guest, costs, changes[0])
            guest.drop_checkpoints()
            bench.rehome.clear()
            bench.rehome.add("guest")
            costs["first"].append(bench.rehome.back_up("guest"))
            guest.overwrite(changes[1])
            costs["second"].append(bench.rehome.back_up("guest"))
            guest.drop_checkpoints()
    finally:
        guest.remove()
        second.unlink()
    tell_incremental(bench, costs)


def virtnbdbackup(bench, guest, costs, changes):
    folder = bench.work / "virtnbdbackup"
    # It takes the other form of the same address for a remote host's.
    uri = bench.libvirt.uri.replace("qemu+unix:", "qemu:")
    for level in ("full", "inc"):
        if level == "inc":
            guest.overwrite(changes)
        folder.mkdir(exist_ok=True)
        # Its socket and scratch files are QEMU's to make.
        costs[level].append(measure.timed(
            ["virtnbdbackup", "-U", uri, "-d", guest.name, "-l", level,
             "--compress", "-o", folder, "--scratchdir", scratch(bench)], folder,
            stderr=subprocess.DEVNULL))
    shutil.rmtree(folder)


def scratch(bench):
    folder = bench.work / "scratch"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    return folder


def tell_incremental(bench, costs):
    section = "Backup of a running guest, qcow2"
    for key, what in (
            ("first", "Rehome, first"), ("full", "virtnbdbackup, first"),
            ("second", "Rehome, 1 % changed since"), ("inc", "virtnbdbackup, 1 % changed since")):
        note = ""
        if key == "second":
            result = costs[key][-1].result
            note = f"{result['bytesRead'] / MIB:.0f} MiB read"
            if not result["incremental"]:
                note += f", not incremental: {result['fullReason']}"
        bench.row(section, what, costs[key], note)
    median = {key: statistics.median(cost.seconds for cost in runs) for key, runs in costs.items()}
    bench.figure("incremental-vs-full", median["second"] / median["first"])
    bench.raise_figure("backup-rss-mib", max(cost.rss_mib for cost in costs["first"]))


# How long a guest is away


def downtime(bench):
    """Staged restores onto running guests with a small and a large disk."""
    sizes = {"1 GiB": "1G", "64 GiB": "64G"}
    guests, costs = {}, defaultdict(list)
    bench.rehome.clear()
    try:
        for label, size in sizes.items():
            name = f"guest{size.lower()}"
            guests[label] = MicroGuest(bench.libvirt, bench.work / name, name, size=size)
        backups = {}
        for label, guest in guests.items():
            bench.rehome.add(guest.name)
            backups[label] = bench.rehome.back_up(guest.name).result["backupId"]
            guest.boot()
        for turn in range(max(bench.rounds, DOWNTIME_ROUNDS)):
            say(f"round {turn + 1}")
            for label in sorted(guests, reverse=turn % 2 == 1):
                guest = guests[label]
                put = bench.rehome.restore(
                    backups[label], guest.name, guest.name, REHOME_RESTORE_CONFIRMTIMEOUT="60s")
                guest.await_agent()
                costs[label].append(put)
    finally:
        for guest in guests.values():
            guest.remove()
    tell_downtime(bench, costs)


def tell_downtime(bench, costs):
    away = {}
    for label, runs in costs.items():
        parts = {
            part: statistics.median(cost.result["downtime"][part] for cost in runs)
            for part in ("shutdown", "exchange", "start")}
        note = ", ".join(f"{part} {value:.0f} ms" for part, value in parts.items())
        times = [Cost(cost.result["downtimeMilliseconds"] / 1000) for cost in runs]
        away[label] = bench.row("Downtime of a restore", f"a disk of {label}", times, note)
    bench.figure("downtime-64g-vs-1g", away["64 GiB"] / away["1 GiB"])


# What grows, and what doesn't


def linear(bench):
    """The same changes on sparse disks of different sizes."""
    with reflinks(bench, 16 * GIB) as folder:
        for size in SPARSE_SIZES:
            say(f"{size} GiB")
            sparse_delta(bench, folder, size)
            sparse_incremental(bench, folder, size)


def sparse_delta(bench, folder, size):
    source, target = folder / "source.raw", folder / "target" / "disk.raw"
    sparse(source, size)
    blank(target.parent, size * GIB)
    subprocess.run(["cp", "--reflink=always", source, target], check=True)
    image.change(target, SPARSE_CHANGES / SPARSE_CHUNKS, seed=size)
    costs = []
    with domains(bench, source=source, target=target):
        made = [bench.rehome.back_up("source")]
        backup = made[0].result["backupId"]
        for _ in range(bench.rounds):
            made.append(bench.rehome.back_up_still("target"))
            costs.append(bench.rehome.restore(backup, "source", "target"))
            bench.rehome.undo(costs[-1])
    result = costs[-1].result
    seconds = bench.row(
        f"{SPARSE_CHANGES * 4} MiB changed on sparse disks", f"restore with a map, {size} GiB",
        costs, f"{result['bytesWritten'] / MIB:.0f} MiB written, "
        f"{result['bytesCompared'] / MIB:.0f} MiB compared")
    bench.figure(f"delta-map-{size}g-seconds", seconds)
    raise_memory(bench, costs, made)
    shutil.rmtree(target.parent)
    source.unlink()


def sparse_incremental(bench, folder, size):
    source, second = folder / "source.raw", folder / "second.qcow2"
    sparse(source, size)
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", source, second], check=True)
    source.unlink()
    stride = size * GIB // image.CHUNK // SPARSE_CHUNKS
    guest = MicroGuest(bench.libvirt, bench.work / "guest", "guest", size="64M", second=second)
    costs = []
    try:
        guest.boot()
        bench.rehome.clear()
        bench.rehome.add("guest")
        made = [bench.rehome.back_up("guest")]
        for turn in range(bench.rounds):
            guest.overwrite([(turn + place * 8) % SPARSE_CHUNKS * stride
                             for place in range(SPARSE_CHANGES)])
            costs.append(bench.rehome.back_up("guest"))
    finally:
        guest.remove()
    result = costs[-1].result
    note = f"{result['bytesRead'] / MIB:.0f} MiB read"
    if not result["incremental"]:
        note += f", not incremental: {result['fullReason']}"
    seconds = bench.row(
        f"{SPARSE_CHANGES * 4} MiB changed on sparse disks", f"incremental backup, {size} GiB",
        costs, note)
    bench.figure(f"incremental-{size}g-seconds", seconds)
    bench.raise_figure("backup-rss-mib", max(cost.rss_mib for cost in made + costs))
    second.unlink()


def sparse(path, size):
    """A disk of `size` GiB with a few chunks of data, far from each other."""
    stride = size * GIB // SPARSE_CHUNKS
    with open(path, "wb") as file:
        file.truncate(size * GIB)
        for place in range(SPARSE_CHUNKS):
            file.seek(place * stride)
            file.write(os.urandom(image.CHUNK))


# Each stage by itself


def stages(bench):
    runs = defaultdict(list)
    for _ in range(bench.rounds):
        measure.drop_caches()
        told = subprocess.check_output([bench.stages_program, bench.disk, bench.work], text=True)
        for line in told.splitlines():
            stage = json.loads(line)
            runs[stage["stage"]].append(stage["bytes"] / MIB / stage["seconds"])
    bench.stages = {name: statistics.median(rates) for name, rates in runs.items()}


ALL = {
    section.__name__: section
    for section in (limits, full, delta, incremental, downtime, linear, stages)
}
