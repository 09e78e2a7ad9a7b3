"""Every tool that sends records sends what the job sent, over the cases that filter, join or frame.

The job runs once, with its trace; then `explain` has to count and show its payloads, `replay` to rebuild
and repeat each of them from the trace and from the store, `tune` to give its output, and the printed test to
end as the job did.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cases import BUCKET, Case, job_request, model_request
from expectations import first_attempts
from harness import Bench
from observation import Ledger, Request

from sagemaker_transform_emulator.errors import JobError, UsageError
from sagemaker_transform_emulator.jobs.events import Event, InstanceReady, to_all
from sagemaker_transform_emulator.jobs.input_objects import objects_of
from sagemaker_transform_emulator.jobs.instances import JobRun, Services, prepare
from sagemaker_transform_emulator.jobs.services import open_services, run_requests
from sagemaker_transform_emulator.jobs.single_payloads import Rehearsal, job_of, rehearse
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.sagemaker.requests import ExecutionParameters, JobStatus
from sagemaker_transform_emulator.tools.explain import explain
from sagemaker_transform_emulator.tools.replay import Wanted, find_payload
from sagemaker_transform_emulator.tools.trials import Grid
from sagemaker_transform_emulator.tools.tune import Stage, tune
from sagemaker_transform_emulator.tools.tune_sample import take_sample
from sagemaker_transform_emulator.trace.recorder import Recorder, RecordPolicy, request_meta
from sagemaker_transform_emulator.trace.render import pytest_of
from sagemaker_transform_emulator.trace.store import Filter, TracedInvocation, TraceReader

HOST = "host"


@dataclass
class Ran:
    """A case's job, its trace, and what its first container was asked."""

    case: Case
    jobs: Bench
    model: dict[str, Any]
    request: dict[str, Any]
    run: JobRun
    in_force: ExecutionParameters
    trace: TraceReader
    traced: list[TracedInvocation]
    outputs: dict[str, bytes]

    @property
    def completed(self) -> bool:
        return self.run.status is JobStatus.COMPLETED

    def asked(self) -> list[Request]:
        """What the first container was asked up to now."""
        return Ledger.read(self.jobs.folder / "0").invocations


@pytest.fixture
def ran(tool_case: Case, jobs: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ran]:
    for key, body in tool_case.objects.items():
        jobs.put(key, body)
    model = model_request(tool_case, "model", jobs.folder)
    request = job_request(tool_case.job, f"{tool_case.id.lower()}-job", "model")
    events: list[Event] = []
    path = jobs.folder / "trace.sqlite"
    recorder = Recorder(path, RecordPolicy(mode="all"), request_meta(model, request, None))

    def record(run: JobRun) -> None:
        run.sink, run.record_invocations = to_all(events.append, recorder), True

    async def go() -> JobRun:
        async with open_services(jobs.settings, jobs.address) as services:
            return await run_requests(model, request, services, on_admitted=record)

    run = run_loop(go())
    recorder.close()
    trace = TraceReader(path)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", str(jobs.address.endpoint_url))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    yield Ran(
        tool_case, jobs, model, request, run,
        next(event.parameters for event in events if isinstance(event, InstanceReady)),
        trace, list(trace.find(Filter(limit=1000))),
        {event.output.key: jobs.get(event.output.key) for event in run.completed},
    )  # fmt: skip
    trace.close()


def test_all_tools_send_what_the_job_sent(ran: Ran) -> None:
    explain_shows_what_was_sent(ran)
    replay_sends_it_again(ran)
    tune_gives_the_jobs_output(ran)
    the_printed_test_ends_as_the_job_did(ran)


def explain_shows_what_was_sent(ran: Ran) -> None:
    sent: dict[str, list[bytes]] = {}
    for request in first_attempts(ran.asked()):
        sent.setdefault(f"s3://{BUCKET}/{request.source}", []).append(request.body)
    told = run_loop(explain(ran.request, ran.run.job, ran.jobs.storage, ran.in_force))
    assert {plan.key for plan in told.objects} >= set(sent)
    for plan in told.objects:
        bodies = sent.get(plan.key, [])
        assert plan.payloads >= len(bodies), "the job sent more than explain foresaw"
        if bodies:
            assert (plan.first_payload, plan.first_payload_size) == (bodies[0][:200], len(bodies[0]))
        if ran.completed:
            assert (plan.payloads, plan.sent, plan.error) == (len(bodies), sum(map(len, bodies)), "")
            assert plan.largest_payload == max(map(len, bodies), default=0)
    if any(plan.error for plan in told.objects):
        assert not ran.completed


