"""The process runtime: a container is a local process started with the argument `serve`.

For machines without Docker, and for short jobs: no image, no isolation. Each container gets its own
copy of its model directory, named by SM_MODEL_DIR, and a free loopback port in SAGEMAKER_BIND_TO_PORT,
also when it is the only one (unlike the service, R4.6: port 8080 may be taken here).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sagemaker_transform_emulator.config import ImageMapping, Settings
from sagemaker_transform_emulator.errors import ContainerError, ModelError
from sagemaker_transform_emulator.extras import require
from sagemaker_transform_emulator.model_artifacts.archive import unpack
from sagemaker_transform_emulator.processes import jvm, leash, listening
from sagemaker_transform_emulator.processes.jvm import CollectedHeap
from sagemaker_transform_emulator.processes.listening import Hearing
from sagemaker_transform_emulator.processes.loopback import LOOPBACK, free_port
from sagemaker_transform_emulator.processes.run_mark import RUN_VARIABLE
from sagemaker_transform_emulator.processes.usage import Usage, session_pids, session_usage
from sagemaker_transform_emulator.runtime.base import STOP_GRACE_S, ContainerSpec, Exit, LogSink, Prepared
from sagemaker_transform_emulator.runtime.libraries import Libraries
from sagemaker_transform_emulator.runtime.log_pipe import LogPipe
from sagemaker_transform_emulator.runtime.probing import changes_to_archive
from sagemaker_transform_emulator.runtime.store_access import for_process
from sagemaker_transform_emulator.runtime.workspace import Workspace

_PASSED_ON = (
    "HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "USER", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
    "XDG_CACHE_HOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "PYTHONPATH",
)  # fmt: skip
_IN_DOCKER = "run the image itself with --runtime docker"


class ProcessRuntime:
    """Starts the commands that `emulator.toml` and the built-in mappings give for images."""

    name = "process"

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        self._workspace = workspace
        self._settings = settings
        self.libraries = Libraries(settings)

    async def start(self, spec: ContainerSpec, log: LogSink) -> ProcessContainer:
        """Return the started process. See `Runtime.start` for the errors."""
        mapping = self._mapping(spec.image)
        if mapping.library is not None and not self.libraries.provided(spec.image):
            await self.libraries.provide(spec.image, lambda _: None)
        model_dir = self._workspace.folder("model")
        if spec.model_archive is not None:
            await asyncio.to_thread(
                unpack, spec.model_archive, model_dir, url=spec.model_data_url, container=spec.name
            )
        port = free_port()
        environment = {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "PYTHONUNBUFFERED": "1",
            "SM_MODEL_DIR": str(model_dir),
            **(for_process(spec.store) if spec.store else {}),
            **spec.environment,
            **self.libraries.on_path(spec.image, mapping.environment),
            **port_variables(port),
            RUN_VARIABLE: self._workspace.run_id,
        }
        command = [part.replace("{python}", sys.executable) for part in mapping.command]
        output = LogPipe()
        try:
            process = await self._spawn([*command, "serve"], environment, mapping.directory, spec, output)
        except BaseException:
            output.close()
            raise
        return ProcessContainer(spec, port, process, output, log=log, model_directory=model_dir)

    async def prepare(self, images: Sequence[str], tell: Callable[[str], None]) -> Prepared:
        """Every image has a command that can be started.

        The version of XGBoost that an image's tag names is there, made on first use; see
        `environment_making.ensure` for the errors. Raises ModelError naming the image that has no command,
        and MachineError for a serving container of ours whose packages are not installed.
        """
        mappings = {image: self._mapping(image) for image in images}
        for image, mapping in mappings.items():
            if mapping.serving_container is not None:
                work = f"The process that stands for image {image!r}"
                require(mapping.serving_container, work, otherwise=_IN_DOCKER)
        notes = {
            image: await self.libraries.provide(image, tell)
            for image, mapping in mappings.items()
            if mapping.library is not None
        }
        return Prepared(self, notes={image: note for image, note in notes.items() if note})

    async def close(self) -> None:
        """Nothing outlives single containers here."""

    def _mapping(self, image: str) -> ImageMapping:
        usable = [mapping for mapping in self._settings.all_images if mapping.command]
        found = next((mapping for mapping in usable if mapping.covers(image)), None)
        if found is None:
            known = ", ".join(repr(mapping.match) for mapping in usable)
            raise ModelError(
                f"No local command is known for image {image!r}",
                remedy=f'name one in emulator.toml ([[images]] match = "<glob>", command = [...]); '
                f"known: {known}; or {_IN_DOCKER}",
            )
        return found

    async def _spawn(
        self,
        command: list[str],
        environment: Mapping[str, str],
        directory: str | None,
        spec: ContainerSpec,
        output: LogPipe,
    ) -> asyncio.subprocess.Process:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", str(Path(leash.__file__)), *command,
                env=dict(environment), cwd=directory, start_new_session=True, stdin=asyncio.subprocess.PIPE,
                stdout=output.write_end, stderr=output.write_end,
            )  # fmt: skip
        except OSError as error:
            raise ContainerError(
                f'Container "{spec.name}" cannot be started: {command[0]}: {error.strerror}'
            ) from None
        output.started()
        return process


class ProcessContainer:
    """One running process and its log."""

    def __init__(
        self,
        spec: ContainerSpec,
        port: int,
        process: asyncio.subprocess.Process,
        output: LogPipe,
        *,
        log: LogSink,
        model_directory: Path,
    ) -> None:
        self._archive = spec.model_archive
        self._model_directory = model_directory
        self.name = spec.name
        self.image = spec.image
        self.host = LOOPBACK
        self.port = port
        self._process = process
        self._output = output
        self._log = log
        self._tail: deque[str] = deque(maxlen=200)
        self._reading = asyncio.create_task(output.read(self._keep))
        self._ended = asyncio.create_task(process.wait())

    async def exited(self, wait_s: float = 0.0) -> Exit | None:
        """How it ended, or None while it runs."""
        if not self._ended.done() and wait_s:
            await asyncio.wait({self._ended}, timeout=wait_s)
        if not self._ended.done():
            return None
        await asyncio.wait({self._reading}, timeout=1)  # so that its last words are in the log
        code = self._ended.result()
        return Exit(code, _exit_words(code))

    def log_tail(self, lines: int = 20) -> list[str]:
        """The last lines it wrote."""
        return list(self._tail)[-lines:]

    def diagnose_silence(self) -> str:
        """Which other addresses the process listens on, if any."""
        return listening.describe(self._process.pid, self.port)

    def hearing(self) -> Hearing | None:
        """Where it listens; its loopback is ours. None where there is no /proc to see it in."""
        if not Path("/proc/self/net/tcp").exists():
            return None
        found = frozenset(listening.addresses(self._process.pid))
        return Hearing(found, self.port, outside=False, told=True)

    async def terminate(self, grace_s: float) -> Exit | None:
        """It was sent SIGTERM; how it ended within `grace_s` seconds, None when it still runs."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        return await self.exited(grace_s)

    async def written_files(self) -> None:
        """A process may write wherever its user may; nobody keeps account."""

    async def written_model_files(self) -> list[str]:
        """Files of its model directory that are not as in the archive."""
        return await changes_to_archive(self._archive, self._model_directory)

    def usage(self) -> Usage | None:
        """CPU time and memory of the process and all it started."""
        return session_usage(self._process.pid)

    def has_jvm(self) -> bool:
        """Whether a JVM is among them."""
        return jvm.has_jvm(session_pids(self._process.pid))

    def collected_heap(self) -> CollectedHeap | None:
        """What JVMs among them keep after they have collected."""
        return jvm.collected_heap(session_pids(self._process.pid))

    async def kill(self) -> None:
        """The process and all it started were killed."""
        if self._process.stdin is not None:
            self._process.stdin.close()  # the leash kills its group when its owner lets go
        await asyncio.wait({self._ended}, timeout=STOP_GRACE_S)

    async def stop(self) -> None:
        """The process and all it started are gone."""
        if not self._ended.done():
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            await asyncio.wait({self._ended}, timeout=STOP_GRACE_S)
        if self._process.stdin is not None:
            self._process.stdin.close()  # the leash kills what is left
        await self._ended
        await asyncio.wait({self._reading}, timeout=2)
        self._reading.cancel()
        self._output.close()

    def _keep(self, text: str) -> None:
        self._tail.append(text)
        self._log(datetime.now(UTC), text)


def port_variables(port: int) -> dict[str, str]:
    """The two variables of R4.38. The safe range lies away from the port, inside the registered ports."""
    low = 20_000 + port % 400 * 100
    return {"SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_SAFE_PORT_RANGE": f"{low}-{low + 99}"}


def _exit_words(code: int) -> str:
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
