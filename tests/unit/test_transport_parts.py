"""The small parts of the transports: the alarm, the requests' bytes, the scripted fake, the names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter

import pytest

from sagemaker_transform_emulator.errors import DisconnectedError
from sagemaker_transform_emulator.transport import (
    Answer,
    RequestHead,
    ScriptedTransport,
    SentRequest,
    answered,
)
from sagemaker_transform_emulator.transport.alarm import Alarm
from sagemaker_transform_emulator.transport.heads import HeadMemory, KnownHead
from sagemaker_transform_emulator.transport.requests import framing_header, host_header, opening

POST = RequestHead("POST", "/invocations", (("Content-Type", "text/csv"),))


def test_host_comes_after_the_request_line() -> None:
    assert opening(POST, "::1", 8080) == (
        b"POST /invocations HTTP/1.1\r\nHost: [::1]:8080\r\nContent-Type: text/csv\r\n"
    )
    assert host_header("container", 80) == "container:80"


def test_a_get_without_body_has_no_framing() -> None:
    assert framing_header(RequestHead("GET", "/ping"), b"") is None
    assert framing_header(POST, b"") == ("Content-Length", "0")


def test_alarm_rings_once_at_the_last_time_set() -> None:
    async def talk() -> None:
        rung = asyncio.Event()
        alarm = Alarm(rung.set)
        begun = perf_counter()
        alarm.set(begun + 600)
        alarm.set(begun + 0.02)  # sooner than the timer that runs
        await rung.wait()
        assert perf_counter() >= begun + 0.02
        rung.clear()
        begun = perf_counter()
        alarm.set(begun + 0.01)
        alarm.set(begun + 0.03)  # later than the timer that runs
        await rung.wait()
        assert perf_counter() >= begun + 0.03

    asyncio.run(talk())


def test_alarm_that_was_unset_is_silent() -> None:
    async def talk() -> None:
        quiet, loud = [], asyncio.Event()
        silenced, other = Alarm(lambda: quiet.append(1)), Alarm(loud.set)
        silenced.set(perf_counter() + 0.01)
        silenced.unset()
        other.set(perf_counter() + 0.03)
        await loud.wait()
        silenced.set(perf_counter() + 0.01)
        silenced.cancel()
        other.set(perf_counter() + 0.03)
        loud.clear()
        await loud.wait()
        assert quiet == []

    asyncio.run(talk())


def test_head_memory_is_small() -> None:
    memory = HeadMemory()
    head = KnownHead(4, 200, (), True, 1, False)
    for number in range(1000):
        memory.keep(b"HTTP %d\r\n\r\n" % number, head)
    memory.keep(b"x" * 5000 + b"\r\n\r\n", head)
    assert memory.recall(b"HTTP 999\r\n\r\nbody") == head
    assert memory.recall(b"HTTP 1\r\n\r\nbody") is None
    assert memory.recall(b"HTTP 999\r\n") is None
    assert memory.recall(b"x" * 5000 + b"\r\n\r\n") is None


def test_script_is_played_in_order_over_all_connections() -> None:
    async def lines() -> AsyncIterator[bytes]:
        yield b"1\n"
        yield b"2\n"

    async def talk() -> None:
        transport = ScriptedTransport([answered(b"a"), DisconnectedError("gone"), answered(b"c", 503)])
        first, second = transport.connection("one", 8080), transport.connection("two", 8081)
        assert (await first.exchange(POST, b"x", 1.0)).body == b"a"
        with pytest.raises(DisconnectedError, match="gone"):
            await second.exchange(POST, lines, 2.0)
        assert (await first.exchange(POST, b"z", 3.0)).status == 503
        assert transport.open_connections == 2
        await first.close()
        await first.close()
        await second.close()
        assert transport.open_connections == 0
        with pytest.raises(AssertionError, match="no answer for request 4"):
            await first.exchange(POST, b"", 1.0)
        sent = transport.requests[1]
        assert sent == SentRequest("two", 8081, POST, b"1\n2\n", streamed=True, timeout_s=2.0)
        assert sent.header("content-type") == "text/csv"

    asyncio.run(talk())


def test_script_may_be_a_function_that_holds_requests_back() -> None:
    async def talk() -> None:
        go = asyncio.Event()

        async def later(request: SentRequest) -> Answer:
            await go.wait()
            return answered(request.body.upper())

        transport = ScriptedTransport(later)
        waiting = asyncio.create_task(transport.connection("one", 8080).exchange(POST, b"abc", 1.0))
        await asyncio.sleep(0)
        assert not waiting.done()
        go.set()
        assert (await waiting).body == b"ABC"
        quick = ScriptedTransport(lambda request: answered(request.body))
        assert (await quick.connection("one", 8080).exchange(POST, b"abc", 1.0)).body == b"abc"

    asyncio.run(talk())
