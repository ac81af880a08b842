"""What must hold when all is quiet: nothing is left that belongs to no one, and all tell the truth."""
import json
import subprocess
import time
from pathlib import Path

SETTLE_SECONDS = 90
"""What is cleaned up beside the jobs is done within moments, or with the worker's next turn."""


def flaws(world, drivers):
    """Everything that is wrong now."""
    return [
        *catalog_flaws(world), *store_flaws(world), *file_flaws(world, drivers),
        *libvirt_flaws(drivers)]


def settle(world, drivers):
    """Waits until nothing is wrong; what stays so is a violation."""
    deadline = time.monotonic() + SETTLE_SECONDS
    found = flaws(world, drivers)
    while found and time.monotonic() < deadline:
        world.say(f"not settled yet: {found}")
        time.sleep(2)
        found = flaws(world, drivers)
    for flaw in found:
        world.violate(f"at the end: {flaw}")


def catalog_flaws(world):
    unfinished = world.rows(
        "SELECT id, kind, state FROM job WHERE state NOT IN ('completed', 'failed', 'cancelled')")
    yield from (f"{job}: a {kind} that is {state}" for job, kind, state in unfinished)
    for job, in world.rows("SELECT id FROM job WHERE lease_token IS NOT NULL"):
        yield f"{job}: a lease that nobody holds"
    for job, in world.rows("SELECT id FROM job WHERE needs_operator = 1"):
        yield f"{job}: needs an operator"
    for backup, job in world.rows(
            "SELECT backup_id, job_id FROM hold "
            "WHERE job_id NOT IN (SELECT restore_job_id FROM undo)"):
        yield f"{job}: holds {backup}, though it is over"
    for job, in world.rows("SELECT job_id FROM reservation"):
        yield f"{job}: has space kept for it, though it is over"
    for backup, state in world.rows("SELECT id, state FROM backup WHERE state <> 'complete'"):
        yield f"{backup}: is {state}"
    for number, kind, state in world.rows(
            "SELECT number, kind, state FROM store_task WHERE state IN ('failed')"):
        yield f"task {number} on the datastore: {kind} {state}"
    yield from job_flaws(world)
    known = set(world.complete_backups())
    listed = {backup for backup, in world.rows("SELECT id FROM backup WHERE state = 'complete'")}
    yield from (f"{backup}: lost" for backup in known - listed)
    yield from (f"{backup}: there, of no job that completed" for backup in listed - known)


def job_flaws(world):
    """Every accepted job is there, ended as was seen, and the audit log says so once."""
    states = dict(world.rows("SELECT id, state FROM job"))
    for job, seen in world.jobs.items():
        if job not in states:
            yield f"{job}: accepted, and not in the catalog"
        elif seen not in (None, states[job]):
            yield f"{job}: {seen} when it had ended, {states[job]} now"
    audits = dict(world.rows(
        "SELECT subject || ' ' || action, count(*) FROM audit WHERE action LIKE 'job.%' "
        "AND actor LIKE 'worker:%' GROUP BY subject, action"))
    for job, state in states.items():
        times = audits.get(f"{job} job.{state}", 0)
        # One that was cancelled or overtaken before a worker had it was ended by its caller.
        if times > 1 or (times == 0 and state in ("completed", "failed")):
            yield f"{job}: {state}, and {times} times so in the audit log"


def store_flaws(world):
    store = world.server.folder / "datastore"
    # Snapshots have a manifest; a folder of one that has none was left behind.
    files = [
        path for top in store.iterdir() if top.is_dir() and top.name != ".chunks"
        for path in top.rglob("*") if path.suffix in (".fidx", ".blob", ".tmp")]
    folders = {path.parent.relative_to(store) for path in files}
    manifests = {
        path.parent.relative_to(store) for path in files if path.name == "index.json.blob"}
    wanted = {Path(path) for path, in world.rows(
        "SELECT snapshot_path FROM backup WHERE state = 'complete'")}
    yield from (
        f"{path}: a snapshot of no backup" for path in sorted(folders - wanted))
    yield from (f"{path}: a backup without its snapshot" for path in sorted(wanted - manifests))


def file_flaws(world, drivers):
    run = world.server.folder / "run"
    if run.exists():
        yield from (f"{path}: left in run" for path in sorted(run.iterdir()))
    # Former disks stand beside the disks; what in-place restores have saved is among the data.
    kept = {path for driver in drivers for path in driver.guest.beside()}
    logs = world.server.folder / "undo"
    kept |= {str(path) for path in logs.iterdir()} if logs.exists() else set()
    wanted = {
        disk["stagedPath"] for detail, in world.rows("SELECT detail FROM undo")
        for disk in json.loads(detail)["disks"]}
    yield from (f"{path}: belongs to no undo" for path in sorted(kept - wanted))
    yield from (f"{path}: an undo needs it, and it is gone" for path in sorted(wanted - kept))
    for driver in drivers:
        seeds = world.server.folder / "seeds" / driver.vps
        if seeds.exists() and len(list(seeds.iterdir())) > 2:
            yield f"{seeds}: {sorted(path.name for path in seeds.iterdir())}"


def libvirt_flaws(drivers):
    for driver in drivers:
        name, virsh = driver.guest.name, driver.guest.libvirt.virsh
        checkpoints = virsh("checkpoint-list", name, "--name").split()
        if len(checkpoints) > 1:
            yield f"{name}: checkpoints {checkpoints}"
        if snapshots := virsh("snapshot-list", name, "--name").split():
            yield f"{name}: snapshots {snapshots}"
        if driver.guest.power() != "running":
            continue
        if "None" not in (told := virsh("domjobinfo", name)):
            yield f"{name}: busy in libvirt: {told}"
        try:
            virsh("backup-dumpxml", name)
            yield f"{name}: a backup session that is nobody's"
        except subprocess.CalledProcessError:
            pass  # As it should be: there is none.


def leftovers(world):
    """Processes of a server that has ended, found by the folder that they name."""
    data = f"{world.server.folder}/"
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        # The guests have their seeds there.
        if data in line and "qemu-system" not in line:
            yield f"process {process.name}: {line.strip()}"


def images(drivers):
    """Of guests that are off: what qemu-img finds wrong with their qcow2 disks."""
    for driver in drivers:
        for path, kind, _ in driver.guest.disks:
            if kind != "qcow2":
                continue
            told = subprocess.run(
                ["qemu-img", "check", "-q", "--output=json", path], capture_output=True, text=True)
            # 3 says that room could be had back, which a guest whose plug was pulled leaves.
            if told.returncode not in (0, 3):
                yield f"{path}: {told.stdout}{told.stderr}"


def summary(world):
    """How often what happened, for people."""
    return json.dumps(dict(sorted(world.counts.items())), indent=2)
