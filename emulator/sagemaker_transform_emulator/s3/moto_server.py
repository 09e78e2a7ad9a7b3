"""The S3 that is used when no endpoint is configured: moto's server, inside this process.

Its limits: everything is in memory and gone when the process ends, nobody is asked for credentials, and
it copies whole objects for each range, so objects above 256 MiB are refused with a word about MinIO.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sagemaker_transform_emulator.config import DUMMY_KEYS, StoreAddress, region
from sagemaker_transform_emulator.sagemaker.requests import MIB

LARGEST_OBJECT_BYTES = 256 * MIB
LIMITS = "in memory, gone at the end, objects up to 256 MiB"


_open = 0
_lock = threading.Lock()


@contextmanager
def embedded_store() -> Iterator[StoreAddress]:
    """An empty store on a free loopback port; it stops when the block ends.

    moto keeps what is stored once per process: stores that are open at the same time share their objects,
    and with the last one they are gone.
    """
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - takes a second, and only then

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    _count(1)
    try:
        yield from _serve(server)
    finally:
        _count(-1)


def _serve(server: Any) -> Iterator[StoreAddress]:
    server.start()
    try:
        host, port = server.get_host_and_port()
        key, secret = DUMMY_KEYS
        yield StoreAddress(f"http://{host}:{port}", region(), key, secret)
    finally:
        server.stop()


def _count(change: int) -> None:
    """One store more or less; none of an earlier one's objects is there when the first opens."""
    global _open  # noqa: PLW0603 - moto's own state is the process's
    from moto.backends import get_backend  # noqa: PLC0415

    with _lock:
        if _open == 0 or _open + change == 0:
            for backend in get_backend("s3").values():
                backend["aws"].reset()
        _open += change
