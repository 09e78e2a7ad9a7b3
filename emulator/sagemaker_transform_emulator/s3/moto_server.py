"""The S3 that is used when no endpoint is configured: moto's server, inside this process.

Its limits: everything is in memory and gone when the process ends, nobody is asked for credentials, and
it copies whole objects for each range, so objects above 256 MiB are refused with a word about MinIO.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sagemaker_transform_emulator.config import DUMMY_KEYS, StoreAddress, region
from sagemaker_transform_emulator.sagemaker.requests import MIB

LARGEST_OBJECT_BYTES = 256 * MIB
LIMITS = "in memory, gone at the end, objects up to 256 MiB"


@contextmanager
def embedded_store() -> Iterator[StoreAddress]:
    """A fresh, empty store on a free loopback port; it stops when the block ends."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - takes a second, and only then

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        key, secret = DUMMY_KEYS
        yield StoreAddress(f"http://{host}:{port}", region(), key, secret)
    finally:
        server.stop()
