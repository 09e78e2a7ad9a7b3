"""`emulator jobs`, `describe`, `logs`, `stop`: small clients of a running server, through boto3."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import boto3
import botocore.exceptions
import typer
from botocore.config import Config
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sagemaker_transform_emulator.cli.places import Region, place_of_job, places_of_jobs, regions
from sagemaker_transform_emulator.config import state_directory
from sagemaker_transform_emulator.errors import MachineError, UsageError
from sagemaker_transform_emulator.sagemaker.resources import LOG_GROUP, Place
from sagemaker_transform_emulator.server import state_directory as state
from sagemaker_transform_emulator.server.state_directory import About

_POLL_SECONDS = 0.5
_ENDED = ("Completed", "Failed", "Stopped")
_COLOURS = {"Completed": "green", "Failed": "red", "Stopped": "yellow", "Stopping": "yellow"}
StateDir = Annotated[Path | None, typer.Option(help="Folder of the emulator.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
Name = Annotated[str, typer.Argument(help="TransformJobName.")]


def jobs(
    status: Annotated[str | None, typer.Option(help="Only jobs of this TransformJobStatus.")] = None,
    name_contains: Annotated[str | None, typer.Option(help="Only jobs whose name contains this.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    region: Annotated[
        str | None, typer.Option(help="Only jobs of this region; else of AWS_REGION; else of all.")
    ] = None,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """List transform jobs, newest first."""
    given = {"StatusEquals": status, "NameContains": name_contains}
    wanted = {name: value for name, value in given.items() if value is not None}
    server = _server(state_dir)
    listed, others = places_of_jobs(server, region)
    found = [summary for place in listed for summary in _summaries(server, place, limit, wanted)]
    found = sorted(found, key=lambda summary: summary["CreationTime"], reverse=True)[:limit]
    if as_json:
        _print_json(found)
    else:
        _print_table(found)
    if others and region is None:
        words = f"there are jobs in {regions(others)}, too: choose with --region"
        Console(stderr=True, highlight=False, soft_wrap=True).print(words)


def _summaries(server: About, place: Place, limit: int, wanted: dict[str, str]) -> list[dict[str, Any]]:
    with client("sagemaker", server, place) as sagemaker:
        pages = sagemaker.get_paginator("list_transform_jobs").paginate(
            **wanted, PaginationConfig={"MaxItems": limit, "PageSize": min(limit, 100)}
        )
        return [summary for page in pages for summary in page["TransformJobSummaries"]]


def _print_table(found: list[dict[str, Any]]) -> None:
    table = Table("TransformJobName", "Region", "Status", "Created", "Seconds", "FailureReason", box=None)
    for summary in found:
        status_text = summary["TransformJobStatus"]
        table.add_row(
            Text(summary["TransformJobName"]),
            Text(summary["TransformJobArn"].split(":")[3]),
            Text(status_text, style=_COLOURS.get(status_text, "")),
            f"{summary['CreationTime'].astimezone():%Y-%m-%d %H:%M:%S}",
            _seconds(summary),
            Text(summary.get("FailureReason", "")),
        )
    Console(highlight=False).print(table)


def describe(name: Name, region: Region = None, state_dir: StateDir = None, as_json: AsJson = False) -> None:
    """Show everything about one job."""
    server = _server(state_dir)
    with client("sagemaker", server, place_of_job(server, name, region)) as sagemaker:
        found = sagemaker.describe_transform_job(TransformJobName=name)
    found.pop("ResponseMetadata")
    if as_json:
        _print_json(found)
        return
    table = Table.grid(padding=(0, 2))
    for path, value in _flattened(found):
        table.add_row(path, Text(value))
    Console(highlight=False).print(table)


def logs(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    region: Region = None,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Print a job's logs, the container's name before each line."""
    server = _server(state_dir)
    place = place_of_job(server, name, region)
    with client("sagemaker", server, place) as sagemaker, client("logs", server, place) as cloudwatch:
        reader = None
        while True:
            job = sagemaker.describe_transform_job(TransformJobName=name)
            # streams have the name as it was given, in its own capitals
            reader = reader or LogReader(cloudwatch, job["TransformJobName"])
            ended = job["TransformJobStatus"] in _ENDED
            for event in reader.new_events():
                _print_event(event, as_json=as_json)
            if ended or not follow:
                return
            time.sleep(_POLL_SECONDS)


