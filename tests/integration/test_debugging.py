"""From a failed job to its cause: faults on demand, diagnosis, trace, replay, explain, tune."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness import ROOT, Bench, job_request, scripted_model
from typer.testing import CliRunner

from sagemaker_transform_emulator.cli import app
from sagemaker_transform_emulator.jobs.diagnosis import diagnose
from sagemaker_transform_emulator.jobs.events import ObjectFailed
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.sagemaker.requests import (
    BatchStrategy,
    ExecutionParameters,
    JobStatus,
    TransformJob,
)
from sagemaker_transform_emulator.tools.explain import explain
from sagemaker_transform_emulator.trace.recorder import Recorder, RecordPolicy
from sagemaker_transform_emulator.trace.render import curl_of, pytest_of, story_of
from sagemaker_transform_emulator.trace.store import Filter, TraceReader, trace_path

SINGLE = BatchStrategy.SINGLE_RECORD


@pytest.fixture
def shell(jobs: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Commands run against the bench's store with scripted images, in an empty folder."""
    mapping = jobs.settings.images[0]
    (tmp_path / "emulator.toml").write_text(
        f'runtime = "process"\n[[images]]\nmatch = "scripted*"\ncommand = {list(mapping.command)}\n'
        f'directory = "{mapping.directory}"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", str(jobs.address.endpoint_url))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return CliRunner()


def with_faults(jobs: Bench, *faults: str) -> Bench:
    jobs.settings = jobs.settings.changed(faults=faults)
    return jobs


@pytest.mark.parametrize(
    ("fault", "reason", "requests"),
    [
        ("record=2 status=500 body=boom", "AlgorithmError: See job logs for more information", 1),
        ("record=2 status=400", "ClientError: See job logs for more information", 1),
        ("record=2 timeout", "AlgorithmError: See job logs for more information", 1),
        ("record=2 reset", "AlgorithmError: See job logs for more information", 1),
        ("record=2 kill", "AlgorithmError: See job logs for more information", 1),
    ],
)
def test_a_fault_meets_its_record_and_no_other(jobs: Bench, fault: str, reason: str, requests: int) -> None:
    jobs.put("in/a.csv", b"1\n2\n3\n")
    config = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 1}
    run = with_faults(jobs, fault).run(ModelClientConfig=config)
    assert run.status is JobStatus.FAILED
    assert run.failure_reason == reason
    assert len(jobs.ledger()) == requests
    assert "record 2 (bytes 2 to 3)" in str(run.error)


def test_a_fault_of_the_first_attempt_is_overcome(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"1\n2\n")
    run = with_faults(jobs, "record=2 attempt=1 reset", "record=1 delay=0.01").run()
    assert run.status is JobStatus.COMPLETED
    assert run.progress.retries == 1


def test_the_diagnosis_names_record_container_bytes_and_cause(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"1\n2\n")
    run = jobs.run(
        {"RESPONSE_CONTENT_TYPE": "text/csv; charset=utf-8"},
        {"BEHAVIOUR": "echo_if_content_type:text/csv", "BEHAVIOUR_ELSE": "status:415:no"},
    )
    [failure] = [event for event in jobs.events if isinstance(event, ObjectFailed)]
    told = diagnose(failure, run.recent_lines)
    assert told.object == "s3://bkt/in/a.csv"
    assert told.where == "record 1 (bytes 0 to 1)"
    assert told.container == "container-2 (of container-1 → container-2)"
    assert told.outcome == "status 415: b'no'"
    assert "handed on verbatim" in told.cause
    assert "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT" in told.remedy


@pytest.mark.parametrize(
    ("body", "behaviour", "job", "cause"),
    [
        (b"name,size\n1,2\n", "status:400:nonsense", {}, "header row"),
        (b"1,,2\n", "status:400:nonsense", {}, "empty value"),
        (b"1\n", "status:413:too big", {}, "own limit"),
        (
            b"{}\n{}\n",
            "status:400:Extra data: line 2",
            {"BatchStrategy": "MultiRecord"},
            "several JSON lines",
        ),
        (b"1\n", "close", {}, "without an answer"),
        (b"1,2\n\n", "status:400:unparsable", {"BatchStrategy": "MultiRecord"}, "empty line"),
        (b'{"a": 1}\n', "status:400:unparsable", {}, "is JSON, but is sent as text/csv"),
        (b"1;2;3\n", "status:400:unparsable", {}, "another delimiter"),
        (b"1,2\n", "status:400:Feature shape mismatch, expected: 7, got 2", {}, "number of columns"),
        (
            b"1\n",
            "sleep:5",
            {"ModelClientConfig": {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}},
            "slow rather than dead",
        ),
    ],
)
def test_likely_causes(jobs: Bench, body: bytes, behaviour: str, job: dict[str, Any], cause: str) -> None:
    jobs.put("in/a.csv", body)
    run = jobs.run({"BEHAVIOUR": behaviour}, **job)
    assert cause in diagnose(run.failed[0], run.recent_lines).cause


