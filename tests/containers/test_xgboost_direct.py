"""The short way through the XGBoost container: its answers are those of the long way, to the byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sparkml_talk import Talk
from xgboost_help import booster, save, serving

from sagemaker_transform_emulator.containers.xgboost.direct import Head, plain_head

ROW = b"0.5,0.5,0.5,0.5"
CSV = b"Content-Type: text/csv"


def post(body: bytes, *headers: bytes, line: bytes = b"POST /invocations HTTP/1.1") -> bytes:
    return b"\r\n".join([line, b"Host: x", *headers, b"Content-Length: %d" % len(body), b"", body])


def head(*headers: bytes) -> bytes:
    return b"\r\n".join([b"POST /invocations HTTP/1.1", *headers])


def test_plain_heads_are_understood() -> None:
    plain = head(
        b"HOST:x", b"content-type: text/csv", b"Connection: Keep-Alive", b"content-LENGTH: 07", b"X_1:"
    )
    assert plain_head(plain) == Head(7, "text/csv", None)
    assert plain_head(head(b"Content-Length: 1", b"Accept:")) == Head(1, None, "")
    assert plain_head(head(b"Content-Length: 1", b"Accept: a/b;q=1, */*")) == Head(1, None, "a/b;q=1, */*")


@pytest.mark.parametrize(
    "other",
    [b"Content-Length: 2", b"Transfer-Encoding: chunked", b"Expect: 100-continue", b"Upgrade: h2c",
     b"Connection: close", b"Connection: keep-alive, close", b"Proxy-Connection: close",
     b"X: \xe9", b"X: a\x0bb", b"X", b": x", b"X : y", b" folded", b"", b"Accept: a", b"X:  y", b"X: y ",
     b"X: \ty", b"X\n: y", b"X: a\nb"],
)  # fmt: skip
def test_other_heads_are_not_plain(other: bytes) -> None:
    assert plain_head(head(b"Content-Length: 1", b"Accept: b", other)) is None


@pytest.mark.parametrize("length", [b"", b"+1", b"1,1", b"0x1", b"1234567890", b"\xb2", b"-1"])
def test_odd_lengths_are_not_plain(length: bytes) -> None:
    assert plain_head(head(b"Content-Length: " + length)) is None


@pytest.mark.parametrize(
    "line", [b"POST /invocations HTTP/1.0", b"POST /invocations?a HTTP/1.1", b"PUT /invocations HTTP/1.1"]
)
def test_other_request_lines_are_not_plain(line: bytes) -> None:
    assert plain_head(line + b"\r\nContent-Length: 1") is None


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(booster(), tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def direct(directory: Path) -> Iterator[httpx.Client]:
    with serving({"SM_MODEL_DIR": str(directory), "MAX_CONTENT_LENGTH": "1000"}) as client:
        yield client


@pytest.fixture(scope="module")
def long_way(directory: Path) -> Iterator[httpx.Client]:
    environ = {"SM_MODEL_DIR": str(directory), "MAX_CONTENT_LENGTH": "1000"}
    with serving(environ, directly=False) as client:
        yield client


HEADERS = st.sampled_from(
    [CSV, CSV, CSV, b"Content-Type: text/libsvm", b"Content-Type:", b"Content-Type: a/b",
     b"Content-Type: \xe9", b"Accept: text/csv", b"Accept: application/json", b"Accept: a/b",
     b"Accept:  */* ", b"X: y", b"Cookie: a",
     b"Connection: keep-alive", b"Connection: close", b"Expect: 100-continue", b"Upgrade: websocket"]
)  # fmt: skip
BODIES = st.sampled_from([ROW, ROW, ROW + b"\n" + ROW, b"", b"\n", b"a,b", b"1:0.5", b"9" * 1001, ROW * 70])
OTHERS = st.sampled_from(
    [b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n", b"HEAD /ping HTTP/1.1\r\nHost: x\r\n\r\n",
     post(ROW, CSV, line=b"POST /invocations HTTP/1.0"), post(ROW, CSV, line=b"POST /ping HTTP/1.1"),
     post(ROW, CSV, b"X: \x01"), post(ROW, CSV, b"A B: c"), b"\x16\x03\x01\r\n\r\n",
     post(ROW, CSV).replace(b"Length: 15", b"Length: x"), post(ROW, CSV, b"Content-Length: 4"),
     b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"f\r\n" + ROW + b"\r\n0\r\n\r\n"]
)  # fmt: skip
INVOCATIONS = st.builds(lambda body, headers: post(body, *headers), BODIES, st.lists(HEADERS, max_size=3))
SLOWLY = settings(
    max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@SLOWLY
@given(
    messages=st.lists(st.one_of(INVOCATIONS, INVOCATIONS, OTHERS), min_size=1, max_size=6),
    cut=st.sampled_from([0, 0, 0, 1, 30, 90]),
)
def test_conversations_read_the_same_to_the_byte(
    direct: httpx.Client, long_way: httpx.Client, messages: list[bytes], cut: int
) -> None:
    with Talk(direct.base_url.port or 0) as short, Talk(long_way.base_url.port or 0) as long:
        for message in messages:
            answer = short.say(message, cut)
            assert answer == long.say(message, cut)
            if not answer.kept_open:
                break


@SLOWLY
@given(count=st.integers(1, 12), data=st.data())
def test_pipelined_requests_in_any_pieces_are_answered_in_order(
    direct: httpx.Client, long_way: httpx.Client, count: int, data: st.DataObject
) -> None:
    bodies = [b"%d,0,0,0" % number for number in range(count)]
    end = b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    stream = b"".join(post(body, CSV) for body in bodies) + end
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    pieces = [stream[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    with Talk(direct.base_url.port or 0) as short, Talk(long_way.base_url.port or 0) as long:
        assert short.all_that_comes_after(pieces) == long.all_that_comes_after(pieces)
