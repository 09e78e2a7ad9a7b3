"""Any bytes, cut anywhere, make the same answer or one of the documented errors; nothing hangs."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from faults.clients import LOOPS, POST, TRANSPORTS, Client
from faults.rawserver import RawServer, Wire
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sagemaker_transform_emulator.errors import DisconnectedError, MalformedAnswerError, TransportError
from sagemaker_transform_emulator.transport import Answer, Limits, Timings
from sagemaker_transform_emulator.transport.alarm import NEVER
from sagemaker_transform_emulator.transport.answers import AnswerParser
from sagemaker_transform_emulator.transport.heads import HeadMemory
from sagemaker_transform_emulator.transport.inflating import gunzip
from sagemaker_transform_emulator.transport.line import SLICE_BYTES, Line

LIMITS = Limits(head_bytes=4096, informational_answers=3, body_bytes=10_000)
NO_TIME = Timings(0.0, 0.0, 0.0)
PEER = "container:8080"

tokens = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=1, max_size=12)
values = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=20
)
statuses = st.sampled_from([200, 201, 206, 400, 413, 429, 500, 503])
bodies = st.binary(max_size=300) | st.sampled_from(
    [b"\r\n\r\n", b"\n\n\n", b"0\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]
)
framings = st.sampled_from(["length", "chunks", "end"])
own_names = {"content-length", "transfer-encoding", "connection", "content-encoding", "upgrade", "keep-alive"}


@dataclass(frozen=True)
class Sent:
    """The bytes of a valid answer with what they mean, and whether only the connection's end ends it."""

    raw: bytes
    answer: Answer
    until_close: bool


def _framed(framing: str, body: bytes, sizes: list[int], trailer: bool) -> tuple[str, bytes]:  # noqa: FBT001 - drawn
    if framing == "length":
        return f"Content-Length: {len(body)}\r\n", body
    if framing == "end":
        return "", body
    out, rest = b"", body
    for size in sizes:
        part, rest = rest[:size], rest[size:]
        out += b"%X;q\r\n%b\r\n" % (len(part), part) if part else b""
    out += b"%x\r\n%b\r\n" % (len(rest), rest) if rest else b""
    return "Transfer-Encoding: chunked\r\n", out + b"0\r\n" + (b"T: 1\r\n" if trailer else b"") + b"\r\n"


@st.composite
def sent_answers(draw: st.DrawFn) -> Sent:
    pairs = draw(st.lists(st.tuples(tokens, values), max_size=4))
    pairs = [(name, value.strip()) for name, value in pairs if name.lower() not in own_names]
    plain = draw(bodies)
    body = gzip.compress(plain, mtime=0) if (zipped := draw(st.booleans())) else plain
    framing = draw(framings)
    sizes = draw(st.lists(st.integers(1, 100), max_size=5))
    header, framed = _framed(framing, body, sizes, draw(st.booleans()))
    status = draw(statuses)
    own = header + ("Content-Encoding: gzip\r\n" if zipped else "")
    lines = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    head = f"HTTP/1.1 {status} Reason\r\n{lines}{own}\r\n".encode("latin-1")
    informational = b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\n" * draw(st.integers(0, 3))
    shown = [(name.lower(), value) for name, value in pairs]
    for line in own.splitlines():
        name, _, value = line.lower().partition(": ")
        if not zipped or name == "transfer-encoding":
            shown.append((name, value))
    answer = Answer(status, tuple(shown), plain, NO_TIME, closed_by_peer=framing == "end")
    return Sent(informational + head + framed, answer, framing == "end")


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(edges)]


def parsed(
    pieces: list[bytes], *, clean: bool = True, memory: HeadMemory | None = None
) -> Answer | type[TransportError]:
    """The outcome of these bytes followed by the end of the connection."""
    parser = AnswerParser(PEER, "POST", LIMITS, memory)
    try:
        for piece in pieces:
            parser.feed(piece)
        parser.end("closed the connection", clean=clean)
        return parser.answer(NO_TIME)
    except (MalformedAnswerError, DisconnectedError) as error:
        return type(error)


