"""How much memory `emulator run` takes for an object far larger than it may hold.

The object lies in a MinIO of its own process, the containers are processes too, so that the memory of the
child `emulator run` is the orchestrator's alone: its highest is the kernel's own record (VmHWM), its course
is sampled ten times a second. `slope` is what it grows by for each GiB, fitted over the samples between the
first four tenths and the last twentieth of the time; a program that keeps anything per record shows here.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from attached import BUCKET, job, model, put

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.runtime.workspace import open_workspace
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.minio_server import minio_binary, minio_store

ROOT = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024
PART_MIB = 64
ROW = b"M,0.455,0.365,0.095,0.514,0.2245,0.101,0.15,15,0.5,0.5,0.25000\n"
SAMPLE_S = 0.1


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Peak and course of the orchestrator's memory over one MultiRecord job of `options.size` MiB."""
    binary = minio_binary()
    if binary is None:
        return {"left out": "no MinIO here; `make minio` builds it", "rows": {"": {}}}
    with (
        open_workspace() as workspace,
        tempfile.TemporaryDirectory() as folder,
        minio_store(binary, workspace.folder("minio") / "data", workspace.run_id) as address,
    ):
        seed(address, options.size)
        return {"rows": {f"{options.size} MiB": watched(Path(folder), address, options.size)}}


def seed(address: StoreAddress, size_mib: int) -> None:
    """in/rows.csv holds that many MiB of rows."""
    storage = Storage(address)
    put(storage, "in/none", b"")
    storage.client.delete_object(Bucket=BUCKET, Key="in/none")
    where = {"Bucket": BUCKET, "Key": "in/rows.csv"}
    upload = storage.client.create_multipart_upload(**where)["UploadId"]
    part = ROW * (PART_MIB * MIB // len(ROW))
    parts = []
    for number in range(1, max(1, size_mib // PART_MIB) + 1):
        tag = storage.client.upload_part(**where, UploadId=upload, PartNumber=number, Body=part)["ETag"]
        parts.append({"PartNumber": number, "ETag": tag})
    storage.client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
    storage.close()


def watched(folder: Path, address: StoreAddress, size_mib: int) -> dict[str, Any]:
    """Run the job in a child and watch it."""
    echo = Path(__file__).with_name("echo_server.py")
    (folder / "emulator.toml").write_text(f'[[images]]\nmatch = "echo"\ncommand = ["{{python}}", "{echo}"]\n')
    (folder / "model.json").write_text(json.dumps(model()))
    request = job(f"s3://{BUCKET}/in/rows.csv", BatchStrategy="MultiRecord")
    (folder / "job.json").write_text(json.dumps(request))
    command = [
        sys.executable,
        "-m",
        "sagemaker_transform_emulator",
        "run",
        "--runtime",
        "process",
        "--quiet",
        "--json",
    ]
    began = time.monotonic()
    with subprocess.Popen(
        [*command, "--model", "model.json", "--job", "job.json"],
        cwd=folder,
        env=child_environment(address),
        stdout=subprocess.PIPE,
    ) as child:
        samples = sampled(child)
        assert child.stdout is not None
        result = json.loads(child.stdout.read())
    assert result["TransformJobStatus"] == "Completed", result
    seconds = time.monotonic() - began
    peak = max(high for _, _, high in samples)
    course = [rss for _, rss, _ in samples]
    shown = course[:: max(1, len(course) // 12)]
    return {
        "peak_mib": peak,
        "mib_per_s": size_mib / seconds,
        "slope": slope(course, size_mib),
        "invocations": result["invocations"],
        "notes": [f"MiB over time: {' '.join(f'{rss:.0f}' for rss in shown)}"],
        "samples_mib": course,
    }


def child_environment(address: StoreAddress) -> dict[str, str]:
    """This environment, with that store."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "EMULATOR_"))}
    return {
        **mine,
        "PYTHONPATH": str(ROOT),
        "EMULATOR_STATE_DIR": os.environ["EMULATOR_STATE_DIR"],
        "AWS_ENDPOINT_URL_S3": str(address.endpoint_url),
        "AWS_ACCESS_KEY_ID": str(address.access_key_id),
        "AWS_SECRET_ACCESS_KEY": str(address.secret_access_key),
        "AWS_REGION": "us-east-1",
    }


def sampled(child: subprocess.Popen[bytes]) -> list[tuple[float, float, float]]:
    """Seconds, resident and highest resident MiB, until the child ends."""
    samples = []
    began = time.monotonic()
    while child.poll() is None:
        fields = dict(
            line.split(":", 1) for line in Path(f"/proc/{child.pid}/status").read_text().splitlines()
        )
        if "VmRSS" in fields:
            rss, high = (int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
            samples.append((time.monotonic() - began, rss, high))
        time.sleep(SAMPLE_S)
    return samples


def slope(course: list[float], size_mib: int) -> float:
    """MiB gained for each GiB of input, by a straight line through the samples of the steady part."""
    steady = course[len(course) * 4 // 10 : len(course) * 19 // 20]
    per_sample, _ = statistics.linear_regression(range(len(steady)), steady)
    return per_sample * len(course) / (size_mib / 1024)
