"""What lets test workers run beside each other: how many there are, and their ports."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from parts import workers
from ports import EACH, FIRST, PARTS, free_ports


@pytest.mark.parametrize(
    ("cores", "gib", "expected"), [(2, 23, 3), (1, 23, 1), (16, 64, 24), (2, 3.9, 1), (2, 0.5, 1), (8, 8, 4)]
)
def test_workers_are_as_many_as_cores_and_memory_feed(
    tmp_path: Path, cores: int, gib: float, expected: int
) -> None:
    file = tmp_path / "meminfo"
    file.write_text(f"MemTotal: 99999999 kB\nMemAvailable:   {int(gib * 2**20)} kB\n")
    assert workers(cores, file) == expected


def test_a_machine_that_does_not_tell_its_memory_is_believed_to_have_enough(tmp_path: Path) -> None:
    assert workers(4, tmp_path / "absent") == 6


def test_a_group_stays_on_one_worker(tmp_path: Path) -> None:
    (tmp_path / "test_group.py").write_text(GROUPED)
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", "-n", "2"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, "--dist", "loadgroup", f"--rootdir={tmp_path}", tmp_path],
        cwd=tmp_path, env=inherited, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert {len(list(tmp_path.glob(f"{group}.*"))) for group in "ab"} == {1}


GROUPED = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("group", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in "ab"])
def test_it(group, number, worker_id):
    Path(__file__).with_name(f"{group}.{worker_id}").touch()
"""


def test_ports_are_free_different_and_below_those_the_kernel_gives_out() -> None:
    first = free_ports(50)
    with socket.create_server(("127.0.0.1", free_ports(1)[0])) as taken:
        second = free_ports(EACH - 1)
        assert taken.getsockname()[1] not in second
    assert len({*first, *second}) <= EACH
    assert len(set(first)) == 50
    assert all(FIRST <= port < FIRST + PARTS * EACH < 32_768 for port in first)


def test_workers_take_ports_of_different_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    import ports  # noqa: PLC0415 - beside its private parts

    seen = []
    for worker in ("gw0", "gw1"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        given = ports._part()
        seen.append({next(given) for _ in range(EACH)})
    assert not seen[0] & seen[1]
