"""The library as its users call it: without an endpoint, in a running loop, interrupted, record by record."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from harness import SCRIPTED, job_request, scripted_model

from sagemaker_transform_emulator import (
    AsyncPipelineModel,
    FailedJobError,
    InvocationDone,
    JobError,
    JobStatus,
    ObjectCompleted,
    PipelineModel,
    Settings,
    StoreAddress,
    TransformJobResult,
    UsageError,
    run_transform_job,
    run_transform_job_async,
)

SETTINGS = Settings(images=(SCRIPTED,), runtime="process")
UPPER = {"BEHAVIOUR": "lines:upper"}


def run(
    folder: Path, body: bytes = b"a\nb\n", *containers: dict[str, str], **fields: Any
) -> TransformJobResult:
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in/rows.csv").write_bytes(body)
    return run_transform_job(
        scripted_model(*containers or (UPPER,)),
        job_request(**fields),
        put={folder / "in": "s3://bkt/in"},
        get={"s3://bkt/out": folder / "out"},
        settings=SETTINGS,
    )


def test_a_job_needs_no_endpoint_only_files(tmp_path: Path) -> None:
    result = run(tmp_path, AssembleWith="Line")
    assert (result.status, result.records, result.objects) == (JobStatus.COMPLETED, 2, 1)
    assert (tmp_path / "out/rows.csv.out").read_bytes().split() == [b"A", b"B"]
    assert [(item.input, item.output, item.records) for item in result.outputs] == [
        ("s3://bkt/in/rows.csv", "s3://bkt/out/rows.csv.out", 2)
    ]
    assert result.raise_for_status() is result
    assert "rows.csv.out" in result._repr_html_()


def test_two_jobs_in_one_process_do_not_see_each_others_objects(tmp_path: Path) -> None:
    run(tmp_path)
    (tmp_path / "in/rows.csv").rename(tmp_path / "in/other.csv")
    assert [item.input for item in run(tmp_path).outputs] == ["s3://bkt/in/other.csv", "s3://bkt/in/rows.csv"]
    with pytest.raises(UsageError, match="No S3 objects found"):
        run_transform_job(scripted_model(UPPER), job_request(), settings=SETTINGS)


def test_a_failed_job_is_a_result_that_says_why_and_nothing_changes_it(tmp_path: Path) -> None:
    result = run(tmp_path, b"good\n<b>bad</b>\n", {"BEHAVIOUR": "reject:bad:400:no"}, Accept=None)
    assert result.status is JobStatus.FAILED
    assert result.outputs == ()
    assert "record 2" in result.explain()
    assert not (tmp_path / "out").exists()
    with pytest.raises(FailedJobError, match="record 2"):
        result.raise_for_status()
    assert "<b>bad" not in result._repr_html_()
    assert "&lt;b&gt;bad" in result._repr_html_()
    with pytest.raises(FrozenInstanceError):
        result.status = JobStatus.COMPLETED  # type: ignore[misc]


def test_the_request_may_leave_out_what_only_the_service_needs(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(scripted_model(UPPER)))
    (tmp_path / "rows.csv").write_bytes(b"a\n")
    job = {
        "TransformInput": {"DataSource": {"S3DataSource": {"S3Uri": "s3://bkt/in/rows.csv"}}},
        "TransformOutput": {"S3OutputPath": "s3://bkt/out"},
    }
    given = json.dumps(job)
    result = run_transform_job(
        tmp_path / "model.json", job, put={tmp_path / "rows.csv": "s3://bkt/in/rows.csv"}, settings=SETTINGS
    )
    assert result.status is JobStatus.COMPLETED
    assert json.dumps(job) == given


def test_it_works_inside_a_running_loop_as_in_a_notebook(tmp_path: Path) -> None:
    async def cell() -> TransformJobResult:
        return run(tmp_path)

    assert asyncio.run(cell()).status is JobStatus.COMPLETED


def test_the_asynchronous_twin_runs_in_the_callers_loop_and_heeds_cancelling(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"a\n" * 3)
    put = {tmp_path / "rows.csv": "s3://bkt/in/rows.csv"}
    seen: list[object] = []

    async def whole() -> TransformJobResult:
        return await run_transform_job_async(
            scripted_model(UPPER), job_request(), put=put, settings=SETTINGS, sink=seen.append
        )

    async def cancelled() -> None:
        job = run_transform_job_async(
            scripted_model({"BEHAVIOUR": "sleep:30"}), job_request(), put=put, settings=SETTINGS
        )
        async with asyncio.timeout(3):
            await job

    assert asyncio.run(whole()).records == 3
    assert any(isinstance(event, ObjectCompleted) for event in seen)
    assert not any(isinstance(event, InvocationDone) for event in seen)
    with pytest.raises(TimeoutError):
        asyncio.run(cancelled())


def test_a_pipeline_is_started_once_for_any_number_of_records(tmp_path: Path) -> None:
    model = scripted_model(UPPER, {}, ledger=tmp_path)
    with PipelineModel(model, content_type="text/csv", settings=SETTINGS) as pipeline:
        assert [pipeline.invoke(record).body for record in (b"a", b"", b"b\n")] == [b"A", b"", b"B"]
    asked = [json.loads(line).get("path") for line in (tmp_path / "ledger-1").read_text().splitlines()]
    assert asked.count("/invocations") == 3
    with pytest.raises(RuntimeError, match="only inside"):
        pipeline.invoke(b"a")


def test_a_pipeline_in_a_loop_of_ones_own() -> None:
    async def ask() -> list[bytes]:
        async with AsyncPipelineModel(scripted_model(UPPER), settings=SETTINGS) as pipeline:
            answers = await asyncio.gather(*(pipeline.invoke(b"%d" % number) for number in range(5)))
            return [answer.body for answer in answers]

    assert asyncio.run(ask()) == [b"%d" % number for number in range(5)]


def test_a_record_that_is_refused_is_an_outcome() -> None:
    with PipelineModel(scripted_model({"BEHAVIOUR": "status:400:no"}), settings=SETTINGS) as pipeline:
        refused = pipeline.invoke(b"a")
    assert refused.status == 400
    assert "no" in refused.explanation


def test_a_pipeline_that_does_not_start_says_so_and_leaves_nothing() -> None:
    threads = threading.active_count()
    with (
        pytest.raises(JobError, match="No local command is known"),
        PipelineModel({"ModelName": "m", "PrimaryContainer": {"Image": "unknown:1"}}, settings=SETTINGS),
    ):
        pass  # pragma: no cover
    assert threading.active_count() == threads


def test_the_callers_process_is_as_before(tmp_path: Path) -> None:
    before = (
        dict(os.environ),
        [signal.getsignal(number) for number in (2, 15, 17)],
        asyncio.get_event_loop_policy(),
    )
    run(tmp_path)
    after = (
        dict(os.environ),
        [signal.getsignal(number) for number in (2, 15, 17)],
        asyncio.get_event_loop_policy(),
    )
    assert after == before


def test_an_interrupt_stops_the_job_and_its_containers(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"a\n" * 3)
    program = textwrap.dedent(f"""
        import signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell put us behind
        sys.path.insert(0, {str(Path(__file__).parents[1])!r})
        from harness import SCRIPTED, job_request, scripted_model
        from sagemaker_transform_emulator import InstanceReady, Settings, run_transform_job
        def sink(event):
            if isinstance(event, InstanceReady):
                print("ready", flush=True)
        try:
            run_transform_job(
                scripted_model({{"BEHAVIOUR": "sleep:60"}}), job_request(), sink=sink,
                put={{"rows.csv": "s3://bkt/in/rows.csv"}},
                settings=Settings(images=(SCRIPTED,), runtime="process"),
            )
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert process.wait(20) == 0
    runs = Path(os.environ["EMULATOR_STATE_DIR"]) / "runs"
    assert list(runs.iterdir()) == []


def test_no_repr_shows_a_secret() -> None:
    store = StoreAddress("http://127.0.0.1:9", "us-east-1", "key", "hunter2")
    assert "hunter2" not in repr(store)
    mapping = SCRIPTED.model_copy(update={"environment": {"TOKEN": "hunter2"}})
    assert "hunter2" not in repr(Settings(images=(mapping,), webhook="http://127.0.0.1/hunter2"))