def record(jobs: Bench, path: Path, mode: str, *containers: dict[str, str]) -> TraceReader:
    recorder = Recorder(path, replace(RecordPolicy(), mode=mode), {"model": {}, "job": {}})  # type: ignore[arg-type]
    run_jobs_events = jobs.events
    jobs.run(*containers)
    for event in run_jobs_events:
        recorder(event)
    recorder.close()
    return TraceReader(path)


def test_the_trace_keeps_failures_with_every_hop(jobs: Bench, tmp_path: Path) -> None:
    jobs.put("in/a.csv", b"ok\nBAD\n")
    reader = record(jobs, tmp_path / "t.sqlite", "errors", {}, {"BEHAVIOUR": "reject:BAD:400:no such thing"})
    assert reader.count() == (1, 1)
    [found] = reader.find(Filter(record=2))
    assert [hop.status for hop in found.hops] == [200, 400]
    assert found.hops[1].request_body == b"BAD\n"
    assert found.hops[1].answer_body == b"no such thing"
    assert list(reader.find(Filter(contains=b"no such"))) == [found]
    assert list(reader.find(Filter(status=500))) == []
    assert list(reader.find(Filter(container="container-2", failed=True))) == [found]
    assert "^^ this is where it went wrong" in story_of(found)
    assert "printf 'BAD\\012' | curl" in curl_of(found, {})
    compile(pytest_of(found, "model.json", job_request()), "test.py", "exec")
    reader.close()


def test_an_absent_trace_is_one_message(shell: CliRunner) -> None:
    result = shell.invoke(app, ["trace", "nobody"])
    assert "There is no trace at" in str(result.exception)


def test_run_trace_replay(shell: CliRunner, jobs: Bench, tmp_path: Path) -> None:
    jobs.put("in/a.csv", b"ok\nBAD\n")
    model = scripted_model({"BEHAVIOUR": "reject:BAD:500:boom"}, ledger=tmp_path)
    (tmp_path / "m.json").write_text(json.dumps(model))
    (tmp_path / "j.json").write_text(json.dumps(job_request(TransformJobName="traced")))
    ran = shell.invoke(app, ["run", "--model", "m.json", "--job", "j.json", "--trace", "all", "--quiet"])
    assert ran.exit_code == 1
    assert "emulator trace traced --record 2" in ran.stderr
    assert TraceReader(trace_path("traced")).count() == (2, 1)
    listed = json.loads(shell.invoke(app, ["trace", "traced", "--json"]).stdout)
    assert [item["where"] for item in listed] == ["record 1 (bytes 0 to 2)", "record 2 (bytes 3 to 6)"]
    again = shell.invoke(app, ["replay", "traced", "--record", "2"])
    assert again.exit_code == 1
    assert "unchanged: the same status and the same bytes" in again.stdout
    changed = shell.invoke(
        app, ["replay", "traced", "--record", "2", "--env", "BEHAVIOUR=echo", "--keep", "2"]
    )
    assert changed.exit_code == 0, changed.output
    assert "changed: status 500 → 200" in changed.stdout


def test_explain_counts_and_doubts(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"name,size\n1,2\n\n3,4")
    jobs.put("in/b.csv.out", b'"x,\n1,2\r\n')
    jobs.put("out/a.csv.out", b"old")
    request = job_request(InstanceCount=2)
    job = TransformJob.from_request(request)
    answer = run_loop(explain(request, job, jobs.storage, ExecutionParameters(1, SINGLE, 6)))
    first, second = answer.objects
    assert (first.records, first.payloads, first.largest_record, first.instance) == (4, 4, 10, 0)
    assert (second.output, second.instance) == ("s3://bkt/out/b.csv.out.out", 1)
    assert {finding.id for finding in answer.findings} == {
        "blank-lines", "carriage-returns", "header-row", "no-final-newline", "output-as-input",
        "output-exists", "quoted-newline", "ragged-rows",
    }  # fmt: skip


def test_explain_names_the_record_above_the_limit(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"1\n" + b"x" * 1_048_577)
    request = job_request()
    job = TransformJob.from_request(request)
    answer = run_loop(explain(request, job, jobs.storage, ExecutionParameters(1, SINGLE, 1)))
    [finding] = [item for item in answer.findings if item.id == "object-fails"]
    assert "Record 2 (at byte 2)" in finding.seen


