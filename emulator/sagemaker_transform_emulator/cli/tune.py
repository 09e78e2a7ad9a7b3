"""`emulator tune`: which payload and strategy settings are correct, and which of them fastest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sagemaker_transform_emulator.cli.session import Session, in_session, parse_puts, progress
from sagemaker_transform_emulator.config import load_settings
from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.jobs.admission import admit_job, admit_model
from sagemaker_transform_emulator.jobs.input_objects import objects_of
from sagemaker_transform_emulator.jobs.instances import JobRun, prepare
from sagemaker_transform_emulator.jobs.services import read_request
from sagemaker_transform_emulator.sagemaker.field_paths import set_fields
from sagemaker_transform_emulator.tools.trials import Grid, Trial, Verdict, verdict_of
from sagemaker_transform_emulator.tools.tune import Stage
from sagemaker_transform_emulator.tools.tune import tune as measure
from sagemaker_transform_emulator.tools.tune_sample import InputSample, take_sample

Flag = typer.Option


def tune(
    model: Annotated[Path, Flag(help="CreateModel's request.")],
    job: Annotated[Path, Flag(help="CreateTransformJob's request.")],
    assignments: Annotated[
        list[str] | None, Flag("--set", help="NAME=VALUE over the file. Repeatable.")
    ] = None,
    put_files: Annotated[list[str] | None, Flag("--put", help="PATH=s3://… to upload first.")] = None,
    records: Annotated[int, Flag(help="How many records of the input to measure with.")] = 2000,
    payloads: Annotated[str, Flag(help="MaxPayloadInMB values to try; 0 is no limit.")] = "1,6,25",
    concurrent: Annotated[str, Flag(help="MaxConcurrentTransforms values to try.")] = "1,2,4,8",
    seconds: Annotated[float, Flag(help="How long to measure each combination, at least.")] = 1.0,
    runtime: Annotated[str | None, Flag(help="auto, docker or process.")] = None,
    config: Annotated[Path | None, Flag(help="Settings file instead of ./emulator.toml.")] = None,
    as_json: Annotated[bool, Flag("--json", help="As JSON.")] = False,
) -> None:
    """Measure the combinations of BatchStrategy, MaxPayloadInMB and MaxConcurrentTransforms."""
    request = read_request(job, "CreateTransformJob")
    set_fields(request, assignments or [])
    grid = Grid(_numbers(payloads, "--payloads", 0), _numbers(concurrent, "--concurrent", 1))
    if records < 1:
        raise UsageError(f"--records {records}: at least one record is needed")
    settings = load_settings(config).changed(runtime=runtime)

    with progress(quiet=as_json) as tell:

        async def work(session: Session) -> tuple[list[Trial], InputSample]:
            return await _tune(
                read_request(model, "CreateModel"), request, session, (grid, records, seconds), tell
            )

        trials, sample = in_session(settings, parse_puts(put_files), work)
    verdict = verdict_of(trials, sample.records, sample.size, whole=sample.whole)
    if as_json:
        print(json.dumps([_plain(trial, verdict) for trial in trials], indent=2))
    else:
        _print(trials, verdict, sample)


async def _tune(
    model_request: dict[str, Any],
    request: dict[str, Any],
    session: Session,
    wishes: tuple[Grid, int, float],
    tell: Callable[[str], None],
) -> tuple[list[Trial], InputSample]:
    services, (grid, most, seconds) = session.services, wishes
    model = await admit_model(model_request, services.storage)
    job = await admit_job(request, model, services.storage, services.region)
    run = JobRun(model, job)
    needs = await prepare(run, services)
    async with Stage(run, services, needs) as stage:
        objects = await objects_of(job, services.storage, lambda _: None)
        in_force = (await stage.ready()).path.parameters
        sample = await take_sample(job, in_force, services.storage, objects, most)
        return await measure(stage, sample, grid, seconds, tell), sample


def _numbers(text: str, flag: str, least: int) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < least:
        raise UsageError(f"{flag} {text!r}: write whole numbers from {least} up, separated by commas")
    return numbers


def _plain(trial: Trial, verdict: Verdict) -> dict[str, Any]:
    slowest, fastest = trial.spread
    return {
        "BatchStrategy": str(trial.parameters.batch_strategy),
        "MaxPayloadInMB": trial.parameters.max_payload_in_mb,
        "MaxConcurrentTransforms": trial.parameters.max_concurrent_transforms,
        "invocations": trial.payloads,
        "retries": trial.retries,
        "correct": trial.correct,
        "why": trial.why,
        "enough_input": trial.enough,
        "records_per_second": trial.records_per_second,
        "slowest": slowest,
        "fastest": fastest,
        "best": trial is verdict.best,
    }


def _print(trials: list[Trial], verdict: Verdict, sample: InputSample) -> None:
    console = Console(highlight=False, soft_wrap=True)
    whole = "all of the input" if sample.whole else "the first of the input"
    console.print(f"{sample.records:,} records, {sample.size:,} bytes: {whole}")
    table = Table(
        "", "BatchStrategy", "MB", "at once", "payloads", "records/s (spread)", "",
        box=None, header_style="dim",
    )  # fmt: skip
    for trial in trials:
        table.add_row(*_row(trial))
    console.print(table)
    if verdict.best is not None:
        console.print(f"best: {_flags(verdict.best)}")
        if verdict.as_fast:
            console.print(f"  {len(verdict.as_fast)} others are as fast, within the spread, and ask more")
    else:
        console.print("best: none can be named")
    if verdict.too_little:
        console.print(Text(verdict.too_little))
        console.print(Text(f"  {verdict.remedy}"))


def _row(trial: Trial) -> list[str | Text]:
    mark = Text("✓", style="green") if trial.correct else Text("✗", style="red")
    note = trial.why or ("" if trial.enough else "too little input")
    retries = f"{trial.retries} retries" if trial.retries else ""
    slowest, fastest = trial.spread
    measured = bool(trial.records_per_second)
    return [
        mark, str(trial.parameters.batch_strategy), str(trial.parameters.max_payload_in_mb),
        str(trial.parameters.max_concurrent_transforms), str(trial.payloads),
        f"{trial.records_per_second:,.0f} ({slowest:,.0f} to {fastest:,.0f})" if measured else "-",
        Text(", ".join(filter(None, (note, retries)))),
    ]  # fmt: skip


def _flags(trial: Trial) -> str:
    settings = {
        "BatchStrategy": trial.parameters.batch_strategy,
        "MaxPayloadInMB": trial.parameters.max_payload_in_mb,
        "MaxConcurrentTransforms": trial.parameters.max_concurrent_transforms,
    }
    return " ".join(f"--set {name}={value}" for name, value in settings.items())
