"""Find the settings that are correct and fastest for a model and an input, by measuring.

Every trial is the job itself over a sample of its input: the same filters, payloads, requests, join and
output. Correct means that the records of the output are those of one record and one transform at a time;
blank lines do not count, because AssembleWith puts them in other places when several records share an
answer. RecordIO and TFRecord compare with the BatchStrategy in force, because it decides whether containers
get frames (R2.26).

Speed is measured in rounds, each of which runs every combination, so that a noisy machine disturbs all
alike; a combination's figure is the median of its rounds, its spread the slowest and the fastest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Self

from sagemaker_transform_emulator.errors import ContainerError, JobError, UsageError
from sagemaker_transform_emulator.jobs.events import Progress
from sagemaker_transform_emulator.jobs.instances import (
    JobRun,
    Prerequisites,
    ReadyInstance,
    Services,
    first_job_error,
    new_instance_id,
    open_instance,
    open_path,
)
from sagemaker_transform_emulator.jobs.record_path import Instance, RecordPath, transform_objects
from sagemaker_transform_emulator.sagemaker.requests import BatchStrategy, ExecutionParameters, SplitType
from sagemaker_transform_emulator.tools.trials import Grid, Trial
from sagemaker_transform_emulator.tools.tune_sample import InputSample, job_of_sample

ROUNDS = 3
_FRAMED = (SplitType.RECORD_IO, SplitType.TF_RECORD)


class Stage:
    """An instance to hold trials on; it is started again after a trial that ended a container."""

    def __init__(self, run: JobRun, services: Services, needs: Prerequisites) -> None:
        self.run = JobRun(run.model, job_of_sample(run.job))
        self._services = services
        self._needs = needs
        self._stack = AsyncExitStack()
        self._ready: ReadyInstance | None = None

    async def __aenter__(self) -> Self:
        """Nothing is started before it is used."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """The containers are stopped."""
        await self.restart()

    async def ready(self) -> ReadyInstance:
        """The instance, started when it is not running."""
        if self._ready is None:
            opened = open_instance(self.run, self._services, self._needs, new_instance_id())
            self._ready = await self._stack.enter_async_context(opened)
        return self._ready

    async def restart(self) -> None:
        """The containers are stopped; the next use starts fresh ones."""
        self._ready = None
        await self._stack.aclose()

    @asynccontextmanager
    async def path(self, parameters: ExecutionParameters) -> AsyncIterator[RecordPath]:
        """The job's record path with these settings in force."""
        ready = await self.ready()
        async with open_path(self.run, self._services, self._needs, ready.containers, parameters) as path:
            yield path


async def tune(
    stage: Stage,
    sample: InputSample,
    grid: Grid,
    seconds: float = 1.0,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Trial]:
    """A trial for each combination, the fastest correct one first, those with too little input behind them.

    Each is measured for `seconds` at least, over three rounds of one pass at least. Raises UsageError when
    the job fails on the sample one record at a time.
    """
    job, in_force = stage.run.job, (await stage.ready()).path.parameters
    framed = job.transform_input.split_type in _FRAMED
    strategy = in_force.batch_strategy if framed else BatchStrategy.SINGLE_RECORD
    reference = Trial(replace(in_force, max_concurrent_transforms=1, batch_strategy=strategy))
    tell("the reference: one at a time")
    wanted = await _measure(stage, sample, reference, 0.0, None)
    if not reference.correct:
        raise UsageError(
            f"{strategy} itself fails on this input: {reference.why}",
            remedy="mend that first; `emulator run` and `emulator trace` show the record",
        )
    trials = [Trial(parameters) for parameters in grid.combinations(job, in_force)]
    for number in range(1 + ROUNDS):
        for trial in trials:
            if trial.correct:
                tell(f"{'warming up' if not number else f'round {number} of {ROUNDS}'}: {trial.parameters}")
                await _measure(stage, sample, trial, seconds / ROUNDS if number else 0.0, wanted)
                if not number:
                    trial.rates.clear()  # the first pass pays for warming up
    return sorted(trials, key=lambda trial: (not trial.correct, not trial.enough, -trial.records_per_second))


async def _measure(
    stage: Stage, sample: InputSample, trial: Trial, seconds: float, wanted: list[bytes] | None
) -> list[bytes]:
    """Passes over the sample for that long, one at least; the trial has its rate. The output's records."""
    passes, spent, records = 0, 0.0, wanted or []
    try:
        async with stage.path(trial.parameters) as path:
            while not passes or spent < seconds:
                begin = time.perf_counter()
                await _pass(path, sample, trial)
                spent += time.perf_counter() - begin
                passes += 1
                records = _records(sample)
                trial.why = "" if wanted is None else _difference(wanted, records)
                if trial.why:
                    return records
    except JobError as error:
        trial.why = str(error).splitlines()[0]
        if isinstance(error, ContainerError):
            await stage.restart()
        return records
    trial.rates.append(passes * sample.records / spent)
    return records


async def _pass(path: RecordPath, sample: InputSample, trial: Trial) -> None:
    """The job over the sample. Raises the first JobError of an object, or of a container that ended."""
    sample.outputs.clear()
    progress = Progress()
    retries = path.invoker.retries
    instance = Instance(
        "tune",
        path,
        sample,
        lambda _: None,
        progress,
        asyncio.Semaphore(path.parameters.max_concurrent_transforms),
    )
    try:
        failures = await transform_objects(instance, sample.objects)
    except* JobError as group:
        failures = [first_job_error(group) or JobError("the instance ended")]
    trial.payloads = progress.payloads
    trial.retries += path.invoker.retries - retries
    if failures:
        raise failures[0]


def _records(sample: InputSample) -> list[bytes]:
    """The lines of all outputs that are not blank, in the order of the objects."""
    outputs = (sample.outputs.get(item.output, b"") for item in sample.objects)
    return [line for output in outputs for line in output.split(b"\n") if line]


def _difference(wanted: list[bytes], got: list[bytes]) -> str:
    if wanted == got:
        return ""
    if len(wanted) != len(got):
        return f"{len(got)} records out instead of {len(wanted)}"
    number, (one, other) = next(
        (number, pair)
        for number, pair in enumerate(zip(wanted, got, strict=True), start=1)
        if pair[0] != pair[1]
    )
    return f"record {number} differs: {other[:60]!r} instead of {one[:60]!r}"
