"""Makes disks that look like those of rented servers, and changes parts of them.

A disk is a partition with one ext4: the Debian root of Scripts/testbed/debian-guest.sh, and in /srv
logs, files that are compressed already, and a sparse file. The rest are holes. Nothing is mounted.
"""
import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

MIB = 1 << 20
CHUNK = 4 * MIB
PARTITION_START = MIB
TEXT_SHARE = 0.45
"""Of what is added to the Debian root; the rest can't be packed."""

TESTBED = Path(__file__).resolve().parents[2] / "Scripts" / "testbed"
WORDS = (TESTBED / "debian-guest.sh").read_text().split()


def make(path, size, data, seed):
    """Makes a disk of `size` bytes of which `data` are in use; the same seed, the same contents."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        tree = Path(folder, "tree")
        shutil.rmtree(tree, ignore_errors=True)
        subprocess.run(["cp", "-a", debian_tree(path.parent), tree], check=True)
        used = int(subprocess.check_output(["du", "-s", "-B1", tree]).split()[0])
        fill(tree / "srv", max(0, data - used), size, random.Random(seed))
        path.unlink(missing_ok=True)
        with open(path, "wb") as file:
            file.truncate(size)
        subprocess.run(["sfdisk", "-q", path], input=b"label: dos\n2048,,L,*\n", check=True)
        blocks = f"{(size - PARTITION_START) // 1024}k"
        subprocess.run(
            ["mkfs.ext4", "-q", "-F", "-m", "0", "-E", f"offset={PARTITION_START}", "-d", tree,
             path, blocks], check=True)


def debian_tree(scratch):
    """The root of a Debian, made once and kept by the script."""
    disk = scratch / "debian.raw"
    subprocess.run([TESTBED / "debian-guest.sh", disk], check=True)
    disk.unlink()
    cache = os.environ.get("REHOME_TESTBED_CACHE") or Path(
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "rehome-testbed")
    trees = sorted(Path(cache).glob("debian-*/tree"), key=lambda tree: tree.parent.stat().st_mtime)
    return trees[-1]


def fill(folder, count, size, source):
    """Puts `count` bytes into a folder, and beside them a sparse file that takes none."""
    folder.mkdir(exist_ok=True)
    with open(folder / "sparse.img", "wb") as file:
        file.truncate(size // 8)
    number = 0
    while count > 0:
        length = min(count, source.choice([MIB, 4 * MIB, 16 * MIB, 64 * MIB]))
        is_text = source.random() < TEXT_SHARE
        with open(folder / f"{number:05}.{'log' if is_text else 'gz'}", "wb") as file:
            for start in range(0, length, MIB):
                part = min(MIB, length - start)
                file.write(text(part, source) if is_text else source.randbytes(part))
        count -= length
        number += 1


def text(count, source):
    """Bytes of something like a log: words in no order, a number at the beginning of each line."""
    lines, written = [], 0
    while written < count:
        picks = source.choices(WORDS, k=12)
        line = f"{source.getrandbits(32):010} " + " ".join(picks) + "\n"
        lines.append(line)
        written += len(line.encode())
    return "".join(lines).encode()[:count]


def data_chunks(path):
    """The numbers of the chunks that aren't holes."""
    chunks = set()
    for start, end in extents(path):
        chunks.update(range(start // CHUNK, (end - 1) // CHUNK + 1))
    return sorted(chunks)


def extents(path):
    """What of a file isn't a hole, as pairs of offsets."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        end, size = 0, os.fstat(descriptor).st_size
        while end < size:
            try:
                start = os.lseek(descriptor, end, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
            yield start, end
    finally:
        os.close(descriptor)


def pick(chunks, share, seed):
    """Some of the chunks: a share of them, one at least."""
    return random.Random(seed).sample(chunks, max(1, round(len(chunks) * share)))


def change(path, share, seed):
    """Overwrites a share of a disk's chunks that hold data with random bytes, each as a whole."""
    source = random.Random(seed)
    size = path.stat().st_size
    with open(path, "r+b") as file:
        for chunk in pick(data_chunks(path), share, seed):
            file.seek(chunk * CHUNK)
            file.write(source.randbytes(min(CHUNK, size - chunk * CHUNK)))
        file.flush()
        os.fsync(file.fileno())
