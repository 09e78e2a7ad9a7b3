"""The benchmarks still run, on few records: what they measure is asserted nowhere, that they measure is."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from parts import ROOT


def benchmark(script: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / script), "--json", *arguments],
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_transports_are_compared_with_the_bare_loop() -> None:
    found = benchmark("transport.py", "--rounds", "1", "--seconds", "0.05")
    assert list(found) == ["bare loop", "blocking socket", "lean"]
    assert all(row["requests_per_s"] > 0 for row in found.values())


def test_the_orchestrator_is_compared_with_the_bare_loop_and_tracing_with_none() -> None:
    found = benchmark(
        "orchestrator.py", "--only", "overhead", "--only", "tracing", "--rounds", "1", "--records", "300"
    )
    assert list(found["overhead"]["rows"]) == ["job path"]
    assert list(found["tracing"]["rows"]) == ["off", "errors", "sample", "all"]
    assert all(row["ratio"] > 0 for row in found["overhead"]["rows"].values())


@pytest.mark.slow
@pytest.mark.needs("minio")
def test_the_memory_of_a_run_is_watched() -> None:
    row = benchmark("orchestrator.py", "--only", "memory", "--size", "64")["memory"]["rows"]["64 MiB"]
    assert row["invocations"] == 11
    assert row["peak_mib"] >= max(row["samples_mib"])
