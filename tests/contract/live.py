"""A live emulator, its clients, and a receiver of its events."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import httpx
from botocore.config import Config
from cases import BUCKET, Case, job_request, model_request
from observation import ApiError, Ledger, Seen

ENDED = ("Completed", "Failed", "Stopped")
LOG_GROUP = "/aws/sagemaker/TransformJobs"
DEADLINE_S = 60


class Receiver:
    """Takes events that are posted to `url`."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.came = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.came:
                    outer.events.append(json.loads(body))
                    outer.came.notify_all()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def of_job(self, arn: str, last_status: str) -> list[dict[str, Any]]:
        """The job's events, once the one of that status has come."""

        def found() -> list[dict[str, Any]]:
            mine = [event for event in self.events if event["resources"] == [arn]]
            last = [event for event in mine if event["detail"]["TransformJobStatus"] == last_status]
            return mine if last else []

        with self.came:
            assert self.came.wait_for(found, timeout=30), f"no event {last_status} for {arn}"
            return found()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Live:
    """A running `emulator up` and clients for it. Accounts keep the names of different cases apart."""

    def __init__(self, about: Mapping[str, Any], folder: Path, receiver: Receiver) -> None:
        self.endpoint = about["endpoint_url"]
        self.receiver = receiver
        self._folder = folder
        self._account = 100_000_000_000
        self.s3 = self._client("s3", "test", "us-east-1")
        self.s3.create_bucket(Bucket=BUCKET)

    def account(self) -> str:
        """A fresh account."""
        self._account += 1
        return str(self._account)

    def _client(self, service: str, key: str, region: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key="secret",
            config=Config(
                retries={"total_max_attempts": 1}, parameter_validation=False, s3={"addressing_style": "path"}
            ),
        )

    def sagemaker(self, account: str, region: str = "us-east-1") -> Any:
        return self._client("sagemaker", account, region)

    def cloudwatch(self, account: str, region: str = "us-east-1") -> Any:
        """A client of CloudWatch for that account."""
        return self._client("cloudwatch", account, region)

    def folder(self, name: str) -> Path:
        """A folder for the ledgers of one case."""
        path = self._folder / name
        path.mkdir(parents=True)
        return path

    def fill(self, objects: Mapping[str, bytes]) -> dict[str, bytes]:
        """The bucket holds these objects and nothing else."""
        for key in self.contents():
            self.s3.delete_object(Bucket=BUCKET, Key=key)
        for key, body in objects.items():
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return dict(objects)

    def contents(self) -> dict[str, bytes]:
        """All objects of the bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return {key: self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}

    def metrics(self) -> str:
        """What Prometheus would read now."""
        return httpx.get(f"{self.endpoint}/_emulator/metrics").raise_for_status().text

    def run(self, case: Case) -> Seen:
        """The case's job has ended, or was refused."""
        account = self.account()
        client, ledgers = self.sagemaker(account), self.folder(f"{case.id}-{account}")
        seen = Seen(before=self.fill(case.objects), log_group=LOG_GROUP)
        name = case.job.get("TransformJobName", f"{case.id.lower()}-job")
        try:
            client.create_model(**model_request(case, "model", ledgers))
            answer = client.create_transform_job(**job_request(case.job, name, "model"))
        except botocore.exceptions.ClientError as error:
            seen.error = api_error(error)
            seen.create_status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        else:
            seen.create_status = answer["ResponseMetadata"]["HTTPStatusCode"]
            seen.description = wait_for(client, name)
            seen.streams = self._streams(account, name)
        seen.after = self.contents()
        seen.ledgers = [Ledger.read(ledgers / str(position)) for position in range(len(case.containers))]
        return seen

    def _streams(self, account: str, job: str) -> dict[str, list[str]]:
        logs = self._client("logs", account, "us-east-1")
        found = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job}/")
        names = [stream["logStreamName"] for stream in found["logStreams"]]
        return {name: self._lines(logs, name) for name in names}

    def _lines(self, logs: Any, stream: str) -> list[str]:
        lines: list[str] = []
        token: dict[str, str] = {}
        while True:
            answer = logs.get_log_events(
                logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True, **token
            )
            lines += [event["message"] for event in answer["events"]]
            if answer["nextForwardToken"] == token.get("nextToken"):
                return lines
            token = {"nextToken": answer["nextForwardToken"]}


def api_error(error: botocore.exceptions.ClientError) -> ApiError:
    body = error.response["Error"]
    return ApiError(error.operation_name, body["Code"], body["Message"])


def wait_for(client: Any, name: str, statuses: tuple[str, ...] = ENDED) -> dict[str, Any]:
    """The job's description once it has one of these statuses."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.describe_transform_job(TransformJobName=name)
        if found["TransformJobStatus"] in statuses:
            return found
        time.sleep(0.02)  # what a client that polls does
    raise AssertionError(f"{name} is still {found['TransformJobStatus']} after {DEADLINE_S} s")


@contextmanager
def emulator_up(folder: Path) -> Iterator[Live]:
    """An emulator on a free port, with the scripted container for every image `scripted:*`."""
    receiver = Receiver()
    config = folder / "emulator.toml"
    config.write_text(
        f'runtime = "process"\nping_interval_s = 0.02\nping_window_s = 20\nwebhook = "{receiver.url}"\n'
        '[quotas]\n"ml.m4.xlarge" = 0\n'
        '[[images]]\nmatch = "scripted:*"\n'
        f'command = ["{sys.executable}", "-m", "sagemaker_transform_emulator.containers.scripted"]\n'
    )
    log = folder / "emulator.log"
    command = [
        sys.executable,
        "-m",
        "sagemaker_transform_emulator",
        "up",
        "--port",
        "0",
        "--json",
        "--s3",
        "moto",
    ]
    with log.open("w") as errors:
        server = subprocess.Popen(
            [*command, "--state-dir", str(folder / "state"), "--config", str(config)],
            stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder,
        )  # fmt: skip
    try:
        assert server.stdout is not None
        first = server.stdout.readline()
        assert first, log.read_text()
        yield Live(json.loads(first), folder / "ledgers", receiver)
    finally:
        server.terminate()
        server.wait(timeout=60)
        if server.stdout is not None:
            server.stdout.close()
        receiver.close()
