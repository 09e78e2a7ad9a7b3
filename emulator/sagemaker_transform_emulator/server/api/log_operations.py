"""CloudWatch Logs, as far as clients read the logs of transform jobs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.resources import LOG_GROUP, LogEvent, LogStream, LogWindow
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.log_groups import group_of, no_group

MOST_EVENTS = 10_000
MOST_BYTES = 1 << 20
_EVENT_OVERHEAD = 26  # bytes that CloudWatch counts for each event besides its text
_TOKEN = re.compile(r"[fb]/(\d{1,18})/s")


async def describe_log_streams(backend: Backend, call: Call) -> Mapping[str, Any]:
    """All the streams at once, whatever `limit` says.

    SDK v2 asks again without the token when a page has one, and then prints every line twice (R1.36).
    """
    prefix = call.request.get("logStreamNamePrefix", "")
    streams = _streams(backend, call, prefix)
    if call.request.get("orderBy") == "LastEventTime":
        if prefix:
            raise _invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        streams.sort(key=lambda stream: stream.last or 0)
    if call.request.get("descending"):
        streams.reverse()
    group = f"arn:aws:logs:{call.place.region}:{call.place.account}:log-group:{LOG_GROUP}"
    return {
        "logStreams": [
            {
                "logStreamName": stream.name,
                "creationTime": stream.created,
                "firstEventTimestamp": stream.first,
                "lastEventTimestamp": stream.last,
                "lastIngestionTime": stream.last,
                "arn": f"{group}:log-stream:{stream.name}",
                "storedBytes": 0,
            }
            for stream in streams
        ]
    }


async def get_log_events(backend: Backend, call: Call) -> Mapping[str, Any]:
    """A page of the stream; past its end the page is empty and the token stays the same."""
    request = call.request
    window = _window(request)
    events = _fitting(backend.store.events(_stream(backend, call).id, window), from_end=window.from_end)
    first, last = (events[0].position, events[-1].position) if events else _edge(window)
    return {
        "events": [
            {"timestamp": event.time, "message": event.message, "ingestionTime": event.time}
            for event in events
        ],
        "nextForwardToken": f"f/{last}/s",
        "nextBackwardToken": f"b/{first}/s",
    }


async def filter_log_events(backend: Backend, call: Call) -> Mapping[str, Any]:
    """A page of the events of all matching streams, by time."""
    request = call.request
    names = request.get("logStreamNames")
    streams = _streams(backend, call, request.get("logStreamNamePrefix", ""))
    matches = _filter(request.get("filterPattern", ""))
    window = LogWindow(request.get("startTime") or 0, _end(request))
    found = [
        (event, stream)
        for stream in streams
        if names is None or stream.name in names
        for event in backend.store.events(stream.id, window)
        if matches(event.message)
    ]
    found.sort(key=lambda pair: (pair[0].time, pair[1].name, pair[0].position))
    token = request.get("nextToken")
    start = _position(token) if token else 0
    limit = request.get("limit", MOST_EVENTS)
    shown = found[start : start + limit]
    more = len(found) > start + limit
    return {
        "events": [
            {
                "logStreamName": stream.name,
                "timestamp": event.time,
                "message": event.message,
                "ingestionTime": event.time,
                "eventId": f"{event.time:020d}{stream.id:016d}{event.position:020d}",
            }
            for event, stream in shown
        ],
        "searchedLogStreams": [],
        "nextToken": f"f/{start + limit}/s" if more else None,
    }


def _streams(backend: Backend, call: Call, prefix: str) -> list[LogStream]:
    """The matching streams. Raises ServiceError without the group; only the jobs' group has any."""
    request = call.request
    group = request.get("logGroupName") or str(request.get("logGroupIdentifier", "")).split(":log-group:")[-1]
    name = group.removesuffix(":*")
    if group_of(backend, call.place, name) is None:
        raise no_group()
    return backend.store.streams(call.place, prefix) if name == LOG_GROUP else []


def _stream(backend: Backend, call: Call) -> LogStream:
    name = call.request["logStreamName"]
    for stream in _streams(backend, call, name):
        if stream.name == name:
            return stream
    raise ServiceError("ResourceNotFoundException", "The specified log stream does not exist.")


def _window(request: Mapping[str, Any]) -> LogWindow:
    """What startTime, endTime, nextToken, limit and startFromHead ask for. Tokens name the last line seen."""
    limit = request.get("limit", MOST_EVENTS)
    window = LogWindow(request.get("startTime") or 0, _end(request), limit=limit)
    token = request.get("nextToken")
    if token is None:
        return replace(window, from_end=not request.get("startFromHead", False))
    position = _position(token)
    if token.startswith("f"):
        return replace(window, after=position)
    return replace(window, before=position, from_end=True)


def _edge(window: LogWindow) -> tuple[int, int]:
    """The positions for the tokens of an empty page: the next page begins where this one did."""
    if window.from_end:
        return (window.before, window.before - 1) if window.before < LogWindow().before else (1, 0)
    return window.after + 1, window.after


def _end(request: Mapping[str, Any]) -> int:
    end = request.get("endTime")
    return LogWindow().end if end is None else int(end)


def _fitting(events: list[LogEvent], *, from_end: bool = False) -> list[LogEvent]:
    """The first of them, or the last, that fit into one answer."""
    size = 0
    for count, event in enumerate(reversed(events) if from_end else events):
        size += len(event.message.encode()) + _EVENT_OVERHEAD
        if size > MOST_BYTES and count:
            return events[-count:] if from_end else events[:count]
    return events


def _filter(pattern: str) -> Callable[[str], bool]:
    """Whether a message has what a filter pattern of plain words asks for: `a b`, `?a ?b`, `-a`, `"a b"`."""
    if pattern.strip().startswith(("{", "[", "%")):
        raise _invalid('Only filter patterns of words are supported here: a b, ?a ?b, -a, "a phrase"')
    try:
        words = shlex.split(pattern)
    except ValueError:
        raise _invalid(f"Invalid character(s) in term {pattern[:100]!r}") from None
    wanted = [word for word in words if word[0:1] not in ("?", "-")]
    any_of = [word[1:] for word in words if word.startswith("?")]
    none_of = [word[1:] for word in words if word.startswith("-")]

    def matches(message: str) -> bool:
        return (
            all(word in message for word in wanted)
            and (not any_of or any(word in message for word in any_of))
            and not any(word in message for word in none_of)
        )

    return matches


def _position(token: str) -> int:
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise _invalid("The specified nextToken is invalid.")
    return int(found[1])


def _invalid(text: str) -> ServiceError:
    return ServiceError("InvalidParameterException", text)
