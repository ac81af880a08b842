"""Time, memory and what this machine can do at most."""
import hashlib
import mmap
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import image

MIB = 1 << 20


@dataclass
class Cost:
    """What one run took."""
    seconds: float
    cpu: float = 0.0
    rss_mib: float = 0.0


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def drop_caches():
    """What was written is on the disk, and nothing of it in memory."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


def timed(command, synced, **options):
    """Runs a command with caches dropped; its time is over when `synced` is on the disk."""
    statistics = Path(synced).parent / "time.txt"
    drop_caches()
    started = time.monotonic()
    subprocess.run(
        ["/usr/bin/time", "-v", "-o", statistics, *command], check=True,
        stdout=subprocess.DEVNULL, **options)
    subprocess.run(["sync", "-f", synced], check=True)
    seconds = time.monotonic() - started
    cost = read_statistics(statistics, seconds)
    statistics.unlink()
    return cost


def read_statistics(path, seconds):
    """What /usr/bin/time -v has to say."""
    text = path.read_text()

    def value(name):
        return float(re.search(rf"{re.escape(name)}: ([\d.]+)", text)[1])

    return Cost(
        seconds,
        cpu=value("User time (seconds)") + value("System time (seconds)"),
        rss_mib=value("Maximum resident set size (kbytes)") / 1024)


def direct_read(path):
    """Seconds to read what of a file isn't a hole, past the page cache, one piece after another."""
    drop_caches()
    buffer = mmap.mmap(-1, image.CHUNK)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT)
    started, count = time.monotonic(), 0
    for start, end in image.extents(path):
        for offset in range(start, end, image.CHUNK):
            view = memoryview(buffer)[:min(image.CHUNK, -(-(end - offset) // 4096) * 4096)]
            count += os.preadv(descriptor, [view], offset)
    seconds = time.monotonic() - started
    os.close(descriptor)
    return seconds, count


def direct_write(path, count):
    """Seconds to write so many bytes to a new file, past the page cache, and to sync it."""
    buffer = mmap.mmap(-1, image.CHUNK)
    buffer.write(os.urandom(image.CHUNK))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_DIRECT, 0o600)
    os.ftruncate(descriptor, count)
    started = time.monotonic()
    for offset in range(0, count, image.CHUNK):
        os.pwritev(descriptor, [buffer], offset)
    os.fsync(descriptor)
    seconds = time.monotonic() - started
    os.close(descriptor)
    path.unlink()
    return seconds


def sha256_rate():
    """MiB a second of all cores together, by OpenSSL."""
    block, turns, cores = os.urandom(image.CHUNK), 48, os.cpu_count()

    def hash_blocks(_):
        for _ in range(turns):
            hashlib.sha256(block).digest()

    started = time.monotonic()
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(hash_blocks, range(cores)))
    return turns * cores * image.CHUNK / MIB / (time.monotonic() - started)


def zstd_rates(path, scratch):
    """MiB a second of one core, packing and unpacking, at level 1 on 256 MiB of a disk's data."""
    sample = scratch / "sample"
    step = max(1, len(image.data_chunks(path)) // 64)
    with open(path, "rb") as disk, open(sample, "wb") as out:
        for chunk in image.data_chunks(path)[::step][:64]:
            disk.seek(chunk * image.CHUNK)
            out.write(disk.read(image.CHUNK))
    told = subprocess.run(
        ["zstd", "-b1", "-e1", "-i1", "-B4MB", sample], check=True, capture_output=True, text=True)
    sample.unlink()
    rates = re.findall(r"([\d.]+) MB/s, +([\d.]+) MB/s", told.stdout + told.stderr)[-1]
    return [float(rate) * 1e6 / MIB for rate in rates]