cuts = st.lists(st.integers(0, 2000), max_size=12)


@given(sent_answers(), cuts)
def test_a_valid_answer_is_the_same_however_it_is_cut(sent: Sent, places: list[int]) -> None:
    assert parsed([sent.raw]) == sent.answer
    assert parsed(cut(sent.raw, places)) == sent.answer
    assert parsed([bytes([byte]) for byte in sent.raw]) == sent.answer


@given(st.lists(sent_answers(), min_size=1, max_size=3), cuts)
def test_remembered_heads_change_nothing(sent: list[Sent], places: list[int]) -> None:
    memory = HeadMemory()
    for one in sent * 2:
        assert parsed([one.raw], memory=memory) == one.answer
        assert parsed(cut(one.raw, places), memory=memory) == one.answer


@given(sent_answers().filter(lambda sent: not sent.until_close), st.binary(min_size=1, max_size=50), cuts)
def test_what_follows_an_answer_is_counted_and_kept_out(sent: Sent, extra: bytes, places: list[int]) -> None:
    expected = replace(sent.answer, extra_bytes=len(extra))
    assert parsed([sent.raw + extra]) == expected
    assert parsed(cut(sent.raw + extra, places)) == expected


@given(sent_answers(), st.integers(0, 2000), st.booleans())
def test_a_cut_answer_is_never_a_shorter_one(sent: Sent, length: int, clean: bool) -> None:  # noqa: FBT001 - drawn
    raw = sent.raw[: length % len(sent.raw)]
    outcome = parsed([raw], clean=clean)
    if not raw:
        assert outcome is DisconnectedError
    elif not sent.until_close or not clean:
        assert outcome is MalformedAnswerError
    else:  # nobody can tell, which is why closed_by_peer says so; half a gzip stream is told apart
        assert outcome is MalformedAnswerError or (isinstance(outcome, Answer) and outcome.closed_by_peer)


LIKELY = r"""
HTTP/1.1 200 OK\r\n|HTTP/1.0 200\r\n|HTTP/1.1 100 C\r\n\r\n|HTTP/1.1 101 S\r\n|HTTP/1.1 204 N\r\n
\r\n|\n|\r|\r\n\r\n|abc|;|\0|X: y\r\n z\r\n|Connection: close\r\n|Connection: upgrade\r\nUpgrade: x\r\n
Content-Length: 3\r\n|Content-Length: 03\r\n|Content-Encoding: gzip\r\n
Transfer-Encoding: chunked\r\n|3\r\nabc\r\n|0\r\n\r\n
"""
likely = st.sampled_from(
    [
        part.encode().decode("unicode_escape").encode()
        for line in LIKELY.split("\n")
        if line
        for part in line.split("|")
    ]
)
soups = st.lists(likely | st.binary(max_size=10), max_size=15).map(b"".join)


@st.composite
def harmed_answers(draw: st.DrawFn) -> bytes:
    """A valid answer with some of its bytes replaced by others, by more or by none."""
    raw = draw(sent_answers()).raw
    start = draw(st.integers(0, len(raw)))
    end = min(len(raw), start + draw(st.integers(0, 4)))
    return raw[:start] + draw(likely | st.binary(max_size=3)) + raw[end:]


any_bytes = st.one_of(
    soups,
    harmed_answers(),
    soups.map(lambda soup: b"HTTP/1.1 200 OK\r\n" + soup),
    st.tuples(sent_answers(), soups).map(lambda pair: pair[0].raw + pair[1]),
)


@given(any_bytes, cuts)
@example(b"HTTP/1.1 101 S\r\n\r\nHTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", [])
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc", [])
@example(b"\r" * 100, [])
@example(b"", [])
def test_any_bytes_are_an_answer_or_a_documented_error(data: bytes, places: list[int]) -> None:
    whole = parsed([data])
    assert parsed(cut(data, places)) == whole
    assert parsed([bytes([byte]) for byte in data]) == whole
    memory = HeadMemory()
    assert parsed([data], memory=memory) == parsed([data], memory=memory) == whole


