"""A running Docker container: its log, its end, and its removal with all that was made for it."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import docker.errors
from docker.utils.socket import frames_iter

from sagemaker_transform_emulator.errors import EngineError
from sagemaker_transform_emulator.processes import jvm, listening
from sagemaker_transform_emulator.processes.jvm import CollectedHeap
from sagemaker_transform_emulator.processes.listening import Hearing
from sagemaker_transform_emulator.processes.sigterm import deaf_to_sigterm
from sagemaker_transform_emulator.processes.usage import Usage, tree_pids, tree_usage
from sagemaker_transform_emulator.runtime.base import STOP_GRACE_S, ContainerSpec, Exit, LogSink
from sagemaker_transform_emulator.runtime.docker.engine import UNREACHABLE, Engine, engine_errors, lost
from sagemaker_transform_emulator.runtime.docker.exit_reason import exit_of
from sagemaker_transform_emulator.runtime.docker.instance_types import Capacity
from sagemaker_transform_emulator.runtime.log_lines import Lines

_LAST_WORDS_S = 2.0
_TAIL_LINES = 200


class ContainerOutput:
    """The attached output of a container, as a file that the SDK's frame reader takes, closed for good."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        stream._sock.settimeout(None)  # noqa: SLF001 - the SDK offers no other way to read without a time limit

    def close(self) -> None:
        """The connection is closed; closing the stream alone would leave it open."""
        self.stream._sock.close()  # noqa: SLF001 - as above
        self.stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Made:
    """What the engine holds for a started container. `pid` is 0 where the engine is on another machine."""

    id: str
    volume: str
    host: str
    port: int
    inner_port: int
    pid: int
    output: ContainerOutput
    limit: Capacity | None


