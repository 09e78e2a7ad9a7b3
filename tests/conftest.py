"""Suite-wide rules: what a test needs of the machine, and the closing table of what was left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from harness import Bench, bench
from parts import PARTS, SHARED, missing, workers

# No deadline, because first examples load libraries and models, and machines are busy; other examples in
# each run, in CI too, each failure with the line that repeats it.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=False, print_blob=True)
hypothesis.settings.load_profile("suite")

REQUIRE = {word for word in os.environ.get("REQUIRE", "").replace(",", " ").split() if word}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cases", "tables of worked cases to run instead of the default ones")
    for name in ("cases", "sparkml-cases", "xgboost-cases"):
        group.addoption(f"--{name}", action="append", default=[], metavar="FILE", help=f"a table for {name}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data; ask for it together with the marker needs("shared")."""
    return SHARED


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """What `-n auto` means: no workers for tests of one file, else as many as the machine can feed."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None  # xdist reads it
    files = {argument.split("::")[0] for argument in config.args}
    if len(files) == 1 and not any(map(os.path.isdir, files)):
        return 0
    return workers()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers begin with what takes long, so that none has a long one left when the others are done."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for part in mark.args:
            reason = missing(part)
            if reason and ("all" in REQUIRE or part in REQUIRE):
                pytest.fail(f"{part} is required here, but {reason}; {PARTS[part].remedy}", pytrace=False)
            if reason:
                pytest.skip(f"needs {part}: {reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    counts: dict[str, int] = {}
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        counts[reason] = counts.get(reason, 0) + 1
    terminalreporter.section("left out on this machine")
    for reason, count in sorted(counts.items()):
        part = reason.removeprefix("needs ").split(":")[0]
        remedy = PARTS[part].remedy if part in PARTS else ""
        terminalreporter.write_line(f"{count:5d}  {reason}" + (f"  ->  {remedy}" if remedy else ""))


@pytest.fixture(autouse=True)
def _private_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs keep their scratch space away from the user's, and from the AWS settings of the machine."""
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path_factory.getbasetemp() / "state"))
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Bench]:
    """A bench to run jobs on: embedded store, scripted containers."""
    with bench(tmp_path) as made:
        yield made
