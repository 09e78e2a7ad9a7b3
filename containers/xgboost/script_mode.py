"""Script mode: worker processes run the user's code, one invocation at a time each.

The first worker starts before the port opens, the others when all are busy, up to
SAGEMAKER_MODEL_SERVER_WORKERS (by default the CPU count), so that a job without concurrency keeps one
copy of the model in memory.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.containers.serving import StartError
from sagemaker_transform_emulator.containers.xgboost.answers import Answer, text
from sagemaker_transform_emulator.containers.xgboost.settings import Settings
from sagemaker_transform_emulator.containers.xgboost.source_dir import SourceDir, prepare_source_dir

LOG = logging.getLogger(__name__)

DEFAULT_TIMEOUT_SECONDS = 60
READY = "ready"


class WorkerLostError(Exception):
    """The worker ended, or was ended, before it answered. `status` is what nginx would say."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Job:
    """What a worker needs to start."""

    source: SourceDir
    model_dir: Path
    timeout_seconds: int


class Worker:
    """One process with the user's module and model in it."""

    def __init__(self, job: Job) -> None:
        """Start the process and wait until its model is loaded. Raises StartError."""
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._timeout = job.timeout_seconds
        self._process = context.Process(target=_work, args=(theirs, job), daemon=True, name="script-worker")
        self._process.start()
        theirs.close()
        try:
            outcome = self._pipe.recv()
        except EOFError:
            self._process.join()
            outcome = f"the script ended its process with exit code {self._process.exitcode}"
        if outcome != READY:
            self.kill()
            raise StartError(outcome)

    def invoke(self, body: bytes, content_type: str, accept: str) -> Answer:
        """The answer. Raises WorkerLostError when the process dies or exceeds the time limit."""
        try:
            self._pipe.send((body, content_type, accept))
            if self._pipe.poll(self._timeout):
                return Answer(*self._pipe.recv())
        except (EOFError, OSError):
            self._process.join()
            raise WorkerLostError(
                HTTPStatus.BAD_GATEWAY, f"the script's process ended with exit code {self._process.exitcode}"
            ) from None
        self.kill()
        raise WorkerLostError(
            HTTPStatus.GATEWAY_TIMEOUT,
            f"the script took longer than {self._timeout} s; "
            "raise SAGEMAKER_MODEL_SERVER_TIMEOUT or send smaller batches",
        )

    def kill(self) -> None:
        """End the process at once; an invocation under way raises WorkerLostError."""
        self._process.kill()
        self._process.join()


class ScriptBackend:
    """Hands each invocation to an idle worker."""

    def __init__(self, job: Job, workers: int, default_accept: str) -> None:
        """Start the first worker. Raises StartError."""
        self._job = job
        self._most = workers
        self._default_accept = default_accept
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="script")
        self._idle: asyncio.Queue[Worker | None] = asyncio.Queue()
        self._workers = [Worker(job)]
        self._idle.put_nowait(self._workers[0])
        self._started = 1

    async def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        """The answer of a worker; 502 or 504 with the reason when the worker was lost."""
        content_type = content_type or "application/json"
        accept = self._default_accept if accept in (None, "", "*/*") else accept
        if self._idle.empty() and self._started < self._most:
            self._started += 1
            self._idle.put_nowait(None)
        worker = await self._idle.get()
        loop = asyncio.get_running_loop()
        try:
            if worker is None:
                worker = await loop.run_in_executor(self._threads, Worker, self._job)
                self._workers.append(worker)
            return await loop.run_in_executor(self._threads, worker.invoke, body, content_type, accept)
        except WorkerLostError as error:
            if worker is not None:
                self._workers.remove(worker)
            worker = None
            LOG.error("%s", error)  # noqa: TRY400 - the traceback would be ours
            return text(error.status, str(error))
        except StartError as error:
            LOG.error("a script worker cannot start: %s", error)  # noqa: TRY400 - as above
            return text(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        finally:
            self._idle.put_nowait(worker)

    def close(self) -> None:
        """Kill the workers and end the threads."""
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown(wait=False, cancel_futures=True)


def start_script_mode(settings: Settings) -> ScriptBackend:
    """Fetch the source, install its requirements and load the model. Raises StartError."""
    job = Job(prepare_source_dir(settings), settings.model_dir, _timeout_seconds())
    return ScriptBackend(job, settings.workers, settings.default_accept or "application/json")


def _timeout_seconds() -> int:
    text_value = os.environ.get("SAGEMAKER_MODEL_SERVER_TIMEOUT") or str(DEFAULT_TIMEOUT_SECONDS)
    if not text_value.isdigit():
        raise StartError(f"SAGEMAKER_MODEL_SERVER_TIMEOUT is {text_value!r}; it must be a number of seconds")
    return int(text_value)


def _work(pipe: Connection[Any, Any], job: Job) -> None:
    """The life of a worker process: load, then one answer for each request until the pipe closes."""
    from sagemaker_transform_emulator.containers.xgboost.user_module import load_user_module  # noqa: PLC0415 - keeps XGBoost out of the parent

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        module = load_user_module(job.source, str(job.model_dir))
    except StartError as error:
        pipe.send(str(error))
        return
    pipe.send(READY)
    while True:
        try:
            request = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        pipe.send(tuple(module.invoke(*request)))
