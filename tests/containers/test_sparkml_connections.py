"""Connections that the SparkML container lends to the JVM: the answers are those of the application."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sparkml_engine import column, engine, model, schema
from sparkml_server import Server
from sparkml_talk import Talk

from sagemaker_transform_emulator.containers.sparkml.connections import _parts_of_success
from sagemaker_transform_emulator.containers.sparkml.engine import Engine, Format, Input, Left

SCHEMA = schema([column("s", "string"), column("x", "double")], column("x", "double"))
SETTINGS = {"SAGEMAKER_SPARKML_SCHEMA": json.dumps(SCHEMA)}
CLOSE = b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def post(body: bytes, *headers: bytes, line: bytes = b"POST /invocations HTTP/1.1") -> bytes:
    given = headers or (b"Content-Type: text/csv",)
    return b"\r\n".join([line, b"Host: x", *given, b"Content-Length: %d" % len(body), b"", body])


# ---- Java's side alone, on a pair of sockets


@pytest.fixture(scope="module")
def java() -> Engine:
    return engine("identity", SETTINGS["SAGEMAKER_SPARKML_SCHEMA"])


def served(java: Engine, sent: bytes) -> tuple[Left, bytes, bytes, int]:
    """Why Java left a connection on which that came, what it answered, left unanswered, and the count."""
    answers = java.plain_answers(*_parts_of_success())
    answers.know("text/csv", "", Input.CSV, Format.CSV)
    answers.know("application/json", "text/csv", Input.JSON, Format.CSV)
    answers.know("text/plain", "", -1, -1)
    ours, theirs = socket.socketpair()
    with ours, theirs, ThreadPoolExecutor(2) as threads:
        connection = java.plain_connection(answers, theirs.fileno())
        run = threads.submit(connection.serve, b"")
        written = threads.submit(_received, ours)
        ours.sendall(sent)
        ours.shutdown(socket.SHUT_WR)
        left = Left(run.result(timeout=60))
        theirs.shutdown(socket.SHUT_WR)
        return left, written.result(timeout=60), bytes(connection.rest), int(connection.served)


def _received(ours: socket.socket) -> bytes:
    return b"".join(iter(lambda: ours.recv(65536), b""))


def success(text: bytes) -> re.Pattern[bytes]:
    head = (
        rb"HTTP/1.1 200 OK\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\ncontent-type: text/csv\r\n"
    )
    return re.compile(head + rb"content-length: %d\r\n\r\n%b" % (len(text), re.escape(text)))


def test_plain_invocations_are_answered_by_java(java: Engine) -> None:
    left, answered, rest, count = served(java, post(b"a,1") + post(b"b,2.5"))
    assert (left, rest, count) == (Left.CLOSED, b"", 2)
    assert re.fullmatch(success(b"1.0").pattern + success(b"2.5").pattern, answered)


@pytest.mark.parametrize(
    "head",
    [
        (b"content-type:text/csv", b"HOST: y", b"User-Agent: a (b; c) \t", b"X_Y-9:"),
        (b"Content-Type: \ttext/csv\t ", b"Connection: Keep-Alive", b"Accept:"),
        (b"Content-Type: text/csv", b"Accept: \t ", b"Accept-Encoding: gzip", b"Connections: close"),
    ],
)
def test_headers_that_mean_nothing_do_no_harm(java: Engine, head: tuple[bytes, ...]) -> None:
    left, answered, _, count = served(java, post(b"a,1", *head))
    assert (left, count) == (Left.CLOSED, 1)
    assert success(b"1.0").fullmatch(answered)


CSV = b"Content-Type: text/csv"
NOT_PLAIN = {
    "refused": post(b"a,b"),
    "no record": post(b"\n"),
    "no body": post(b""),
    "another type": post(b"a,1", b"Content-Type: text/plain"),
    "no type": post(b"a,1", b"Accept: text/csv"),
    "two types": post(b"a,1", CSV, CSV),
    "two accepts": post(b"a,1", CSV, b"Accept:", b"Accept:"),
    "two lengths": post(b"a,1", CSV, b"Content-Length: 3"),
    "signed length": post(b"a,1", CSV).replace(b"h: 3", b"h: +3"),
    "odd length": post(b"a,1", CSV).replace(b"h: 3", b"h: 3,3"),
    "empty length": post(b"a,1", CSV).replace(b"h: 3", b"h:"),
    "long length": post(b"a,1", CSV).replace(b"h: 3", b"h: 9999999999"),
    "too large": post(b"a,1", CSV).replace(b"h: 3", b"h: 1048577"),
    "chunked": post(b"a,1", CSV, b"Transfer-Encoding: chunked"),
    "expects": post(b"a,1", CSV, b"Expect: 100-continue"),
    "closes": post(b"a,1", CSV, b"Connection: close"),
    "closes too": post(b"a,1", CSV, b"Connection: keep-alive, close"),
    "upgrades": post(b"a,1", CSV, b"Upgrade: h2c"),
    "proxy": post(b"a,1", CSV, b"Proxy-Connection: close"),
    "not ASCII": post(b"a,1", CSV, b"X: \xe9"),
    "control": post(b"a,1", CSV, b"X: a\x0bb"),
    "no colon": post(b"a,1", CSV, b"X"),
    "no name": post(b"a,1", CSV, b": x"),
    "blank in name": post(b"a,1", b"Content-Type : text/csv", CSV),
    "folded": post(b"a,1", CSV, b" folded"),
    "bare line ends": post(b"a,1", CSV).replace(b"\r\n", b"\n"),
    "bare returns": post(b"a,1", CSV).replace(b"x\r\n", b"x\r"),
    "HTTP/1.0": post(b"a,1", CSV, line=b"POST /invocations HTTP/1.0"),
    "query": post(b"a,1", CSV, line=b"POST /invocations?a HTTP/1.1"),
    "slash": post(b"a,1", CSV, line=b"POST /invocations/ HTTP/1.1"),
    "PUT": post(b"a,1", CSV, line=b"PUT /invocations HTTP/1.1"),
    "ping": CLOSE,
    "half a line": b"POST /invo",
    "half a head": b"POST /invocations HTTP/1.1\r\nContent-Type: text/csv\r\n",
    "half an end": post(b"", CSV)[:-1],
    "garbage": b"\x16\x03\x01",
}


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_everything_else_comes_back_untouched(java: Engine, name: str) -> None:
    left, answered, rest, count = served(java, post(b"a,1") + NOT_PLAIN[name])
    assert (left, rest, count) == (Left.NOT_PLAIN, NOT_PLAIN[name], 1)
    assert success(b"1.0").fullmatch(answered)


def test_headers_nobody_has_judged_are_asked_about(java: Engine) -> None:
    unknown = post(b"a,1", b"Content-Type: Text/CSV ", b"Accept: */*") + post(b"a,1")
    assert served(java, unknown) == (Left.UNKNOWN_HEADERS, b"", unknown, 0)


def test_half_a_body_is_no_request(java: Engine) -> None:
    left, answered, _, count = served(java, post(b"a,12")[:-1])
    assert (left, answered, count) == (Left.CLOSED, b"", 0)


@given(st.integers(0, 3), st.sampled_from([1, 8000, 8192, 70_000, 1_000_000]))
@settings(max_examples=20)
def test_bodies_of_any_length(java: Engine, before: int, length: int) -> None:
    large = post(
        json.dumps({"data": ["a" * length, 7]}).encode(),
        b"Content-Type: application/json",
        b"Accept: text/csv",
    )
    left, answered, rest, count = served(java, post(b"a,1") * before + large)
    assert (left, rest, count) == (Left.CLOSED, b"", before + 1)
    assert answered.count(b"\r\n\r\n1.0") == before
    assert answered.endswith(b"\r\n\r\n7.0")


@given(st.binary(max_size=40), st.integers(0, 200), st.integers(0, 6))
def test_damaged_requests_are_never_answered_twice_nor_lost(
    java: Engine, noise: bytes, at: int, cut: int
) -> None:
    whole = post(b"a,1")
    damaged = whole[:at] + noise + whole[at + cut :]
    left, answered, rest, count = served(java, damaged)
    assert damaged.endswith(rest)
    assert answered.count(b"HTTP/1.1 200 OK") == count
    if left is not Left.CLOSED and not count:
        assert (rest, answered) == (damaged, b"")


def test_a_stop_lets_nothing_new_begin(java: Engine) -> None:
    answers = java.plain_answers(*_parts_of_success())
    answers.know("text/csv", "", Input.CSV, Format.CSV)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = java.plain_connection(answers, theirs.fileno())
        answers.stop()
        assert connection.serve(b"") == Left.CLOSED
        assert connection.serve(post(b"a,1")) == Left.NOT_PLAIN
        assert bytes(connection.rest) == post(b"a,1")


# ---- the container, lending and not, side by side


@pytest.fixture(scope="module")
def lending() -> Iterator[Server]:
    server = Server(model("identity"), SETTINGS)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def keeping() -> Iterator[Server]:
    server = Server(model("identity"), SETTINGS, lends=False)
    yield server
    server.stop()


BODIES = st.sampled_from(
    [b"a,1", b"b,2.5\n", b"a,x", b"", b"\n", b'"a,1', b"a,1," + b"y" * 20_000, b"\xff,1"]
)
TYPES = st.sampled_from(
    [b"text/csv", b"Text/CSV ", b"text/csv;charset=utf-8", b"application/json", b"foo", b"text/csv\xa0", b""]
)
ACCEPTS = st.sampled_from(
    [b"text/csv", b"*/* ", b"application/jsonlines", b"a/b", b"foo", b"", b"text/csv\t"]
)
OTHER_HEADERS = st.sampled_from(
    [b"X: y", b"X-Y:", b"Connection: keep-alive", b"Connection: close", b"Expect: 100-continue", b"X: \xe9",
     b"Content-Type: text/csv", b"Accept: text/csv", b"Upgrade: websocket", b"Cookie: a=b"]
)  # fmt: skip
LINES = st.sampled_from(
    [b"POST /invocations HTTP/1.1"] * 6
    + [b"POST /invocations/ HTTP/1.1", b"POST /invocations?x=1 HTTP/1.1", b"PUT /invocations HTTP/1.1",
       b"POST /invocations HTTP/1.0", b"POST /ping HTTP/1.1", b"post /invocations HTTP/1.1"]
)  # fmt: skip


@st.composite
def invocations(draw: st.DrawFn) -> bytes:
    headers = [b"Content-Type: " + draw(TYPES)]
    if draw(st.booleans()):
        headers.append(b"Accept: " + draw(ACCEPTS))
    headers += draw(st.lists(OTHER_HEADERS, max_size=2))
    return post(draw(BODIES), *draw(st.permutations(headers)), line=draw(LINES))


@st.composite
def nearly_plain(draw: st.DrawFn) -> bytes:
    """A good invocation with one header more."""
    headers = [b"Content-Type: " + draw(st.sampled_from([b"text/csv", b"Text/CSV "])), draw(OTHER_HEADERS)]
    if draw(st.booleans()):
        headers.append(draw(st.sampled_from([b"Accept: text/csv", b"Accept:*/* "])))
    return post(draw(st.sampled_from([b"a,1", b"b,2.5\n"])), *draw(st.permutations(headers)))


GETS = st.sampled_from(
    [b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n", b"HEAD /ping HTTP/1.1\r\nHost: x\r\n\r\n",
     b"GET /execution-parameters HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"]
)  # fmt: skip
CHUNKED = st.just(
    b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\na,\r\n1\r\n5\r\n0\r\n\r\n"
)
BROKEN = st.sampled_from(
    [b"\x16\x03\x01\r\n\r\n", b"POST /invocations\r\n\r\n", b"POST /invocations HTTP/1.1\r\nA B: c\r\n\r\n",
     post(b"a,1", CSV).replace(b"h: 3", b"h: x"), post(b"a,1", CSV, b"Content-Length: 4"),
     post(b"a,1", CSV, b"X: \x01"), b"GET /ping HTTP/1.1\r\nX\r\n\r\n"]
)  # fmt: skip
MESSAGES = st.one_of(invocations(), nearly_plain(), nearly_plain(), nearly_plain(), GETS, CHUNKED, BROKEN)
SLOWLY = settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])


@SLOWLY
@given(messages=st.lists(MESSAGES, min_size=1, max_size=6), cut=st.sampled_from([0, 0, 0, 1, 30, 60, 100]))
def test_conversations_read_the_same_to_the_byte(
    lending: Server, keeping: Server, messages: list[bytes], cut: int
) -> None:
    with Talk(lending.port) as lent, Talk(keeping.port) as kept:
        for message in messages:
            answer = lent.say(message, cut)
            assert answer == kept.say(message, cut)
            if not answer.kept_open:
                break


@SLOWLY
@given(
    messages=st.lists(st.one_of(invocations(), nearly_plain(), GETS), min_size=1, max_size=8), data=st.data()
)
def test_pipelined_requests_in_any_pieces_are_answered_in_order(
    lending: Server, keeping: Server, messages: list[bytes], data: st.DataObject
) -> None:
    closing = [b"Connection: close", b"HTTP/1.0", b"Expect", b"websocket", b"post /"]
    stream = b"".join(each for each in messages if not any(word in each for word in closing)) + CLOSE
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=3)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    with Talk(lending.port) as lent, Talk(keeping.port) as kept:
        assert lent.all_that_comes_after(pieces) == kept.all_that_comes_after(pieces)


def test_a_connection_comes_back_after_what_is_not_plain(lending: Server) -> None:
    with Talk(lending.port) as talk:
        for _ in range(40):
            assert talk.say(post(b"a,1")).ends_with(b"1.0")
            assert talk.say(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n").starts_with(b"HTTP/1.1 200")
            assert talk.say(post(b"a,x")).starts_with(b"HTTP/1.1 400")


def test_more_connections_than_are_lent(lending: Server) -> None:
    with contextlib.ExitStack() as stack:
        talks = [stack.enter_context(Talk(lending.port)) for _ in range(150)]
        for number, talk in enumerate(talks):
            assert talk.say(post(b"a,%d" % number)).ends_with(b"%.1f" % number)
        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(lambda talk: [talk.say(post(b"a,7")) for _ in range(20)], talks))
        assert all(answer.ends_with(b"7.0") for some in answers for answer in some)


def test_clients_that_send_slowly_or_stop_hinder_nobody(lending: Server) -> None:
    with contextlib.ExitStack() as stack:
        for sent in (b"", b"P", post(b"a,1")[:40], post(b"a,1")[:-1], post(b"a," + b"1" * 9000)[:-5000]):
            stack.enter_context(Talk(lending.port)).send(sent)
        with Talk(lending.port) as slow:
            for byte in post(b"a,5")[:-1]:
                slow.send(bytes([byte]))
            assert slow.say(b"5").ends_with(b"5.0")
            assert slow.say(post(b"a,6")).ends_with(b"6.0")
        for _ in range(50):
            with Talk(lending.port) as gone:
                gone.send(post(b"a,1") * 50)
    assert lending.invoke("a,1").text == "1.0"


def test_a_client_that_reads_late_gets_everything(lending: Server) -> None:
    requests = 3000
    with Talk(lending.port) as late, ThreadPoolExecutor(1) as threads:
        sending = threads.submit(late.send, post(b"a,1," + b"y" * 2000) * requests + CLOSE)
        time.sleep(0.2)
        assert lending.invoke("a,2").text == "2.0"
        received = b"".join(iter(lambda: late.socket.recv(1 << 20), b""))
        sending.result()
    assert received.count(b"\r\n\r\n1.0") == requests


@pytest.mark.rule("R4.7")
def test_sigterm_lets_lent_connections_finish_what_they_do() -> None:
    server = Server(model("identity"), SETTINGS)
    lines = b'{"data":["a",1.5]}\n' * 50_000
    with Talk(server.port) as idle, Talk(server.port) as busy, Talk(server.port) as half:
        assert idle.say(post(b"a,1")).ends_with(b"1.0")
        half.send(post(b"a,1")[:-1])
        busy.send(post(lines, b"Content-Type: application/jsonlines"))
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        assert idle.socket.recv(10) == b""
        half.send(b"9")
        assert half.receive().ends_with(b"9.0")
        answer = busy.receive()
        assert (answer.starts_with(b"HTTP/1.1 200"), answer.count(b"[1.5]")) == (True, 50_000)
        assert server.process.wait(timeout=30) == 143
    assert "Traceback" not in server.stop()
