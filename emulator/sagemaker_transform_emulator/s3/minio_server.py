"""A MinIO server of the emulator's own: the store that keeps objects over restarts and checks signatures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from sagemaker_transform_emulator.config import DUMMY_KEYS, StoreAddress, region
from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.processes import leash
from sagemaker_transform_emulator.processes.loopback import LOOPBACK, free_port
from sagemaker_transform_emulator.processes.run_mark import RUN_VARIABLE

_START_SECONDS = 30.0


def minio_binary(environment: Mapping[str, str] = os.environ) -> str | None:
    """The MinIO program: MINIO_BIN, or `minio` on PATH, or the one that `make minio` built."""
    built = Path.home() / ".cache" / "sagemaker-transform-emulator" / "minio"
    named = environment.get("MINIO_BIN") or shutil.which("minio") or str(built)
    return named if Path(named).is_file() and os.access(named, os.X_OK) else None


@contextmanager
def minio_store(binary: str, data: Path, run_id: str) -> Iterator[StoreAddress]:
    """MinIO on a free loopback port with its objects below `data`; it ends with the block, or with us.

    Raises MachineError when it does not come up.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    port = free_port()
    with (data.parent / "minio.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - a program the user named or built
            [sys.executable, "-I", "-S", str(Path(leash.__file__)), binary, "server", str(data),
             "--address", f"{LOOPBACK}:{port}", "--quiet"],
            stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, env=_environment(run_id),
        )  # fmt: skip
    try:
        url = f"http://{LOOPBACK}:{port}"
        _await(url, process, data.parent / "minio.log")
        yield StoreAddress(url, region(), *DUMMY_KEYS)
    finally:
        process.terminate()
        assert process.stdin is not None
        with process.stdin, suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.wait()  # with its stdin closed, the leash kills what is left


def _environment(run_id: str) -> dict[str, str]:
    return {
        "HOME": str(Path.home()),
        "PATH": os.environ.get("PATH", ""),
        "MINIO_ROOT_USER": DUMMY_KEYS[0],
        "MINIO_ROOT_PASSWORD": DUMMY_KEYS[1],
        "MINIO_DOMAIN": "localhost",  # BUCKET.localhost is that bucket
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        "MINIO_CALLHOME_ENABLE": "off",
        RUN_VARIABLE: run_id,
    }


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/minio/health/ready", timeout=2, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    tail = " | ".join(log.read_text(errors="replace").splitlines()[-3:])
    raise MachineError(
        f"MinIO did not start: {tail or 'it wrote nothing'}",
        remedy="set AWS_ENDPOINT_URL_S3 to another store, or start with --s3 moto",
    )