def stop(name: Name, region: Region = None, state_dir: StateDir = None, as_json: AsJson = False) -> None:
    """Stop a job and wait until it has stopped."""
    server = _server(state_dir)
    with client("sagemaker", server, place_of_job(server, name, region)) as sagemaker:
        sagemaker.stop_transform_job(TransformJobName=name)
        while True:
            found = sagemaker.describe_transform_job(TransformJobName=name)
            if found["TransformJobStatus"] in _ENDED:
                break
            time.sleep(_POLL_SECONDS)
    status = found["TransformJobStatus"]
    if as_json:
        _print_json({"TransformJobName": name, "TransformJobStatus": status})
    else:
        print(f"{name} {status}")


class LogReader:
    """Reads the streams of one job, each from where it stopped before."""

    def __init__(self, cloudwatch: Any, job: str) -> None:
        self._logs = cloudwatch
        self._job = job
        self._tokens: dict[str, str] = {}

    def new_events(self) -> list[dict[str, Any]]:
        """The events of all streams since the last call, by time; each names its stream."""
        streams = self._logs.describe_log_streams(
            logGroupName=LOG_GROUP, logStreamNamePrefix=f"{self._job}/"
        )["logStreams"]
        found = [event for stream in streams for event in self._of(stream["logStreamName"])]
        return sorted(found, key=lambda event: int(event["timestamp"]))

    def _of(self, stream: str) -> Iterator[dict[str, Any]]:
        while True:
            token = self._tokens.get(stream)
            answer = self._logs.get_log_events(
                logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True,
                **({"nextToken": token} if token else {}),
            )  # fmt: skip
            self._tokens[stream] = answer["nextForwardToken"]
            if not answer["events"]:
                return
            for event in answer["events"]:
                yield {"stream": stream, "timestamp": event["timestamp"], "message": event["message"]}


@contextmanager
def client(service: str, server: About, place: Place) -> Iterator[Any]:
    """A client of the running server, in that account and region; its errors are ours."""
    connect: Callable[..., Any] = boto3.client
    made = connect(
        service, endpoint_url=server.endpoint_url, region_name=place.region,
        aws_access_key_id=place.account, aws_secret_access_key=server.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60),
    )  # fmt: skip
    try:
        yield made
    except botocore.exceptions.ClientError as error:
        said = error.response.get("Error", {})
        raise UsageError(f"{said.get('Code')}: {said.get('Message')}") from None
    except botocore.exceptions.ParamValidationError as error:
        raise UsageError(str(error)) from None
    except (botocore.exceptions.BotoCoreError, OSError) as error:
        raise MachineError(
            f"The emulator at {server.endpoint_url} does not answer: {error}",
            remedy="start it with `emulator up`",
        ) from None
    finally:
        made.close()


def _server(state_dir: Path | None) -> About:
    return state.published((state_dir or state_directory()).absolute())


def _print_event(event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(event), flush=True)
        return
    parts = event["stream"].split("/")
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).astimezone()
    sys.stdout.write(f"{at:%H:%M:%S} {parts[-1]}: {event['message']}\n")
    sys.stdout.flush()


def _seconds(summary: dict[str, Any]) -> str:
    ended = summary.get("TransformEndTime")
    return f"{(ended - summary['CreationTime']).total_seconds():.1f}" if ended else ""


def _flattened(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flattened(item, f"{path}.{name}" if path else name)
    else:
        yield path, _plain(value)


def _plain(value: Any) -> str:
    return value.astimezone().isoformat() if isinstance(value, datetime) else str(value)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=_plain))
