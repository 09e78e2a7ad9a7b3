"""`emulator run`: one job, from its two request files to its summary."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sagemaker_transform_emulator.cli.display import (
    JobDisplay,
    print_diagnosis,
    print_summary,
    summary,
)
from sagemaker_transform_emulator.cli.error_message import print_error
from sagemaker_transform_emulator.cli.progress import Watch
from sagemaker_transform_emulator.cli.session import Put, Session, in_session, parse_puts
from sagemaker_transform_emulator.config import Settings, load_settings
from sagemaker_transform_emulator.errors import INTERRUPTED, EmulatorError
from sagemaker_transform_emulator.jobs.events import to_all
from sagemaker_transform_emulator.jobs.fault_injection import parse_faults
from sagemaker_transform_emulator.jobs.services import read_request, run_requests
from sagemaker_transform_emulator.jobs.transform_job import JobRun
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.transfer import get, parse_get
from sagemaker_transform_emulator.sagemaker.field_paths import set_environment, set_fields
from sagemaker_transform_emulator.sagemaker.request_defaults import fill_defaults
from sagemaker_transform_emulator.sagemaker.requests import JobStatus
from sagemaker_transform_emulator.tools.explain import doubts_of
from sagemaker_transform_emulator.trace.job_keeping import JobKeeper, described_puts, keep
from sagemaker_transform_emulator.trace.recorder import Recorder, RecordPolicy, record_policy, request_meta
from sagemaker_transform_emulator.trace.store import trace_path
from sagemaker_transform_emulator.transform.keys import S3Location

Flag = typer.Option
_DOUBTED_BYTES = 8 * 1024**2
"""So much of the input is looked at for what is odd."""


def run(
    model: Annotated[Path, Flag(help="CreateModel's request, as --cli-input-json takes it.")],
    job: Annotated[Path | None, Flag(help="CreateTransformJob's request; flags below override it.")] = None,
    input_uri: Annotated[str | None, Flag("--input", help="TransformInput S3Uri.")] = None,
    output_uri: Annotated[str | None, Flag("--output", help="TransformOutput S3OutputPath.")] = None,
    content_type: Annotated[str | None, Flag(help="TransformInput ContentType.")] = None,
    accept: Annotated[str | None, Flag(help="TransformOutput Accept.")] = None,
    split_type: Annotated[str | None, Flag(help="None, Line, RecordIO or TFRecord.")] = None,
    strategy: Annotated[str | None, Flag(help="BatchStrategy: SingleRecord or MultiRecord.")] = None,
    assemble_with: Annotated[str | None, Flag(help="None or Line.")] = None,
    max_payload: Annotated[int | None, Flag(help="MaxPayloadInMB.")] = None,
    max_concurrent: Annotated[int | None, Flag(help="MaxConcurrentTransforms.")] = None,
    instance_count: Annotated[int | None, Flag(help="TransformResources InstanceCount.")] = None,
    env: Annotated[list[str] | None, Flag(help="KEY=VALUE for every container. Repeatable.")] = None,
    assignments: Annotated[
        list[str] | None, Flag("--set", help="NAME=VALUE for any other field of the job. Repeatable.")
    ] = None,
    put_files: Annotated[
        list[str] | None, Flag("--put", help="PATH=s3://… to upload before the job. Repeatable.")
    ] = None,
    get_files: Annotated[
        list[str] | None, Flag("--get", help="s3://…=FOLDER to download after the job. Repeatable.")
    ] = None,
    runtime: Annotated[str | None, Flag(help="auto, docker or process.")] = None,
    pull: Annotated[str | None, Flag(help="Pull images: missing, never or always.")] = None,
    profile: Annotated[
        str | None, Flag(help="How containers are confined: sagemaker, or strict with all that can be taken.")
    ] = None,
    instance_limits: Annotated[
        bool | None, Flag("--instance-limits", help="Containers get the memory and CPUs of the InstanceType.")
    ] = None,
    trace: Annotated[str | None, Flag(help="Keep invocations: off, errors, sample or all.")] = None,
    faults: Annotated[
        list[str] | None,
        Flag("--fault", help='A fault on demand: "container=2 record=17 status=500". Repeatable.'),
    ] = None,
    config: Annotated[Path | None, Flag(help="Settings file instead of ./emulator.toml.")] = None,
    aws_timing: Annotated[bool, Flag("--aws-timing", help="Ping once a second for 30 minutes.")] = False,
    as_json: Annotated[bool, Flag("--json", help="The result as JSON on stdout.")] = False,
    quiet: Annotated[bool, Flag("--quiet", help="No progress on stderr.")] = False,
) -> None:
    """Run one TransformJob and wait for its end."""
    settings = load_settings(config)
    settings = settings.changed(
        runtime=runtime, pull=pull, profile=profile, instance_limits=instance_limits,
        faults=faults, trace=trace,
    )  # fmt: skip
    parse_faults(settings.faults)
    request = read_request(job, "CreateTransformJob") if job else {}
    fields: dict[str, Any] = {
        "TransformInput.DataSource.S3DataSource.S3Uri": input_uri,
        "TransformInput.ContentType": content_type,
        "TransformInput.SplitType": split_type,
        "TransformOutput.S3OutputPath": output_uri,
        "TransformOutput.Accept": accept,
        "TransformOutput.AssembleWith": assemble_with,
        "TransformResources.InstanceCount": instance_count,
        "BatchStrategy": strategy,
        "MaxPayloadInMB": max_payload,
        "MaxConcurrentTransforms": max_concurrent,
    }
    set_fields(request, [f"{name}={value}" for name, value in fields.items() if value is not None])
    set_environment(request, env or [])
    set_fields(request, assignments or [])
    plan = Plan(
        read_request(model, "CreateModel"),
        request,
        settings.with_aws_timing() if aws_timing else settings,
        parse_puts(put_files),
        [parse_get(text) for text in get_files or []],
        record_policy(settings.trace),
        quiet=quiet,
        model_file=str(model.absolute()),
    )
    fill_defaults(plan.job, plan.model, datetime.now(UTC))
    result = in_session(plan.settings, plan.puts, lambda session: carry_out(plan, session))
    report(result, plan, as_json=as_json)


@dataclass(slots=True)
class Plan:
    """What the flags and files say."""

    model: dict[str, Any]
    job: dict[str, Any]
    settings: Settings
    puts: list[Put]
    gets: list[tuple[S3Location, Path]]
    policy: RecordPolicy
    quiet: bool = False
    model_file: str = ""
    first_rows: tuple[bytes, bytes] = (b"", b"")


async def carry_out(plan: Plan, session: Session) -> JobRun:
    """The job has ended, its outputs were downloaded. SIGINT and SIGTERM stop the job."""
    services, address, embedded = session
    display = JobDisplay(quiet=plan.quiet, store=address, embedded=embedded, runtime=services.runtime.name)
    puts = await asyncio.to_thread(described_puts, plan.puts)
    runs: list[JobRun] = []
    recorders: list[Recorder] = []
    keepers: list[JobKeeper] = []
    watches: list[Watch] = []
    watching: list[asyncio.Task[None]] = []

    def admitted(run: JobRun) -> None:
        recorder = Recorder(
            trace_path(run.job.transform_job_name),
            plan.policy,
            request_meta(plan.model, plan.job, address.endpoint_url),
        )
        keeper = keep(
            run,
            services,
            (plan.model, plan.job),
            "run",
            endpoint=None if embedded else address.endpoint_url,
            puts=puts,
            gets=plan.gets,
            model_file=plan.model_file,
        )
        run.sink = to_all(display.sink, recorder, keeper)
        run.record_invocations = plan.policy.wants_invocations
        runs.append(run)
        recorders.append(recorder)
        keepers.append(keeper)
        display.follow(run)
        watches.append(Watch(run, display.tell, display.line))
        watching.append(asyncio.create_task(watches[-1].run()))
        watching.append(asyncio.create_task(_tell_doubts(run, services.storage, display)))

    task = asyncio.create_task(run_requests(plan.model, plan.job, services, display.sink, admitted))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        with display:
            result = await task
    except asyncio.CancelledError:
        if not runs:
            raise KeyboardInterrupt from None
        for words in watches[0].last_words(time.monotonic()):
            display.tell(words)
        return runs[0]
    finally:
        for watcher in watching:
            watcher.cancel()
        for recorder in recorders:
            recorder.close()
        for run, keeper in zip(runs, keepers, strict=True):
            keeper.end(run)
    for source, folder in plan.gets:
        await asyncio.to_thread(get, services.storage, source, folder)
    plan.first_rows = await _first_rows(result, services.storage)
    return result


async def _tell_doubts(run: JobRun, storage: Storage, display: JobDisplay) -> None:
    """While the containers start: what `explain` finds odd about an input that is not large."""
    with suppress(EmulatorError):
        for finding in await doubts_of(run.job, storage, _DOUBTED_BYTES):
            consequence = f" — {finding.consequence}" if finding.consequence else ""
            display.tell(f"{finding.severity}: {finding.subject}: {finding.seen}{consequence}")


def report(result: JobRun, plan: Plan, *, as_json: bool) -> None:
    """The summary is printed and the process ends with the job's exit code."""
    if as_json:
        print(json.dumps(summary(result), indent=2))
    else:
        print_summary(result, plan.first_rows, [folder for _, folder in plan.gets])
    if result.failed:
        print_diagnosis(result, traced=plan.policy.mode != "off")
    elif result.error is not None:
        print_error(result.error)
    codes = {JobStatus.COMPLETED: 0, JobStatus.STOPPED: INTERRUPTED}
    sys.exit(codes.get(result.status, 1))


async def _first_rows(result: JobRun, storage: Any) -> tuple[bytes, bytes]:
    if not result.completed:
        return b"", b""
    first = result.completed[0]
    rows = []
    for location in (first.source.location, first.output):
        found = await storage.head(location)
        rows.append(await anext(storage.read(found, range_bytes=2048), b""))
    return rows[0], rows[1]
