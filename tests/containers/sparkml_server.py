"""Starts SparkML containers as users do, and speaks plain HTTP to them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 120
_OWN_VARIABLES = (
    "SAGEMAKER_SPARKML_SCHEMA",
    "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT",
    "SAGEMAKER_BIND_TO_PORT",
)


@dataclass(frozen=True)
class Reply:
    """An answer, without the time of day, so that two can be compared."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content_type(self) -> str | None:
        return self.headers.get("content-type")

    @property
    def text(self) -> str:
        return self.body.decode()


def environment(model: Path, port: int, settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in _OWN_VARIABLES}
    own = {"SM_MODEL_DIR": str(model), "SAGEMAKER_BIND_TO_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    return {**inherited, **own, **settings}


WITHOUT_LENDING = """
import sys
import sagemaker_transform_emulator.containers.sparkml.connections as connections
import sagemaker_transform_emulator.containers.sparkml.__main__ as container
connections.CONNECTIONS_LENT = 0
sys.exit(container.main())
"""


def start(
    model: Path, port: int, settings: Mapping[str, str], *words: str, lends: bool = True
) -> subprocess.Popen[str]:
    program = ["-m", "sagemaker_transform_emulator.containers.sparkml"] if lends else ["-c", WITHOUT_LENDING]
    return subprocess.Popen(
        [sys.executable, *program, *(words or ("serve",))],
        cwd=ROOT,
        env=environment(model, port, settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class Server:
    """One running container."""

    def __init__(self, model: Path, settings: Mapping[str, str], *, lends: bool = True) -> None:
        """`lends` is False for a container in which no connection is lent to the JVM."""
        self.port = free_port()
        self.process = start(model, self.port, settings, lends=lends)
        self._printed: list[str] = []
        # a container that nobody reads from stands still when the pipe is full
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        self._wait_until_it_listens()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as printed:
            self._printed.extend(printed)

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"the container did not start:\n{self.stop()}")

    def request(self, method: str, path: str, headers: Any = (), body: bytes | None = None) -> Reply:
        """`headers` are all that is sent besides Host and Content-Length; pairs may repeat a name."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in pairs:
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
            received = {name.lower(): value for name, value in answer.getheaders()}
            assert received.pop("date")
            return Reply(answer.status, received, content)
        finally:
            connection.close()

    def invoke(self, body: str | bytes, content_type: str = "text/csv", accept: str | None = None) -> Reply:
        headers = {"Content-Type": content_type} | ({} if accept is None else {"Accept": accept})
        return self.request("POST", "/invocations", headers, body.encode() if isinstance(body, str) else body)

    def invoke_json(self, data: Any, accept: str | None = None, **schema: Any) -> Reply:
        """One record under a schema of its own: `input` columns and `output`."""
        content = {"schema": schema, "data": data} if schema else {"data": data}
        return self.invoke(json.dumps(content), "application/json", accept)

    def stop(self) -> str:
        """What the container printed; it is gone afterwards."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(timeout=30)
        return "".join(self._printed)


class Fleet:
    """Servers by bundle and environment, started when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: dict[tuple[str, tuple[tuple[str, str], ...]], Server] = {}

    def server(self, bundles: Mapping[str, Any], name: str, settings: Mapping[str, str]) -> Server:
        key = (name, tuple(sorted(settings.items())))
        if key not in self._servers:
            model = write_bundle(self._folder / name, bundles[name])
            self._servers[key] = Server(model, settings)
        return self._servers[key]

    def stop(self) -> None:
        for server in self._servers.values():
            server.stop()


def write_bundle(directory: Path, files: Mapping[str, Any]) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "\n".join(map(json.dumps, content)) if name.endswith("tree.json") else json.dumps(content)
        path.write_text(content if isinstance(content, str) else text)
    return directory
