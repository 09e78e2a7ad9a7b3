"""Answers plain invocations where uvicorn's bytes arrive, without an ASGI task for each.

A request is plain when it comes as a whole in one piece while nothing else is under way on its connection:
a POST to /invocations in HTTP/1.1 with a Content-Length, in ASCII, whose headers do not change how HTTP goes
on. Everything else goes the way of all requests, through the application. Both write what `head_of` says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from sagemaker_transform_emulator.containers.xgboost.answers import Answer

Invoke = Callable[[bytes, str | None, str | None], Answer | None]

_REQUEST_LINE = b"POST /invocations HTTP/1.1\r\n"
_HEADER = re.compile(rb"([A-Za-z0-9_-]+):[ ]?((?:[!-~](?:[ -~]*[!-~])?)?)")
_CHANGE_HTTP = frozenset((b"expect", b"upgrade", b"proxy-connection", b"transfer-encoding"))
_ONCE = frozenset((b"content-type", b"content-length", b"accept", b"connection"))
_LENGTH = re.compile(rb"[0-9]{1,9}")
_LONGEST_HEAD = 2048


class Head(NamedTuple):
    """What counts in the head of a plain invocation; values as they were sent."""

    length: int
    content_type: str | None
    accept: str | None


@lru_cache(1024)
def plain_head(head: bytes) -> Head | None:
    """The head, given without the blank line at its end; None when it is not one of a plain invocation."""
    if not head.startswith(_REQUEST_LINE):
        return None
    found: dict[bytes, bytes] = {}
    for line in head[len(_REQUEST_LINE) :].split(b"\r\n"):
        match = _HEADER.fullmatch(line)
        name = match[1].lower() if match else b"expect"
        if match is None or name in _CHANGE_HTTP or (name in _ONCE and name in found):
            return None
        found[name] = match[2]
    length = found.get(b"content-length", b"")
    if found.get(b"connection", b"keep-alive").lower() != b"keep-alive" or not _LENGTH.fullmatch(length):
        return None
    return Head(int(length), *(_text(found.get(name)) for name in (b"content-type", b"accept")))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def head_of(answer: Answer) -> list[tuple[bytes, bytes]]:
    """The headers of an answer besides those that every answer has."""
    headers = [(b"content-type", answer.content_type)]
    if answer.status != HTTPStatus.NO_CONTENT:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    return headers


class DirectProtocol(HttpToolsProtocol):
    """uvicorn's HTTP with the short way for plain invocations."""

    def __init__(self, invoke: Invoke, **settings: Any) -> None:
        super().__init__(**settings)
        self._invoke = invoke
        self._between_requests = True
        self._last = 0.0

    def data_received(self, data: bytes) -> None:
        """Bytes have come: a plain invocation, or anything else."""
        answer = self._answer(data) if self._is_quiet() else None
        if answer is None:
            super().data_received(data)
            return
        self.server_state.total_requests += 1
        self._last = self.loop.time()
        headers = [*self.server_state.default_headers, *head_of(answer)]
        lines = [b"%b: %b\r\n" % header for header in headers]
        self.transport.write(b"".join((STATUS_LINE[answer.status], *lines, b"\r\n", answer.body)))
        if self.timeout_keep_alive_task is None:
            self._expire_later(self.timeout_keep_alive)

    def _is_quiet(self) -> bool:
        answered = self.cycle is None or self.cycle.response_complete
        return (
            answered
            and self._between_requests
            and not self.transport.is_closing()
            and not self.transport.get_write_buffer_size()
        )

    def _answer(self, data: bytes) -> Answer | None:
        end = data.find(b"\r\n\r\n")
        if not 0 < end <= _LONGEST_HEAD:
            return None
        head = plain_head(data[:end])
        if head is None or len(data) != end + 4 + head.length:
            return None
        return self._invoke(data[end + 4 :], head.content_type, head.accept)

    def on_message_begin(self) -> None:
        """A request has begun to arrive the long way."""
        self._between_requests = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """A request has arrived the long way."""
        self._between_requests = True
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, if it has been idle since the timer was set."""
        left = self._last + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._expire_later(left)
        else:
            super().timeout_keep_alive_handler()

    def _expire_later(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)