def test_tune_finds_what_is_wrong_and_what_is_right(shell: CliRunner, jobs: Bench, tmp_path: Path) -> None:
    jobs.put("in/a.csv", b"".join(b"%d\n" % number for number in range(50)))
    (tmp_path / "m.json").write_text(json.dumps(scripted_model({"BEHAVIOUR": "first_line_only"}, {})))
    (tmp_path / "j.json").write_text(json.dumps(job_request(AssembleWith="Line")))
    result = shell.invoke(
        app,
        [
            "tune",
            "--model",
            "m.json",
            "--job",
            "j.json",
            "--payloads",
            "1",
            "--concurrent",
            "1,2",
            "--seconds",
            "0",
            "--json",
        ],
    )
    trials = json.loads(result.stdout)
    assert [(trial["BatchStrategy"], trial["correct"]) for trial in trials] == [
        ("SingleRecord", True), ("SingleRecord", True), ("MultiRecord", False), ("MultiRecord", False),
    ]  # fmt: skip
    assert trials[-1]["why"] == "1 records out instead of 50"


@pytest.mark.rule("R3.1")
def test_tune_filters_and_joins_and_names_too_little_input(
    shell: CliRunner, jobs: Bench, tmp_path: Path
) -> None:
    jobs.put("in/a.csv", b"".join(b"id%d,%d,1\n" % (number, number) for number in range(20)))
    (tmp_path / "m.json").write_text(json.dumps(scripted_model({"BEHAVIOUR": "lines:sum"})))
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input"}
    (tmp_path / "j.json").write_text(json.dumps(job_request(AssembleWith="Line", DataProcessing=processing)))
    command = ["tune", "--model", "m.json", "--job", "j.json", "--payloads", "1", "--concurrent", "1"]
    trials = json.loads(shell.invoke(app, [*command, "--seconds", "0.1", "--json"]).stdout)
    assert [
        (trial["BatchStrategy"], trial["correct"], trial["enough_input"], trial["best"]) for trial in trials
    ] == [("SingleRecord", True, True, True), ("MultiRecord", True, False, False)]
    for trial in trials:
        assert 0 < trial["slowest"] <= trial["records_per_second"] <= trial["fastest"]
    told = shell.invoke(app, [*command, "--seconds", "0"]).stdout
    assert "best: --set BatchStrategy=SingleRecord" in told
    assert "too little input to judge 1 of 2 combinations: 20 records" in told


FRAGILE = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from containers.serving import bind_host, bind_port


