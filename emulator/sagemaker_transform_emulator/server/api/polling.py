"""Whose DescribeTransformJob is held open, and for how long: clients that only wait for the job's end.

Waiters of most SDKs say in the User-Agent what they are. SageMaker's Python SDKs, and the JavaScript SDK
whose waiter says nothing, are known by what they do first. Of all others, whoever was told of a job and asks
again what has not changed is polling: held no longer than it paused before it asked, then twice as long, and
so on. A first question is answered at once, and so is that of a client that reads the job's logs meanwhile.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sagemaker_transform_emulator.sagemaker.requests import JobStatus
from sagemaker_transform_emulator.sagemaker.resources import JobRecord
from sagemaker_transform_emulator.server.api.awsjson import Call

FRESH_SECONDS = 3.0
"""A Python SDK that asks sooner after creating a job wants to see it, not to wait for its end."""
POLL_SECONDS = 150.0
"""Longer pauses than those of any waiter, 60 s (R1.33) and up to 120 s in JavaScript, are no polling."""
CAUTIOUS_SECONDS = 25.0
"""Below the shortest read timeout of an SDK, Java's 30 s."""

_AT_ONCE_SECONDS = 1.0
_LOGS_SECONDS = 60.0
_RETRY_SECONDS = 30.0
_OF_ITS_PATIENCE = 0.7
_SAME_PAUSE_SHARE, _SAME_PAUSE_SECONDS = 0.25, 0.5
_FEATURES = re.compile(r"(?:^| )m/(\S+)")
_WAITER = "B"
"""What SDKs list among the features in the User-Agent when a waiter asks."""
_PYTHON_SDK = re.compile(r"\blib/AWS-SageMaker(-Python-SDK|Core)\b")
"""SDK v2 and SDK v3."""
_JAVASCRIPT = re.compile(r"^aws-sdk-js/")
_PATIENT = re.compile(r"\bbotocore\b|^aws-cli/|^aws-sdk-js/|^aws-sdk-go-v2/", re.IGNORECASE)
"""Clients whose read timeout is 60 s, or who have none."""
_CHANGING = re.compile(r"(?:^| )(?:api|m)/\S*")
_MOST_KEPT = 10_000

Asker = tuple[str, str, str]
_State = tuple[JobStatus, float | None]
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Hold:
    """How long a question may be held open; until the job's end, or else until the description changes."""

    seconds: float = 0.0
    for_end: bool = False


@dataclass(frozen=True, slots=True)
class _Look:
    """What somebody was told last, on which connection, after which pause, how often the same before."""

    at: float
    told: _State
    connection: tuple[str, int]
    pause: float | None = None
    again: int = 0


