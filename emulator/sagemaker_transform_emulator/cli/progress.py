"""What is told of a job while it runs: how far it is, what takes long, what is tried again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from sagemaker_transform_emulator.jobs.invocation import Waiting
from sagemaker_transform_emulator.jobs.transform_job import JobRun

LINE_S = 5.0
"""A log file gets a line about the progress this often."""
SLOW_S = 10.0
"""A record is told of when it has been in one container for so long, and again when that has doubled."""
_MOST_TOLD = 3
_POLL_S = 1.0


class Watch:
    """Looks at a run now and then, beside the record path, and tells what it sees."""

    def __init__(self, run: JobRun, tell: Callable[[str], None], line: Callable[[], str | None]) -> None:
        self._run, self._tell, self._line = run, tell, line
        self._since: dict[tuple[int, int], float] = {}
        self._told: dict[tuple[int, int], float] = {}
        self._last: list[tuple[float, Waiting]] = []
        self._retries = 0
        self._next_line = time.monotonic() + LINE_S

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(_POLL_S)
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """Take note of what is under way at that moment, and tell what is worth it."""
        waiting = [item for invoker in self._run.progress.instances for item in invoker.waiting()]
        self._since = {item.key: self._since.get(item.key, now) for item in waiting}
        self._told = {key: told for key, told in self._told.items() if key in self._since}
        self._last = [(self._since[item.key], item) for item in waiting]
        slow = [(since, item) for since, item in self._last if now - since >= self._due(item)]
        for since, item in slow[:_MOST_TOLD]:
            self._told[item.key] = now - since
            self._tell(f"waiting: {_place(item)} for {now - since:.0f} s")
        if now < self._next_line:
            return
        self._next_line = now + LINE_S
        retries = self._run.progress.retries
        if retries > self._retries:
            self._retries = retries
            self._tell(f"retried: {retries} attempts beyond the first so far")
        line = self._line()
        if line is not None:
            self._tell(line)

    def last_words(self, now: float) -> list[str]:
        """What was in a container when it was looked at last: where a job that was stopped hung."""
        return [
            f"stopped while {_place(item)} for {now - since:.0f} s" for since, item in self._last[:_MOST_TOLD]
        ]

    def _due(self, item: Waiting) -> float:
        return max(SLOW_S, 2 * self._told.get(item.key, 0.0))


def _place(item: Waiting) -> str:
    again = f", attempt {item.attempt}," if item.attempt > 1 else ""
    return f"{item.source}: {item.payload.where} has been in {item.container}{again}"


def figures(run: JobRun, seconds: float, objects: int, total_bytes: int) -> str:
    """Records, rate, share and remaining time; the last two as far as bytes can tell them."""
    progress = run.progress
    rate = progress.records / seconds if seconds > 0 else 0.0
    parts = [
        f"{progress.records:,} records  {rate:,.0f}/s",
        f"object {min(progress.objects_done + 1, objects)} of {objects}",
    ]
    if total_bytes and 0 < progress.bytes_in <= total_bytes and seconds > 0:
        left = seconds * (total_bytes - progress.bytes_in) / progress.bytes_in
        parts.append(f"{progress.bytes_in / total_bytes:.0%}, {_duration(left)} to go")
    return "  ".join(parts)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
