"""The tables to run: the contract's and our own, or every FILE given with --cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cases import Case, load
from live import Live, emulator_up
from parts import SHARED

DEFAULT = SHARED / "cases" / "contract_cases.json"
OWN = Path(__file__).with_name("own_cases.json")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    given = [Path(name) for name in metafunc.config.getoption("--cases")]
    tables = given or [table for table in (OWN, DEFAULT) if table.exists()]
    for name in {"case", "tool_case"} & set(metafunc.fixturenames):
        found = [case for table in tables for case in load(table) if name == "case" or _for_tools(case)]
        metafunc.parametrize(
            name, [pytest.param(case, id=case.id, marks=pytest.mark.rule(*case.rules)) for case in found]
        )


def _for_tools(case: Case) -> bool:
    """Whether the case's job runs, and what it sends is not simply the lines of its objects."""
    if "request" in case.data or {"api_error", "any_of"} & set(case.expect):
        return False
    job = case.job
    processed = {"InputFilter", "OutputFilter", "JoinSource", "DataProcessing", "CompressionType"} & set(job)
    framed = job.get("SplitType") in ("None", "RecordIO", "TFRecord")
    return bool(processed) or framed or job.get("MaxPayloadInMB") == 0


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with emulator_up(tmp_path_factory.mktemp("emulator")) as running:
        yield running
