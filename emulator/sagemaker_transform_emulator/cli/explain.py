"""`emulator explain`: what a job would do, without a container."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sagemaker_transform_emulator.cli.session import parse_puts, with_storage
from sagemaker_transform_emulator.cli.stored_files import newest, puts_of, store_of
from sagemaker_transform_emulator.config import region
from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.jobs.admission import admit_job
from sagemaker_transform_emulator.jobs.services import read_request
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.sagemaker.field_paths import set_fields
from sagemaker_transform_emulator.sagemaker.requests import ContainerDefinition, ExecutionParameters, Model
from sagemaker_transform_emulator.tools.explain import Explanation, ObjectPlan, explain
from sagemaker_transform_emulator.tools.findings import Severity

Flag = typer.Option
_SHOWN_BYTES = 60
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}


def explain_job(
    job: Annotated[str, Flag(help="CreateTransformJob's request, or the name of a job that ran.")],
    assignments: Annotated[
        list[str] | None, Flag("--set", help="NAME=VALUE over the file. Repeatable.")
    ] = None,
    put_files: Annotated[list[str] | None, Flag("--put", help="PATH=s3://… to upload first.")] = None,
    as_json: Annotated[bool, Flag("--json", help="As JSON.")] = False,
) -> None:
    """Show the objects, records, payloads and output keys of a job, the settings in force, and doubts."""
    stored = None if Path(job).exists() else newest(job)
    if stored is None:
        _require_file(job)
    request = read_request(job, "CreateTransformJob") if stored is None else dict(stored.request)
    set_fields(request, assignments or [])
    puts = parse_puts(put_files)
    answer = with_storage(
        puts if stored is None else puts_of(stored, puts),
        lambda storage: _explain(request, storage),
        None if stored is None else store_of(stored),
    )
    if as_json:
        print(json.dumps(asdict(answer), indent=2, default=lambda value: value.decode("utf-8", "replace")))
    else:
        _print(answer)


def _require_file(job: str) -> None:
    if not Path(job).exists():
        raise UsageError(
            f"There is neither a file {job!r} nor a job of that name", remedy="see `emulator jobs`"
        )


async def _explain(request: dict[str, Any], storage: Storage) -> Explanation:
    nobody = Model("explained", (ContainerDefinition("container-1", "any"),))
    job = await admit_job(request, nobody, storage, region())
    return await explain(request, job, storage, ExecutionParameters.in_force(job))


def _sent(plan: ObjectPlan) -> str:
    """The payloads as they are sent, in words."""
    if not plan.payloads:
        return "nothing is sent"
    more = " …" if plan.first_payload_size > _SHOWN_BYTES else ""
    noun = "payloads" if plan.payloads > 1 else "payload"
    return (
        f"{plan.payloads:,} {noun}, {plan.sent:,} bytes in all, largest {plan.largest_payload:,}; "
        f"the first: {plan.first_payload[:_SHOWN_BYTES]!r}{more}"
    )


def _print(answer: Explanation) -> None:
    console = Console(highlight=False)
    settings = Table("setting", "value", "from", box=None, header_style="dim")
    for item in answer.settings:
        settings.add_row(item.name, item.value, item.source)
    console.print(settings)
    for number, plan in enumerate(answer.objects, start=1):
        console.print(Text(f"{number}. {plan.key} → {plan.output}"), soft_wrap=True)
        console.print(
            f"   {plan.size:,} bytes, {plan.records:,} records, largest {plan.largest_record:,} (record "
            f"{plan.largest_record_number}), instance {plan.instance + 1}",
            soft_wrap=True,
        )
        console.print(Text(f"   {_sent(plan)}"), soft_wrap=True)
    for finding in answer.findings:
        line = Text(
            f"{finding.severity}: {finding.subject}: {finding.seen}", style=_COLOURS[finding.severity]
        )
        console.print(
            line + Text(f" — {finding.consequence}" if finding.consequence else "", style="default")
        )
        if finding.remedy:
            console.print(f"  remedy: {finding.remedy}", markup=False, soft_wrap=True)