class DockerContainer:
    """A started container. Two threads follow it: one reads what it writes, one waits for its end."""

    def __init__(
        self,
        spec: ContainerSpec,
        made: Made,
        engine: Engine,
        log: LogSink,
        leave: Callable[[], Awaitable[None]],
    ) -> None:
        self.name = spec.name
        self.image = spec.image
        self.host = made.host
        self.port = made.port
        self._spec = spec
        self._made = made
        self._engine = engine
        self._log = log
        self._leave = leave
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[Exit] = self._loop.create_future()
        self._ended.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._silent = asyncio.Event()
        self._removed: asyncio.Task[None] | None = None
        for work in (self._follow_output, self._await_end):
            threading.Thread(target=work, name=f"docker-{spec.name}", daemon=True).start()

    async def exited(self, wait_s: float = 0.0) -> Exit | None:
        """How it ended, or None while it runs. Raises EngineError when the engine went away."""
        if not self._ended.done() and wait_s:
            await asyncio.wait({self._ended}, timeout=wait_s)
        if not self._ended.done():
            return None
        with suppress(TimeoutError):  # so that its last words are in the log
            await asyncio.wait_for(self._silent.wait(), _LAST_WORDS_S)
        return self._ended.result()

    def log_tail(self, lines: int = 20) -> list[str]:
        """The last lines it wrote."""
        return list(self._tail)[-lines:]

    def diagnose_silence(self) -> str:
        """Where its processes listen, seen from inside its network; "" where that cannot be seen."""
        if not self._made.pid or self._ended.done():
            return ""
        found = self.hearing()
        return found.words if found else ""

    def hearing(self) -> Hearing | None:
        """Where its processes listen inside its network; None where that cannot be seen."""
        found = listening.in_namespace(self._made.pid) if self._made.pid else None
        if found is None:
            return None
        return Hearing(frozenset(found), self._made.inner_port, outside=True, told=self._spec.binds_to_port)

    async def terminate(self, grace_s: float) -> Exit | None:
        """It was sent SIGTERM; how it ended within `grace_s` seconds, None when it still runs."""
        with suppress(docker.errors.APIError):  # it has ended by itself
            await self._engine.call(lambda: self._engine.api.kill(self._made.id, signal="SIGTERM"))
        return await self.exited(grace_s)

    async def written_files(self) -> list[str] | None:
        """Files that differ from those of its image, its volumes left out."""
        with engine_errors(f'tell what container "{self.name}" wrote'):
            found = await self._engine.call(lambda: self._engine.api.diff(self._made.id))
        return sorted(str(change["Path"]) for change in found or ())

    async def written_model_files(self) -> None:
        """Its model directory is a volume, which the engine does not compare with anything."""

    def usage(self) -> Usage | None:
        """CPU time and memory of its processes; None where they cannot be seen."""
        return tree_usage(self._made.pid) if self._made.pid else None

    def has_jvm(self) -> bool:
        """Whether a JVM is among them; False where they cannot be seen."""
        return jvm.has_jvm(tree_pids(self._made.pid)) if self._made.pid else False

    def collected_heap(self) -> CollectedHeap | None:
        """What JVMs among them keep after they have collected; None where that cannot be seen."""
        return jvm.collected_heap(tree_pids(self._made.pid)) if self._made.pid else None

    async def kill(self) -> None:
        """The container is sent SIGKILL."""
        await self._engine.call(lambda: self._engine.api.kill(self._made.id))

    async def stop(self) -> None:
        """It is gone with its volumes: SIGTERM, then SIGKILL after 30 seconds (R4.7).

        What an absent engine still holds is left to the sweep at the next start.
        """
        if self._removed is None:
            self._removed = asyncio.create_task(self._remove())
        await asyncio.shield(self._removed)

    async def _remove(self) -> None:
        made, over = self._made, self._ended.done()
        try:
            await self._engine.call(
                lambda: remove(
                    self._engine, made.id, made.volume, stop=not over and not deaf_to_sigterm(made.pid)
                )
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(self._silent.wait(), _LAST_WORDS_S)
        finally:
            await self._leave()

    def _follow_output(self) -> None:
        lines = Lines()
        try:
            with self._made.output as output:
                for stream, data in frames_iter(  # type: ignore[no-untyped-call]
                    output.stream, tty=False
                ):
                    self._hand_over(lines.feed(stream, data))
        except UNREACHABLE:
            pass  # the end of the engine is found by the other thread
        self._hand_over(lines.end())
        self._in_loop(self._silent.set)

    def _hand_over(self, lines: Iterable[str]) -> None:
        now = datetime.now(UTC)
        for line in lines:
            self._in_loop(self._keep, now, line)

    def _keep(self, at: datetime, line: str) -> None:
        self._tail.append(line)
        self._log(at, line)

    def _await_end(self) -> None:
        try:
            ended = self._final_state()
        except EngineError as error:
            self._in_loop(self._settle, None, error)
        else:
            self._in_loop(self._settle, ended, None)

    def _final_state(self) -> Exit:
        api = self._engine.api
        with suppress(docker.errors.DockerException, *UNREACHABLE):
            api.wait(self._made.id)
        what = f'tell how container "{self.name}" is'
        try:
            with engine_errors(what):
                state = api.inspect_container(self._made.id)["State"]
        except EngineError as error:
            if isinstance(error.__context__, docker.errors.NotFound):
                return Exit(None, "was removed by somebody else")
            raise
        if state.get("Running"):
            raise lost(what, ConnectionError("it stopped answering while the container ran"))
        return exit_of(state, self._made.limit)

    def _settle(self, ended: Exit | None, error: EngineError | None) -> None:
        if self._ended.done():
            return
        if error is not None:
            self._ended.set_exception(error)
        elif ended is not None:
            self._ended.set_result(ended)

    def _in_loop(self, call: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody listens any more
            self._loop.call_soon_threadsafe(call, *arguments)


def remove(engine: Engine, container: str, volume: str, *, stop: bool) -> None:
    """Neither the container nor its volumes exist any more, as far as the engine answers. Blocking.

    With `stop` the container gets SIGTERM and its 30 seconds first.
    """
    api = engine.api
    steps: list[Callable[[], object]] = []
    if container:
        if stop:
            steps.append(lambda: api.stop(container, timeout=int(STOP_GRACE_S)))
        steps.append(lambda: api.remove_container(container, v=True, force=True))
    if volume:
        steps.append(lambda: api.remove_volume(volume, force=True))
    for step in steps:
        with suppress(docker.errors.APIError):
            try:
                step()
            except UNREACHABLE:
                return
