"""`emulator up`: one process that serves the APIs and runs the jobs, from its start to its end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from sagemaker_transform_emulator.config import Settings, region
from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.jobs.services import sweep_leftovers
from sagemaker_transform_emulator.runtime.image_labels import label_reader
from sagemaker_transform_emulator.runtime.workspace import open_workspace
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.store_choice import (
    MinioPlace,
    StoreBehind,
    StoreChoice,
    empty,
    open_store,
)
from sagemaker_transform_emulator.sagemaker.constraints import service_model
from sagemaker_transform_emulator.server import health
from sagemaker_transform_emulator.server import state_directory as state
from sagemaker_transform_emulator.server.api.allowed_hosts import Guard
from sagemaker_transform_emulator.server.api.app import Front, make_app
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.s3_proxy import S3Proxy
from sagemaker_transform_emulator.server.database import Store
from sagemaker_transform_emulator.server.job_controller import JobController
from sagemaker_transform_emulator.server.job_traces import Tracing
from sagemaker_transform_emulator.server.kept_jobs import KeptJobs
from sagemaker_transform_emulator.server.observers import watching
from sagemaker_transform_emulator.server.state_directory import About
from sagemaker_transform_emulator.server.utilization import Utilization
from sagemaker_transform_emulator.trace.job_keeping import kept_settings
from sagemaker_transform_emulator.trace.job_store import JobStore
from sagemaker_transform_emulator.trace.recorder import record_policy

LOOPBACK = ("127.0.0.1", "localhost", "::1")
STOP_SECONDS = 7.0
"""How long the jobs may take to end when the server does; containers that take longer are killed then."""

_KEEP_ALIVE_SECONDS = 120
_HOLDER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What `emulator up` was asked for."""

    settings: Settings
    state: Path
    host: str = "127.0.0.1"
    port: int = 4566
    s3: StoreChoice = "auto"

    @property
    def open_to_network(self) -> bool:
        """Whether others than this machine reach it."""
        return self.host not in LOOPBACK


async def serve(plan: ServerOptions, on_ready: Callable[[About, int], None]) -> int:
    """Serve until SIGINT or SIGTERM; jobs are stopped as StopTransformJob does it. Returns the exit code.

    `on_ready` gets what clients need to know and the number of jobs that the last server left unfinished.
    Raises MachineError when the state directory, the port or the store cannot be had.
    """
    with (
        state.held(plan.state),
        bound(plan.host, plan.port) as listener,
        open_workspace(plan.state) as workspace,
        open_store(plan.s3, MinioPlace(plan.state / "minio", workspace.run_id)) as behind,
    ):
        about = _about(plan, listener, behind)
        _refuse_itself(behind, listener)
        async with _opened(plan, behind, about, workspace.run_id) as (backend, app):
            interrupted = backend.controller.recover()
            await sweep_leftovers(behind.address, plan.state)

            def ready() -> None:
                state.publish(plan.state, about)
                on_ready(about, interrupted)

            try:
                return await _run(backend, app, listener, ready)
            finally:
                state.withdraw(plan.state)


@asynccontextmanager
async def _opened(
    plan: ServerOptions, behind: StoreBehind, about: About, run_id: str
) -> AsyncIterator[tuple[Backend, ASGIApp]]:
    store = Store(plan.state / state.DATABASE)
    storage = Storage(behind.address)
    proxy = S3Proxy(behind.address.endpoint_url or "")
    try:
        controller = JobController(store, behind.address, plan.settings, plan.state)
        utilization = Utilization(controller.progress, store.documents)
        jobs = JobStore(plan.state)
        controller.observers.append(utilization.observe)
        backend = Backend(store, controller, storage, plan.settings, label_reader(plan.settings), utilization)

        async def reset() -> None:
            await controller.stop_all(STOP_SECONDS)
            controller.set_faults(plan.settings.faults)
            utilization.forget()
            await asyncio.to_thread(store.clear)
            await asyncio.to_thread(jobs.remove, front="server")
            backend.polling.clear()
            if behind.is_own:
                await asyncio.to_thread(empty, storage)

        front = Front(lambda: {**health.public(about), "jobs_running": controller.running}, reset)
        guard = Guard(plan.settings.allowed_hosts, open_to_network=plan.open_to_network)
        tracing = Tracing(record_policy(plan.settings.trace), behind.address.endpoint_url, plan.state)
        kept = KeptJobs(
            jobs, run_id, kept_settings(plan.settings), behind.address.endpoint_url, controller.progress
        )
        async with (
            utilization.sampling(),
            watching(controller, store, tracing, kept, plan.settings.webhook) as pages,
        ):
            yield backend, make_app(backend, proxy, front, guard, pages)
    finally:
        await proxy.close()
        storage.close()
        store.close()


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: what ends this process is decided here."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave every signal alone."""
        yield


async def _run(backend: Backend, app: ASGIApp, listener: socket.socket, on_ready: Callable[[], None]) -> int:
    server = _Server(
        uvicorn.Config(
            app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False,
            server_header=False, date_header=False, timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=2, proxy_headers=False,
        )
    )  # fmt: skip
    backend.polling.is_open = lambda client: any(
        getattr(connection, "client", None) == client for connection in server.server_state.connections
    )
    caught: list[int] = []

    def end(number: int) -> None:
        if caught:  # asked twice: at once
            os._exit(128 + number)
        caught.append(number)
        backend.controller.closing.set()
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)
    warming = asyncio.create_task(asyncio.to_thread(service_model, "sagemaker"))
    listener.listen(2048)  # from here on clients wait rather than fail
    loop.call_soon(on_ready)
    await server.serve(sockets=[listener])
    in_time = await backend.controller.stop_all(STOP_SECONDS)
    await warming
    code = 128 + caught[0] if caught else 0
    if not in_time:
        backend.store.close()
        os._exit(code)  # containers that ignore SIGTERM go with us
    return code


@contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises MachineError saying who has the port, as far as that can be known."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise MachineError(
            f"Cannot listen on {host}:{port}: {reason}{_holder(host, port)}",
            remedy="stop what uses the port, or choose one with --port (0 takes any that is free)",
        ) from None
    try:
        yield listener
    finally:
        listener.close()


def _holder(host: str, port: int) -> str:
    try:
        there = health.ask(_url(host, port), timeout_s=_HOLDER_SECONDS, trust_env=False)
    except MachineError:
        return ""
    return f"; an emulator is already running there, pid {there.pid}"


def _about(plan: ServerOptions, listener: socket.socket, behind: StoreBehind) -> About:
    port = listener.getsockname()[1]
    host = plan.host if plan.host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104 - compared, not bound
    key, secret = behind.keys
    return About(
        endpoint_url=_url(host, port),
        pid=os.getpid(),
        region=region(),
        access_key_id=key,
        secret_access_key=secret,
        sdk_config=str(state.write_sdk_config(plan.state, region())),
        s3=behind.description,
        s3_endpoint_url=behind.address.endpoint_url or "",
        runtime=plan.settings.runtime,
    )


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _refuse_itself(behind: StoreBehind, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    endpoint = (behind.address.endpoint_url or "").rstrip("/")
    if endpoint in {f"http://{host}:{port}" for host in LOOPBACK}:
        raise MachineError(
            f"AWS_ENDPOINT_URL_S3 is {endpoint}, the emulator's own address",
            remedy="unset it: it must name the store behind the emulator",
        )
