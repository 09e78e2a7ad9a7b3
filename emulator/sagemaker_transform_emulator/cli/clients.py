"""`emulator jobs`, `describe`, `logs`, `stop`: of a running server, through boto3, and of the stored jobs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sagemaker_transform_emulator.cli.places import Region, place_of_job, places_of_jobs
from sagemaker_transform_emulator.cli.server_client import LogReader, client
from sagemaker_transform_emulator.cli.stored import (
    ENDED,
    Found,
    description_of,
    events_of,
    other_regions,
    require_stored,
    stored_job,
    stored_jobs,
    summary_of,
    told_of,
)
from sagemaker_transform_emulator.config import state_directory
from sagemaker_transform_emulator.errors import MachineError, UsageError
from sagemaker_transform_emulator.sagemaker.resources import Place
from sagemaker_transform_emulator.server import state_directory as state
from sagemaker_transform_emulator.server.state_directory import About
from sagemaker_transform_emulator.trace.job_store import DIAGNOSIS_STREAM, JobStore, StoredJob

_POLL_SECONDS = 0.5
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
    server = _answering(state_dir)
    found: list[dict[str, Any]] = []
    others: list[Place] = []
    if server is not None:
        listed, others = places_of_jobs(server, region)
        found = [summary for place in listed for summary in _summaries(server, place, limit, wanted)]
    stored, other_stored = stored_jobs(region, state_dir)
    known = {summary["TransformJobArn"] for summary in found}
    found += [
        summary_of(job)
        for job in stored
        if not (job.front == "server" and job.arn in known)
        and status in (None, job.status)
        and (name_contains is None or name_contains.lower() in job.name.lower())
    ]
    found = sorted(found, key=lambda summary: summary["CreationTime"], reverse=True)[:limit]
    if as_json:
        _print_json(found)
    else:
        _print_table(found)
    if (others or other_stored) and region is None:
        words = other_regions([*others, *other_stored])
        Console(stderr=True, highlight=False, soft_wrap=True).print(words)


def _answering(state_dir: Path | None) -> About | None:
    """The running server; None when none runs, or one that was killed left its address behind."""
    try:
        server = _server(state_dir)
        places_of_jobs(server, None)
    except MachineError:
        return None
    return server


def _where(name: str, region: str | None, state_dir: Path | None) -> tuple[About, Place] | Found:
    """The job of that name, with the running server if it is there, else as it is stored."""
    server = _answering(state_dir)
    if server is None:
        return stored_job(name, region, state_dir)
    try:
        return server, place_of_job(server, name, region)
    except UsageError as error:
        return require_stored(name, region, state_dir, error)


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
    where = _where(name, region, state_dir)
    if isinstance(where[1], StoredJob):
        found, told = description_of(where[1]), where[1].told()
    else:
        server, place = where
        assert isinstance(server, About)
        with client("sagemaker", server, place) as sagemaker:
            found = sagemaker.describe_transform_job(TransformJobName=name)
        found.pop("ResponseMetadata")
        told = told_of(name, found["TransformJobArn"], state_dir)
    if as_json:
        _print_json(found | ({"Diagnoses": [each.as_json() for each in told]} if told else {}))
        return
    table = Table.grid(padding=(0, 2))
    for path, value in _flattened(found):
        table.add_row(path, Text(value))
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    for each in told:
        console.print(Text("\n" + "\n".join((*each.lines(), *each.next_commands))))


def logs(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    region: Region = None,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Print a job's logs, the container's name before each line."""
    where = _where(name, region, state_dir)
    if isinstance(where[1], StoredJob):
        _print_stored_log(where[0], where[1], state_dir, follow=follow, as_json=as_json)
        return
    server, place = where
    assert isinstance(server, About)
    with client("sagemaker", server, place) as sagemaker, client("logs", server, place) as cloudwatch:
        reader = None
        while True:
            job = sagemaker.describe_transform_job(TransformJobName=name)
            # streams have the name as it was given, in its own capitals
            reader = reader or LogReader(cloudwatch, job["TransformJobName"])
            ended = job["TransformJobStatus"] in ENDED
            for event in reader.new_events():
                _print_event(event, as_json=as_json)
            if ended or not follow:
                return
            time.sleep(_POLL_SECONDS)


def _print_stored_log(
    folder: Path, job: StoredJob, state_dir: Path | None, *, follow: bool, as_json: bool
) -> None:
    seen = 0
    while True:
        _, job = next(
            (found for found in JobStore(state_dir).find(job.name) if found[0] == folder), (folder, job)
        )
        for event in events_of(folder, job.name, state_dir, seen):
            seen += 1
            _print_event(event, as_json=as_json)
        if job.ended is not None or not follow:
            if job.note:
                Console(stderr=True, highlight=False, soft_wrap=True).print(Text(job.note))
            return
        time.sleep(_POLL_SECONDS)


def stop(name: Name, region: Region = None, state_dir: StateDir = None, as_json: AsJson = False) -> None:
    """Stop a job and wait until it has stopped."""
    server = _server(state_dir)
    with client("sagemaker", server, place_of_job(server, name, region)) as sagemaker:
        sagemaker.stop_transform_job(TransformJobName=name)
        while True:
            found = sagemaker.describe_transform_job(TransformJobName=name)
            if found["TransformJobStatus"] in ENDED:
                break
            time.sleep(_POLL_SECONDS)
    status = found["TransformJobStatus"]
    if as_json:
        _print_json({"TransformJobName": name, "TransformJobStatus": status})
    else:
        print(f"{name} {status}")


def _server(state_dir: Path | None) -> About:
    return state.published((state_dir or state_directory()).absolute())


def _print_event(event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(event), flush=True)
        return
    first, *rest = event["stream"].split("/")
    source = first if first == DIAGNOSIS_STREAM else rest[-1]
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).astimezone()
    sys.stdout.write(f"{at:%H:%M:%S} {source}: {event['message']}\n")
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
