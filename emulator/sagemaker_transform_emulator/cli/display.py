"""What a person sees of a job: live progress on stderr, then a summary."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from sagemaker_transform_emulator.cli.progress import figures
from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.jobs.diagnosis import diagnose, diagnose_error
from sagemaker_transform_emulator.jobs.events import (
    Event,
    InputListed,
    InstanceReady,
    JobNote,
    Notice,
    ObjectFailed,
)
from sagemaker_transform_emulator.jobs.transform_job import JobRun
from sagemaker_transform_emulator.s3.moto_server import LIMITS
from sagemaker_transform_emulator.sagemaker.requests import JobStatus

_SHOWN_ROWS = 5
_SHOWN_FAILURES = 10
_COLOURS = {JobStatus.COMPLETED: "green", JobStatus.FAILED: "red", JobStatus.STOPPED: "yellow"}


class JobDisplay:
    """A progress line for a terminal, a few plain lines for a log file, nothing when quiet."""

    def __init__(self, *, quiet: bool, store: StoreAddress, embedded: bool, runtime: str) -> None:
        self._console = Console(stderr=True, quiet=quiet, soft_wrap=True)
        self._where = f"S3: built in ({LIMITS})" if embedded else f"S3: {store.endpoint_url}"
        self._runtime = runtime
        self._run: JobRun | None = None
        self._started = time.monotonic()
        self._objects = 0
        self._bytes = 0
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            refresh_per_second=8,
            get_time=self._tick,
        )
        self._task = self._bar.add_task("starting containers", total=None, figures="")

    def follow(self, run: JobRun) -> None:
        """Show this run's totals from now on."""
        self._run = run
        images = " → ".join(definition.image.rsplit("/", 1)[-1] for definition in run.model.containers)
        self._console.print(
            f"[bold]{run.job.transform_job_name}[/bold]  {images}\n{self._where}, runtime: {self._runtime}",
            highlight=False,
        )

    def sink(self, event: Event) -> None:
        """Take note of what changes the picture."""
        if isinstance(event, InputListed):
            self._objects = len(event.objects)
            self._bytes = sum(item.size for item in event.objects)
            self._bar.update(self._task, total=self._bytes or None)
        elif isinstance(event, InstanceReady):
            self._started = time.monotonic()
            self._console.print(f"ready: {event.instance}  {event.parameters}", highlight=False)
        elif isinstance(event, Notice):
            self._console.print(Text(event.text))
        elif isinstance(event, JobNote):
            self._console.print(Text(f"note: {event.container}: {event.text}", style="yellow"))
        elif isinstance(event, ObjectFailed):
            self._console.print(Text(f"failed: {event.source}: {event.error.message}", style="red"))

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def tell(self, text: str) -> None:
        """A line on stderr, above the progress."""
        self._console.print(Text(text, style="dim"))

    def line(self) -> str | None:
        """The progress as a line for a log file; None for a terminal, and before the first record is sent."""
        run = self._run
        if self._console.is_terminal or run is None or run.started_at is None:
            return None
        return f"running: {self._figures(run)}"

    def _figures(self, run: JobRun) -> str:
        return figures(run, time.monotonic() - self._started, self._objects, self._bytes)

    def _tick(self) -> float:
        """Called at each refresh: the bar shows the run's totals without being told about each record."""
        run = self._run
        if run is not None and run.started_at is not None:
            task = self._bar.tasks[0]
            task.completed = run.progress.bytes_in
            task.description = run.progress.current
            task.fields["figures"] = self._figures(run)
        return time.monotonic()


def summary(run: JobRun) -> dict[str, Any]:
    """The result as JSON data."""
    seconds = elapsed_s(run)
    progress = run.progress
    return {
        "TransformJobName": run.job.transform_job_name,
        "TransformJobStatus": str(run.status),
        "FailureReason": run.failure_reason,
        "objects": {"total": progress.objects, "completed": len(run.completed), "failed": len(run.failed)},
        "records": progress.records,
        "invocations": progress.payloads,
        "retries": progress.retries,
        "findings": [{"container": container, "text": text} for container, text in findings(run)],
        "seconds": round(seconds, 3),
        "records_per_second": round(progress.records / seconds, 1) if seconds else None,
        "container_seconds": {name: round(value, 3) for name, value in progress.container_seconds.items()},
        "outputs": [
            {"input": str(event.source.location), "output": str(event.output), "records": event.records}
            for event in run.completed
        ],
        "failures": [_failure(run, event) for event in run.failed],
        "error": None
        if run.error is None
        else {"message": run.error.message, "remedy": diagnose_error(run.error).remedy},
    }