class Polling:
    """What is known of those who ask, of the latest 10,000 of them. Times are epoch seconds.

    `is_open` tells whether a client still has that connection.
    """

    def __init__(self) -> None:
        self.is_open: Callable[[tuple[str, int]], bool] = lambda _: False
        self._created: _Recent[object, float] = _Recent()
        self._by_connection: _Recent[object, _Look] = _Recent()
        self._by_asker: _Recent[object, _Look] = _Recent()
        self._reading: _Recent[object, float] = _Recent()
        self._left: _Recent[object, tuple[float, float]] = _Recent()
        self._patience: _Recent[Asker, float] = _Recent()

    def hold(self, call: Call, record: JobRecord, now: float, longest_s: float) -> Hold:
        """How long the question that comes now may be held open, at most `longest_s`."""
        longest = min(longest_s, self._longest(call, record, now))
        if record.ended is not None or longest <= 0:
            return Hold()
        if self._is_waiter(call, record, now):
            return Hold(longest, for_end=True)
        if _PYTHON_SDK.search(call.user_agent):
            return Hold()
        return Hold(min(longest, CAUTIOUS_SECONDS, self._pause_of_poller(call, record, now)))

    def created(self, call: Call, record: JobRecord, now: float) -> None:
        """The caller has just created the job."""
        self._created.put((call.connection, record.arn), now)

    def answered(self, call: Call, record: JobRecord, asked: float, now: float) -> None:
        """The caller, who asked at that time, is told of the job now."""
        for looks, key in (
            (self._by_connection, _connection_key(call, record)),
            (self._by_asker, (_asker(call), record.arn)),
        ):
            before = looks.get(key)
            if before is None or not _unchanged(before, record, asked):
                looks.put(key, _Look(now, _state(record), call.connection))
            else:
                pause = asked - before.at
                looks.put(key, _Look(now, _state(record), call.connection, pause, before.again + 1))

    def left(self, call: Call, record: JobRecord, asked: float, now: float) -> None:
        """The caller, who asked at that time, went away without an answer."""
        self._left.put((_asker(call), record.arn), (now, now - asked))

    def heard(self, call: Call, now: float) -> None:
        """There is this request, of any kind: a client that reads a job's logs follows what it does."""
        stream = call.request.get("logStreamName") or call.request.get("logStreamNamePrefix")
        if call.service == "logs" and isinstance(stream, str):
            self._reading.put((_asker(call), call.place, stream.partition("/")[0].lower()), now)

    def clear(self) -> None:
        """Nobody is known any more."""
        for memory in (self._created, self._by_connection, self._by_asker, self._reading, self._left):
            memory.clear()
        self._patience.clear()

    def _longest(self, call: Call, record: JobRecord, now: float) -> float:
        """Less than the client's read timeout, which shows when it went away and tries again."""
        asker = _asker(call)
        left = self._left.get((asker, record.arn))
        if call.attempt > 1 and left is not None and now - left[0] <= _RETRY_SECONDS:
            self._patience.put(asker, _OF_ITS_PATIENCE * left[1])
        usual = float("inf") if _PATIENT.search(call.user_agent) else CAUTIOUS_SECONDS
        return min(usual, self._patience.get(asker) or usual)

    def _is_waiter(self, call: Call, record: JobRecord, now: float) -> bool:
        features = _FEATURES.search(call.user_agent)
        if features and _WAITER in features[1].split(","):
            return True
        created = self._created.get((call.connection, record.arn))
        looked = self._by_connection.get(_connection_key(call, record))
        if _PYTHON_SDK.search(call.user_agent):
            known = created is not None or looked is not None
            return known and now - record.created > FRESH_SECONDS
        first = created is not None and looked is None and now - created < _AT_ONCE_SECONDS
        return first and bool(_JAVASCRIPT.search(call.user_agent))

    def _pause_of_poller(self, call: Call, record: JobRecord, now: float) -> float:
        """The pause before this question, twice it the next time, and so on; 0 for one who does not poll."""
        read = self._reading.get((_asker(call), *record.key))
        if read is not None and now - read < _LOGS_SECONDS:
            return 0.0
        look = self._by_connection.get(_connection_key(call, record))
        if look is None:
            look = self._by_asker.get((_asker(call), record.arn))
            if look is None or self.is_open(look.connection) or not _same_pause(look, now):
                return 0.0
        if not _unchanged(look, record, now):
            return 0.0
        return float((now - look.at) * 2 ** min(look.again, 20))


class _Recent(Generic[_Key, _Value]):
    """A memory of the keys that were put last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, _Value] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        return self._kept.get(key)

    def put(self, key: _Key, value: _Value) -> None:
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        self._kept.clear()


def _asker(call: Call) -> Asker:
    """Who asks, as far as that shows whatever the connection: machine, program, account."""
    return call.connection[0], _CHANGING.sub("", call.user_agent), call.place.account


def _connection_key(call: Call, record: JobRecord) -> object:
    return call.connection, _asker(call), record.arn


def _unchanged(look: _Look, record: JobRecord, now: float) -> bool:
    return look.told == _state(record) and now - look.at <= POLL_SECONDS


def _state(record: JobRecord) -> _State:
    return record.status, record.started


def _same_pause(look: _Look, now: float) -> bool:
    """Whether new connections come in a rhythm, as those of a loop do and a person's do not."""
    if look.pause is None:
        return False
    difference = abs(now - look.at - look.pause)
    return difference <= max(_SAME_PAUSE_SHARE * look.pause, _SAME_PAUSE_SECONDS)
