"""Inputs far larger than usual through `emulator run` in a process of its own: time, peak memory, its slope.

    python benchmarks/large.py [--only multi single objects line bomb] [--scale 1.0]

multi     10,000,000 records of 100 bytes, MultiRecord, echoed
single    1,000,000 records of 100 bytes, SingleRecord, echoed
objects   10,000 objects of 100 bytes below one prefix, echoed
line      one line of 2 GiB: refused, as it is above MaxPayloadInMB
bomb      1 GiB of rows out of a gzip file of about 1 MiB, MultiRecord, answered with a few bytes

Needs MinIO. `peak` is the orchestrator's highest resident memory in MiB (VmHWM), `slope` what it gains over
the second half of the run, in MiB.
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
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from attached import BUCKET, job, put
from memory import MIB, child_environment, sampled

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.runtime.workspace import open_workspace
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.minio_server import minio_binary, minio_store

RECORD = b"x" * 99 + b"\n"
Seed = Callable[[Storage, float], int]


def rows(storage: Storage, records: int) -> int:
    """in/rows.csv holds that many records."""
    part = RECORD * 500_000

    def parts() -> Iterator[bytes]:
        for start in range(0, records, 500_000):
            yield part[: (records - start) * len(RECORD)]

    upload(storage, "in/rows.csv", parts())
    return records


def objects(storage: Storage, scale: float) -> int:
    """That many small objects are below in/."""
    count = int(10_000 * scale)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: put_small(storage, number), range(count)))
    return count


def put_small(storage: Storage, number: int) -> None:
    """One of them."""
    storage.client.put_object(Bucket=BUCKET, Key=f"in/{number:05d}.csv", Body=RECORD)


def line(storage: Storage, scale: float) -> int:
    """One object without a newline."""
    upload(storage, "in/line.csv", (b"x" * (64 * MIB) for _ in range(max(1, int(32 * scale)))))
    return 1


def bomb(storage: Storage, scale: float) -> int:
    """Rows that are packed a thousand times smaller."""
    packer, piece = zlib.compressobj(9, zlib.DEFLATED, 31), b"0,0,0,0\n" * (MIB // 8)
    megabytes = int(1024 * scale)
    packed = [packer.compress(piece) for _ in range(megabytes)]
    put(storage, "in/bomb.csv.gz", b"".join(packed) + packer.flush())
    return megabytes * (MIB // 8)


def upload(storage: Storage, key: str, parts: Iterator[bytes]) -> None:
    """The object is there, part by part."""
    where = {"Bucket": BUCKET, "Key": key}
    number = storage.client.create_multipart_upload(**where)["UploadId"]
    tags = [
        {
            "PartNumber": position,
            "ETag": storage.client.upload_part(**where, UploadId=number, PartNumber=position, Body=part)[
                "ETag"
            ],
        }
        for position, part in enumerate(parts, 1)
    ]
    storage.client.complete_multipart_upload(**where, UploadId=number, MultipartUpload={"Parts": tags})


SHAPES: dict[str, tuple[Seed, dict[str, Any], str, str]] = {
    "multi": (
        lambda s, f: rows(s, int(10_000_000 * f)),
        {"BatchStrategy": "MultiRecord"},
        "echo",
        "Completed",
    ),
    "single": (lambda s, f: rows(s, int(1_000_000 * f)), {}, "echo", "Completed"),
    "objects": (objects, {}, "echo", "Completed"),
    "line": (line, {}, "echo", "Failed"),
    "bomb": (bomb, {"BatchStrategy": "MultiRecord", "MaxPayloadInMB": 6}, "count", "Completed"),
}


def measure(shape: str, scale: float, binary: str) -> dict[str, Any]:
    """Seed a fresh store, run the job in a child and watch it."""
    seed, fields, behaviour, expected = SHAPES[shape]
    with (
        open_workspace() as workspace,
        tempfile.TemporaryDirectory() as folder,
        minio_store(binary, workspace.folder("minio") / "data", workspace.run_id) as address,
    ):
        storage = Storage(address)
        storage.client.create_bucket(Bucket=BUCKET)
        records = seed(storage, scale)
        storage.close()
        request = job(f"s3://{BUCKET}/in/", **fields)
        if shape == "bomb":
            request["TransformInput"]["CompressionType"] = "Gzip"
        found = watched(Path(folder), address, request, behaviour)
    assert found["status"] == expected, found
    return {"records": records, "records_per_s": round(records / found["seconds"]), **found}


def watched(folder: Path, address: StoreAddress, request: dict[str, Any], behaviour: str) -> dict[str, Any]:
    """The job's result, time and memory."""
    (folder / "emulator.toml").write_text(
        '[[images]]\nmatch = "scripted"\n'
        'command = ["{python}", "-m", "sagemaker_transform_emulator.containers.scripted"]\n'
    )
    container = {"Image": "scripted", "Environment": {"BEHAVIOUR": behaviour}}
    (folder / "model.json").write_text(json.dumps({"ModelName": "m", "PrimaryContainer": container}))
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
        cwd=folder, env=child_environment(address), stdout=subprocess.PIPE,
    ) as child:  # fmt: skip
        reading = ThreadPoolExecutor(1).submit(lambda: child.stdout.read() if child.stdout else b"")
        samples = sampled(child)
        result = json.loads(reading.result())
    course = [rss for _, rss, _ in samples]
    late = course[len(course) // 2 :]
    steady = late[: max(2, len(late) * 9 // 10)]
    growth, _ = statistics.linear_regression(range(len(steady)), steady)
    return {
        "status": result["TransformJobStatus"],
        "reason": result.get("FailureReason"),
        "seconds": round(time.monotonic() - began, 1),
        "peak": round(max(high for _, _, high in samples)),
        "slope": round(growth * len(steady), 1),
    }


def main() -> None:
    """Measure the shapes asked for, one after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--scale", type=float, default=1.0, help="a part of each shape's size")
    options = parser.parse_args()
    binary = minio_binary()
    if binary is None:
        sys.exit("no MinIO here; `make minio` builds it")
    with tempfile.TemporaryDirectory() as state:
        os.environ["EMULATOR_STATE_DIR"] = state
        for shape in options.only:
            print(shape, json.dumps(measure(shape, options.scale, binary)), flush=True)


if __name__ == "__main__":
    main()
