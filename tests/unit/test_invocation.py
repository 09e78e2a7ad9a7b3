"""One invocation: what is sent to each container, when it is sent again, and whose fault a failure is."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from sagemaker_transform_emulator.errors import (
    ContainerError,
    DeadlineError,
    DisconnectedError,
    InvocationError,
    JobError,
    OutOfMemoryError,
    TransportError,
)
from sagemaker_transform_emulator.jobs.fault_injection import Faults, parse_faults
from sagemaker_transform_emulator.jobs.invocation import FailedInvocation, Hop, Invoker, ObjectHeads, died
from sagemaker_transform_emulator.runtime.base import Exit
from sagemaker_transform_emulator.sagemaker.requests import (
    ModelClientConfig,
    TransformInput,
    TransformJob,
    TransformOutput,
)
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.keys import S3Location
from sagemaker_transform_emulator.transport import (
    Answer,
    RequestHead,
    ScriptedTransport,
    SentRequest,
    Timings,
    answered,
)

T = TypeVar("T")
SOURCE = S3Location("bkt", "in/data.csv")
PAYLOAD = Payload(3, 20, (b"1,2\n", b"3,4\n"), b"1,2\n3,4\n")
AGENT = ("User-Agent", "Go-http-client/1.1")
GZIP = ("Accept-Encoding", "gzip")
OBJECT = (
    ("X-Amzn-Sagemaker-Input-Object", "bkt/in/data.csv"),
    ("X-Amzn-Sagemaker-Input-Object-Base64", base64.b64encode(b"bkt/in/data.csv").decode()),
)
GONE = DisconnectedError("closed by the container")
LATE = DeadlineError("no answer within 600 s")


@dataclass
class FakeContainer:
    """A container that runs until `ended` says otherwise."""

    name: str
    port: int = 8080
    ended: Exit | None = None
    tail: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    image: str = "image:1"
    host: str = "127.0.0.1"

    async def exited(self, wait_s: float = 0.0) -> Exit | None:
        self.waits.append(wait_s)
        return self.ended

    def log_tail(self, lines: int = 20) -> list[str]:
        return self.tail[-lines:]

    def diagnose_silence(self) -> str:
        return ""

    async def kill(self) -> None: ...

    async def stop(self) -> None: ...


def heads(
    containers: int = 1,
    content_type: str | None = "text/csv",
    accept: str | None = "application/json",
    source: S3Location = SOURCE,
    *,
    chunked: bool = False,
) -> ObjectHeads:
    job = TransformJob(
        "j", "m", TransformInput("s3://bkt/in/", content_type=content_type), TransformOutput("s3://o", accept)
    )
    return ObjectHeads(job, source, containers, chunked=chunked)


@dataclass
class Bench:
    """An invoker over a script, and what came of it."""

    script: Iterable[Answer | TransportError] | Callable[[SentRequest], Any]
    names: tuple[str, ...] = ("one",)
    retries: int = 3
    timeout: int = 600
    slots: int = 1
    internal: bool = False
    faults: Faults | None = None
    hops: list[Hop] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.containers = [FakeContainer(name, 8080 + at) for at, name in enumerate(self.names)]
        self.transport = ScriptedTransport(self.script)
        self.invoker: Invoker

    async def open(self) -> Invoker:
        self.invoker = Invoker(
            self.containers,
            self.transport,
            ModelClientConfig(self.timeout, self.retries),
            slots=self.slots,
            no_answer_is_internal_error=self.internal,
            faults=self.faults,
        )
        return self.invoker

    async def send(self, *, payload: Payload = PAYLOAD, **about: Any) -> Answer:
        made = heads(len(self.names), **about)
        try:
            done = await self.invoker.invoke(payload, made)
        except JobError as error:
            if isinstance(error.context, FailedInvocation):
                self.hops += error.context.hops
            raise
        assert done.payload is payload
        self.hops += done.hops
        return done.answer

    def invoke(self, **options: Any) -> Answer:
        async def go() -> Answer:
            await self.open()
            return await self.send(**options)

        return run(go())

    def fail(self, kind: type[T] = InvocationError, **options: Any) -> T:  # type: ignore[assignment]
        with pytest.raises(kind) as caught:  # type: ignore[type-var]
            self.invoke(**options)
        return caught.value  # type: ignore[return-value]

    @property
    def sent(self) -> list[tuple[int, bytes]]:
        return [(request.port, request.body) for request in self.transport.requests]


def run(talk: Awaitable[T]) -> T:
    async def bounded() -> T:
        return await asyncio.wait_for(talk, 20)

    return asyncio.run(bounded())


def took(seconds: float, body: bytes = b"", status: int = 200) -> Answer:
    return Answer(status, (("content-type", "text/csv"),), body, Timings(0.0, 0.0, seconds))


@pytest.mark.rule("R4.20", "R4.21", "R4.22")
def test_the_request_of_a_single_container() -> None:
    made = heads()
    assert made.source == "s3://bkt/in/data.csv"
    assert made.first == RequestHead(
        "POST",
        "/invocations",
        (AGENT, ("Accept", "application/json"), ("Content-Type", "text/csv"), *OBJECT, GZIP),
    )


@pytest.mark.rule("R4.22")
def test_types_that_the_job_does_not_have_are_not_sent() -> None:
    assert heads(content_type=None, accept=None).first.headers == (AGENT, *OBJECT, GZIP)
    assert heads(content_type="", accept="").first.headers == (
        AGENT, ("Accept", ""), ("Content-Type", ""), *OBJECT, GZIP,
    )  # fmt: skip


@pytest.mark.rule("R4.40", "R4.41", "R4.42")
def test_in_a_pipeline_only_the_last_container_gets_the_accept_of_the_job() -> None:
    made = heads(3)
    accepts = [dict(head.headers)["Accept"] for head in
               (made.first, made.head(1, "a/b; charset=utf-8"), made.head(2, "c/d"))]  # fmt: skip
    assert accepts == ["*/*", "*/*", "application/json"]
    assert dict(made.first.headers)["Content-Type"] == "text/csv"
    assert dict(made.head(1, "a/b; charset=utf-8").headers)["Content-Type"] == "a/b; charset=utf-8"
    assert "Content-Type" not in dict(made.head(1, None).headers)
    assert dict(heads(2, accept=None).head(0, None).headers)["Accept"] == "*/*"
    assert "Accept" not in dict(heads(2, accept=None).head(1, "c/d").headers)


def test_a_head_is_made_once() -> None:
    made = heads(2)
    assert made.head(0, "text/csv") is made.first
    assert made.head(1, "a/b") is made.head(1, "a/b")
    assert made.head(1, "c/d") is not made.head(1, "a/b")


@pytest.mark.rule("R4.21")
def test_an_object_s_name_is_a_header_value_whatever_its_bytes() -> None:
    key = "é~ \t\n\r\x00\x1f\x7f\x20%"
    name = dict(heads(source=S3Location("bkt", key)).first.headers)
    assert name["X-Amzn-Sagemaker-Input-Object"] == "bkt/Ã©~ %09%0A%0D%00%1F%7F %"
    encoded = name["X-Amzn-Sagemaker-Input-Object-Base64"]
    assert base64.b64decode(encoded).decode() == f"bkt/{key}"
    assert encoded.isascii()


@pytest.mark.rule("R4.20", "R4.28")
def test_a_payload_is_sent_and_the_answer_given() -> None:
    bench = Bench([took(1.5, b"0.5\n")])
    before = time.time()
    answer = bench.invoke()
    assert answer.body == b"0.5\n"
    (request,) = bench.transport.requests
    assert (request.host, request.port, request.body) == ("127.0.0.1", 8080, PAYLOAD.body)
    assert (request.head, request.streamed, request.timeout_s) == (heads().first, False, 600.0)
    (hop,) = bench.hops
    assert hop[:2] == ("one", 1)
    assert before <= hop.at <= time.time()
    assert hop[3:] == (heads().first, PAYLOAD.body, answer, None)
    assert bench.invoker.seconds == [1.5]
    assert bench.invoker.retries == 0
    assert bench.containers[0].waits == []


def test_by_default_no_exchange_is_kept_no_fault_made_and_silence_the_algorithm_s_fault() -> None:
    async def go() -> bytes:
        transport = ScriptedTransport([answered(b"x"), GONE])
        invoker = Invoker([FakeContainer("one")], transport, ModelClientConfig(600, 0), slots=1)
        body = (await invoker.invoke(PAYLOAD, heads())).answer.body
        with pytest.raises(InvocationError) as caught:
            await invoker.invoke(PAYLOAD, heads())
        assert caught.value.blame == "AlgorithmError"
        return body

    assert run(go()) == b"x"


@pytest.mark.rule("R4.28")
@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_a_success(status: int) -> None:
    assert Bench([answered(b"y", status)]).invoke().status == status


@pytest.mark.rule("R4.39", "R4.40", "R4.41", "R4.42")
def test_each_container_gets_the_answer_of_the_one_before_it() -> None:
    answers = [
        answered(b"A", headers=(("content-type", "application/json; charset=utf-8"),)),
        answered(b"B"),
        answered(b"C"),
    ]
    bench = Bench(answers, names=("one", "two", "three"))
    assert bench.invoke().body == b"C"
    assert bench.sent == [(8080, PAYLOAD.body), (8081, b"A"), (8082, b"B")]
    assert not any(request.streamed for request in bench.transport.requests)
    headers = [dict(request.head.headers) for request in bench.transport.requests]
    assert [item.get("Content-Type") for item in headers] == [
        "text/csv", "application/json; charset=utf-8", None,
    ]  # fmt: skip
    assert [item.get("Accept") for item in headers] == ["*/*", "*/*", "application/json"]
    assert [hop.container for hop in bench.hops] == ["one", "two", "three"]


@pytest.mark.rule("R4.25", "R4.46")
def test_the_deadline_covers_the_whole_chain() -> None:
    bench = Bench([took(2.5), took(3.0), took(0.0)], names=("one", "two", "three"), timeout=10)
    bench.invoke()
    assert [request.timeout_s for request in bench.transport.requests] == [10.0, 7.5, 4.5]
    assert bench.invoker.seconds == [2.5, 3.0, 0.0]


@pytest.mark.rule("R4.25", "R4.46")
def test_a_chain_that_has_used_its_time_up_gets_a_last_millisecond() -> None:
    bench = Bench([took(10.0), took(0.0)], names=("one", "two"), timeout=10)
    bench.invoke()
    assert bench.transport.requests[1].timeout_s == 0.001


@pytest.mark.rule("R4.27", "R4.28", "R4.30")
@pytest.mark.parametrize("status", [100, 199, 300, 302, 400, 404, 413, 499])
def test_only_5xx_is_tried_again(status: int) -> None:
    bench = Bench([answered(b"no", status)])
    error = bench.fail()
    assert len(bench.transport.requests) == 1
    assert error.status == status
    assert bench.invoker.retries == 0


@pytest.mark.rule("R4.26", "R4.27")
@pytest.mark.parametrize("bad", [answered(b"x", 500), answered(b"x", 503), answered(b"x", 599), GONE, LATE])
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_it_is_tried_again_as_often_as_the_job_says(bad: Answer | TransportError, retries: int) -> None:
    bench = Bench(lambda _: bad, retries=retries)
    bench.fail()
    assert len(bench.transport.requests) == retries + 1
    assert [hop.attempt for hop in bench.hops] == list(range(1, retries + 2))
    assert bench.invoker.retries == retries


@pytest.mark.rule("R4.26", "R4.46")
def test_a_retry_starts_again_at_the_first_container_with_the_whole_time() -> None:
    script = [took(1.0, b"A"), answered(b"", 500), took(2.0, b"A2"), GONE, took(3.0, b"A3"), took(0.5, b"B")]
    bench = Bench(script, names=("one", "two"))
    assert bench.invoke().body == b"B"
    assert bench.sent == [
        (8080, PAYLOAD.body), (8081, b"A"), (8080, PAYLOAD.body), (8081, b"A2"), (8080, PAYLOAD.body),
        (8081, b"A3"),
    ]  # fmt: skip
    assert [request.timeout_s for request in bench.transport.requests] == [600, 599, 600, 598, 600, 597]
    assert [(hop.container, hop.attempt) for hop in bench.hops] == [
        ("one", 1), ("two", 1), ("one", 2), ("two", 2), ("one", 3), ("two", 3),
    ]  # fmt: skip
    assert bench.invoker.retries == 2
    assert bench.invoker.seconds == [6.0, 0.5]
    broken = bench.hops[3]
    assert (broken.body, broken.answer, broken.error) == (b"A2", None, GONE)
    assert broken.head is bench.transport.requests[3].head
    assert bench.hops[2].at <= broken.at <= bench.hops[4].at


@pytest.mark.rule("R4.30", "R1.38")
@pytest.mark.parametrize("status", [400, 499])
def test_a_4xx_is_the_client_s_fault(status: int) -> None:
    error = Bench([answered(b"a bad\nrow\n", status)]).fail()
    where = "records 3 to 4 (bytes 20 to 27)"
    assert error.message == f'Container "one" on {where} answered {status}: a bad\nrow\n'
    assert error.failure_reason == "ClientError: See job logs for more information"
    assert error.data_log == (f"ClientError: {status}", "", "Message:", "a bad", "row")
    assert (error.container, error.status) == ("one", status)


@pytest.mark.rule("R4.31", "R1.38")
@pytest.mark.parametrize("status", [199, 300, 399, 500, 599])
def test_any_other_status_is_the_algorithm_s_fault(status: int) -> None:
    error = Bench([answered(b"oops", status)], retries=0).fail()
    assert error.failure_reason == "AlgorithmError: See job logs for more information"
    assert error.data_log == (
        f"Bad HTTP status received from algorithm: {status}", "", "Message:", "oops",
    )  # fmt: skip
    assert (error.container, error.status) == ("one", status)


@pytest.mark.rule("R4.30")
def test_of_a_long_answer_1024_characters_are_shown_and_64_kib_logged() -> None:
    exact = Bench([answered(b"x" * 1024, 400)]).fail()
    assert exact.message.endswith("answered 400: " + "x" * 1024)
    error = Bench([answered(b"\xffy" * 50_000 + b"\n", 400)]).fail()
    assert error.message.endswith("answered 400: " + "\ufffdy" * 512 + "… (100001 bytes)")
    assert error.data_log[3] == "\ufffdy" * 32_768


@pytest.mark.rule("R4.32")
def test_no_answer_in_time() -> None:
    error = Bench([LATE], retries=0, timeout=7).fail()
    assert error.message == (
        'Container "one" on records 3 to 4 (bytes 20 to 27): no answer within 600 s (attempt 1)'
    )
    assert error.data_log == ("Model server did not respond to /invocations request within 7 seconds",)
    assert error.remedy == "raise ModelClientConfig.InvocationsTimeoutInSeconds, or send less at a time"
    assert error.failure_reason == "AlgorithmError: See job logs for more information"
    assert (error.container, error.status) == ("one", None)


@pytest.mark.rule("R4.32")
def test_no_answer_at_all() -> None:
    error = Bench([GONE, GONE], retries=1).fail()
    assert error.message.endswith("(bytes 20 to 27): closed by the container (attempt 2)")
    assert error.data_log == ("Unable to get response from algorithm",)
    assert error.remedy == "see what the container logged at that moment"
    assert error.blame == "AlgorithmError"


@pytest.mark.rule("R1.38")
def test_no_answer_may_be_the_service_s_fault_as_it_once_was() -> None:
    assert Bench([GONE], retries=0, internal=True).fail().blame == "InternalServerError"
    assert Bench([LATE], retries=0, internal=True).fail().blame == "InternalServerError"
    assert Bench([answered(status=500)], retries=0, internal=True).fail().blame == "AlgorithmError"


@pytest.mark.rule("R6.5")
def test_a_container_that_is_gone_ends_the_invocation_without_another_try() -> None:
    bench = Bench([answered(b"A"), GONE], names=("one", "two"))
    bench.containers[1].ended = Exit(3, "exited with code 3")
    bench.containers[1].tail = [f"line {number}" for number in range(12)]
    error = bench.fail(ContainerError)
    lines = "".join(f"\n    line {number}" for number in range(2, 12))
    assert error.message == (
        'Container "two" (image:1) exited with code 3 while it had records 3 to 4 (bytes 20 to 27); '
        f"its last lines:{lines}"
    )
    assert len(bench.transport.requests) == 2
    assert bench.containers[1].waits == [1.0]
    assert bench.containers[0].waits == []
    assert error.context == FailedInvocation(PAYLOAD, tuple(bench.hops))


@pytest.mark.rule("R6.5")
def test_whether_a_container_is_gone_is_asked_after_each_broken_connection_but_not_after_a_deadline() -> None:
    bench = Bench([GONE, LATE, GONE, answered(b"x")])
    assert bench.invoke().body == b"x"
    assert bench.containers[0].waits == [1.0, 1.0]


@pytest.mark.rule("R6.5")
def test_an_answer_that_ends_with_the_connection_is_taken_only_from_a_container_that_lives() -> None:
    answer = answered(b"whole", closed_by_peer=True)
    bench = Bench([answer])
    assert bench.invoke().body == b"whole"
    assert bench.containers[0].waits == [1.0]
    bench = Bench([answered(b"A"), answer], names=("one", "two"))
    bench.containers[1].ended = Exit(None, "was killed", out_of_memory=True)
    error = bench.fail(ContainerError)
    assert isinstance(error, OutOfMemoryError)
    assert error.message.startswith('Container "two" (image:1) was killed while it had records 3 to 4 ')


def test_the_last_words_of_a_container() -> None:
    silent = FakeContainer("c")
    error = died(silent, Exit(1, "exited with code 1"), "before it was healthy")
    assert type(error) is ContainerError
    assert error.message == (
        'Container "c" (image:1) exited with code 1 before it was healthy; it wrote nothing'
    )
    killed = died(FakeContainer("c", tail=["a", "b"]), Exit(137, "was killed", out_of_memory=True), "now")
    assert type(killed) is OutOfMemoryError
    assert killed.message == 'Container "c" (image:1) was killed now; its last lines:\n    a\n    b'


def test_a_failure_tells_what_was_sent_and_every_exchange() -> None:
    bench = Bench([GONE, answered(b"no", 400)])
    error = bench.fail()
    assert error.context == FailedInvocation(PAYLOAD, tuple(bench.hops))
    assert [hop.error for hop in bench.hops] == [GONE, None]


@pytest.mark.rule("R2.29")
def test_without_a_limit_bodies_are_streamed_through_the_chain_and_again() -> None:
    bench = Bench([GONE, answered(b"A"), answered(b"B")], names=("one", "two"))
    bench.invoke(chunked=True)
    assert bench.sent == [(8080, PAYLOAD.body), (8080, PAYLOAD.body), (8081, b"A")]
    assert all(request.streamed for request in bench.transport.requests)


@pytest.mark.rule("R2.29")
def test_an_empty_body_is_streamed_without_a_chunk() -> None:
    bench = Bench([answered(b"")])
    bench.invoke(chunked=True, payload=Payload(1, 0, (b"",), b""))
    (request,) = bench.transport.requests
    assert (request.streamed, request.body) == (True, b"")


@pytest.mark.rule("R4.23", "R4.24")
def test_so_many_payloads_are_under_way_as_there_are_slots() -> None:
    async def go() -> None:
        release = asyncio.Event()

        async def hold(request: SentRequest) -> Answer:
            await release.wait()
            return answered(request.body)

        bench = Bench(hold, slots=2)
        await bench.open()
        tasks = [asyncio.create_task(bench.send()) for _ in range(5)]
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(bench.transport.requests) == 2
        release.set()
        await asyncio.gather(*tasks)
        assert len(bench.transport.requests) == 5
        assert bench.transport.open_connections == 2
        await bench.invoker.close()
        assert bench.transport.open_connections == 0

    run(go())


@pytest.mark.rule("R4.23")
def test_the_connection_that_was_used_last_is_used_again() -> None:
    async def go() -> None:
        bench = Bench(lambda request: answered(request.body), names=("one", "two"), slots=3)
        await bench.open()
        for _ in range(3):
            await bench.send()
        assert bench.transport.open_connections == 2

    run(go())


@pytest.mark.rule("R4.23")
def test_a_slot_is_free_again_after_a_failure() -> None:
    async def go() -> bytes:
        bench = Bench([answered(b"no", 400), answered(b"yes")])
        await bench.open()
        with pytest.raises(InvocationError):
            await bench.send()
        return (await bench.send()).body

    assert run(go()) == b"yes"


def test_a_fault_meets_the_exchange_it_is_meant_for() -> None:
    faults = parse_faults(["container=2 record=4 attempt=2 object=data.csv status=418 body=teapot"])
    bench = Bench([answered(b"A"), GONE, answered(b"A"), answered(b"B")], names=("one", "two"), faults=faults)
    error = bench.fail()
    assert (error.status, error.container) == (418, "two")
    assert bench.sent == [(8080, PAYLOAD.body), (8081, b"A"), (8080, PAYLOAD.body)]
    other = Bench([answered(b"A")], faults=parse_faults(["container=2 timeout"]))
    assert other.invoke().body == b"A"
    (request,) = other.transport.requests
    assert (request.head, request.timeout_s) == (heads().first, 600.0)