def _failure(run: JobRun, event: ObjectFailed) -> dict[str, Any]:
    told = diagnose(event, run.recent_lines, run.job.transform_job_name)
    return {
        "input": str(event.source),
        "error": event.error.message,
        "remedy": told.remedy,
        "where": event.payload.where if event.payload else None,
        "diagnosis": told.as_json(),
    }


def print_summary(run: JobRun, first_rows: tuple[bytes, bytes], folders: list[Any]) -> None:
    """The result for a person, on stdout."""
    console = Console(highlight=False)
    seconds, progress = elapsed_s(run), run.progress
    table = Table.grid(padding=(0, 2))
    colour = _COLOURS.get(run.status, "")
    table.add_row("Status", Text(str(run.status), style=f"bold {colour}"))
    if run.failure_reason:
        table.add_row("FailureReason", Text(run.failure_reason))
    table.add_row("Objects", f"{len(run.completed)} of {progress.objects} completed")
    rate = f"  ({progress.records / seconds:,.0f}/s)" if seconds and progress.records else ""
    table.add_row("Records", f"{progress.records:,}{rate}")
    table.add_row("Time", f"{seconds:.2f} s from the first invocation to the last output")
    for name, value in progress.container_seconds.items():
        each = value / progress.payloads * 1000 if progress.payloads else 0.0
        table.add_row(f"  {name}", f"{value:.2f} s waiting, {each:.2f} ms an invocation")
    for container, text in findings(run):
        table.add_row("Note", Text(f"{container}: {text}" if container else text, style="yellow"))
    for event in run.completed[:_SHOWN_ROWS]:
        table.add_row("Output", Text(str(event.output)))
    if len(run.completed) > _SHOWN_ROWS:
        table.add_row("", f"and {len(run.completed) - _SHOWN_ROWS} more")
    for folder in folders:
        table.add_row("Copied to", Text(str(folder)))
    console.print(Panel(table, title=run.job.transform_job_name, expand=False))
    _print_rows(console, first_rows)


def findings(run: JobRun) -> list[tuple[str, str]]:
    """What a user should know, as (container or "", text), each once however many instances found it."""
    return list(dict.fromkeys((finding.container, finding.text) for finding in run.findings))


def elapsed_s(run: JobRun) -> float:
    """Seconds from the first instance's readiness to the end."""
    if run.started_at is None or run.ended_at is None:
        return 0.0
    return run.ended_at - run.started_at


def print_diagnosis(run: JobRun, *, traced: bool) -> None:
    """For each failed object, in words: which record, which container, what bytes, and why."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for event in run.failed[:_SHOWN_FAILURES]:
        console.print()
        for line in diagnose(event, run.recent_lines).lines():
            console.print(Text(line, style="bold red" if line.startswith("object") else ""))
    if len(run.failed) > _SHOWN_FAILURES:
        console.print(f"… and {len(run.failed) - _SHOWN_FAILURES} more failed objects")
    first = next((event for event in run.failed if event.payload), None)
    if traced and first and first.payload:
        name, number = run.job.transform_job_name, first.payload.first_record
        console.print(f"\nmore:  emulator trace {name} --record {number}")
        console.print(f"again: emulator replay {name} --record {number}")


def _print_rows(console: Console, first_rows: tuple[bytes, bytes]) -> None:
    given, answered = (
        [line for line in rows.decode("utf-8", "replace").splitlines()[:20] if line][:_SHOWN_ROWS]
        for rows in first_rows
    )
    if not given or not answered:
        return
    table = Table("first rows in", "first rows out", box=None, header_style="dim")
    for left, right in zip(given, answered, strict=False):
        table.add_row(Text(left), Text(right))
    console.print(table)
