"""Many records in the memory of their bytes: a sequence that cuts them out when they are asked for. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import overload


class Slices(Sequence[bytes]):
    """Consecutive pieces of `whole`, of these lengths.

    A payload of short records would else take many times its own size, one object for each record.
    """

    __slots__ = ("_lengths", "_starts", "whole")

    def __init__(self, whole: bytes, lengths: array[int]) -> None:
        self.whole = whole
        self._lengths = lengths
        self._starts: array[int] | None = None

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[bytes]:
        start = 0
        for length in self._lengths:
            yield self.whole[start : start + length]
            start += length

    @overload
    def __getitem__(self, position: int) -> bytes: ...

    @overload
    def __getitem__(self, position: slice) -> list[bytes]: ...

    def __getitem__(self, position: int | slice) -> bytes | list[bytes]:
        if isinstance(position, slice):
            return [self[index] for index in range(*position.indices(len(self)))]
        length = self._lengths[position]
        if self._starts is None:
            self._starts = array("Q", accumulate(self._lengths, initial=0))
        start = self._starts[position % len(self)]
        return self.whole[start : start + length]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Slices):
            return NotImplemented
        return self.whole == other.whole and self._lengths == other._lengths

    __hash__ = None  # type: ignore[assignment]  # like a list's: it may be large
