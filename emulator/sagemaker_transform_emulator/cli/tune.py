"""`emulator tune`: which payload and strategy settings are correct, and which of them fastest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sagemaker_transform_emulator.config import load_settings
from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.jobs.admission import admit_job, admit_model
from sagemaker_transform_emulator.jobs.input_objects import objects_of
from sagemaker_transform_emulator.jobs.instances import (
    JobRun,
    Services,
    new_instance_id,
    open_instance,
    prepare,
)
from sagemaker_transform_emulator.jobs.services import open_services, read_request, store_or_embedded
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.s3.transfer import parse_put, put
from sagemaker_transform_emulator.sagemaker.field_paths import set_fields
from sagemaker_transform_emulator.tools.tune import Grid, Stage, Trial, sample_records
from sagemaker_transform_emulator.tools.tune import tune as measure

Flag = typer.Option


def tune(
    model: Annotated[Path, Flag(help="CreateModel's request.")],
    job: Annotated[Path, Flag(help="CreateTransformJob's request.")],
    assignments: Annotated[
        list[str] | None, Flag("--set", help="NAME=VALUE over the file. Repeatable.")
    ] = None,
    put_files: Annotated[list[str] | None, Flag("--put", help="PATH=s3://… to upload first.")] = None,
    records: Annotated[int, Flag(help="How many records of the input to measure with.")] = 2000,
    payloads: Annotated[str, Flag(help="MaxPayloadInMB values to try.")] = "1,6,25",
    concurrent: Annotated[str, Flag(help="MaxConcurrentTransforms values to try.")] = "1,2,4,8",
    runtime: Annotated[str | None, Flag(help="auto, docker or process.")] = None,
    config: Annotated[Path | None, Flag(help="Settings file instead of ./emulator.toml.")] = None,
    as_json: Annotated[bool, Flag("--json", help="As JSON.")] = False,
) -> None:
    """Measure the combinations of BatchStrategy, MaxPayloadInMB and MaxConcurrentTransforms."""
    request = read_request(job)
    set_fields(request, assignments or [])
    grid = Grid(_numbers(payloads, "--payloads"), _numbers(concurrent, "--concurrent"))
    settings = load_settings(config).changed(runtime=runtime)
    puts = [parse_put(text) for text in put_files or []]

    async def go() -> list[Trial]:
        async with open_services(settings, address) as services:
            for path, target in puts:
                put(services.storage, path, target, embedded=embedded)
            return await _tune(read_request(model), request, services, grid, records)

    with store_or_embedded() as (address, embedded):
        trials = run_loop(go())
    if as_json:
        print(json.dumps([_plain(trial) for trial in trials], indent=2))
    else:
        _print(trials)


async def _tune(
    model_request: dict[str, Any], request: dict[str, Any], services: Services, grid: Grid, most: int
) -> list[Trial]:
    model = await admit_model(model_request, services.storage)
    job = await admit_job(request, model, services.storage, services.region)
    sources = [item.source for item in await objects_of(job, services.storage, lambda _: None)]
    sample = await sample_records(job, services.storage, sources, most)
    run = JobRun(model, job)
    needs = await prepare(run, services)
    async with open_instance(run, services, needs, new_instance_id()) as ready:
        return await measure(Stage(job, ready, needs), sample, grid)


def _numbers(text: str, flag: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1:
        raise UsageError(f"{flag} {text!r}: write whole numbers from 1 up, separated by commas")
    return numbers


def _plain(trial: Trial) -> dict[str, Any]:
    return {
        "BatchStrategy": str(trial.parameters.batch_strategy),
        "MaxPayloadInMB": trial.parameters.max_payload_in_mb,
        "MaxConcurrentTransforms": trial.parameters.max_concurrent_transforms,
        "invocations": trial.payloads,
        "correct": trial.correct,
        "why": trial.why,
        "records_per_second": trial.records_per_second,
    }


def _print(trials: list[Trial]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    table = Table(
        "", "BatchStrategy", "MB", "concurrent", "invocations", "records/s", "", box=None, header_style="dim"
    )
    for trial in trials:
        mark = Text("✓", style="green") if trial.correct else Text("✗", style="red")
        table.add_row(
            mark, str(trial.parameters.batch_strategy), str(trial.parameters.max_payload_in_mb),
            str(trial.parameters.max_concurrent_transforms), str(trial.payloads),
            f"{trial.records_per_second:,.0f}" if trial.records_per_second else "-", Text(trial.why),
        )  # fmt: skip
    console.print(table)
    best = trials[0]
    if best.correct:
        plain = _plain(best)
        names = ("BatchStrategy", "MaxPayloadInMB", "MaxConcurrentTransforms")
        console.print("best: " + " ".join(f"--set {name}={plain[name]}" for name in names))
