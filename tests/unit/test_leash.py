"""The leash: nothing of a command outlives its owner, however early it ends and however it detaches."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from sagemaker_transform_emulator.processes import leash

DAEMON = """
import os, sys, time
if os.fork():
    sys.stdout.flush(); {parent}
os.setsid()
if os.fork():
    os._exit(0)
os.environ.clear()
os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(120)", {mark!r}], {{}})
"""


SLEEPER = (sys.executable, "-I", "-S", "-c", "import time; time.sleep(120)")


def start(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(leash.__file__)), *command],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def let_go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()


def marked(mark: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if mark in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def until_none(mark: str, seconds: float = 5.0) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in left:
        os.kill(pid, 9)
    return left


def test_an_owner_that_lets_go_at_once_leaves_no_process(tmp_path: Path) -> None:
    mark = f"mark-{tmp_path.name}-early"
    processes = []
    for number in range(40):
        process = start(*SLEEPER, mark)
        processes.append(process)
        time.sleep(0.002 * (number % 20))
        let_go(process)
    for process in processes:
        process.wait(20)
    assert until_none(mark) == []


@pytest.mark.parametrize("wait", [0.0, 0.02, 0.04])
def test_sigterm_right_after_the_start_ends_the_command(tmp_path: Path, wait: float) -> None:
    mark = f"mark-{tmp_path.name}-term"
    processes = [start(*SLEEPER, mark) for _ in range(10)]
    time.sleep(wait)
    for process in processes:
        process.terminate()
    for process in processes:
        assert process.wait(20) == -15
        let_go(process)
    assert until_none(mark) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
@pytest.mark.parametrize("end", ["owner", "command"])
def test_a_daemon_of_the_command_ends_with_it(tmp_path: Path, end: str) -> None:
    mark = f"mark-{tmp_path.name}-{end}"
    parent = "time.sleep(120)" if end == "owner" else "time.sleep(0.5); sys.exit(3)"
    process = start(sys.executable, "-c", DAEMON.format(parent=parent, mark=mark))
    if end == "owner":
        deadline = time.monotonic() + 10
        while not marked(mark) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert marked(mark)
        let_go(process)
        process.wait(20)
    else:
        assert process.wait(20) == 3
        let_go(process)
    assert until_none(mark) == []
