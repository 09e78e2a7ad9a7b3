"""The trials of `tune`: combinations of settings, what came of each, and which is best. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sagemaker_transform_emulator.sagemaker.requests import (
    MIB,
    BatchStrategy,
    ExecutionParameters,
    SplitType,
    TransformJob,
)

MOST_PRODUCT_MB = 100
LEAST_PAYLOADS_EACH = 2
"""So many payloads must each concurrent transform have before a rate says something about it."""


@dataclass(slots=True)
class Trial:
    """One combination and what came of it: payloads in one pass, and records a second of every round.

    `why` says why it is not correct. `retries` counts attempts beyond the first, over all passes.
    """

    parameters: ExecutionParameters
    payloads: int = 0
    retries: int = 0
    why: str = ""
    rates: list[float] = field(default_factory=list)

    @property
    def correct(self) -> bool:
        """Whether every pass gave the records it should."""
        return not self.why

    @property
    def records_per_second(self) -> float:
        """The median of the rounds; 0.0 when it was not measured."""
        return round(statistics.median(self.rates), 1) if self.correct and self.rates else 0.0

    @property
    def spread(self) -> tuple[float, float]:
        """The slowest and the fastest round."""
        return (round(min(self.rates), 1), round(max(self.rates), 1)) if self.rates else (0.0, 0.0)

    @property
    def enough(self) -> bool:
        """Whether a pass has payloads enough for the rate to say something about these settings."""
        return self.payloads >= LEAST_PAYLOADS_EACH * self.parameters.max_concurrent_transforms


@dataclass(frozen=True, slots=True)
class Grid:
    """The combinations to try."""

    payload_mb: tuple[int, ...] = (1, 6, 25)
    concurrent: tuple[int, ...] = (1, 2, 4, 8)

    def combinations(self, job: TransformJob, in_force: ExecutionParameters) -> Iterator[ExecutionParameters]:
        """Every pair whose product is allowed (R1.18): SingleRecord with the limit in force, and MultiRecord.

        Objects that are not split are not batched either: only the concurrency is tried.
        """
        alone = in_force.max_payload_in_mb
        for concurrent in self.concurrent:
            if alone * concurrent <= MOST_PRODUCT_MB:
                yield ExecutionParameters(concurrent, BatchStrategy.SINGLE_RECORD, alone)
        if job.transform_input.split_type is SplitType.NONE:
            return
        for megabytes in self.payload_mb:
            for concurrent in self.concurrent:
                if megabytes * concurrent <= MOST_PRODUCT_MB:
                    yield ExecutionParameters(concurrent, BatchStrategy.MULTI_RECORD, megabytes)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The trial to take, and those that cannot be told from it.

    `best` is None when no correct combination had input enough. `too_little` says, in words, which could
    not be judged for want of input, and `remedy` what would help.
    """

    best: Trial | None
    as_fast: tuple[Trial, ...] = ()
    too_little: str = ""
    remedy: str = ""


def verdict_of(trials: Sequence[Trial], records: int, size: int, *, whole: bool) -> Verdict:
    """The verdict over trials with a sample of so many records and bytes; `whole` if the input has no more.

    Trials whose rounds overlap with those of the fastest are as fast; of them the one that asks least of the
    container is best.
    """
    judged = [trial for trial in trials if trial.correct and trial.enough and trial.rates]
    too_little, remedy = _too_little(trials, records, size, whole=whole)
    if not judged:
        return Verdict(None, (), too_little, remedy)
    slowest = max(judged, key=lambda trial: trial.records_per_second).spread[0]
    alike = sorted((trial for trial in judged if trial.spread[1] >= slowest), key=_demand)
    return Verdict(alike[0], tuple(alike[1:]), too_little, remedy)


def _demand(trial: Trial) -> tuple[int, int, float]:
    in_force = trial.parameters
    return in_force.max_concurrent_transforms, in_force.max_payload_in_mb, -trial.records_per_second


def _too_little(trials: Sequence[Trial], records: int, size: int, *, whole: bool) -> tuple[str, str]:
    missing = sorted((trial for trial in trials if trial.correct and not trial.enough), key=_demand)
    if not missing:
        return "", ""
    seen = (
        f"too little input to judge {len(missing)} of {len(trials)} combinations: {records:,} records of "
        f"{size:,} bytes in all make fewer than {LEAST_PAYLOADS_EACH} payloads for each concurrent transform"
    )
    least = missing[0].parameters
    if least.batch_strategy is BatchStrategy.SINGLE_RECORD or not least.max_payload_in_mb:
        return seen, "more objects or records are needed"
    bytes_needed = LEAST_PAYLOADS_EACH * least.max_concurrent_transforms * least.max_payload_in_mb * MIB
    needed = -(-bytes_needed * records // max(size, 1))
    more = "the input has no more" if whole else "see --records"
    return seen, f"about {needed:,} records would do for {least}; {more}"
