"""What the commands share: the store, the files that --put names, and the services that run containers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from rich.console import Console
from rich.text import Text

from sagemaker_transform_emulator.config import Settings, StoreAddress
from sagemaker_transform_emulator.jobs.instances import Services
from sagemaker_transform_emulator.jobs.services import open_services
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.store_choice import open_store
from sagemaker_transform_emulator.s3.transfer import parse_put, put
from sagemaker_transform_emulator.transform.keys import S3Location

Put = tuple[Path, S3Location]
Store = tuple[StoreAddress, bool]
_T = TypeVar("_T")


class Session(NamedTuple):
    """Services to run containers with. `embedded` says that the store is the built-in one."""

    services: Services
    address: StoreAddress
    embedded: bool


def parse_puts(texts: Iterable[str] | None) -> list[Put]:
    """The files that --put names, each with its place in S3. Raises UsageError."""
    return [parse_put(text) for text in texts or ()]


def in_session(
    settings: Settings,
    puts: Sequence[Put],
    work: Callable[[Session], Coroutine[Any, Any, _T]],
    store: AbstractContextManager[Store] | None = None,
) -> _T:
    """What `work` gives; the files of `puts` were in S3 before it began.

    `store` is the configured one, else the built-in one, unless it is given.
    """

    async def go(address: StoreAddress, *, embedded: bool) -> _T:
        async with open_services(settings, address) as services:
            await _upload(services.storage, puts, embedded=embedded)
            return await work(Session(services, address, embedded))

    with store or _opened() as (address, embedded):
        return run_loop(go(address, embedded=embedded))


def with_storage(
    puts: Sequence[Put],
    work: Callable[[Storage], Coroutine[Any, Any, _T]],
    store: AbstractContextManager[Store] | None = None,
) -> _T:
    """As `in_session`, for what needs no container: no runtime is looked for."""

    async def go(storage: Storage, *, embedded: bool) -> _T:
        await _upload(storage, puts, embedded=embedded)
        return await work(storage)

    with store or _opened() as (address, embedded):
        storage = Storage(address)
        try:
            return run_loop(go(storage, embedded=embedded))
        finally:
            storage.close()


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """One changing line on a terminal's stderr; nothing elsewhere."""
    console = Console(stderr=True, quiet=quiet)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("starting") as status:
        yield lambda text: status.update(Text(text))


@contextmanager
def _opened() -> Iterator[Store]:
    with open_store() as behind:
        yield behind.address, behind.is_built_in


async def _upload(storage: Storage, puts: Sequence[Put], *, embedded: bool) -> None:
    for path, target in puts:
        await asyncio.to_thread(put, storage, path, target, embedded=embedded)
