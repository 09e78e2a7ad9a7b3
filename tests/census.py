"""Counts the cases that a strategy makes, so that a property about a case that never comes is found out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

EXAMPLES = 300
FEWEST = 3
"""A property runs 100 examples by default: a case must be met about once in them."""


def missing_cases(
    strategy: SearchStrategy[T], cases: Callable[[T], Iterable[str]], *expected: str
) -> dict[str, int]:
    """The expected cases that came up in fewer than FEWEST of EXAMPLES examples, and how often they did."""
    found: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def count(example: T) -> None:
        found.update(set(cases(example)))

    count()
    return {case: found[case] for case in expected if found[case] < FEWEST}
