"""An emulator in a process of its own, for tests: it cannot outlive the one who started it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx

from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.extras import require
from sagemaker_transform_emulator.jobs.fault_injection import parse_faults
from sagemaker_transform_emulator.processes import leash
from sagemaker_transform_emulator.server.state_directory import About

START_SECONDS = 60.0
STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class ChildEmulator:
    """A running emulator. `environment` is what unmodified clients need to talk to it."""

    about: About
    state: Path
    process: subprocess.Popen[bytes]

    @property
    def endpoint_url(self) -> str:
        """Where it serves SageMaker, Logs, STS and S3."""
        return self.about.endpoint_url

    @property
    def environment(self) -> dict[str, str]:
        """The variables of `emulator env`."""
        return self.about.environment()

    def client(self, service: str, **arguments: Any) -> Any:
        """A boto3 client of the emulator, whatever the environment says."""
        connect: Callable[..., Any] = boto3.client
        return connect(
            service,
            **{
                "endpoint_url": self.about.endpoint_url,
                "region_name": self.about.region,
                "aws_access_key_id": self.about.access_key_id,
                "aws_secret_access_key": self.about.secret_access_key,
                **arguments,
            },
        )

    def reset(self) -> None:
        """Jobs are stopped; models, jobs, tags, logs and the objects of its own store are gone."""
        httpx.post(f"{self.endpoint_url}/_emulator/reset", timeout=60, trust_env=False).raise_for_status()

    def faults(self, *faults: str) -> None:
        """Jobs that start from now on meet these faults, such as "container=2 record=17 status=500".

        Raises UsageError naming the word that is wrong.
        """
        parse_faults(faults)
        httpx.post(
            f"{self.endpoint_url}/_emulator/faults", json={"faults": faults}, timeout=60, trust_env=False
        ).raise_for_status()

    def log(self) -> str:
        """What it wrote to stderr so far."""
        return (self.state / "emulator.log").read_text(errors="replace")

    def stop(self) -> int:
        """It has ended, as with Ctrl-C in its terminal; returns its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """It is gone, with all it started and without a last word."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait()


@contextmanager
def child_emulator(
    state: Path,
    *,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Iterator[ChildEmulator]:
    """An emulator on a free port of 127.0.0.1 with everything it keeps in `state`; it ends with the block.

    `arguments` go to `emulator up`. Raises MachineError with its last words when it does not start, and where
    the extra [server] is not installed.
    """
    require("server", "An emulator in a process of its own")
    state.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-P",  # the packages of the folder it starts in are nothing to it
        "-m",
        "sagemaker_transform_emulator",
        "up",
        "--port",
        "0",
        "--state-dir",
        str(state),
        "--json",
    ]
    with (state / "emulator.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-I", "-S", str(Path(leash.__file__)), *command, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            env=dict(os.environ if environment is None else environment), cwd=directory,
        )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        child = ChildEmulator(_first_words(process, state), state, process)
        yield child
        child.stop()
    finally:
        process.stdin.close()  # the leash kills what is left
        process.wait()
        process.stdout.close()


def _first_words(process: subprocess.Popen[bytes], state: Path) -> About:
    assert process.stdin is not None
    assert process.stdout is not None
    impatience = threading.Timer(START_SECONDS, process.stdin.close)
    impatience.start()
    line = process.stdout.readline()
    impatience.cancel()
    try:
        return About(**json.loads(line))
    except ValueError:
        tail = (state / "emulator.log").read_text(errors="replace").strip().splitlines()[-5:]
        raise MachineError("The emulator did not start: " + " | ".join(tail)) from None
