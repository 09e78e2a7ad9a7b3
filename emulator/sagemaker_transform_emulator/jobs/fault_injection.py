"""Fault injection: makes a container's answer to chosen records late, wrong or missing (`--fault`).

A fault is written as words: `container=2 record=17 status=500`. Which exchanges it meets:

- `container=N` or its name; any container without it
- `record=N`, counted from 1 within its object; any record without it
- `object=TEXT`, the end of the object's key; `attempt=N`, only that attempt

What happens to them, one of:

- `status=CODE` answers so, with `body=TEXT`, and the container is not asked
- `timeout` answers never, `reset` breaks the connection off, `delay=SECONDS` answers late
- `kill` kills the container

The same words meet the same exchanges in every run.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sagemaker_transform_emulator.errors import DeadlineError, DisconnectedError, UsageError
from sagemaker_transform_emulator.runtime.base import Container
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transport import Answer, Body, Connection, RequestHead
from sagemaker_transform_emulator.transport.base import Timings

_ACTIONS = ("status", "timeout", "reset", "delay", "kill")
_KNOWN = {"container", "record", "object", "attempt", "body", *_ACTIONS}
_FORM = "a fault reads like 'container=2 record=17 status=500'"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. None and "" meet any exchange; `delay` in seconds."""

    action: str
    container: str = ""
    record: int | None = None
    object: str = ""
    attempt: int | None = None
    status: int = 500
    body: str = ""
    delay: float = 0.0

    def meets(self, exchange: Exchange) -> bool:
        """Whether this is an exchange the fault is meant for."""
        first = exchange.payload.first_record
        return (
            self.container in ("", str(exchange.position + 1), exchange.container.name)
            and (self.record is None or first <= self.record < first + max(len(exchange.payload.records), 1))
            and exchange.source.endswith(self.object)
            and self.attempt in (None, exchange.attempt)
        )


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to one container, before it is sent. `position` counts from 0, `attempt` from 1."""

    container: Container
    position: int
    source: str
    payload: Payload
    attempt: int


class Faults:
    """The faults of a run."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._faults = tuple(faults)

    async def exchange(
        self, about: Exchange, connection: Connection, head: RequestHead, body: Body, timeout_s: float
    ) -> Answer:
        """As `Connection.exchange`, with the first fault that meets the exchange."""
        fault = next((fault for fault in self._faults if fault.meets(about)), None)
        if fault is None:
            return await connection.exchange(head, body, timeout_s)
        return await _ACTS[fault.action](fault, about, connection, (head, body), timeout_s)


def parse_faults(texts: Sequence[str]) -> Faults | None:
    """The faults of those texts; None for no text. Raises UsageError naming the word that is wrong."""
    return Faults(map(parse_fault, texts)) if texts else None


def parse_fault(text: str) -> Fault:
    """One fault. Raises UsageError naming the word that is wrong."""
    words = dict(_word(word, text) for word in shlex.split(text))
    actions = [name for name in _ACTIONS if name in words]
    if len(actions) != 1:
        raise UsageError(f"Fault {text!r} must have exactly one of {', '.join(_ACTIONS)}", remedy=_FORM)
    try:
        return Fault(
            actions[0],
            container=words.get("container", ""),
            record=int(words["record"]) if "record" in words else None,
            object=words.get("object", ""),
            attempt=int(words["attempt"]) if "attempt" in words else None,
            status=int(words.get("status", "500")),
            body=words.get("body", ""),
            delay=float(words.get("delay", "0")),
        )
    except ValueError as error:
        raise UsageError(f"Fault {text!r}: {error}", remedy=_FORM) from None


def _word(word: str, text: str) -> tuple[str, str]:
    name, separator, value = word.partition("=")
    if name not in _KNOWN:
        close = get_close_matches(name, sorted(_KNOWN), n=1)
        meant = f"did you mean {close[0]}? " if close else ""
        raise UsageError(f"Fault {text!r}: {word!r} is not understood", remedy=meant + _FORM)
    if not separator and name not in ("timeout", "reset", "kill"):
        raise UsageError(f"Fault {text!r}: {word!r} is not understood", remedy=_FORM)
    return name, value


_Request = tuple[RequestHead, Body]


async def _status(
    fault: Fault, _about: Exchange, _line: Connection, _sent: _Request, _limit: float
) -> Answer:
    headers = (("content-type", "text/plain"),)
    return Answer(fault.status, headers, fault.body.encode(), Timings(0.0, 0.0, 0.0))


async def _timeout(
    _fault: Fault, _about: Exchange, _line: Connection, _sent: _Request, limit: float
) -> Answer:
    await asyncio.sleep(limit)
    raise DeadlineError(f"no answer within {limit:g} s (a fault on demand)")


async def _reset(
    _fault: Fault, _about: Exchange, _line: Connection, _sent: _Request, _limit: float
) -> Answer:
    raise DisconnectedError("connection reset by the container (a fault on demand)")


async def _delay(fault: Fault, about: Exchange, line: Connection, sent: _Request, limit: float) -> Answer:
    if fault.delay >= limit:
        return await _timeout(fault, about, line, sent, limit)
    await asyncio.sleep(fault.delay)
    return await line.exchange(*sent, limit - fault.delay)


async def _kill(_fault: Fault, about: Exchange, line: Connection, sent: _Request, limit: float) -> Answer:
    await about.container.kill()
    return await line.exchange(*sent, limit)


_ACTS = {"status": _status, "timeout": _timeout, "reset": _reset, "delay": _delay, "kill": _kill}
