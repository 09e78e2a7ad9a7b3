"""CPU and memory of containers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sagemaker_transform_emulator.processes.usage import machine_memory_bytes, session_usage


@pytest.mark.rule("R8.1")
def test_a_session_is_all_its_processes() -> None:
    child = "y = b'y' * (64 << 20); print(1, flush=True); input()"
    code = (
        "import subprocess, sys; x = b'x' * (64 << 20); sum(range(3_000_000));"
        f'subprocess.run([sys.executable, "-c", "{child}"])'
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdout.readline()
        found = session_usage(process.pid)
        assert found is not None
        assert found.cpu_seconds > 0
        assert 128 << 20 < found.memory_bytes < machine_memory_bytes()
    finally:
        process.communicate(b"\n")
    assert session_usage(process.pid) is None
