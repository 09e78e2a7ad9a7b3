"""`emulator check`: a container, or each container of a pipeline, against SageMaker's contract."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from sagemaker_transform_emulator.cli.findings import finding_lines
from sagemaker_transform_emulator.cli.session import Put, Session, in_session, parse_puts, progress
from sagemaker_transform_emulator.config import Settings, configured_store, load_settings
from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.jobs.admission import admit_model
from sagemaker_transform_emulator.tools.check.catalogue import chosen
from sagemaker_transform_emulator.tools.check.formats import junit, sarif
from sagemaker_transform_emulator.tools.check.report import ContainerReport, Report
from sagemaker_transform_emulator.tools.check.session import Request, check_model
from sagemaker_transform_emulator.tools.check.target import (
    Target,
    Wishes,
    checked_job,
    chosen_sample,
    complete,
    find_target,
    needs_store,
    nobody,
)
from sagemaker_transform_emulator.tools.check.values import Options, Patience
from sagemaker_transform_emulator.tools.findings import Severity
from sagemaker_transform_emulator.transform.keys import S3Location

Flag = typer.Option
VIOLATION = 4
_ARCHIVE = S3Location("emulator-check", "model/model.tar.gz")


def check(
    target: Annotated[
        str, typer.Argument(help="An image, CreateModel's request, or a directory with model.json.")
    ],
    record: Annotated[list[str] | None, Flag(help="A record to send. Repeatable.")] = None,
    records: Annotated[Path | None, Flag(help="A file of records to send.")] = None,
    content_type: Annotated[str | None, Flag(help="TransformInput ContentType.")] = None,
    accept: Annotated[str | None, Flag(help="TransformOutput Accept.")] = None,
    model_data: Annotated[str | None, Flag(help="With an image: its model.tar.gz, a file or s3://….")] = None,
    assignments: Annotated[
        list[str] | None, Flag("--set", help="NAME=VALUE of CreateTransformJob's request. Repeatable.")
    ] = None,
    env: Annotated[list[str] | None, Flag(help="KEY=VALUE for every container. Repeatable.")] = None,
    put_files: Annotated[list[str] | None, Flag("--put", help="PATH=s3://… to upload first.")] = None,
    only: Annotated[list[str] | None, Flag(help="A group of checks, or one. Repeatable.")] = None,
    isolated: Annotated[bool, Flag("--isolated", help="Also without a network.")] = False,
    records_for_growth: Annotated[int, Flag(help="Records to send while memory is watched.")] = 10_000,
    answer_limit: Annotated[float, Flag(help="Seconds an answer may take before a check gives up.")] = 60.0,
    runtime: Annotated[str | None, Flag(help="auto, docker or process.")] = None,
    pull: Annotated[str | None, Flag(help="Pull images: missing, never or always.")] = None,
    config: Annotated[Path | None, Flag(help="Settings file instead of ./emulator.toml.")] = None,
    junit_file: Annotated[Path | None, Flag("--junit", help="Write JUnit XML to this file.")] = None,
    sarif_file: Annotated[Path | None, Flag("--sarif", help="Write SARIF to this file.")] = None,
    as_json: Annotated[bool, Flag("--json", help="As JSON.")] = False,
    quiet: Annotated[bool, Flag("--quiet", help="No progress on stderr.")] = False,
) -> None:
    """Check a container against SageMaker's contract. Exit code 4 when it breaks it."""
    settings = load_settings(config).changed(runtime=runtime, pull=pull)
    puts = parse_puts(put_files)
    found, archive = _with_archive(target, model_data)
    puts += [(archive, _ARCHIVE)] if archive else []
    wishes = Wishes(
        tuple(record or ()), records, content_type, accept, tuple(assignments or ()), tuple(env or ())
    )
    plan = _Plan(
        found,
        wishes,
        settings,
        puts,
        chosen(only or []),
        Options(isolated, records_for_growth),
        Patience(
            start_s=settings.ping_window_s,
            ping_interval_s=settings.ping_interval_s,
            answer_s=answer_limit,
        ),
    )
    with progress(quiet=quiet) as tell:
        report = _run(plan, tell)
    if junit_file:
        _write(junit_file, junit(report))
    if sarif_file:
        _write(sarif_file, json.dumps(sarif(report, version("sagemaker-transform-emulator")), indent=2))
    if as_json:
        print(json.dumps(report.as_dict(), indent=2))
    else:
        _print(report)
    sys.exit(VIOLATION if report.failed else 0)


class _Plan:
    """What the flags say."""

    def __init__(
        self,
        target: Target,
        wishes: Wishes,
        settings: Settings,
        puts: list[Put],
        only: frozenset[str],
        options: Options,
        patience: Patience,
    ) -> None:
        self.target = target
        self.job = checked_job(target, wishes)
        self.sample = chosen_sample(target, wishes, self.job)
        self.settings = settings
        self.puts = puts
        self.only = only
        self.options = options
        self.patience = patience


def _with_archive(target: str, model_data: str | None) -> tuple[Target, Path | None]:
    if model_data is None or model_data.startswith("s3://"):
        return find_target(target, model_data), None
    if not Path(model_data).is_file():
        raise UsageError(f"--model-data {model_data}: there is no such file")
    return find_target(target, str(_ARCHIVE)), Path(model_data)


def _run(plan: _Plan, tell: Callable[[str], None]) -> Report:
    async def work(session: Session) -> Report:
        model = await admit_model(complete(plan.target.model), session.services.storage)
        request = Request(
            plan.target.name, model, plan.job, plan.sample, plan.only, plan.options, plan.patience
        )
        return await check_model(request, session.services, tell)

    if plan.puts or needs_store(plan.target.model):
        return in_session(plan.settings, plan.puts, work)
    address = configured_store() or nobody()  # a second less than starting a store nobody reads
    return in_session(plan.settings, (), work, nullcontext((address, False)))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror}") from None


def _print(report: Report) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for container in report.containers:
        console.print(_head(container, report.runtime))
        for finding in container.findings:
            for line in finding_lines(finding):
                console.print(line)
        _print_not_run(console, container)
    counts = [
        f"{report.count(severity)} {severity}{'' if report.count(severity) == 1 else 's'}"
        for severity in Severity
    ]
    console.print(Text(", ".join(counts), style="bold"))


def _head(container: ContainerReport, runtime: str) -> Text:
    ready = "never healthy" if container.ready_s is None else f"healthy after {container.ready_s:.1f} s"
    carried_out = sum(not result.not_run for result in container.results)
    text = Text(f"{container.name}", style="bold")
    text.append(f"  {container.image} ({runtime}), {ready}, {carried_out} checks", style="not bold")
    return text


def _print_not_run(console: Console, container: ContainerReport) -> None:
    reasons: dict[str, list[str]] = {}
    for result in container.results:
        if result.not_run:
            reasons.setdefault(result.not_run, []).append(result.check.id)
    for reason, names in reasons.items():
        console.print(Text(f"  not run: {', '.join(names)}: {reason}", style="dim"))
