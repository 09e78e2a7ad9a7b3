"""Find the settings that are correct and fastest for a model and an input, by measuring.

Correct means: the records of the output are those of SingleRecord with one transform at a time. Blank
lines do not count, because AssembleWith puts them in other places when several records share an answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import NamedTuple

from sagemaker_transform_emulator.errors import JobError, UsageError
from sagemaker_transform_emulator.jobs import health as pipeline
from sagemaker_transform_emulator.jobs.instances import Prerequisites, ReadyInstance
from sagemaker_transform_emulator.jobs.invocation import ObjectHeads
from sagemaker_transform_emulator.jobs.record_path import read_payloads
from sagemaker_transform_emulator.s3.client import S3Object, Storage
from sagemaker_transform_emulator.sagemaker.requests import (
    BatchStrategy,
    ExecutionParameters,
    SplitType,
    TransformJob,
)
from sagemaker_transform_emulator.transform.assembling import assemble
from sagemaker_transform_emulator.transform.batching import Batcher, Payload
from sagemaker_transform_emulator.transform.keys import S3Location

MOST_PRODUCT_MB = 100


class Stage(NamedTuple):
    """Where trials take place: the job they stand for and an instance that is ready."""

    job: TransformJob
    ready: ReadyInstance
    needs: Prerequisites


@dataclass(frozen=True, slots=True)
class Trial:
    """One combination and what came of it. `records_per_second` is 0.0 when it failed."""

    parameters: ExecutionParameters
    payloads: int
    correct: bool
    why: str
    records_per_second: float


@dataclass(frozen=True, slots=True)
class Grid:
    """The combinations to try."""

    payload_mb: tuple[int, ...] = (1, 6, 25)
    concurrent: tuple[int, ...] = (1, 2, 4, 8)

    def combinations(self) -> Iterator[ExecutionParameters]:
        """SingleRecord for every concurrency, MultiRecord for every pair within the product (R1.18)."""
        for concurrent in self.concurrent:
            yield ExecutionParameters(concurrent, BatchStrategy.SINGLE_RECORD, 6)
        for megabytes in self.payload_mb:
            for concurrent in self.concurrent:
                if megabytes * concurrent <= MOST_PRODUCT_MB:
                    yield ExecutionParameters(concurrent, BatchStrategy.MULTI_RECORD, megabytes)


async def sample_records(
    job: TransformJob, storage: Storage, sources: Sequence[S3Object], most: int
) -> list[bytes]:
    """The first records of the input. Raises UsageError when the job does not split by line."""
    if job.transform_input.split_type is not SplitType.LINE:
        raise UsageError(
            "tune compares records, so SplitType must be Line",
            remedy="add --set SplitType=Line, or test by hand",
        )
    single = ExecutionParameters(1, BatchStrategy.SINGLE_RECORD, 100)
    records: list[bytes] = []
    for source in sources:
        async with aclosing(read_payloads(job, single, storage, source)) as payloads:
            async for payload in payloads:
                records.append(payload.body)
                if len(records) >= most:
                    return records
    return records


async def tune(stage: Stage, records: Sequence[bytes], grid: Grid) -> list[Trial]:
    """A trial for each combination, the fastest correct one first; the containers are started already."""
    single = ExecutionParameters(1, BatchStrategy.SINGLE_RECORD, 6)
    await _outcome(stage, records[:200], single)  # the first trial shall not pay for warming up
    wanted, error, _ = await _outcome(stage, records, single)
    if error:
        raise UsageError(
            f"SingleRecord itself fails on this input: {error}",
            remedy="mend that first; `emulator trace` shows the record",
        )
    trials = [await _trial(stage, records, parameters, wanted) for parameters in grid.combinations()]
    return sorted(trials, key=lambda trial: (not trial.correct, -trial.records_per_second))


async def _trial(
    stage: Stage, records: Sequence[bytes], parameters: ExecutionParameters, wanted: list[bytes]
) -> Trial:
    begin = time.perf_counter()
    got, error, payloads = await _outcome(stage, records, parameters)
    seconds = time.perf_counter() - begin
    why = error or _difference(wanted, got)
    rate = 0.0 if error else len(records) / seconds
    return Trial(parameters, payloads, not why, why, round(rate, 1))


async def _outcome(
    stage: Stage, records: Sequence[bytes], parameters: ExecutionParameters
) -> tuple[list[bytes], str, int]:
    """The records of the output, the error that ended it, and the number of payloads."""
    job, ready, needs = stage
    batcher = Batcher(parameters.batch_strategy, parameters.max_payload_bytes)
    payloads = [*batcher.feed(records), *batcher.finish()]
    heads = ObjectHeads(job, S3Location.parse(job.transform_input.s3_uri), len(ready.containers))
    config = replace(job.model_client_config, invocations_max_retries=0)
    async with pipeline.invoker(
        ready.containers, needs.transport, replace(job, model_client_config=config), parameters
    ) as invoker:

        async def send(payload: Payload) -> bytes:
            answer = await invoker.invoke(payload, heads, chunked=False)
            return assemble(answer.body, job.transform_output.assemble_with)

        tasks = [asyncio.create_task(send(payload)) for payload in payloads]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    failure = next((answer for answer in answers if isinstance(answer, BaseException)), None)
    if isinstance(failure, JobError):
        return [], str(failure).splitlines()[0], len(payloads)
    if failure is not None:
        raise failure
    output = b"".join(answer for answer in answers if isinstance(answer, bytes))
    return [line for line in output.split(b"\n") if line], "", len(payloads)


def _difference(wanted: list[bytes], got: list[bytes]) -> str:
    if len(wanted) != len(got):
        return f"{len(got)} records out instead of {len(wanted)}"
    for number, (one, other) in enumerate(zip(wanted, got, strict=True), start=1):
        if one != other:
            return f"record {number} differs: {other[:60]!r} instead of {one[:60]!r}"
    return ""