def replay_sends_it_again(ran: Ran) -> None:
    before, as_run = ran.asked(), ran.trace.job_as_run()
    wanted = Wanted(0, ran.model, as_run, as_run)
    outputs: list[bytes] = []

    async def again(rehearsal: Rehearsal, traced: TracedInvocation, services: Services) -> None:
        this = replace(wanted, record=traced.first_record, before=traced)
        job, storage, asked = job_of(dict(as_run)), services.storage, len(ran.asked())
        payload, location, note = await find_payload(this, job, rehearsal.path, storage)
        outcome = await rehearsal.send(payload, location)
        assert (note, payload.where) == ("", traced.where)
        assert outcome.status == traced.hops[-1].status
        assert _anywhere(outcome.error) == _anywhere(traced.error)
        request = ran.asked()[asked]
        assert (request.source, request.body, _without_host(request)) in [
            (then.source, then.body, _without_host(then)) for then in before
        ]
        assert request.body.startswith(traced.hops[0].request_body or b"")
        assert f"s3://{BUCKET}/".encode() + request.source.encode() == traced.object.encode()
        outputs.append(outcome.output or b"")

    async def go(services: Services) -> None:
        async with rehearse(ran.run.model, job_of(dict(as_run)), services) as rehearsal:
            for traced in ran.traced:
                await again(rehearsal, replace(traced, original=None), services)  # from the store
                await again(rehearsal, traced, services)

    run_loop(_in_services(ran, go))
    if ran.completed and "DataCaptureConfig" not in ran.request:
        whole = b"".join(ran.outputs[key] for key in sorted(ran.outputs))
        assert _anywhere(b"".join(outputs[1::2])) == _anywhere(whole)


def tune_gives_the_jobs_output(ran: Ran) -> None:
    async def go(services: Services) -> tuple[str, dict[str, bytes]]:
        run = JobRun(ran.run.model, ran.run.job)
        async with Stage(run, services, await prepare(run, services)) as stage:
            objects = await objects_of(run.job, services.storage, lambda _: None)
            try:
                sample = await take_sample(run.job, ran.in_force, services.storage, objects, 10_000)
                grid = Grid((ran.in_force.max_payload_in_mb,), (ran.in_force.max_concurrent_transforms,))
                trials = await tune(stage, sample, grid, 0.0)
            except (UsageError, JobError) as error:
                return error.message, {}
            strategies = {trial.parameters.batch_strategy: trial for trial in trials}
            trial = strategies.get(ran.in_force.batch_strategy, trials[0])
            return trial.why, {location.key: body for location, body in sample.outputs.items()}

    why, outputs = run_loop(_in_services(ran, go))
    assert (why == "") == ran.completed, why
    if ran.completed and "DataCaptureConfig" not in ran.request:
        assert _anywhere(b"\n".join(_lines(outputs))) == _anywhere(b"\n".join(_lines(ran.outputs)))


def the_printed_test_ends_as_the_job_did(ran: Ran) -> None:
    (ran.jobs.folder / "model.json").write_text(json.dumps(ran.model))
    for traced in [item for item in ran.traced if item.failed][:1] or ran.traced[:1]:
        if traced.original is None:
            with pytest.raises(UsageError, match="does not hold all"):
                pytest_of(traced, "model.json", ran.trace.job_as_run())
            continue
        text = pytest_of(traced, str(ran.jobs.folder / "model.json"), ran.trace.job_as_run())
        names: dict[str, Any] = {}
        exec(compile(text, "printed.py", "exec"), names)
        names["invoke_record"] = _with_settings(names["invoke_record"], ran)
        asked = len(ran.asked())
        test = names[f"test_record_{traced.first_record}"]
        if traced.error:
            with pytest.raises(AssertionError) as failure:
                test()
            assert _anywhere(traced.error.splitlines()[0]) in _anywhere(str(failure.value))
        else:
            test()
        first = ran.asked()[asked]
        assert first.body == traced.hops[0].request_body
        assert first.header("X-Amzn-Sagemaker-Input-Object") == traced.object.removeprefix("s3://")


def _with_settings(invoke_record: Any, ran: Ran) -> Any:
    return lambda *given, **named: invoke_record(*given, **named, settings=ran.jobs.settings)


async def _in_services(ran: Ran, work: Any) -> Any:
    async with open_services(ran.jobs.settings, ran.jobs.address) as services:
        return await asyncio.wait_for(work(services), 60)


def _without_host(request: Request) -> Mapping[str, str]:
    return {name: value for name, value in request.headers.items() if name.lower() != HOST}


def _anywhere(text: Any) -> str:
    """The text without the port that the container happened to have."""
    shown = text.decode("latin-1") if isinstance(text, bytes) else text
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", shown)


def _lines(outputs: Mapping[str, bytes]) -> list[bytes]:
    return [line for key in sorted(outputs) for line in outputs[key].split(b"\n") if line]
