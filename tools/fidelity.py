"""Write docs/fidelity.md: each rule of batch transform, whether it is kept, and the tests that prove it.

`python tools/fidelity.py` writes it, `--check` fails when it is out of date or a test names no known rule.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "docs" / "rules.toml"
TARGET = ROOT / "docs" / "fidelity.md"
HEAD = """# Fidelity

What SageMaker batch transform does, rule by rule, and how this emulator keeps it. The rules stand in
[rules.toml](rules.toml); the last column counts the tests that carry the rule's id, by file. Made by
`make fidelity`; do not edit.

*documented*: AWS's guide or API model says so. *observed*: seen in public logs, notebooks or AWS's own code.
*inferred*: follows from observations. *silent*: nothing public, the note tells our choice.
"""


@dataclass
class Proofs:
    """A pytest plugin: how many collected tests carry each rule, by file."""

    found: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Read the markers of every test."""
        for item in items:
            file = item.path.relative_to(ROOT).as_posix()
            for mark in item.iter_markers("rule"):
                for rule in mark.args:
                    self.found[rule][file] += 1


def collect() -> dict[str, Counter[str]]:
    """The tests of each rule."""
    proofs = Proofs()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main(
            ["--collect-only", "-q", "-p", "no:randomly", str(ROOT / "tests")], plugins=[proofs]
        )
    if code != 0:
        sys.exit(said.getvalue() + "the tests cannot be collected")
    return proofs.found


def page(table: Mapping[str, Mapping[str, Mapping[str, str]]], proofs: Mapping[str, Counter[str]]) -> str:
    """The whole document."""
    rules = table["rules"]
    kept = Counter(rule["kept"] for rule in rules.values())
    unproved = [name for name, rule in rules.items() if rule["kept"] != "no" and not proofs.get(name)]
    lines = [
        HEAD,
        f"{len(rules)} rules: {kept['yes']} kept, {kept['partly']} partly, {kept['no']} not. "
        + (f"Without a test: {', '.join(unproved)}." if unproved else "Each of them has a test."),
    ]
    for section, title in table["section"].items():
        lines += [
            "",
            f"## {title}",
            "",
            "| rule | what the service does | known | kept | tests |",
            "|---|---|---|---|---|",
        ]
        lines += [
            _row(name, rule, proofs.get(name, Counter()))
            for name, rule in rules.items()
            if name.partition(".")[0] == section
        ]
    return "\n".join(lines) + "\n"


def _row(name: str, rule: Mapping[str, str], tests: Counter[str]) -> str:
    kept = rule["kept"] + (f": {rule['note']}" if "note" in rule else "")
    proofs = ", ".join(f"`{file.removeprefix('tests/')}` {count}" for file, count in sorted(tests.items()))
    return f"| {name} | {_cell(rule['rule'])} | {rule['known']} | {_cell(kept)} | {proofs} |"


def _cell(text: str) -> str:
    return re.sub(r"([|*<>])", r"\\\1", text)


def main() -> None:
    """Write the document, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    table = tomllib.loads(RULES.read_text(encoding="utf-8"))
    proofs = collect()
    unknown = sorted(set(proofs) - set(table["rules"]))
    if unknown:
        sys.exit(f"tests name rules that {RULES.name} does not have: {', '.join(unknown)}")
    text = page(table, proofs)
    if options.check:
        if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
            sys.exit(f"{TARGET.relative_to(ROOT)} is out of date; run `make fidelity`")
        return
    TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {len(table['rules'])} rules")


if __name__ == "__main__":
    main()
