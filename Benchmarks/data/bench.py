#!/usr/bin/env python3
"""Measures backups and restores of one disk: Rehome's and those of what people use in its place.

bench.py --program REHOME --stages STAGES --work FOLDER --docs FOLDER
         [--size 8G] [--data 4G] [--seed 1] [--image DISK] [--rounds 3] [--sections LIST]

Scripts/bench.sh builds what it needs and calls it; see there for what it prints.
"""
import argparse
import statistics
import subprocess
import sys
from pathlib import Path

import image
import report
import sections
import tools
from measure import say
from rehome import Libvirt, Rehome


class Bench:
    """What the sections share, and what they found."""

    def __init__(self, options):
        self.work = options.work
        self.rounds = options.rounds
        self.stages_program = options.stages
        self.disk = self.work / "source.raw"
        self.tools = [tool(self.work / tool.__name__) for tool in tools.ALL]
        self.libvirt = None
        self.rehome = None
        self.rows = []
        self.figures = {}

    def row(self, section, what, costs, note=""):
        """A line of the table: the median of what some runs took."""
        self.rows.append(report.Row(
            section, what, statistics.median(cost.seconds for cost in costs),
            statistics.median(cost.cpu for cost in costs),
            max(cost.rss_mib for cost in costs), [cost.seconds for cost in costs], note))
        return self.rows[-1].seconds

    def figure(self, name, value):
        self.figures[name] = value
        say(f"{name} is {value:.4g}")

    def raise_figure(self, name, value):
        """A figure that is the worst of several."""
        self.figure(name, max(value, self.figures.get(name, 0)))


def bytes_of(text):
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(text[:-1]) * units[text[-1]] if text[-1] in units else int(text)


def arguments():
    parser = argparse.ArgumentParser()
    for name in ("program", "stages", "work", "docs"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--size", type=bytes_of, default="8G")
    parser.add_argument("--data", type=bytes_of)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sections", default=" ".join(sections.ALL))
    return parser.parse_args()


def make_disk(bench, options):
    """The disk that all is measured on: a made one, or a copy of somebody's."""
    if options.image:
        say(f"copying {options.image}")
        subprocess.run(
            ["qemu-img", "convert", "-O", "raw", options.image, bench.disk], check=True)
        return options.image.name
    data = options.data or options.size // 2
    say(f"making a disk of {options.size >> 20} MiB with {data >> 20} MiB of data")
    image.make(bench.disk, options.size, data, options.seed)
    return f"made, seed {options.seed}"


def main():
    options = arguments()
    unknown = set(options.sections.split()) - set(sections.ALL)
    if unknown:
        sys.exit(f"bench: no such section: {' '.join(unknown)}; there are {' '.join(sections.ALL)}")
    bench = Bench(options)
    origin = make_disk(bench, options)
    bench.libvirt = Libvirt(bench.work / "lv")
    try:
        bench.rehome = Rehome(options.program, bench.libvirt, bench.work / "rehome")
        for name in options.sections.split():
            say(f"measuring: {name}")
            sections.ALL[name](bench)
    finally:
        bench.libvirt.stop()
    page = report.page(bench, origin)
    print(page)
    options.docs.mkdir(exist_ok=True)
    (options.docs / "benchmarks.md").write_text(page + "\n")
    (options.docs / "benchmarks.svg").write_text(report.chart(bench))
    for name, value in bench.figures.items():
        print(f"figure {name} {value:.4g}")


if __name__ == "__main__":
    main()
