"""A cache of parsed answer heads: a container repeats the same bytes for each record."""

from __future__ import annotations

from typing import NamedTuple

from sagemaker_transform_emulator.transport.base import Headers

MOST = 64
LARGEST = 4096


class KnownHead(NamedTuple):
    """What a head said that announced a counted body."""

    size: int
    status: int
    headers: Headers
    keep_alive: bool
    length: int
    encoded: bool


class HeadMemory:
    """Heads by their bytes, on which alone their meaning depends.

    A container answers thousands of records with a handful of heads: parsing each of them anew would be
    most of what an exchange costs on our side. A Date header makes a new one each second, so the memory is
    small and starts afresh when it is full.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, KnownHead] = {}

    def recall(self, data: bytes) -> KnownHead | None:
        """The head that `data` begins with, if it is whole and was met before."""
        end = data.find(b"\r\n\r\n")
        return self._known.get(data[: end + 4]) if end > 0 else None

    def keep(self, raw: bytes, head: KnownHead) -> None:
        """Remember what `raw`, a whole head with its blank line, means."""
        if len(raw) <= LARGEST:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[raw] = head
