"""Which courses of memory are leaks."""

from __future__ import annotations

import random

import pytest

from sagemaker_transform_emulator.sagemaker.requests import MIB
from sagemaker_transform_emulator.tools.check.growth import MemorySample, has_risen, is_leak, plateaus


def course(*mebibytes: float) -> list[MemorySample]:
    return [MemorySample(100 * (number + 1), int(each * MIB)) for number, each in enumerate(mebibytes)]


def sawtooth(number: int) -> float:
    return 40.0 * (number % 7) / 7


@pytest.mark.parametrize("rate", [0.5, 2.0, 30.0])
def test_what_rises_all_the_time_is_a_leak(rate: float) -> None:
    noise = random.Random(7)
    straight = course(*(100 + rate * number for number in range(100)))
    shaking = course(*(100 + rate * number + sawtooth(number) + noise.random() for number in range(100)))
    assert is_leak(straight)
    assert is_leak(shaking)


@pytest.mark.parametrize(
    "memory",
    [
        [100.0] * 100,
        [100 + sawtooth(number) for number in range(100)],
        [100 + min(number, 55) * 10.0 for number in range(100)],
        [100 + 900 * (1 - 0.95**number) for number in range(100)],
        [100.0] * 50 + [900.0] * 50,
        [900.0 - number for number in range(100)],
        [100 + number * 0.05 for number in range(100)],
        [100 + number for number in range(9)],
    ],
    ids=["flat", "sawtooth", "fills", "decays", "one step", "falls", "within noise", "too few"],
)
def test_what_levels_off_or_comes_back_is_none(memory: list[float]) -> None:
    assert not is_leak(course(*memory))


def test_the_start_does_not_count() -> None:
    start = course(*([10.0] * 20 + [500.0] * 80))
    assert not has_risen(start)
    assert [sample.memory_bytes // MIB for sample in plateaus(start)] == [500, 500, 500, 500]
