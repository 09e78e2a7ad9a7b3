"""The Docker engine: how it is found, called from asyncio, and what its errors mean."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import docker
import docker.errors
import requests.exceptions
import urllib3.exceptions
from docker.api.client import APIClient

from sagemaker_transform_emulator.errors import EngineError, MachineError

UNREACHABLE = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError)
"""What the SDK raises when the engine does not answer, or stops in the middle of an answer."""
CALL_TIMEOUT_S = 120
_SOCKET = Path("/var/run/docker.sock")
_MOST_CALLS = 32

_T = TypeVar("_T")


class Engine:
    """A connection to an engine. Calls run in threads of its own, so that slow ones hold up nobody else."""

    def __init__(self, client: APIClient) -> None:
        self.api = client
        self.version = str(client.version().get("Version", "?"))
        self._threads = ThreadPoolExecutor(_MOST_CALLS, thread_name_prefix="docker")

    async def call(self, work: Callable[[], _T]) -> _T:
        """The work's result. It is carried out to its end even when the caller is cancelled."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """The threads and connections are given back."""
        self._threads.shutdown(wait=False)
        self.api.close()


def connect() -> Engine:
    """The engine of DOCKER_HOST, of the usual socket, or of Docker's current context.

    Raises MachineError that tells why it cannot be used.
    """
    try:
        base_url = _context_host()
        _knock(base_url or os.environ.get("DOCKER_HOST") or f"unix://{_SOCKET}")
        client = (
            APIClient(base_url=base_url, version="auto", timeout=CALL_TIMEOUT_S, max_pool_size=_MOST_CALLS)
            if base_url
            else docker.from_env(timeout=CALL_TIMEOUT_S, max_pool_size=_MOST_CALLS).api
        )
        return Engine(client)
    except (docker.errors.DockerException, *UNREACHABLE) as error:
        raise MachineError(
            f"No Docker engine answers: {_first_cause(error)}",
            remedy="start Docker, check DOCKER_HOST and who may use its socket, or take --runtime process",
        ) from None


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Whatever the engine's SDK raises inside is an EngineError that says what was being done."""
    try:
        yield
    except docker.errors.APIError as error:
        remedy = _REMEDIES.get(next((text for text in _REMEDIES if text in str(error)), ""), "")
        raise EngineError(
            f"The Docker engine would not {what}: {explanation(error)}", remedy=remedy
        ) from None
    except (docker.errors.DockerException, *UNREACHABLE) as error:
        raise lost(what, error) from None


def lost(what: str, error: BaseException) -> EngineError:
    """The error for an engine that does not answer any more."""
    return EngineError(
        f"The Docker engine went away, asked to {what}: {_first_cause(error)}",
        remedy="start it again; what the job left in it is removed at the next start, or by `emulator clean`",
    )


def explanation(error: docker.errors.APIError) -> str:
    """The engine's own words."""
    return str(error.explanation or error)


def _context_host() -> str | None:
    """The current context's endpoint, where neither DOCKER_HOST nor the usual socket is there."""
    if os.environ.get("DOCKER_HOST") or _SOCKET.exists():
        return None
    from docker.context import ContextAPI  # noqa: PLC0415 - reads files, seldom needed

    context = ContextAPI.get_current_context()
    return str(context.Host) if context is not None and context.Host else None


def _knock(url: str) -> None:
    """A Unix socket accepts connections; OSError tells why not. The SDK would leave its own socket open."""
    if url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(url.removeprefix("unix://"))


def _first_cause(error: BaseException) -> str:
    """The innermost reason, which is the one that says something: "No such file or directory"."""
    seen = error
    while (inner := _inner(seen)) is not None and inner is not seen:
        seen = inner
    return str(getattr(seen, "strerror", None) or seen or type(seen).__name__)


def _inner(error: BaseException) -> BaseException | None:
    wrapped = next((item for item in error.args if isinstance(item, BaseException)), None)
    return wrapped or error.__cause__ or error.__context__


_REMEDIES = {
    "non-overlapping IPv4": "too many networks: remove unused ones with `docker network prune`, "
    "or widen default-address-pools in the engine's daemon.json",
    "no space left": "free disk space on the engine's machine, for example with `docker system prune`",
}
