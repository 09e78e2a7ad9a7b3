"""The tables to run: the contract's and our own, or every FILE given with --cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cases import load
from live import Live, emulator_up
from parts import SHARED

DEFAULT = SHARED / "cases" / "contract_cases.json"
OWN = Path(__file__).with_name("own_cases.json")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" not in metafunc.fixturenames:
        return
    given = [Path(name) for name in metafunc.config.getoption("--cases")]
    tables = given or [table for table in (OWN, DEFAULT) if table.exists()]
    metafunc.parametrize(
        "case",
        [
            pytest.param(case, id=case.id, marks=pytest.mark.rule(*case.rules))
            for table in tables
            for case in load(table)
        ],
    )


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with emulator_up(tmp_path_factory.mktemp("emulator")) as running:
        yield running