@settings(max_examples=60)
@given(
    any_bytes, st.sampled_from([Client(name, loop) for name in TRANSPORTS for loop in LOOPS]), st.booleans()
)
def test_any_bytes_over_a_socket(data: bytes, client: Client, reset: bool) -> None:  # noqa: FBT001 - drawn
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(data)
        if reset:
            await wire.reset()

    async def talk() -> Answer | type[TransportError]:
        async with RawServer(script) as server:
            connection = client.connection(server.port, LIMITS)
            try:
                async with asyncio.timeout(20):
                    return await connection.exchange(POST, b"1\n", 10)
            except (MalformedAnswerError, DisconnectedError) as error:
                return type(error)
            finally:
                await connection.close()

    outcome = client.run(talk())
    if isinstance(outcome, Answer):
        outcome = replace(outcome, timings=NO_TIME)
    expected = parsed([data])
    # a reset may overtake what was sent before it
    assert outcome == expected or (reset and outcome in (DisconnectedError, MalformedAnswerError)), expected


@settings(max_examples=60)
@given(sent_answers(), st.sampled_from(list(TRANSPORTS)), cuts)
def test_both_transports_understand_the_same(sent: Sent, name: str, places: list[int]) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(*cut(sent.raw, places))

    answer = Client(name, "uvloop").ask(script)
    assert replace(answer, timings=NO_TIME) == sent.answer


@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(0, 1000))
def test_gunzip_gives_all_members_and_stops_at_the_limit(members: list[bytes], limit: int) -> None:
    plain = b"".join(members)
    unzipped = gunzip(b"".join(gzip.compress(member) for member in members), limit)
    assert unzipped == (plain if len(plain) <= limit else plain[: limit + 1])


class FakeSocket(asyncio.Transport):
    """Records what a Line writes, and asks it to pause after each write when told to."""

    def __init__(self, line: Line, *, slow: bool = False) -> None:
        super().__init__()
        self.line = line
        self.slow = slow
        self.written: list[bytes] = []
        self.closed = False
        line.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))
        if self.slow:
            self.line.pause_writing()

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        self.closed = True


@given(sent_answers().filter(lambda sent: not sent.until_close), cuts)
def test_a_line_needs_no_socket(sent: Sent, places: list[int]) -> None:
    async def talk() -> None:
        line = Line(PEER, LIMITS)
        wire = FakeSocket(line)
        for _ in range(2):
            outcome = line.begin("POST", b"head ", b"body", started=0.0, timeout_s=NEVER)
            for piece in cut(sent.raw, places):
                assert not outcome.done()
                line.data_received(piece)
            assert (await outcome).answer(NO_TIME) == sent.answer
        assert wire.written == [b"head body"] * 2
        assert line.usable
        line.data_received(b"x")
        assert wire.closed
        assert not line.usable

    asyncio.run(talk())


def test_a_large_body_waits_for_the_peer() -> None:
    async def talk() -> None:
        line = Line(PEER, LIMITS)
        wire = FakeSocket(line, slow=True)
        body = bytes(range(256)) * (SLICE_BYTES // 100)
        line.begin("POST", b"head", body, started=0.0, timeout_s=NEVER)
        while sum(map(len, wire.written)) < len(body) + 4:
            before = len(wire.written)
            line.resume_writing()
            assert len(wire.written) == before + 1
        assert b"".join(wire.written) == b"head" + body
        assert max(map(len, wire.written)) <= SLICE_BYTES

    asyncio.run(talk())


def test_a_line_carries_one_exchange_at_a_time() -> None:
    async def talk() -> None:
        line = Line(PEER, LIMITS)
        FakeSocket(line)
        line.begin("POST", b"", b"", started=0.0, timeout_s=NEVER)
        with pytest.raises(RuntimeError, match="two exchanges at once"):
            line.begin("POST", b"", b"", started=0.0, timeout_s=NEVER)

    asyncio.run(talk())
