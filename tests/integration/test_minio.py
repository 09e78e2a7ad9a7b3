"""The emulator on a real MinIO: a whole job through the command line, and stores that come and go."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import botocore.exceptions
import pytest
from minio_server import Minio, minio_server
from parts import ROOT

pytestmark = [pytest.mark.needs("minio"), pytest.mark.slow]
SAMPLE = ROOT / "sample_data"


def emulator(server: Minio, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "EMULATOR_"))
    } | server.environment
    return subprocess.run(
        [sys.executable, "-m", "sagemaker_transform_emulator", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def test_the_sample_job_reads_from_and_writes_to_minio(minio: Minio, tmp_path: Path) -> None:
    done = emulator(
        minio, "run", "--json", "--runtime", "process",
        "--model", str(SAMPLE / "model.json"), "--job", str(SAMPLE / "job.json"),
        "--put", f"{SAMPLE / 'models'}=s3://emulator-demo/models",
        "--put", f"{SAMPLE / 'input'}=s3://emulator-demo/input",
        "--get", f"s3://emulator-demo/output={tmp_path}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["TransformJobStatus"] == "Completed"
    rows = list(csv.reader((tmp_path / "penguins.csv.out").read_text().splitlines()))
    predicted = [float(row[0]) for row in rows if row]  # AssembleWith ends lines that have ended already
    expected = [
        float(row[0]) for row in csv.reader((SAMPLE / "expected/penguins.csv").read_text().splitlines())
    ]
    assert predicted == pytest.approx(expected, rel=1e-6)
    client = minio.client()
    assert client.list_multipart_uploads(Bucket="emulator-demo").get("Uploads", []) == []
    client.close()


def test_wrong_keys_are_one_clear_message(minio: Minio) -> None:
    wrong = Minio(
        type(minio.address)(minio.address.endpoint_url, "us-east-1", "nobody", "nothing-at-all"), minio.pid
    )
    done = emulator(
        wrong, "run", "--model", str(SAMPLE / "model.json"), "--job", str(SAMPLE / "job.json"),
        "--runtime", "process", "--quiet",
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "emulator-demo" in done.stderr


def test_a_server_of_its_own_starts_empty_and_is_gone_afterwards(tmp_path: Path) -> None:
    with minio_server(tmp_path) as server:
        client = server.client()
        client.create_bucket(Bucket="one")
        assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == ["one"]
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        client.list_buckets()
    client.close()
    assert not Path(f"/proc/{server.pid}").exists()
