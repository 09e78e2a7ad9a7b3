"""MinIO goes away in the middle of a job, and comes back."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from harness import Bench, leftovers, until
from minio_server import START_LIMIT_S, wait_until_ready
from parts import minio_binary
from ports import free_ports

from sagemaker_transform_emulator.config import DUMMY_KEYS, StoreAddress
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.sagemaker.requests import JobStatus

pytestmark = [pytest.mark.needs("minio"), pytest.mark.timeout(START_LIMIT_S * 4)]


@dataclass
class Switchable:
    """A MinIO that can be killed and started again on the same port and data."""

    folder: Path
    ports: list[int] = field(default_factory=lambda: free_ports(2))
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> StoreAddress:
        """Where it is, whether it runs or not."""
        return StoreAddress(f"http://127.0.0.1:{self.ports[0]}", "us-east-1", *DUMMY_KEYS)

    def start(self) -> None:
        """It answers."""
        (self.folder / "data").mkdir(exist_ok=True)
        user, password = DUMMY_KEYS
        log = self.folder / "minio.log"
        addresses = [f"127.0.0.1:{port}" for port in self.ports]
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                [
                    str(minio_binary()), "server", str(self.folder / "data"),
                    "--address", addresses[0], "--console-address", addresses[1],
                ],
                env={"HOME": str(self.folder), "MINIO_ROOT_USER": user, "MINIO_ROOT_PASSWORD": password},
                stdout=sink,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        wait_until_ready(f"http://{addresses[0]}", self.process, log)

    def kill(self) -> None:
        """It is gone, with no chance to tidy up."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def test_42_a_store_that_dies_fails_the_job_and_serves_the_next_one_when_it_is_back(
    jobs: Bench, tmp_path: Path
) -> None:
    store = Switchable(tmp_path)
    store.start()
    storage = Storage(store.address)
    bench = Bench(store.address, storage, jobs.folder, jobs.settings)
    storage.client.create_bucket(Bucket="bkt")
    bench.put("in/a.csv", b"0\n")
    bench.put("in/b.csv", b"1\n" * 20)
    behaviour = {"BEHAVIOUR": "sleep_body_seconds_then_lines:id"}

    async def interrupted() -> None:
        task = asyncio.create_task(bench.arun(behaviour))
        await until(lambda: bench.keys("out") == ["out/a.csv.out"])
        await until(lambda: any(row["body"] == b"1\n" for row in bench.ledger()))
        store.kill()
        run = await task
        assert run.status is JobStatus.FAILED
        assert run.failure_reason == (
            "InternalServerError: We encountered an internal error. Please try again."
        )
        assert "s3://bkt/out/b.csv.out: S3 does not answer" in str(run.error)

    try:
        run_loop(interrupted())
        assert leftovers(bench.folder) == []
        store.start()
        assert bench.keys("out") == ["out/a.csv.out"]
        assert bench.open_uploads() == []
        again = bench.run(behaviour)
        assert again.status is JobStatus.COMPLETED
        assert bench.get("out/b.csv.out") == b"1" * 20
    finally:
        storage.close()
        store.kill()