class Fragile(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body.count(b"\\n") > 1:
            os._exit(3)
        self.answer(body)

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer((bind_host(), bind_port()), Fragile).serve_forever()
"""


def test_tune_goes_on_after_a_combination_that_ends_the_container(
    shell: CliRunner, jobs: Bench, tmp_path: Path
) -> None:
    jobs.put("in/a.csv", b"".join(b"%d\n" % number for number in range(10)))
    (tmp_path / "fragile.py").write_text(FRAGILE)
    (tmp_path / "emulator.toml").write_text(
        'runtime = "process"\n[[images]]\nmatch = "fragile"\n'
        f'command = ["{{python}}", "{tmp_path / "fragile.py"}"]\nenvironment = {{PYTHONPATH = "{ROOT}"}}\n'
    )
    (tmp_path / "m.json").write_text(json.dumps({"ModelName": "m", "PrimaryContainer": {"Image": "fragile"}}))
    (tmp_path / "j.json").write_text(json.dumps(job_request(ModelClientConfig={"InvocationsMaxRetries": 0})))
    result = shell.invoke(
        app,
        ["tune", "--model", "m.json", "--job", "j.json", "--concurrent", "1,2", "--payloads", "1,6",
         "--seconds", "0", "--json"],
    )  # fmt: skip
    trials = json.loads(result.stdout)
    assert [(trial["BatchStrategy"], trial["correct"]) for trial in trials] == [
        ("SingleRecord", True), ("SingleRecord", True), *[("MultiRecord", False)] * 4,
    ]  # fmt: skip
    assert all("exited with code 3" in trial["why"] for trial in trials[2:]), trials
    assert all(trial["records_per_second"] > 0 for trial in trials[:2])


def test_a_join_that_fails_is_traced_diagnosed_and_replayed(
    shell: CliRunner, jobs: Bench, tmp_path: Path
) -> None:
    jobs.put("in/a.csv", b"a,1\nb,2\n")
    (tmp_path / "m.json").write_text(json.dumps(scripted_model({"BEHAVIOUR": "first_line_only"})))
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input"}
    request = job_request(
        TransformJobName="joined", AssembleWith="Line", BatchStrategy="MultiRecord", DataProcessing=processing
    )
    (tmp_path / "j.json").write_text(json.dumps(request))
    for mode in ("all", "errors"):
        ran = shell.invoke(app, ["run", "--model", "m.json", "--job", "j.json", "--trace", mode, "--quiet"])
        assert ran.exit_code == 1
        assert "2 records were sent, 1 came back" in ran.stderr
        assert "does not fit the job's DataProcessing" in ran.stderr
        assert TraceReader(trace_path("joined")).count() == (1, 1)
    again = shell.invoke(app, ["replay", "joined", "--record", "2"])
    assert again.exit_code == 1
    assert "records 1 to 2 (bytes 0 to 7): 4 bytes sent" in again.stdout
    assert "unchanged: the same status and the same bytes" in again.stdout
    alone = shell.invoke(app, ["replay", "joined", "--record", "2", "--set", "BatchStrategy=SingleRecord"])
    assert alone.exit_code == 0, alone.output
    assert "record 2 (bytes 4 to 7): 2 bytes sent" in alone.stdout
    assert "output: b'b,2,2\\n'" in alone.stdout
    filtered = shell.invoke(app, ["replay", "joined", "--record", "2", "--set", "InputFilter=$[5]"])
    assert "Record 1 (at byte 0): " in str(filtered.exception)


def test_replay_reads_what_the_trace_does_not_hold(shell: CliRunner, jobs: Bench, tmp_path: Path) -> None:
    body = b"".join(b"%07d,%d\n" % (number, number % 7) for number in range(150_000))  # 1.5 MB
    jobs.put("in/a.csv", body)
    (tmp_path / "m.json").write_text(json.dumps(scripted_model({"BEHAVIOUR": "count"})))
    request = job_request(TransformJobName="large", BatchStrategy="MultiRecord", MaxPayloadInMB=0)
    (tmp_path / "j.json").write_text(json.dumps(request))
    shell.invoke(app, ["run", "--model", "m.json", "--job", "j.json", "--trace", "all", "--quiet"])
    again = shell.invoke(app, ["replay", "large", "--record", "140000"])
    assert f"records 1 to 150000 (bytes 0 to {len(body) - 1}): {len(body)} bytes sent" in again.stdout
    assert "unchanged" in again.stdout
    printed = shell.invoke(app, ["trace", "large", "--pytest"])
    assert "The trace does not hold all" in str(printed.exception)
    jobs.put("in/a.csv", b"1,2\n" * 3)
    other = shell.invoke(app, ["replay", "large", "--record", "3"])
    assert "note: the object is another one now; the job sent records 1 to 150000" in other.stdout
    jobs.storage.client.delete_object(Bucket="bkt", Key="in/a.csv")
    gone = shell.invoke(app, ["replay", "large", "--record", "3"])
    assert "Record 3 has to be read again" in str(gone.exception)


@pytest.mark.rule("R3.1")
def test_explain_shows_payloads_after_the_filter(shell: CliRunner, jobs: Bench, tmp_path: Path) -> None:
    jobs.put("in/a.csv", b"id1,1,2\r\nid2,3,4")
    jobs.put("in/b.csv", b"id1,1,2\n\n")
    jobs.put("in/c.csv", b"")
    request = job_request(BatchStrategy="MultiRecord", DataProcessing={"InputFilter": "$[1:]"})
    (tmp_path / "j.json").write_text(json.dumps(request))
    first, second, third = json.loads(shell.invoke(app, ["explain", "--job", "j.json", "--json"]).stdout)[
        "objects"
    ]
    assert (first["first_payload"], first["sent"], first["largest_payload"]) == ("1,2\n3,4\n", 8, 8)
    assert (second["payloads"], "the line is blank" in second["error"]) == (0, True)
    assert (third["payloads"], third["error"]) == (0, "")
    told = shell.invoke(app, ["explain", "--job", "j.json"]).stdout
    assert "1 payload, 8 bytes in all, largest 8; the first: b'1,2\\n3,4\\n'" in told
    assert "nothing is sent" in told
    assert "the InputFilter adds one" in " ".join(told.split())


def test_traces_of_other_versions_are_refused(shell: CliRunner) -> None:
    path = trace_path("old")
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE meta (name TEXT, value TEXT)")
    result = shell.invoke(app, ["trace", "old"])
    assert "written by another version of the emulator" in str(result.exception)
    path.write_bytes(b"no database at all" * 100)
    result = shell.invoke(app, ["trace", "old"])
    assert "is no trace" in str(result.exception)
