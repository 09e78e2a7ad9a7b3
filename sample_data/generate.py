"""Writes any number of made-up penguins in the form of input/penguins.csv.

Each is a real one with its measures moved a little; missing values stay missing. Equal arguments give
equal bytes.

    python sample_data/generate.py 100000 > big.csv
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TextIO

from penguins import MISSING, Penguin, read_penguins, record

# Standard deviation of what is added, and the decimals the data set gives.
JITTER = {"bill_length_mm": (0.8, 1), "bill_depth_mm": (0.4, 1), "flipper_length_mm": (2.5, 0)}


def generate(count: int, seed: int) -> Iterator[str]:
    """`count` records, one after another, always the same for one seed."""
    penguins = read_penguins()
    chance = random.Random(seed)
    for _ in range(count):
        yield record(moved(chance.choice(penguins), chance))


def moved(penguin: Penguin, chance: random.Random) -> Penguin:
    """The penguin with other measures."""
    changed = dict(penguin)
    for name, (deviation, decimals) in JITTER.items():
        if penguin[name] != MISSING:
            changed[name] = f"{float(penguin[name]) + chance.gauss(0, deviation):.{decimals}f}"
    return changed


def main() -> None:
    """Write the records to the file or to standard output, in constant memory."""
    parser = argparse.ArgumentParser(description="Write made-up penguin records.")
    parser.add_argument("count", type=int, help="number of records")
    parser.add_argument("out", type=Path, nargs="?", help="file to write (default: standard output)")
    parser.add_argument("--seed", type=int, default=1, help="another number gives other penguins")
    options = parser.parse_args()
    try:
        with opened(options.out) as out:
            out.writelines(generate(options.count, options.seed))
    except BrokenPipeError:
        # The reader has had enough, as in `... | head`; nothing is left to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def opened(path: Path | None) -> nullcontext[TextIO] | TextIO:
    """The file at `path`, or standard output."""
    if path is None:
        return nullcontext(sys.stdout)
    return path.open("w", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
