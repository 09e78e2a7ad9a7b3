"""Deadlines of the exchanges on one connection, with a single timer of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter

NEVER = float("inf")


class Alarm:
    """Calls `ring` once the time last given to `set` has come, unless `unset` or `cancel` came first.

    A timer of the event loop is kept from exchange to exchange and only looked at when it goes off: making
    and cancelling one for each exchange would cost more than parsing the answer. Times are perf_counter's.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._at = NEVER
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER

    def set(self, at: float) -> None:
        """Ring at that time, and at no other."""
        self._at = at
        if at < self._timer_at:
            self._start_timer()

    def unset(self) -> None:
        """Do not ring; the timer stays for the next exchange."""
        self._at = NEVER

    def cancel(self) -> None:
        """Do not ring, and leave nothing in the event loop."""
        self._at = self._timer_at = NEVER
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._at
        self._timer = self._loop.call_later(max(0.0, self._at - perf_counter()), self._look)

    def _look(self) -> None:
        self._timer = None
        self._timer_at = NEVER
        if self._at == NEVER:
            return
        if perf_counter() < self._at:
            self._start_timer()
        else:
            self._at = NEVER
            self._ring()
