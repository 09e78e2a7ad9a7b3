"""`emulator trace`: the recorded requests and answers of a job, record by record."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.trace.render import curl_of, line_of, pytest_of, story_of
from sagemaker_transform_emulator.trace.store import Filter, TracedInvocation, TraceReader, trace_path

Flag = typer.Option
_BODIES = ("request_body", "answer_body")


def trace(
    job: Annotated[str, typer.Argument(help="TransformJobName.")],
    record: Annotated[int | None, Flag(help="The whole way of this record, from 1.")] = None,
    source: Annotated[
        str | None, Flag("--object", help="Only this object; the end of its URI will do.")
    ] = None,
    container: Annotated[str | None, Flag(help="Only invocations that reached this container.")] = None,
    status: Annotated[int | None, Flag(help="Only invocations with this status.")] = None,
    contains: Annotated[str | None, Flag(help="Only with this text in a body.")] = None,
    failed: Annotated[bool, Flag("--failed", help="Only those that failed.")] = False,
    slowest: Annotated[bool, Flag("--slowest", help="Slowest first.")] = False,
    limit: Annotated[int, Flag(help="How many to show.")] = 20,
    curl: Annotated[bool, Flag("--curl", help="As curl lines.")] = False,
    as_pytest: Annotated[bool, Flag("--pytest", help="As a pytest test that reproduces it.")] = False,
    as_json: Annotated[bool, Flag("--json", help="As JSON.")] = False,
) -> None:
    """Show what went to the containers of a job and what they answered."""
    reader = TraceReader(trace_path(job))
    wanted = Filter(
        record, source, container, status, failed, contains.encode() if contains else None, slowest, limit
    )
    found = list(reader.find(wanted))
    if as_json:
        print(json.dumps([_plain(item) for item in found], indent=2))
    elif not found:
        raise UsageError(
            _nothing(reader, job), remedy="run the job with --trace all to keep every invocation"
        )
    elif as_pytest:
        print(_as_test(found[0], reader, job))
    elif curl:
        print("\n".join(curl_of(item, {}) for item in found))
    elif record is not None:
        print("\n\n".join(story_of(item, _log_lines(reader, item)) for item in found))
    else:
        for item in found:
            print(line_of(item))


def _as_test(item: TracedInvocation, reader: TraceReader, name: str) -> str:
    # it brings what reads S3
    from sagemaker_transform_emulator.cli.stored_files import model_of, model_puts_of, newest  # noqa: PLC0415

    stored, model = newest(name), reader.meta("model")
    return pytest_of(item, model_of(stored, model), reader.job_as_run(), model_puts_of(stored, model))


def _log_lines(reader: TraceReader, item: TracedInvocation) -> list[list[str]]:
    """What each container wrote while it had the request."""
    return [reader.lines(hop.container, hop.at, hop.at + (hop.total or 0.0) + 0.5) for hop in item.hops]


def _nothing(reader: TraceReader, job: str) -> str:
    total, failed = reader.count()
    return f"No invocation of {job!r} matches; its trace keeps {total} ({failed} failed)"


def _plain(item: TracedInvocation) -> dict[str, Any]:
    plain = asdict(item)
    for part, names in [(plain, ("original",)), *((hop, _BODIES) for hop in plain["hops"])]:
        for name in names:
            body = part[name]
            part[name] = None if body is None else body.decode("utf-8", "backslashreplace")
    return {**plain, "where": item.where}
