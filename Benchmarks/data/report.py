"""Tells what was measured: a page and a chart."""
import os
import platform
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

GOALS = {
    "restore-vs-qemu-img": 1.0, "restore-vs-restic": 0.3, "restore-vs-borg": 0.2,
    "readback-vs-not": 1.35, "delta-vs-read": 1.2, "delta-written-vs-full": 0.02,
    "delta-map-vs-full": 0.10, "backup-vs-qemu-img": 0.7, "incremental-vs-full": 0.05,
    "restore-rss-mib": 256, "backup-rss-mib": 256, "downtime-64g-vs-1g": 1.1,
}
OTHERS = ("qemu-img", "zstd", "borg", "restic", "virtnbdbackup", "a bare")
BAR, LABEL, WIDTH, LINE = 22, 330, 560, 30


@dataclass
class Row:
    """A line of the table."""
    section: str
    what: str
    seconds: float
    cpu: float
    rss_mib: float
    runs: list
    note: str


def page(bench, origin):
    """All that was found, in Markdown."""
    parts = [
        "# Benchmarks", "",
        f"{machine()}. {time.strftime('%-d %B %Y', time.gmtime())}. "
        f"Disk: {bench.disk.stat().st_size >> 20} MiB, "
        f"{bench.disk.stat().st_blocks * 512 >> 20} MiB of it data ({origin}). "
        f"{versions(bench)}.", "",
        f"Medians of {bench.rounds} rounds (of the downtime nine at least) in which all took turns; "
        "caches dropped before each, "
        "data synced at its end, each first restore compared with the disk byte by byte. Memory is "
        "the largest resident size by `/usr/bin/time -v`; Rehome's is its server's. Rehome's time "
        "of a restore is from the first byte to the stage that is verified and durable; "
        "\"the whole job\" adds checks, exchange and seed, of its backup it is the whole job. "
        "`make bench` measures all this again.", "",
        "![Seconds a run](benchmarks.svg)", "", *table(bench.rows)]
    if bench.figures:
        parts += ["", "## Figures", "", *figures(bench.figures)]
    for title, rates in (
            ("What the machine can do", getattr(bench, "limits", {})),
            ("Each stage by itself", getattr(bench, "stages", {}))):
        if rates:
            parts += ["", f"## {title}", "", "| | MiB a second |", "| --- | ---: |"]
            parts += [f"| {name} | {rate:,.0f} |" for name, rate in rates.items()]
    return "\n".join(parts)


def table(rows):
    lines = ["| | seconds | range | processor seconds | memory, MiB | |",
             "| --- | ---: | ---: | ---: | ---: | --- |"]
    section = None
    for row in rows:
        if row.section != section:
            section = row.section
            lines.append(f"| **{section}** | | | | | |")
        cpu = f"{row.cpu:.1f}" if row.cpu else ""
        memory = f"{row.rss_mib:.0f}" if row.rss_mib else ""
        what, between = row.what.replace("|", "&#124;"), f"{min(row.runs):.2f}–{max(row.runs):.2f}"
        lines.append(
            f"| {what} | {row.seconds:.2f} | {between} | {cpu} | {memory} | {row.note} |")
    return lines


def figures(found):
    lines = ["| figure | value | goal | |", "| --- | ---: | ---: | --- |"]
    for name, value in found.items():
        goal = GOALS.get(name)
        verdict = "" if goal is None else "reached" if value <= goal else "missed"
        shown = "" if goal is None else f"≤ {goal:g}"
        lines.append(f"| `{name}` | {value:.4g} | {shown} | {verdict} |")
    return lines


def machine():
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1]) >> 20
    return (f"{os.cpu_count()} cores ({processor[1] if processor else platform.machine()}), "
            f"{memory} GiB of memory, Linux {platform.release().split('-')[0]}")


def versions(bench):
    told = [bench.rehome.version()] + [tool.version() for tool in bench.tools]
    package = subprocess.run(
        ["dpkg-query", "-W", "-f", "virtnbdbackup ${Version}", "virtnbdbackup"],
        capture_output=True, text=True).stdout
    return ", ".join(part for part in told + [package] if part)


def chart(bench):
    """Bars of seconds, each section to a scale of its own."""
    shapes, top, longest = [], 10, {}
    for row in bench.rows:
        longest[row.section] = max(longest.get(row.section, 0), row.seconds)
    section = None
    for row in bench.rows:
        if row.section != section:
            section = row.section
            top += 12
            shapes.append(f'<text x="10" y="{top + 16}" class="head">{escape(section)}</text>')
            top += LINE
        width = max(1, row.seconds / longest[section] * WIDTH)
        kind = "theirs" if row.what.startswith(OTHERS) else "ours"
        shapes.append(
            f'<text x="{LABEL - 10}" y="{top + 16}" class="name">{escape(row.what)}</text>'
            f'<rect x="{LABEL}" y="{top}" width="{width:.0f}" height="{BAR}" class="{kind}"/>'
            f'<text x="{LABEL + width + 8:.0f}" y="{top + 16}">{row.seconds:.2f} s</text>')
        top += LINE
    width, height = LABEL + WIDTH + 90, top + 10
    style = ("text{font:14px sans-serif;fill:#333}.name{text-anchor:end}.head{font-weight:bold}"
             ".ours{fill:#2166ac}.theirs{fill:#b0b0b0}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}"><style>{style}</style>'
            f'<rect width="{width}" height="{height}" fill="#fff"/>' + "".join(shapes) + "</svg>\n")
