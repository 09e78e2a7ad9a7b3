"""Compare two outputs record by record, with a tolerance for numbers. Pure.

This is how a user proves the emulator against an output downloaded from AWS: bytes first, then cells of
CSV or values of JSON, where numbers may differ in their last digits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may be apart: relative to the larger, or absolutely."""

    relative: float = 0.0
    absolute: float = 0.0

    def accepts(self, left: float, right: float) -> bool:
        """Whether the two count as equal. NaN equals NaN."""
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return math.isclose(left, right, rel_tol=self.relative, abs_tol=self.absolute)


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two outputs differ. `record` counts from 1; `place` names the cell or member."""

    record: int
    place: str
    left: str
    right: str
    why: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome. `within` counts records whose bytes differ but whose values agree within the tolerance."""

    records: int
    identical: int
    within: int
    different: int
    largest: float
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Whether no record differs by more than the tolerance."""
        return self.different == 0


def compare(
    left: Iterable[bytes], right: Iterable[bytes], tolerance: Tolerance = Tolerance(), *, shown: int = 20
) -> Comparison:
    """Compare two sequences of records; the first `shown` differing places are described."""
    total = identical = within = different = 0
    largest = 0.0
    places: list[Difference] = []
    for total, (one, other) in enumerate(zip_longest(left, right), start=1):
        if one == other:
            identical += 1
            continue
        found, spread = record_differences(total, one, other, tolerance)
        largest = max(largest, spread)
        if found:
            different += 1
            places += found[: max(0, shown - len(places))]
        else:
            within += 1
    return Comparison(total, identical, within, different, largest, tuple(places))


def record_differences(
    number: int, left: bytes | None, right: bytes | None, tolerance: Tolerance
) -> tuple[list[Difference], float]:
    """Where two records differ beyond the tolerance, and the largest relative distance of two numbers."""
    if left is None or right is None:
        side = "the left output" if left is None else "the right output"
        return [Difference(number, "record", _text(left), _text(right), f"{side} has no such record")], 0.0
    found: list[Difference] = []
    largest = 0.0
    for place, one, other in _pairs(left, right):
        if one == other:
            continue
        first, second = _number(one), _number(other)
        if first is not None and second is not None:
            largest = max(largest, _distance(first, second))
            if tolerance.accepts(first, second):
                continue
            why = f"numbers apart by {abs(first - second):.3g}"
        else:
            why = "a value is missing" if None in (one, other) else "texts differ"
        found.append(Difference(number, place, str(one), str(other), why))
    if not found and left != right and not _same_shape(left, right):
        found.append(
            Difference(number, "bytes", repr(left), repr(right), "the same values, written differently")
        )
    return found, largest


def split_records(body: bytes) -> list[bytes]:
    r"""The lines of an output, without their `\n`; a missing last newline makes no difference."""
    lines = body.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


def _pairs(left: bytes, right: bytes) -> Iterator[tuple[str, Any, Any]]:
    one, other = _json(left), _json(right)
    if isinstance(one, dict | list) and isinstance(other, dict | list):
        first, second = dict(_leaves(one, "$")), dict(_leaves(other, "$"))
        for place in dict.fromkeys([*first, *second]):
            yield place, first.get(place), second.get(place)
        return
    cells = zip_longest(_text(left).split(","), _text(right).split(","))
    for position, (cell, opposite) in enumerate(cells):
        yield f"column {position}", cell, opposite


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _leaves(item, f"{path}[{position}]")
    else:
        yield path, value


def _json(record: bytes) -> Any:
    if record[:1] not in (b"{", b"["):
        return None
    try:
        return json.loads(record)
    except ValueError:
        return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _distance(left: float, right: float) -> float:
    if not (math.isfinite(left) and math.isfinite(right)):
        return 0.0 if math.isnan(left) and math.isnan(right) else math.inf
    return abs(left - right) / max(abs(left), abs(right), 5e-324)


def _same_shape(left: bytes, right: bytes) -> bool:
    """Whether two records of equal values may count as one: JSON may order and space its members freely."""
    return _json(left) is not None or left.count(b",") == right.count(b",")


def _text(record: bytes | None) -> str:
    return "" if record is None else record.decode("utf-8", "replace")
