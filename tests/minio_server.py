"""A MinIO of one's own: started on free loopback ports with random keys, gone when the block ends.

Tests that need it are marked needs("minio") and use `with minio_server(folder) as server:`, or the
session-wide fixture `minio` of tests/integration.
"""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from parts import minio_binary
from ports import free_ports

from sagemaker_transform_emulator.config import StoreAddress

START_LIMIT_S = 60
STOP_LIMIT_S = 20


@dataclass(frozen=True)
class Minio:
    """A running server."""

    address: StoreAddress
    pid: int

    @property
    def environment(self) -> dict[str, str]:
        """What the command line, an SDK or a child process needs to use it."""
        assert self.address.endpoint_url is not None
        assert self.address.access_key_id is not None
        assert self.address.secret_access_key is not None
        return {
            "AWS_ENDPOINT_URL_S3": self.address.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.address.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.address.secret_access_key,
            "AWS_REGION": self.address.region,
        }

    def client(self) -> Any:
        """A boto3 client with the root user's keys; the caller closes it."""
        return boto3.client(
            "s3",
            endpoint_url=self.address.endpoint_url,
            aws_access_key_id=self.address.access_key_id,
            aws_secret_access_key=self.address.secret_access_key,
            region_name=self.address.region,
        )


@contextmanager
def minio_server(folder: Path) -> Iterator[Minio]:
    """A fresh MinIO with its data and log below `folder`, answering when the block begins."""
    binary = minio_binary()
    assert binary is not None, "mark the test needs('minio')"
    user, password = f"root-{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    data, log = folder / "data", folder / "minio.log"
    data.mkdir(parents=True)
    port, console = free_ports(2)
    environment = {
        "HOME": str(folder), "MINIO_ROOT_USER": user, "MINIO_ROOT_PASSWORD": password, "MINIO_UPDATE": "off",
    }  # fmt: skip
    addresses = ["--address", f"127.0.0.1:{port}", "--console-address", f"127.0.0.1:{console}"]
    command = [binary, "server", str(data), *addresses]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, env=environment, stdout=sink, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process, log)
        yield Minio(StoreAddress(url, "us-east-1", user, password), process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Minio]:
    """One MinIO for all tests of a session; each makes buckets with names of its own."""
    with minio_server(tmp_path_factory.mktemp("minio")) as server:
        yield server


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers. Fails with its log when it ends or takes too long."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/minio/health/ready", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(0.05)
    raise AssertionError(
        f"MinIO does not answer at {url}; its log:\n{log.read_text(errors='replace')[-3000:]}"
    )
