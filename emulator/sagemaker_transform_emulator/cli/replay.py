"""`emulator replay`: one record of a job again, with something changed, and the difference byte by byte."""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any

import typer

from sagemaker_transform_emulator.cli.session import in_session, parse_puts
from sagemaker_transform_emulator.cli.stored_files import newest, puts_of, settings_of, store_of
from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.sagemaker.field_paths import set_environment, set_fields
from sagemaker_transform_emulator.tools.replay import Replayed, Wanted
from sagemaker_transform_emulator.tools.replay import replay as send_again
from sagemaker_transform_emulator.trace.store import Filter, TraceReader, trace_path

Flag = typer.Option
_SHOWN_BYTES = 200


def replay(
    job: Annotated[str, typer.Argument(help="TransformJobName.")],
    record: Annotated[int, Flag(help="The record, from 1.")],
    source: Annotated[str | None, Flag("--object", help="Its object, when several were read.")] = None,
    assignments: Annotated[list[str] | None, Flag("--set", help="NAME=VALUE over the job's request.")] = None,
    env: Annotated[list[str] | None, Flag(help="KEY=VALUE for every container.")] = None,
    image: Annotated[list[str] | None, Flag(help="CONTAINER=IMAGE, or IMAGE for the only one.")] = None,
    put_files: Annotated[list[str] | None, Flag("--put", help="PATH=s3://… to upload first.")] = None,
    keep: Annotated[int, Flag(help="Send it this many times on kept-alive connections.")] = 1,
    runtime: Annotated[str | None, Flag(help="auto, docker or process.")] = None,
    config: Annotated[Path | None, Flag(help="Settings file instead of ./emulator.toml.")] = None,
    as_json: Annotated[bool, Flag("--json", help="As JSON.")] = False,
) -> None:
    """Send one record of a job through fresh containers again. Exit code 0 when it is answered, else 1."""
    reader = TraceReader(trace_path(job))
    given, stored = parse_puts(put_files), newest(job)
    puts = given if stored is None else puts_of(stored, given)
    model_request, as_run = reader.meta("model"), reader.job_as_run()
    job_request = deepcopy(as_run)
    set_fields(job_request, assignments or [])
    set_environment(job_request, env or [])
    _set_images(model_request, image or [])
    wanted = Wanted(
        record,
        model_request,
        job_request,
        as_run,
        next(reader.find(Filter(record=record, object=source, limit=1)), None),
        source or "",
        tuple(target for _, target in given),
        keep,
    )
    settings = settings_of(stored, config).changed(runtime=runtime)
    store = None if stored is None else store_of(stored)
    result = in_session(settings, puts, lambda session: send_again(wanted, session.services), store)
    print(json.dumps(_plain(result), indent=2) if as_json else _text(result))
    sys.exit(0 if not result.now.error else 1)


def _set_images(model: dict[str, Any], images: list[str]) -> None:
    definitions = model.get("Containers") or [model.get("PrimaryContainer")]
    for text in images:
        name, separator, image = text.partition("=")
        if not separator and len(definitions) == 1:
            definitions[0]["Image"] = text
            continue
        names = [
            definition.get("ContainerHostname") or f"container-{number}"
            for number, definition in enumerate(definitions, start=1)
        ]
        if name not in names:
            raise UsageError(f"--image {text!r}: the model has the containers {', '.join(names)}")
        definitions[names.index(name)]["Image"] = image


def _text(result: Replayed) -> str:
    now = result.now
    lines = [f"{now.payload.where}: {len(now.payload.body)} bytes sent"]
    for hop in now.hops:
        said = f"{hop.answer.status} {hop.answer.body[:200]!r}" if hop.answer else f"no answer: {hop.error}"
        lines.append(f"  {hop.container}, attempt {hop.attempt}: {said}")
    if now.output is None:
        lines.append(f"no output: {now.error}")
    else:
        more = f" … {len(now.output)} bytes" if len(now.output) > _SHOWN_BYTES else ""
        lines.append(f"output: {now.output[:_SHOWN_BYTES]!r}{more}")
    if len({outcome.body for outcome in result.outcomes}) > 1:
        lines.append(f"the answers of {len(result.outcomes)} sendings differ")
    if result.note:
        lines.append(f"note: {result.note}")
    lines.append(result.change)
    return "\n".join(lines)


def _plain(result: Replayed) -> dict[str, Any]:
    now = result.now
    return {
        "where": now.payload.where,
        "status": now.status,
        "body": _as_text(now.body),
        "output": None if now.output is None else _as_text(now.output),
        "error": now.error,
        "note": result.note,
        "change": result.change,
    }


def _as_text(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")
