"""POST /invocations as a bare ASGI application: from the headers to the engine, and the answer back.

Most requests do not come here, because their connections are lent to Java (connections.py). Where the engine
runs for those that do: on the event loop while a call is short, in a thread pool of one thread per CPU when
it is not. Measured with the abalone pipeline, a call takes 10 microseconds of this thread, and handing it
over adds 50 microseconds of CPU with one client and 20 with eight, so that short calls lose by it. For long
bodies and slow models that is nothing, and the pool lets the CPUs work at once and /ping be answered.
"""

from __future__ import annotations

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from time import perf_counter

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sagemaker_transform_emulator.containers.sparkml import framework, media_types
from sagemaker_transform_emulator.containers.sparkml.engine import Engine, Format, Input, Outcome
from sagemaker_transform_emulator.containers.sparkml.framework import Framework

LOG = logging.getLogger(__name__)
DEFAULT_ACCEPT_VARIABLE = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"
LONG_BODY_BYTES = 16 * 1024
LONG_CALL_S = 0.0005
_WEIGHT_OF_LATEST = 0.1
_LOGGED_CHARACTERS = 500

_INPUTS = {
    "text/csv": Input.CSV,
    "application/json": Input.JSON,
    "application/jsonlines": Input.JSON_LINES,
}
_FORMATS = {
    "text/csv": Format.CSV,
    "application/jsonlines": Format.JSON_LINES,
    "application/jsonlines;data=text": Format.JSON_LINES_TEXT,
}
_CONTENT_TYPES = {
    Format.CSV: b"text/csv",
    Format.JSON_LINES: b"application/jsonlines",
    Format.JSON_LINES_TEXT: b"application/jsonlines",
}
# JSON's own encodings are detected from the bytes, whatever the header says
_UNICODE = ("utf-8", "utf-16", "utf-16be", "utf-16le", "utf-32", "utf-32be", "utf-32le", "us-ascii")


def default_format() -> Format:
    """What requests without Accept get. An environment value that is not allowed makes each of them a 400."""
    text = os.environ.get(DEFAULT_ACCEPT_VARIABLE, "")
    return _FORMATS.get(text, Format.NOT_ACCEPTABLE) if text else Format.CSV


class Invocations:
    """The application for POST /invocations."""

    def __init__(self, engine: Engine, answers: Framework) -> None:
        self._answers = answers
        self._engine = engine
        self._pool = ThreadPoolExecutor(engine.cpu_count(), thread_name_prefix="mleap")
        self._usual_s = 0.0
        default = default_format()
        self._input_of = lru_cache(256)(self._parse_content_type)
        self._format_of = lru_cache(256)(lambda accept: _format_of(accept, default))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whose method and path have been looked at."""
        body = await _body(receive)
        content_type, accept = _headers(scope["headers"])
        input_ = self._input_of(content_type)
        if body is None:
            return
        if input_ is None:
            await self._answers.error(scope, 415, accept)(scope, receive, send)
        elif not body:
            await self._answers.error(scope, 400, accept)(scope, receive, send)
        else:
            format_ = self._format_of(accept)
            answer = await self._answer(body, *input_, format_)
            if answer[0] == Outcome.OK:
                await _send(send, format_, answer[1:])
            else:
                await self._refusal(scope, answer, accept)(scope, receive, send)

    def plain(self, content_type: str, accept: str) -> tuple[Input, Format] | None:
        """How the engine is asked under these headers; None where it takes more than that.

        The answer's bytes are then `success_head` of the format, its Content-Length and the engine's body.
        """
        input_ = self._input_of(content_type)
        format_ = self._format_of(accept)
        if input_ is None or input_[1] is not None or format_ == Format.NOT_ACCEPTABLE:
            return None
        return input_[0], format_

    async def _answer(self, body: bytes, input_: Input, charset: str | None, format_: Format) -> bytes:
        if charset is not None:
            return self._engine.invoke_json(body, charset, format_)
        if self._usual_s < LONG_CALL_S and len(body) < LONG_BODY_BYTES:
            return self._timed(body, input_, format_)
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, self._timed, body, input_, format_
        )

    def _timed(self, body: bytes, input_: Input, format_: Format) -> bytes:
        start = perf_counter()
        answer = self._engine.invoke(body, input_, format_)
        if len(body) < LONG_BODY_BYTES:
            self._usual_s += _WEIGHT_OF_LATEST * (perf_counter() - start - self._usual_s)
        return answer

    def _refusal(self, scope: Scope, answer: bytes, accept: str) -> Response:
        outcome, body = answer[0], answer[1:]
        status = 500 if outcome == Outcome.BROKEN else 400
        LOG.warning("POST /invocations -> %d: %s", status, body.decode()[:_LOGGED_CHARACTERS])
        if outcome in (Outcome.UNREADABLE, Outcome.BROKEN):
            return self._answers.error(scope, status, accept)
        content_type = self._answers.negotiation.of_text(accept)
        if content_type is None or outcome == Outcome.REFUSED_WITHOUT_MESSAGE:
            return framework.answer(status, None, b"")
        return framework.answer(status, content_type, body)

    def _parse_content_type(self, header: str) -> tuple[Input, str | None] | None:
        """The input, and the charset of a JSON body where it counts; None for 415."""
        try:
            parsed = media_types.parse(header, self._engine.has_charset)
        except media_types.MediaTypeError:
            return None
        input_ = _INPUTS.get(parsed.essence)
        if input_ is None:
            return None
        charset = parsed.charset if input_ is Input.JSON else None
        return input_, None if charset is None or charset.lower() in _UNICODE else charset


def _headers(headers: list[tuple[bytes, bytes]]) -> tuple[str, str]:
    """Content-Type and Accept: the first of the one, all of the other."""
    content_type = next((value for name, value in headers if name == b"content-type"), b"")
    accept = [value for name, value in headers if name == b"accept"]
    return framework.joined([content_type]), framework.joined(accept)


def _format_of(accept: str, default: Format) -> Format:
    """Values are compared as they stand: blanks inside, parameters and letter case count."""
    return default if accept in ("", "*/*") else _FORMATS.get(accept, Format.NOT_ACCEPTABLE)


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when the client has gone before its end."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def success_headers(format_: Format, length: int) -> list[tuple[bytes, bytes]]:
    """The headers of a success besides those that every answer has, in their order."""
    return [(b"content-type", _CONTENT_TYPES[format_]), (b"content-length", b"%d" % length)]


async def _send(send: Send, format_: Format, body: bytes) -> None:
    headers = success_headers(format_, len(body))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
