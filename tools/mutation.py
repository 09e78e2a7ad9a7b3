"""Measure the tests: change one small thing in a module, run its tests, count the changes they notice.

`make mutation` measures all modules of tools/mutation.toml; MODULES="framing keys" only those, MINUTES=10
stops after about that time, with the mutants in an order that is random but always the same. It fails when a
module is below the bar, when an entry of equivalent_mutants.toml fits no mutant, and when a test notices
such a mutant.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from mutants import Mutant, Trials, changes_of, mutants_of

HERE = Path(__file__).resolve().parent


@dataclass
class Score:
    """The count for one module."""

    name: str
    total: int
    noticed: int = 0
    equivalent: int = 0
    slow: int = 0
    missed: list[Mutant] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def counted(self) -> int:
        """Mutants that were tried and that a test can notice."""
        return self.noticed + len(self.missed)

    @property
    def percent(self) -> float:
        """Noticed of those counted; 100 of none."""
        return 100.0 * self.noticed / self.counted if self.counted else 100.0


def equivalents() -> set[tuple[str, str, str]]:
    """The keys of the mutants that change nothing a test could see. Each needs a reason."""
    rows = tomllib.loads((HERE / "equivalent_mutants.toml").read_text())["mutant"]
    if bare := [row for row in rows if not row.get("reason")]:
        sys.exit(f"equivalent_mutants.toml gives no reason for {bare}")
    return {(row["module"], row["was"], row["now"]) for row in rows}


def strangers(name: str, path: str) -> list[str]:
    """What is wrong with the module's entries in equivalent_mutants.toml: they fit no mutant."""
    keys = {mutant.key for mutant in changes_of(name, path)}
    return [f"{name}: fits no mutant: {was}  =>  {now}"
            for module, was, now in sorted(equivalents() - keys) if module == name]  # fmt: skip


def measure(name: str, path: str, tests: list[str], end: float) -> Score:
    """Try the module's mutants until `end`, on the monotonic clock, and print those that were missed."""
    mutants = mutants_of(name, path)
    score = Score(name, len(mutants), wrong=strangers(name, path))
    known = equivalents()
    trials = Trials(path, tests)
    random.Random(0).shuffle(mutants)
    for number, mutant in enumerate(mutants):
        if number and time.monotonic() >= end:
            break
        result = trials.run(mutant.source)
        score.slow += result.how in ("SIGXCPU", "SIGKILL")
        score.equivalent += mutant.key in known
        if mutant.key in known and result.killed:
            score.wrong.append(f"is noticed ({result.how}): {mutant.was}  =>  {mutant.now}")
        elif mutant.key not in known and result.killed:
            score.noticed += 1
        elif mutant.key not in known:
            score.missed.append(mutant)
            print(f"  {path}:{mutant.line} {mutant.operator}", f"- {mutant.was}", f"+ {mutant.now}",
                  sep="\n    ", flush=True)  # fmt: skip
    return score


def report(score: Score, seconds: float) -> None:
    """Print the count."""
    tried = score.counted + score.equivalent
    print(
        f"{score.name:14}{score.percent:6.1f} %  {score.noticed} of {score.counted} noticed, "
        f"{score.slow} of them by time or memory, {score.equivalent} equivalent, "
        + (f"{score.total - tried} not tried, " if tried < score.total else "")
        + f"{seconds:.0f} s",
        flush=True,
    )
    for text in score.wrong:
        print(f"    equivalent_mutants.toml: {text}")


def main() -> int:
    """Measure what was asked for; 1 when it is not good enough."""
    parser = argparse.ArgumentParser(description="see the head of this file")
    parser.add_argument("modules", nargs="*", help="names in mutation.toml; all without one")
    parser.add_argument(
        "--minutes",
        type=float,
        default=float("inf"),
        help="stop after about that time, shared by the modules",
    )
    parser.add_argument("--lists", action="store_true", help="only see whether every entry fits a mutant")
    arguments = parser.parse_args()
    table = tomllib.loads((HERE / "mutation.toml").read_text())
    modules = table["modules"]
    wanted = arguments.modules or list(modules)
    if unknown := {*wanted, *(key[0] for key in equivalents())} - modules.keys():
        parser.error(f"no such module: {', '.join(sorted(unknown))}; there are {', '.join(modules)}")
    if arguments.lists:
        found = [text for name in wanted for text in strangers(name, modules[name]["path"])]
        print(*found, sep="\n", end="")
        return 1 if found else 0
    end = time.monotonic() + 60 * arguments.minutes
    scores: list[Score] = []
    for name in wanted:
        start = time.monotonic()
        share = (end - start) / (len(wanted) - len(scores))
        score = measure(name, modules[name]["path"], modules[name]["tests"], start + share)
        report(score, time.monotonic() - start)
        scores.append(score)
    noticed, counted = sum(score.noticed for score in scores), sum(score.counted for score in scores)
    bad = [score.name for score in scores if score.percent < table["bar"] or score.wrong]
    print(f"{noticed} of {counted} noticed; the bar is {table['bar']:g} % in each module"
          + (f"; not good enough: {', '.join(bad)}" if bad else ""))  # fmt: skip
    return 1 if bad or not counted else 0


if __name__ == "__main__":
    sys.exit(main())
