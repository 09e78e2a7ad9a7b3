"""Which combination tune calls best, and when it says that there was too little input."""

from __future__ import annotations

from transforming import job

from sagemaker_transform_emulator.sagemaker.requests import BatchStrategy, ExecutionParameters, SplitType
from sagemaker_transform_emulator.tools.trials import Grid, Trial, verdict_of

SINGLE, MULTI = BatchStrategy.SINGLE_RECORD, BatchStrategy.MULTI_RECORD


def trial(
    concurrent: int, strategy: BatchStrategy, payloads: int, *rates: float, megabytes: int = 6, why: str = ""
) -> Trial:
    return Trial(ExecutionParameters(concurrent, strategy, megabytes), payloads, why=why, rates=list(rates))


def test_a_rate_is_the_median_of_its_rounds() -> None:
    found = trial(1, SINGLE, 100, 90.0, 120.0, 100.0)
    assert (found.records_per_second, found.spread) == (100.0, (90.0, 120.0))
    assert (Trial(ExecutionParameters()).records_per_second, Trial(ExecutionParameters()).spread) == (
        0.0,
        (0.0, 0.0),
    )
    assert trial(1, SINGLE, 100, 5.0, why="differs").records_per_second == 0.0


def test_one_payload_is_never_best() -> None:
    trials = [trial(1, MULTI, 1, 36_576.0, megabytes=1), trial(1, SINGLE, 143, 3000.0, 3100.0)]
    verdict = verdict_of(trials, 143, 1430, whole=True)
    assert verdict.best is trials[1]
    assert verdict.too_little.startswith("too little input to judge 1 of 2 combinations: 143 records")
    assert "about 209,716 records would do" in verdict.remedy  # 2 payloads of 1 MiB at 10 bytes a record
    assert verdict.remedy.endswith("the input has no more")
    assert verdict_of(trials, 143, 1430, whole=False).remedy.endswith("see --records")


def test_each_concurrent_transform_needs_two_payloads() -> None:
    assert trial(4, SINGLE, 8, 1.0).enough
    assert not trial(4, SINGLE, 7, 1.0).enough


def test_without_input_enough_nothing_is_best() -> None:
    verdict = verdict_of([trial(2, SINGLE, 3, 10.0)], 3, 30, whole=True)
    assert verdict.best is None
    assert verdict.remedy == "more objects or records are needed"


def test_of_those_within_the_spread_the_least_demanding_is_best() -> None:
    fastest, alike = trial(8, SINGLE, 100, 95.0, 110.0, 130.0), trial(2, SINGLE, 100, 80.0, 90.0, 96.0)
    slow, wrong = trial(1, SINGLE, 100, 50.0, 60.0, 94.0), trial(1, MULTI, 9, 500.0, why="1 out of 2")
    verdict = verdict_of([fastest, alike, slow, wrong], 100, 1000, whole=True)
    assert (verdict.best, verdict.as_fast, verdict.too_little) == (alike, (fastest,), "")


def test_the_grid_keeps_the_products_and_the_limit_in_force() -> None:
    in_force = ExecutionParameters(1, MULTI, 40)
    grid = Grid((1, 60), (1, 2, 4))
    found = [
        (str(each.batch_strategy), each.max_payload_in_mb, each.max_concurrent_transforms)
        for each in grid.combinations(job(), in_force)
    ]
    assert found == [
        ("SingleRecord", 40, 1), ("SingleRecord", 40, 2),
        ("MultiRecord", 1, 1), ("MultiRecord", 1, 2), ("MultiRecord", 1, 4), ("MultiRecord", 60, 1),
    ]  # fmt: skip


def test_what_is_not_split_is_not_batched() -> None:
    whole = job(split=SplitType.NONE.value, assemble="None")
    found = list(Grid((1, 6), (1, 2)).combinations(whole, ExecutionParameters()))
    assert [each.max_concurrent_transforms for each in found] == [1, 2]
