"""What containers send, well or ill formed, to both transports. Numbers are rows of the fault matrix."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from faults.clients import ALWAYS_STALE, LOOPS, POST, TRANSPORTS, Client
from faults.rawserver import RawServer, Script, Wire, answering, answering_once

from sagemaker_transform_emulator.errors import (
    ConnectError,
    DeadlineError,
    DisconnectedError,
    MalformedAnswerError,
    TransportError,
)
from sagemaker_transform_emulator.transport import Limits, RequestHead
from sagemaker_transform_emulator.transport.reuse import StaleRule

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
HUGE = 24 * 1024 * 1024
"""More than the kernel buffers on the way."""

each_client = pytest.mark.parametrize(
    "client",
    [Client(name, loop) for name in TRANSPORTS for loop in LOOPS],
    ids=lambda c: f"{c.transport}-{c.loop}",
)


def chunked(*chunks: bytes, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    frames = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + frames + b"0\r\n" + trailers + b"\r\n"


# Answers as HTTP allows them


@dataclass(frozen=True)
class Good:
    """Bytes, what they mean, and whether the connection may be used again."""

    sent: bytes
    body: bytes = b"hello"
    status: int = 200
    reused: bool = True
    method: str = "POST"


GOOD = {
    "counted": Good(HELLO),
    "empty": Good(OK + b"Content-Length: 0\r\n\r\n", b""),
    "without_reason": Good(b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello"),
    "error_status": Good(b"HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nhello", status=503),
    "unusual_status": Good(b"HTTP/1.1 299 Hm\r\nContent-Length: 5\r\n\r\nhello", status=299),
    "bare_line_feeds": Good(b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
    "blank_lines_in_the_body": Good(OK + b"Content-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n", b"\r\n\r\n\r\n\r\n"),
    "chunked": Good(chunked(b"hel", b"lo")),
    "chunked_blank_lines": Good(chunked(b"\r\n\r\n", b"\n\n", b"0\r\n\r\n"), b"\r\n\r\n\n\n0\r\n\r\n"),
    "chunk_extension": Good(chunked(b"hello", extension=b";name=value")),
    "trailers": Good(chunked(b"hello", trailers=b"Checksum: 5\r\nMore: yes\r\n")),
    "chunks_win_over_length": Good(
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    ),
    "no_content": Good(b"HTTP/1.1 204 No Content\r\n\r\n", b"", 204),
    "no_content_with_length": Good(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"", 304),
    "head": Good(OK + b"Content-Length: 5\r\n\r\n", b"", method="HEAD"),
    "continue_first": Good(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + HELLO),
    "asked_to_close": Good(OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", reused=False),
    "http_1_0": Good(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", reused=False),
    "gzip": Good(
        OK + b"Content-Encoding: gzip\r\nContent-Length: 25\r\n\r\n" + gzip.compress(b"hello", mtime=0)
    ),
    "gzip_of_nothing": Good(OK + b"Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", b""),
    "other_encoding_untouched": Good(OK + b"Content-Encoding: br\r\nContent-Length: 5\r\n\r\nhello"),
}


@each_client
@pytest.mark.parametrize("case", GOOD.values(), ids=GOOD)
@pytest.mark.parametrize("cut", ["whole", "bytes"])
def test_good_answer(client: Client, case: Good, cut: str) -> None:
    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            await (wire.send(case.sent) if cut == "whole" else wire.drip(case.sent))

    answers, connections = client.ask_often(2, script, head=RequestHead(case.method, "/invocations"))
    assert [(a.status, a.body, a.extra_bytes, a.closed_by_peer) for a in answers] == [
        (case.status, case.body, 0, False)
    ] * 2
    assert connections == (1 if case.reused else 2)


@each_client
def test_headers_are_lower_case_and_in_order(client: Client) -> None:
    answer = client.ask(answering(OK + b"X-Two: b \t\r\nContent-Length:0\r\nX-Two:\xe9\r\n\r\n"))
    assert answer.headers == (("x-two", "b"), ("content-length", "0"), ("x-two", "\xe9"))
    assert answer.header("x-two") == "b"


@each_client
def test_inflated_answer_has_no_header_about_the_compressed_one(client: Client) -> None:
    two_members = gzip.compress(b"1\n") + gzip.compress(b"2\n")
    head = OK + b"Content-Type: text/csv\r\nContent-Encoding: GZIP\r\nContent-Length: %d\r\n\r\n" % len(
        two_members
    )
    answer = client.ask(answering(head + two_members))
    assert answer.body == b"1\n2\n"
    assert answer.headers == (("content-type", "text/csv"),)


@each_client
def test_timings_tell_connect_from_reuse(client: Client) -> None:
    answers, _ = client.ask_often(2, answering(HELLO))
    first, second = (answer.timings for answer in answers)
    assert 0 < first.connect <= first.first_byte <= first.total
    assert second.connect == 0.0 < second.first_byte <= second.total


# Answers that are none


@dataclass(frozen=True)
class Bad:
    """Bytes after which the server closes, and words of the message."""

    sent: bytes
    says: str


def rejects(client: Client, case: Bad) -> None:
    with pytest.raises(MalformedAnswerError, match=rf"^127\.0\.0\.1:\d+ .*{case.says}"):
        client.ask(answering_once(case.sent))


TRUNCATED = {
    "body": Bad(OK + b"Content-Length: 100\r\n\r\n0123456789", "closed .* after 10 of 100 bytes"),
    "at_the_first_byte": Bad(OK + b"Content-Length: 1\r\n\r\n", "after 0 of 1 bytes"),
}


@each_client
@pytest.mark.parametrize("case", TRUNCATED.values(), ids=TRUNCATED)
def test_17_truncated_body(client: Client, case: Bad) -> None:
    rejects(client, case)


CUT_CHUNKS = {
    "inside_a_chunk": Bad(chunked(b"hello")[:-12], "inside the body"),
    "before_the_last_chunk": Bad(chunked(b"hello")[:-5], "inside the body"),
    "in_the_last_line": Bad(chunked(b"hello")[:-2], "inside the body"),
    "bad_chunk_size": Bad(OK + b"Transfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n", "chunked body"),
    "chunk_longer_than_it_says": Bad(
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n", "chunked body"
    ),
}


@each_client
@pytest.mark.parametrize("case", CUT_CHUNKS.values(), ids=CUT_CHUNKS)
def test_19_cut_chunked_body(client: Client, case: Bad) -> None:
    rejects(client, case)


NOT_HTTP = {
    "cut_inside_the_head": Bad(OK + b"Content-Le", "inside the head"),
    "closed_after_continue": Bad(b"HTTP/1.1 100 Continue\r\n\r\n", "inside the head"),
    "garbage": Bad(b"SSH-2.0-OpenSSH_9.6\r\n", "not HTTP.*SSH"),
    "binary": Bad(bytes(range(256)), "not HTTP"),
    "status_below_100": Bad(b"HTTP/1.1 099 What\r\nContent-Length: 0\r\n\r\n", "HTTP"),
    "unasked_upgrade": Bad(
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", "switched protocols"
    ),
    "different_lengths": Bad(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "Content-Length"),
    "negative_length": Bad(OK + b"Content-Length: -5\r\n\r\nhello", "Content-Length"),
    "length_beyond_all_bounds": Bad(OK + b"Content-Length: 9999999999999999999\r\n\r\nhello", "more than"),
    "unknown_transfer_encoding": Bad(
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "Transfer-Enc"
    ),
    "huge_header": Bad(OK + b"X: " + b"x" * 300 * 1024 + b"\r\nContent-Length: 0\r\n\r\n", "head of more"),
    "huge_trailer": Bad(
        chunked(b"hello", trailers=b"X: " + b"x" * 300 * 1024 + b"\r\n"), "trailers of more|buffer too long"
    ),
    "flood_of_1xx": Bad(b"HTTP/1.1 102 Processing\r\n\r\n" * 100 + HELLO, "more than 16 informational"),
}


@each_client
@pytest.mark.parametrize("case", NOT_HTTP.values(), ids=NOT_HTTP)
def test_23_not_http(client: Client, case: Bad) -> None:
    rejects(client, case)


BROKEN_GZIP = {
    "broken": Bad(OK + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", "broken gzip"),
    "cut": Bad(
        OK + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + gzip.compress(b"hello")[:20],
        "broken gzip",
    ),
}


@each_client
@pytest.mark.parametrize("case", BROKEN_GZIP.values(), ids=BROKEN_GZIP)
def test_17_broken_gzip_body(client: Client, case: Bad) -> None:
    rejects(client, case)


@each_client
@pytest.mark.parametrize(
    "sent",
    [TRUNCATED["body"].sent, CUT_CHUNKS["inside_a_chunk"].sent, NOT_HTTP["cut_inside_the_head"].sent],
    ids=["counted", "chunked", "head"],
)
def test_17_cut_by_a_reset(client: Client, sent: bytes) -> None:
    with pytest.raises(MalformedAnswerError, match="broke the connection"):
        client.ask(answering_once(sent, reset=True))


@each_client
@pytest.mark.parametrize(
    "case", [GOOD["counted"], GOOD["chunked"], GOOD["gzip"]], ids=["counted", "chunked", "gzip"]
)
def test_23_body_over_the_limit(client: Client, case: Good) -> None:
    assert client.ask(answering(case.sent), limits=Limits(body_bytes=25)).body == b"hello"
    with pytest.raises(MalformedAnswerError, match="more than 4 bytes"):
        client.ask(answering(case.sent), limits=Limits(body_bytes=4))


@each_client
def test_23_inflated_body_over_the_limit(client: Client) -> None:
    bomb = gzip.compress(b"0" * 1_000_000)
    answer = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with pytest.raises(MalformedAnswerError, match="more than 100000 bytes when inflated"):
        client.ask(answering(answer + bomb), limits=Limits(body_bytes=100_000))


@each_client
def test_23_large_head_within_the_limit(client: Client) -> None:
    answer = client.ask(answering(OK + b"X: " + b"x" * 200 * 1024 + b"\r\nContent-Length: 0\r\n\r\n"))
    assert len(answer.header("x") or "") == 200 * 1024


@each_client
def test_after_a_bad_answer_a_new_connection_works(client: Client) -> None:
    async def talk() -> None:
        async with RawServer(answering(b"garbage\r\n"), answering(HELLO)) as server:
            connection = client.connection(server.port)
            with pytest.raises(MalformedAnswerError):
                await connection.exchange(POST, b"", 20)
            assert (await connection.exchange(POST, b"", 20)).body == b"hello"
            assert server.connections == 2
            await connection.close()
            await connection.close()

    client.run(talk())


# Time


@each_client
@pytest.mark.rule("R4.25")
def test_15_silence_ends_at_the_deadline(client: Client) -> None:
    async def silent(wire: Wire) -> None:
        await wire.request()
        await wire.gone()

    with pytest.raises(
        DeadlineError, match=r"127\.0\.0\.1:\d+ did not answer completely .*0 bytes.* within 0.05 s"
    ):
        client.ask(silent, timeout_s=0.05)


@each_client
@pytest.mark.rule("R4.25")
def test_16_drip_ends_at_the_deadline(client: Client) -> None:
    async def dripping(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK + b"Content-Length: 100000000\r\n\r\n")
        while True:
            await wire.send(b"x")
            await asyncio.sleep(0.01)

    with pytest.raises(DeadlineError, match="did not answer completely"):
        client.ask(dripping, timeout_s=0.2)


@each_client
@pytest.mark.rule("R4.25")
def test_16_deadline_covers_sending(client: Client) -> None:
    async def deaf(wire: Wire) -> None:
        wire.writer.transport.pause_reading()
        await asyncio.sleep(20)

    with pytest.raises(DeadlineError):
        client.ask(deaf, body=bytes(HUGE), timeout_s=0.2)


@each_client
@pytest.mark.rule("R4.25")
def test_16_deadline_covers_a_slow_source(client: Client) -> None:
    left = []

    async def stuck() -> AsyncIterator[bytes]:
        try:
            yield b"1\n"
            await asyncio.sleep(20)
        finally:
            left.append(True)

    with pytest.raises(DeadlineError):
        client.ask(answering(HELLO), body=stuck, timeout_s=0.1)
    assert left


@each_client
@pytest.mark.rule("R4.25")
def test_03_deadline_covers_connecting(client: Client) -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):  # fills the queue of connections nobody accepts
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())

        async def talk() -> None:
            with pytest.raises(DeadlineError, match=r"did not accept a connection within 0\.1 s"):
                await client.connection(full.getsockname()[1]).exchange(POST, b"", 0.1)

        client.run(talk())


@each_client
def test_03_nobody_listens(client: Client) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

        async def talk() -> None:
            with pytest.raises(ConnectError, match=rf"127.0.0.1:{port} did not accept a connection"):
                await client.connection(port).exchange(POST, b"", 20)

        client.run(talk())


# Bytes nobody asked for


@each_client
@pytest.mark.parametrize(
    "case", [GOOD["counted"], GOOD["chunked"], GOOD["trailers"]], ids=["counted", "chunked", "tr"]
)
@pytest.mark.parametrize("extra", [b"x", b"\r\n", HELLO], ids=["letter", "line", "answer"])
def test_18_longer_than_it_says(client: Client, case: Good, extra: bytes) -> None:
    answers, connections = client.ask_often(2, answering_once(case.sent + extra), answering(HELLO))
    assert (answers[0].body, answers[0].extra_bytes) == (b"hello", len(extra))
    assert (answers[1].body, answers[1].extra_bytes) == (b"hello", 0)
    assert connections == 2


@each_client
def test_18_extra_bytes_that_come_later(client: Client) -> None:
    async def talk() -> None:
        more, sent = asyncio.Event(), asyncio.Event()

        async def babbling(wire: Wire) -> None:
            await wire.request()
            await wire.send(HELLO)
            await more.wait()
            await wire.send(OK + b"Content-Length: 5\r\n\r\nwrong")
            sent.set()
            await wire.gone()

        async with RawServer(babbling, answering(HELLO)) as server:
            connection = client.connection(server.port)
            assert (await connection.exchange(POST, b"", 20)).body == b"hello"
            more.set()
            await sent.wait()
            await asyncio.sleep(0)
            assert (await connection.exchange(POST, b"", 20)).body == b"hello"
            assert server.connections == 2
            await connection.close()

    client.run(talk())


@each_client
def test_18_body_after_no_content(client: Client) -> None:
    answers, connections = client.ask_often(
        2, answering(b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello")
    )
    assert [(a.body, a.extra_bytes) for a in answers] == [(b"", 5)] * 2
    assert connections == 2


# The end of a connection


@each_client
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_20_body_ended_by_the_connection(client: Client, version: bytes) -> None:
    answers, connections = client.ask_often(2, answering_once(b"HTTP/%b 200 OK\r\n\r\nhel" % version, b"lo"))
    assert [(a.body, a.closed_by_peer) for a in answers] == [(b"hello", True)] * 2
    assert connections == 2


@each_client
def test_20_such_a_body_is_not_ended_by_a_reset(client: Client) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK + b"\r\nhello")
        await wire.reset()

    with pytest.raises(MalformedAnswerError, match="broke the connection"):
        client.ask(script)


@each_client
@pytest.mark.parametrize(("reset", "says"), [(False, "closed"), (True, "broke")], ids=["closed", "reset"])
def test_21_no_answer_on_a_new_connection(client: Client, reset: bool, says: str) -> None:  # noqa: FBT001 - a parameter
    with pytest.raises(DisconnectedError, match=rf"{says} the connection.* before it answered"):
        client.ask(answering_once(reset=reset), answering(HELLO), stale=ALWAYS_STALE)


def one_answer_then(*, reset: bool) -> Script:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(HELLO)
        await wire.request()
        if reset:
            await wire.reset()

    return script


@each_client
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_21_no_answer_on_a_busy_connection(client: Client, reset: bool) -> None:  # noqa: FBT001 - a parameter
    with pytest.raises(DisconnectedError):
        client.ask_often(2, one_answer_then(reset=reset), answering(HELLO), stale=StaleRule())


@each_client
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_22_closing_crosses_the_request(client: Client, reset: bool) -> None:  # noqa: FBT001 - a parameter
    answers, connections = client.ask_often(
        2, one_answer_then(reset=reset), answering(HELLO), stale=ALWAYS_STALE
    )
    assert [a.body for a in answers] == [b"hello"] * 2
    assert connections == 2


@each_client
def test_22_is_resent_once_only(client: Client) -> None:
    async def talk() -> None:
        async with RawServer(one_answer_then(reset=True), answering_once()) as server:
            connection = client.connection(server.port, stale=ALWAYS_STALE)
            await connection.exchange(POST, b"", 20)
            with pytest.raises(DisconnectedError):
                await connection.exchange(POST, b"", 20)
            assert server.connections == 2

    client.run(talk())


@each_client
def test_22_streamed_body_is_resent_afresh(client: Client) -> None:
    starts = []

    async def lines() -> AsyncIterator[bytes]:
        starts.append(True)
        yield b"1\n"

    answers, _ = client.ask_often(
        2, one_answer_then(reset=False), answering(HELLO), body=lines, stale=ALWAYS_STALE
    )
    assert len(answers) == 2
    assert len(starts) == 3


@each_client
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_22_closed_while_idle(client: Client, reset: bool) -> None:  # noqa: FBT001 - a parameter
    async def talk() -> None:
        gone = asyncio.Event()

        async def tired(wire: Wire) -> None:
            await wire.request()
            await wire.send(HELLO)
            if reset:
                await wire.reset()
            wire.writer.close()
            gone.set()

        async with RawServer(tired) as server:
            connection = client.connection(server.port)
            for number in (1, 2, 3):
                assert (await connection.exchange(POST, b"", 20)).body == b"hello"
                await gone.wait()
                gone.clear()
                await asyncio.sleep(0.01)  # lets the loop see the end, which is already in the kernel
                assert server.connections == number
            await connection.close()

    client.run(talk())


def test_22_rule_needs_a_long_rest_and_a_quick_end() -> None:
    rule = StaleRule(idle_s=0.5, within_s=0.25)
    assert rule.allows(0.5, 0.25)
    assert not rule.allows(0.49, 0.0)
    assert not rule.allows(60.0, 0.26)


# Answers before the request is sent


def refusing(ending: Callable[[Wire], object]) -> Script:
    async def script(wire: Wire) -> None:
        await wire.reader.readuntil(b"\r\n\r\n")
        wire.writer.transport.pause_reading()
        await wire.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nhello")
        done = ending(wire)
        if asyncio.iscoroutine(done):
            await done

    return script


async def wait_for_the_client(wire: Wire) -> None:
    wire.writer.transport.resume_reading()
    await wire.gone()


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield bytes(65536)


@each_client
@pytest.mark.parametrize("ending", [wait_for_the_client, lambda _: None], ids=["lingers", "closes"])
@pytest.mark.parametrize("body", [bytes(HUGE), endless], ids=["bytes", "stream"])
def test_24_early_413(client: Client, ending: Callable[[Wire], object], body: bytes) -> None:
    answers, connections = client.ask_often(2, refusing(ending), body=body)
    assert [(a.status, a.body) for a in answers] == [(413, b"hello")] * 2
    assert connections == 2


@each_client
def test_24_continue_does_not_end_the_sending(client: Client) -> None:
    async def script(wire: Wire) -> None:
        head = await wire.reader.readuntil(b"\r\n\r\n")
        await wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert b"Content-Length: %d" % HUGE in head
        await wire.reader.readexactly(HUGE)
        await wire.send(HELLO)

    assert client.ask(script, body=bytes(HUGE)).body == b"hello"


# What is sent


@pytest.mark.rule("R4.20", "R4.21", "R4.23")
@pytest.mark.parametrize("body", [b"1,2\n", b"", bytes(200_000)], ids=["line", "empty", "large"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_both_send_the_same_request(body: bytes, method: str) -> None:
    seen: list[tuple[bytes, list[bytes], bytes]] = []

    async def script(wire: Wire) -> None:
        request = await wire.request()
        lines, _, content = request.partition(b"\r\n\r\n")
        first, *headers = lines.split(b"\r\n")
        seen.append((first, sorted(headers), content))
        await wire.send(HELLO)

    head = RequestHead(method, "/invocations?a=%2f%20", (("X-B", "1 2"), ("x-a", "\xc3\xa9"), ("X-B", "3")))
    for name in TRANSPORTS:
        Client(name, "asyncio").ask(script, head=head, body=body)
    without_host = [
        (first, [h for h in lines if not h.startswith(b"Host: ")], body) for first, lines, body in seen
    ]
    assert without_host[0] == without_host[1]
    first, headers, content = seen[0]
    assert first == head.encoded.split(b"\r\n")[0]
    assert content == body
    framing = [b"Content-Length: %d" % len(body)] if body or method == "POST" else []
    own = [line for line in headers if not line.startswith(b"Host: 127.0.0.1:")]
    assert own == sorted([b"X-B: 1 2", b"x-a: \xc3\xa9", b"X-B: 3", *framing])


@each_client
@pytest.mark.rule("R2.29")
def test_streamed_body_is_sent_in_chunks(client: Client) -> None:
    seen = []

    async def script(wire: Wire) -> None:
        while True:
            seen.append(await wire.request())
            await wire.send(HELLO)

    async def lines() -> AsyncIterator[bytes]:
        yield b"1,2\n"
        yield b""
        yield b"3,4,5,6,7,8,9,10\n"

    _, connections = client.ask_often(2, script, body=lines)
    frames = b"4\r\n1,2\n\r\n11\r\n3,4,5,6,7,8,9,10\n\r\n0\r\n\r\n"
    assert [request.partition(b"\r\n\r\n")[2] for request in seen] == [frames] * 2
    assert connections == 1


@each_client
def test_a_source_that_fails_ends_the_exchange_with_its_own_error(client: Client) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"1\n"
        raise KeyError("the object changed while it was read")

    async def talk() -> None:
        left = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.gone()
            left.set()

        async with RawServer(script, answering(HELLO)) as server:
            connection = client.connection(server.port)
            with pytest.raises(KeyError, match="changed"):
                await connection.exchange(POST, broken, 20)
            await left.wait()
            assert (await connection.exchange(POST, b"", 20)).body == b"hello"
            await connection.close()

    client.run(talk())


@each_client
def test_large_bodies_both_ways(client: Client) -> None:
    body = bytes(range(256)) * 40_000

    async def echo(wire: Wire) -> None:
        while True:
            request = await wire.request()
            content = request.partition(b"\r\n\r\n")[2]
            await wire.send(OK + b"Content-Length: %d\r\n\r\n" % len(content), content)

    answers, connections = client.ask_often(2, echo, body=body)
    assert [answer.body == body for answer in answers] == [True, True]
    assert connections == 1


@each_client
@pytest.mark.parametrize("name", ["X-Key\r\nX-Other", "X-Key"])
def test_a_header_cannot_break_out_of_its_line(client: Client, name: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        client.ask(answering(HELLO), head=RequestHead("POST", "/invocations", ((name, "a\nb"),)))


# Leaving


@each_client
def test_cancelling_drops_the_socket(client: Client) -> None:
    async def talk() -> None:
        asked, left = asyncio.Event(), asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.request()
            asked.set()
            await wire.gone()
            left.set()

        async with RawServer(script, answering(HELLO)) as server:
            connection = client.connection(server.port)
            exchange = asyncio.create_task(connection.exchange(POST, b"", 20))
            await asked.wait()
            exchange.cancel()
            with pytest.raises(asyncio.CancelledError):
                await exchange
            await left.wait()
            assert (await connection.exchange(POST, b"", 20)).body == b"hello"
            await connection.close()

    client.run(talk())


@each_client
def test_closing_leaves_no_socket(client: Client) -> None:
    async def talk() -> None:
        left = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.request()
            await wire.send(HELLO)
            await wire.gone()
            left.set()

        async with RawServer(script) as server:
            connection = client.connection(server.port)
            await connection.close()
            await connection.exchange(POST, b"", 20)
            await connection.close()
            await left.wait()

    client.run(talk())


def test_errors_of_a_transport_are_one_family() -> None:
    family = (ConnectError, DeadlineError, DisconnectedError, MalformedAnswerError)
    assert all(issubclass(kind, TransportError) for kind in family)
