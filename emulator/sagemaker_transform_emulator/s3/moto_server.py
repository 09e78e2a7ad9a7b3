"""The S3 that is used when no endpoint is configured: moto's, inside this process.

Its limits: everything is in memory and gone when the process ends, nobody is asked for credentials, and
it copies whole objects for each range, so objects above 256 MiB are refused with a word about MinIO.

moto's own server would guess other services, its administration and instance metadata from a request's
headers, body and path; here S3 is all there is, whatever a request looks like.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sagemaker_transform_emulator.config import DUMMY_KEYS, StoreAddress, region
from sagemaker_transform_emulator.extras import require
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
    require("server", "The built-in S3 store", otherwise="set AWS_ENDPOINT_URL_S3 to a store that runs")
    _count(1)
    try:
        with _served() as port:
            key, secret = DUMMY_KEYS
            yield StoreAddress(f"http://127.0.0.1:{port}", region(), key, secret)
    finally:
        _count(-1)


@contextmanager
def _served() -> Iterator[int]:
    """The port on which moto's S3, and none of its other services, answers."""
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - takes a second, and only then
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = create_backend_app("s3")
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever, name="S3", daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()


def _count(change: int) -> None:
    """One store more or less; none of an earlier one's objects is there when the first opens."""
    global _open  # noqa: PLW0603 - moto's own state is the process's
    from moto.backends import get_backend  # noqa: PLC0415

    with _lock:
        if _open == 0 or _open + change == 0:
            for backend in get_backend("s3").values():
                backend["aws"].reset()
        _open += change
