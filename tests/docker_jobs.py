"""Runs jobs in a Docker engine, and tells what they left there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alone import alone
from docker_images import SCRIPTED, docker
from harness import Bench, job_request

from sagemaker_transform_emulator.config import Settings
from sagemaker_transform_emulator.jobs.events import ContainerLine, JobNote, Notice
from sagemaker_transform_emulator.jobs.services import open_services, run_requests
from sagemaker_transform_emulator.jobs.transform_job import JobRun
from sagemaker_transform_emulator.processes.event_loop import run_loop

ONE_PAYLOAD = {"SplitType": "None"}


@dataclass
class DockerJobs:
    """A bench whose jobs run images."""

    bench: Bench

    def settings(self, **changes: Any) -> None:
        """The settings of the next jobs."""
        self.bench.settings = Settings(
            **{"runtime": "docker", "pull": "never", "ping_window_s": 30, **changes}
        )

    def run(self, *containers: dict[str, Any], isolated: bool = False, **job: Any) -> JobRun:
        """Run a job over `in/`. A container is a ContainerDefinition, scripted where it names no Image."""
        return run_loop(self.arun(*containers, isolated=isolated, **job))

    async def arun(self, *containers: dict[str, Any], isolated: bool = False, **job: Any) -> JobRun:
        """As `run`, on the running loop."""
        self.bench.events.clear()
        async with open_services(self.bench.settings, self.bench.address) as services:
            return await run_requests(
                model(*containers, isolated=isolated), job_request(**job), services, self.bench.events.append
            )

    def ask(self, expression: str, container: dict[str, Any], **job: Any) -> str:
        """What that container answers to the one payload `expression`."""
        self.bench.put("in/question", expression.encode())
        run = self.run(container, **ONE_PAYLOAD, **job)
        assert run.error is None, run.error
        return self.bench.get("out/question.out").decode()

    def texts(self, kind: type[ContainerLine | JobNote | Notice]) -> list[str]:
        """The texts of all events of that kind."""
        return [event.text for event in self.bench.events if isinstance(event, kind)]


def model(*containers: dict[str, Any], isolated: bool = False) -> dict[str, Any]:
    """CreateModel's request."""
    definitions = [{"Image": SCRIPTED, **container} for container in containers]
    body: dict[str, Any] = {"ModelName": "m", "EnableNetworkIsolation": isolated}
    return body | (
        {"PrimaryContainer": definitions[0]} if len(definitions) == 1 else {"Containers": definitions}
    )


def left_behind(state: str | None = None) -> list[str]:
    """Ids of what runs of this test session have in the engine now."""
    folder = Path(state or os.environ["EMULATOR_STATE_DIR"]).absolute() / "runs"
    chosen = ("-q", "--filter", f"label=sagemaker-transform-emulator.runs-folder={folder}")
    listed = (docker("ps", "-a", *chosen), docker("network", "ls", *chosen), docker("volume", "ls", *chosen))
    return " ".join(listed).split()


def running() -> list[str]:
    """Ids of the containers that run for this test session."""
    folder = Path(os.environ["EMULATOR_STATE_DIR"]).absolute() / "runs"
    return docker("ps", "-q", "--filter", f"label=sagemaker-transform-emulator.runs-folder={folder}").split()


class EngineProxy:
    """A socket that leads to the engine until it is cut."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
        self._open = True
        self._sockets: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """The engine does not answer any more: neither to new connections nor on old ones."""
        self._open = False
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while self._open:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect("/var/run/docker.sock")
            self._sockets += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def engine_proxy(path: Path) -> Iterator[EngineProxy]:
    """A proxy that is cut at the latest when the block ends."""
    proxy = EngineProxy(path)
    try:
        yield proxy
    finally:
        proxy.cut()


@contextmanager
def outside_host() -> Iterator[tuple[str, int]]:
    """A host beyond this one, listening there: a network namespace with a route to it. Needs root."""
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("needs root and `ip` to stand in for a host outside")
    with alone("outside-host"), _namespace() as address:
        yield address


@contextmanager
def _namespace() -> Iterator[tuple[str, int]]:
    name, near, far = f"emu{os.getpid()}", "198.51.100.1", "198.51.100.2"
    listen = f"import socket; s = socket.create_server(('{far}', 9000)); print('up', flush=True); input()"
    steps = (
        f"ip netns add {name}",
        f"ip link add {name}a type veth peer name {name}b netns {name}",
        f"ip addr add {near}/30 dev {name}a",
        f"ip link set {name}a up",
        f"ip -n {name} addr add {far}/30 dev {name}b",
        f"ip -n {name} link set {name}b up",
        f"ip -n {name} route add default via {near}",
    )
    server = None
    try:
        for step in steps:
            subprocess.run(step.split(), check=True)
        server = subprocess.Popen(
            ["ip", "netns", "exec", name, sys.executable, "-c", listen],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert server.stdout is not None
        assert server.stdout.readline() == b"up\n"
        yield far, 9000
    finally:
        if server is not None:
            server.kill()
            server.communicate()
        subprocess.run(["ip", "link", "del", f"{name}a"], check=False)
        subprocess.run(["ip", "netns", "del", name], check=False)
