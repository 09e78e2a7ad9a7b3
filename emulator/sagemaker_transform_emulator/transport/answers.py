"""One HTTP answer out of bytes, without I/O.

Theory of operation. llhttp (through httptools) decides what is HTTP, but it does not tell how many of
the bytes it was given belonged to the answer. So that whatever follows an answer is seen and counted,
llhttp is never fed past a place where an answer may end:

- a head ends with a blank line, and so does a chunked body (after the last chunk, or its trailers);
  both are fed up to and including the next blank line, which may be one too many cuts but never one
  too few;
- a body with Content-Length is counted here and never passes through llhttp;
- a body without either ends with the connection.

Hence an answer always ends at the end of a piece, how ever the bytes were cut on their way. Where HTTP
leaves a choice, it is the one of Go's net/http, the client SageMaker uses (R4.21): chunks win over
Content-Length, lines may end with a bare LF in a head, a 1xx, 204 or 304 has no body whatever its
headers say, an unknown Transfer-Encoding is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from sagemaker_transform_emulator.errors import DisconnectedError, MalformedAnswerError
from sagemaker_transform_emulator.transport.base import Answer, Limits, Timings
from sagemaker_transform_emulator.transport.heads import HeadMemory, KnownHead
from sagemaker_transform_emulator.transport.inflating import inflated

LINE_ENDS = b"\r\n"
BLANK_LINE = re.compile(rb"\n\r?\n")
SWITCHING_PROTOCOLS = 101
FIRST_INFORMATIONAL = 100
FIRST_FINAL = 200
WITHOUT_BODY = frozenset({204, 304})
CHUNK_FRAME_BYTES = 64
"""What each part of a chunked body may add to it; extensions and trailers beyond count as a head does."""


@lru_cache(maxsize=512)
def _lower(name: bytes) -> str:
    return name.decode("latin-1").lower()


class AnswerParser:
    """The answer to one request, taken in by `feed` and closed by `end`.

    Afterwards `complete` is true, or one of the two raised. `keep_alive` is known when `status` is not 0.
    A `memory` shared by the answers of one connection spares parsing the same head again and again.
    """

    # What most answers leave as it is stands here, which spares a hot path a dozen assignments.
    status = 0
    received = 0
    extra_bytes = 0
    complete = False
    keep_alive = False
    closed_by_peer = False
    _body_bytes = 0
    _left = 0
    _informational = 0
    _encoded = False
    _headers: Sequence[tuple[str, str]] = ()
    _llhttp: HttpResponseParser | None = None

    def __init__(self, peer: str, method: str, limits: Limits, memory: HeadMemory | None = None) -> None:
        self._peer = peer
        self._method = method
        self._limits = limits
        self._memory = memory if method != "HEAD" else None
        self._body: list[bytes] = []
        self._take: Callable[[AnswerParser, bytes, int], int] = AnswerParser._take_first

    def _expect_head(self) -> None:
        # A parser for each head: llhttp keeps flags, and httptools the last trailer, from one to the next.
        self._head_lines: list[tuple[str, str]] = []
        self._headers = self._head_lines
        self._head_ended = False
        self._ended = False
        self._framing_bytes = 0
        self._take = AnswerParser._take_head
        self._llhttp = HttpResponseParser(self)
        self._llhttp.set_dangerous_leniencies(
            lenient_chunked_length=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )

    # What the caller does

    def feed(self, data: bytes) -> bool:
        """Return whether the answer is complete with `data`. Raises MalformedAnswerError.

        Bytes after the end are counted in `extra_bytes`.
        """
        size = len(data)
        self.received += size
        start = 0
        while start < size and not self.complete:
            start = self._take(self, data, start)
        self.extra_bytes += size - start
        return self.complete

    def end(self, how: str, *, clean: bool) -> None:
        """Take note that the connection ended, `how` being "closed the connection" or the like.

        The answer is complete if it was before, or if only the end of the connection can end it and that
        end was `clean`. Otherwise raises DisconnectedError (no byte came) or MalformedAnswerError.
        """
        if self.complete:
            return
        if not self.received:
            raise DisconnectedError(f"{self._peer} {how} before it answered")
        if self._take is AnswerParser._take_rest and clean:
            self.closed_by_peer = True
            self._finish()
            return
        raise MalformedAnswerError(f"{self._peer} {how} {self._whereabouts()}")

    def answer(self, timings: Timings) -> Answer:
        """The complete answer. Raises MalformedAnswerError when its gzip body is broken."""
        parts = self._body
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        headers = tuple(self._headers)
        if self._encoded:
            headers, body = inflated(self._peer, headers, body, self._limits.body_bytes)
        return Answer(self.status, headers, body, timings, self.closed_by_peer, self.extra_bytes)

    # What llhttp calls

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the head, or a trailer, which Go's client does not show either."""
        if not self._head_ended:
            self._head_lines.append((_lower(name), value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        """The head is well-formed."""
        self._head_ended = True
        assert self._llhttp is not None
        # Asked here because llhttp forgets it when the message ends, which may be in the same breath.
        self.keep_alive = self._llhttp.should_keep_alive()

    def on_body(self, part: bytes) -> None:
        """A part of a chunked body."""
        self._body.append(part)
        self._body_bytes += len(part)
        self._framing_bytes = max(0, self._framing_bytes - len(part) - CHUNK_FRAME_BYTES)

    def on_message_complete(self) -> None:
        """The message ends here by llhttp's count."""
        self._ended = True

    # The states: each takes the bytes from `start` on and returns where it stopped

    def _take_first(self, data: bytes, start: int) -> int:
        known = self._memory.recall(data) if self._memory else None
        if known is None:
            self._expect_head()
            return self._take_head(data, start)
        size, self.status, self._headers, self.keep_alive, self._left, self._encoded = known
        self._take = AnswerParser._take_counted
        return size

    def _take_head(self, data: bytes, start: int) -> int:
        end = self._feed_to_blank_line(data, start)
        if self._head_ended:
            self._after_head()
            if self._left and self._memory and start == 0 and self._framing_bytes == end:
                self._memory.keep(data[:end], self._known(end))
        return end

    def _known(self, size: int) -> KnownHead:
        headers = tuple(self._headers)
        return KnownHead(size, self.status, headers, self.keep_alive, self._left, self._encoded)

    def _take_chunks(self, data: bytes, start: int) -> int:
        end = self._feed_to_blank_line(data, start)
        self._check_body_size(self._body_bytes)
        if self._ended:
            self._finish()
        return end

    def _take_counted(self, data: bytes, start: int) -> int:
        end = min(start + self._left, len(data))
        self._body.append(data if end - start == len(data) else data[start:end])
        self._left -= end - start
        if not self._left:
            self._finish()
        return end

    def _take_rest(self, data: bytes, start: int) -> int:
        self._body.append(data[start:])
        self._body_bytes += len(data) - start
        self._check_body_size(self._body_bytes)
        return len(data)

    def _feed_to_blank_line(self, data: bytes, start: int) -> int:
        if data[start] in LINE_ENDS:
            # the blank line may have begun before `start`
            end = start + 2 if data.startswith(b"\r\n", start) else start + 1
        else:
            blank = BLANK_LINE.search(data, start)
            end = blank.end() if blank else len(data)
        piece = data if end - start == len(data) else data[start:end]
        self._framing_bytes += len(piece)
        assert self._llhttp is not None
        try:
            self._llhttp.feed_data(piece)
        except (HttpParserError, HttpParserUpgrade) as error:
            # llhttp stops after the head of a 101; the state that follows refuses it with a better message
            if self._take is not AnswerParser._take_head or not self._head_ended:
                raise self._not_http(piece, error) from None
        if self._framing_bytes > self._limits.head_bytes:
            what = "trailers" if self._take is AnswerParser._take_chunks else "head"
            raise self._malformed(f"sent a {what} of more than {self._limits.head_bytes} bytes")
        return end

    def _after_head(self) -> None:
        assert self._llhttp is not None
        status = self._llhttp.get_status_code()
        if status < FIRST_FINAL:
            self._skip_informational(status)
            return
        self.status = status
        if self._ended or status in WITHOUT_BODY or self._method == "HEAD":
            self._finish()
        else:
            self._expect_body()

    def _skip_informational(self, status: int) -> None:
        if status == SWITCHING_PROTOCOLS:
            raise self._malformed("switched protocols (101) without being asked")
        if status < FIRST_INFORMATIONAL:
            raise self._malformed(f"answered with the status {status}, which is not one of HTTP's")
        self._informational += 1
        if self._informational > self._limits.informational_answers:
            raise self._malformed(
                f"sent more than {self._limits.informational_answers} informational (1xx) answers"
            )
        self._expect_head()

    def _expect_body(self) -> None:
        length = encoding = None
        for name, value in self._headers:
            if name == "content-length":
                length = int(value)
            elif name == "transfer-encoding":
                encoding = value if encoding is None else f"{encoding}, {value}"
            elif name == "content-encoding":
                self._encoded = True
        if encoding is not None:
            if encoding.lower() != "chunked":
                raise self._malformed(f"answered with the unknown Transfer-Encoding {encoding[:100]!r}")
            self._framing_bytes = 0
            self._take = AnswerParser._take_chunks
        elif length is not None:
            self._check_body_size(length)
            self._left = length
            self._take = AnswerParser._take_counted
        else:
            self._take = AnswerParser._take_rest

    def _finish(self) -> None:
        self.complete = True
        self._llhttp = None  # it holds our methods; without the cycle nothing is left for the collector

    # What is said when it goes wrong

    def _check_body_size(self, size: int) -> None:
        if size > self._limits.body_bytes:
            raise self._malformed(f"sent a body of more than {self._limits.body_bytes} bytes")

    def _malformed(self, what: str) -> MalformedAnswerError:
        self._llhttp = None
        return MalformedAnswerError(f"{self._peer} {what}")

    def _not_http(self, piece: bytes, error: Exception) -> MalformedAnswerError:
        where = "a chunked body that is not one" if self.status else "something that is not HTTP"
        return self._malformed(f"sent {where}: {error}, in {piece[:60]!r}")

    def _whereabouts(self) -> str:
        if not self.status:
            return f"inside the head of its answer, after {self.received} bytes"
        got = sum(map(len, self._body))
        if self._take is AnswerParser._take_counted:
            return f"after {got} of {got + self._left} bytes of the body"
        return f"inside the body, after {got} bytes of it"
