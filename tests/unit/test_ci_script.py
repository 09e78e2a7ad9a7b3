""".ci/run with every program it starts replaced: what it does in which case, and that failures are seen."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from parts import ROOT

# writes down how it was called; $CASES decides what comes of it, by patterns of `case`
PROGRAM = """#!/bin/bash
called="${0##*/} $*"
echo "$called" >> "$CALLS"
case "$called" in
%s
esac
exit 0
"""
REPLACED = (
    "bin/make", "bin/docker", "bin/dockerd", "bin/dpkg-query", "bin/apt-get", "bin/dpkg", "bin/javac",
    "bin/sleep", "bin/id", "tools/have_go.sh", "tools/make_base_images.sh", "tools/compose_plugin.sh",
    ".venv/bin/python",
)  # fmt: skip
WELL = """'dpkg-query '*) echo install ok installed ;;
'id '*) echo 0 ;;"""


@dataclass
class Machine:
    """A folder with .ci/run and replaced programs."""

    folder: Path
    calls: list[str] = field(default_factory=list)

    def run(self, *cases: str, expect: int = 0, **environment: str) -> str:
        """What the run printed, without a HOME and with standard input closed; its exit code must be that."""
        for name in REPLACED:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(PROGRAM % "\n".join((*cases, WELL)))
            path.chmod(0o755)
        (self.folder / "bin/sleep").write_text("#!/bin/sh\nexec /bin/sleep ${PAUSE:-0.2}\n")
        calls = self.folder / "calls"
        calls.write_text("")
        done = subprocess.run(
            ["bash", "-c", f"exec {self.folder}/.ci/run <&-"],
            env={"PATH": f"{self.folder}/bin:/usr/bin:/bin", "CALLS": str(calls), "T": str(self.folder),
                 "TMPDIR": str(self.folder), "DOCKERD_LOG": str(self.folder / "engine.log"), **environment},
            cwd="/", capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        self.calls = calls.read_text().splitlines()
        assert done.returncode == expect, done.stdout + done.stderr
        assert not list(self.folder.glob("tmp.*")), "its logs are left behind"
        return done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / ".ci").mkdir()
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci/run")
    return Machine(tmp_path)


def table(printed: str) -> dict[str, str]:
    """The verdict on each phase, as the closing table gives it."""
    rows = printed.partition("== phases")[2].splitlines()[2:]
    return {row.split()[0]: row.split()[-1] for row in rows}


def test_all_is_well(machine: Machine) -> None:
    printed = machine.run(PYTEST_ARGS="-k some")
    expected = ("packages", "engine", "base-images", "images", "minio", "compose", "python", "sdks", "lint")
    assert table(printed) == dict.fromkeys((*expected, "minio-image", "tests", "all"), "ok")
    assert machine.calls[-1] == "make test REQUIRE=all PYTEST_ARGS=--durations=15 -k some"
    assert "make minio" in machine.calls
    assert "dockerd " not in machine.calls
    assert not [call for call in machine.calls if call.startswith("apt-get") or "--bootstrap" in call]


def test_without_go_the_programs_come_out_of_images(machine: Machine) -> None:
    printed = machine.run("'have_go.sh '*) exit 1 ;;")
    assert "minio-image" not in table(printed)
    order = [machine.calls.index(call) for call in ("make images", "make minio", "compose_plugin.sh ")]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("phase", "call"),
    {
        "packages": "apt-get *install*", "engine": "docker info", "base-images": "make_base_images.sh *",
        "images": "make images IMAGES=sparkml*", "minio": "make minio", "compose": "compose_plugin.sh *",
        "minio-image": "make images IMAGES=minio",
    }.items(),
)  # fmt: skip
def test_what_the_tests_need_fails_the_run_without_them(machine: Machine, phase: str, call: str) -> None:
    pattern = call.replace(" ", "\\ ")
    extra = {"SSL_CERT_FILE": "/ca.pem"} if phase == "base-images" else {}
    absent = "'dpkg-query '*' make') exit 1 ;;" if phase == "packages" else ""
    printed = machine.run(absent, f"{pattern}) echo the reason of it; exit 3 ;;", expect=1, **extra)
    assert table(printed)[phase] == "FAILED"
    assert table(printed)["all"] == "FAILED"
    assert f"== {phase} FAILED after" in printed
    if phase != "engine":  # whose words are those of the daemon
        assert "the reason of it" in printed
    assert not [call for call in machine.calls if call.startswith("make test")]


@pytest.mark.parametrize("call", ["make lint", "python tests/sdk/environments.py"])
def test_what_the_tests_can_do_without_fails_the_run_after_them(machine: Machine, call: str) -> None:
    printed = machine.run(f"'{call}'*) echo the reason of it; exit 3 ;;", expect=1)
    assert "the reason of it" in printed
    assert table(printed)["tests"] == "ok"
    assert table(printed)["all"] == "FAILED"


def test_failing_tests_fail_the_run(machine: Machine) -> None:
    assert table(machine.run("'make test'*) exit 2 ;;", expect=1))["tests"] == "FAILED"


def test_an_engine_that_does_not_start_at_first_is_started_again(machine: Machine) -> None:
    machine.run(
        "'docker info') [ -e $T/second ] || exit 1 ;;",
        "'dockerd '*) if [ -e $T/first ]; then touch $T/second; else touch $T/first; exit 1; fi ;;",
    )
    assert machine.calls.count("dockerd ") == 2


def test_the_words_of_an_engine_that_never_starts_are_shown(machine: Machine) -> None:
    printed = machine.run("'docker info') exit 1 ;;", "'dockerd '*) echo no cgroups; exit 1 ;;", expect=1)
    assert "no cgroups" in printed
    assert machine.calls.count("dockerd ") == 3


def test_apt_is_waited_for_while_somebody_else_uses_it(machine: Machine) -> None:
    locked = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)"
    printed = machine.run(
        "'dpkg-query '*' make') exit 1 ;;",
        f"'apt-get '*update) [ -e $T/free ] || {{ touch $T/free; echo '{locked}' >&2; exit 100; }} ;;",
    )
    assert table(printed)["packages"] == "ok"
    assert len([call for call in machine.calls if call.endswith("update")]) == 2
    assert [call.split()[-1] for call in machine.calls if " install " in call] == ["make"]


def test_packages_are_not_tried_without_the_rights(machine: Machine) -> None:
    printed = machine.run("'id '*) echo 1000 ;;", "'dpkg-query '*' make') exit 1 ;;", expect=1)
    assert "only root can install them: make" in printed


def test_a_registry_that_does_not_answer_costs_seconds(machine: Machine) -> None:
    begun = time.monotonic()
    machine.run("'docker image inspect '*) exit 1 ;;", "'docker pull '*) exec /bin/sleep 100 ;;")
    assert time.monotonic() - begun < 60
    assert [call for call in machine.calls if call.startswith("docker pull")] == [
        "docker pull python:3.11-slim-bookworm"
    ]
    [made] = [call for call in machine.calls if call.startswith("make_base_images.sh --reuse")]
    assert made.endswith("--bootstrap")


def test_a_slow_registry_has_its_time(machine: Machine) -> None:
    slow = "echo 3.11: Pulling from library/python; exec /bin/sleep 1"
    machine.run("'docker image inspect '*) exit 1 ;;", f"'docker pull '*) {slow} ;;", PAUSE="1")
    assert len([call for call in machine.calls if call.startswith("docker pull")]) == 3
    assert "--bootstrap" not in " ".join(machine.calls)


def test_a_run_that_is_ended_leaves_nothing_running(machine: Machine) -> None:
    machine.run()  # writes the programs
    (machine.folder / "bin/make").write_text('#!/bin/bash\necho $$ > "$T/pid"; exec /bin/sleep 300\n')
    child = subprocess.Popen(
        [machine.folder / ".ci/run"],
        env={**os.environ, "PATH": f"{machine.folder}/bin:/usr/bin:/bin", "CALLS": "/dev/null",
             "T": str(machine.folder), "TMPDIR": str(machine.folder)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    written = machine.folder / "pid"
    while not (written.exists() and written.read_text().strip()):
        assert child.poll() is None
        time.sleep(0.02)
    child.terminate()
    printed, _ = child.communicate(timeout=60)
    assert child.returncode == 143
    assert table(printed)["all"] == "FAILED"
    state = Path("/proc", written.read_text().strip(), "stat")
    deadline = time.monotonic() + 30
    while state.exists() and ") Z " not in state.read_text():
        assert time.monotonic() < deadline, state.read_text()
        time.sleep(0.02)
