"""The lists of `make mutation`: no module of the record path, no test file and no mutant is named in vain."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = tomllib.loads((ROOT / "tools" / "mutation.toml").read_text())["modules"]


def test_every_pure_module_is_measured() -> None:
    measured = {ROOT / module["path"] for module in MODULES.values()}
    folder = (ROOT / MODULES["framing"]["path"]).parent
    assert {path for path in folder.glob("*.py") if path.name != "__init__.py"} <= measured


def test_what_is_named_is_there() -> None:
    for module in MODULES.values():
        assert (ROOT / module["path"]).is_file()
        assert module["tests"]
        assert all((ROOT / test).is_file() for test in module["tests"])


def test_the_equivalent_mutants_exist() -> None:
    command = [sys.executable, ROOT / "tools" / "mutation.py", "--lists"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
