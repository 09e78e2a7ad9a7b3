"""Every finding, provoked by a container with one fault; a container without faults has none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from checking import IMPATIENT, LETTERS, OPTIONS, check, hasty, ids, model

from sagemaker_transform_emulator.tools.check import catalogue
from sagemaker_transform_emulator.tools.check.samples import Sample
from sagemaker_transform_emulator.tools.check.values import Options, Patience
from sagemaker_transform_emulator.tools.findings import Severity


@dataclass(frozen=True)
class Case:
    """The fault, the finding, and the check to run; `also` are findings that come along."""

    fault: str
    finding: str
    check: str
    also: frozenset[str] = frozenset()
    patience: Patience = IMPATIENT
    options: Options = OPTIONS
    job: Mapping[str, Any] = field(default_factory=dict)


CASES = [
    Case("exit:3", "start-exited", "start"),
    Case("silent", "start-not-listening", "start", patience=hasty(start_s=1.0)),
    Case("other-port:0", "start-bind-port-ignored", "start"),
    Case("late:0.3", "start-slow", "start", patience=hasty(slow_start_s=0.2)),
    Case("ping-status:500", "ping-status", "ping-status", patience=hasty(start_s=1.0)),
    Case("ping-slow:1.5", "ping-slow", "ping-status", patience=hasty(start_s=1.0, ping_s=0.2)),
    Case("ping-status:200-500", "ping-unsteady", "ping"),
    Case("ping-body", "ping-body", "ping"),
    Case("early:3", "ping-early", "ping"),
    Case("first-slow:0.6", "first-invocation-slow", "ping"),
    Case("parameters-status", "parameters-failed", "parameters"),
    Case("parameters-html", "parameters-not-json", "parameters"),
    Case("parameters-range", "parameters-range", "parameters"),
    Case("parameters-unknown", "parameters-unknown", "parameters"),
    Case("parameters-product", "parameters-product", "parameters"),
    Case("refuse", "sample-refused", "invocations"),
    Case("need-content-type", "content-type-needed", "invocations"),
    Case("need-accept", "accept-needed", "invocations"),
    Case("refuse-any", "accept-any-refused", "invocations"),
    Case("refuse-charset", "charset-refused", "invocations"),
    Case("break-on-unknown-type", "unknown-type-blamed-on-itself", "invocations"),
    Case("other-type", "accept-ignored", "invocations"),
    Case("untyped", "answer-untyped", "invocations"),
    Case("charset", "answer-charset", "invocations"),
    Case("slow:1.5", "answer-late", "answers", patience=hasty(answer_s=0.2)),
    Case("slow:0.7", "answer-near-deadline", "answers",
         job={"ModelClientConfig": {"InvocationsTimeoutInSeconds": 1}}),
    Case("cut", "answer-broken", "answers", patience=hasty(early_s=0.2)),
    Case("undelimited", "answer-undelimited", "invocations"),
    Case("overlong", "answer-overlong", "invocations"),
    Case("close", "connection-not-kept", "invocations"),
    Case("no-chunks", "chunked-refused", "invocations"),
    Case("break-on-empty", "empty-body-fails", "invocations"),
    Case("break-on-blank", "blank-line-fails", "invocations"),
    Case("break-on-rubbish", "bad-record-blamed-on-itself", "invocations"),
    Case("final-newline", "final-newline-matters", "invocations"),
    Case("crlf", "crlf-matters", "invocations"),
    Case("one-at-a-time", "several-records-refused", "invocations"),
    Case("first-only", "records-lost", "invocations"),
    Case("shuffle", "records-differ", "invocations"),
    Case("two-lines", "answer-has-several-lines", "invocations"),
    Case("trailing-newline", "answer-ends-in-newline", "invocations"),
    Case("moody", "answers-change", "load"),
    Case("limit", "payload-limit", "load"),
    Case("one-client", "concurrent-requests-fail", "concurrency"),
    Case("mix", "concurrent-answers-differ", "concurrency"),
    Case("leak:100000", "memory-grows", "load"),
    Case("write", "writes-model", "files"),
    Case("die-on-rubbish", "container-died", "invocations", also=frozenset({"bad-record-blamed-on-itself"})),
    Case("deaf", "sigterm-ignored", "stop", patience=hasty(stop_s=0.3)),
]  # fmt: skip
IN_PIPELINES = {"pipeline-answer-refused", "pipeline-payload-refused", "pipeline-payload-large"}
WITH_DOCKER = {
    "start-refused", "start-other-port", "start-loopback-only", "start-label-missing", "isolation-fails",
    "writes-elsewhere", "strict-fails",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.finding}-{case.check}")
def test_a_fault_gives_its_finding_and_no_other(case: Case) -> None:
    report = check(model(case.fault), case.check, patience=case.patience, options=case.options, **case.job)
    assert set(ids(report)) == {case.finding} | case.also
    found = next(finding for finding in report.findings if finding.id == case.finding)
    kind = catalogue.KINDS[case.finding]
    assert found.subject == "container-1"
    assert found.seen
    assert (found.consequence, found.rule) == (kind.consequence, kind.rule)


@pytest.mark.parametrize("fault", ["fill:100000-300", "fill:60000-1500"])
def test_memory_that_fills_and_levels_off_is_no_leak(fault: str) -> None:
    assert ids(check(model(fault), "memory")) == []


def test_a_leak_is_told_with_what_was_measured() -> None:
    (found,) = check(model("leak:100000"), "memory").findings
    levels = re.fullmatch(
        r"resident memory: (\d+\.\d) MiB after [\d,]+, .*, (\d+\.\d) MiB after [\d,]+ records: "
        r"([\d,]+) bytes a record",
        found.seen,
    )
    assert levels, found.seen
    assert float(levels[2]) - float(levels[1]) > 30
    assert 80_000 < int(levels[3].replace(",", "")) < 120_000


def test_a_container_without_faults_has_none() -> None:
    report = check(model())
    assert ids(report) == []
    left_out = {result.check.id: result.not_run for _, result in report.results if result.not_run}
    assert left_out == {
        "label": "the process runtime starts commands, which carry no labels",
        "pipeline-fit": "no container comes before it",
        "pipeline-payload": "no container comes before it",
        "files": "only a Docker engine keeps account of files",
        "isolation": "the model does not ask for EnableNetworkIsolation, and --isolated is not given",
        "strict": "only a Docker engine can take rights from a container",
    }


def test_changing_answers_are_not_taken_for_other_faults() -> None:
    report = check(model("moody"))
    assert ids(report) == ["answers-change"]
    reasons = {result.check.id for _, result in report.results if "determinism" in result.not_run}
    assert reasons == {"chunked", "final-newline", "crlf", "several-records", "concurrency"}


def test_what_needs_a_healthy_container_is_reported_as_not_run() -> None:
    report = check(model("exit:3"))
    assert ids(report) == ["start-exited"]
    reasons = {result.not_run for _, result in report.results if result.check.needs_health}
    assert reasons == {"the container never became healthy"}


def test_without_a_sample_the_rest_is_still_checked() -> None:
    report = check(model("ping-body"), "ping", "invocations", "stop", sample=None)
    assert ids(report) == ["ping-body"]
    reasons = {result.not_run for _, result in report.results if result.check.group == "invocations"}
    assert len(reasons) == 1
    assert "no record is known that this container takes" in reasons.pop()


def test_a_refused_sample_is_one_finding_and_a_reason() -> None:
    report = check(model("refuse"), "invocations", "load")
    assert ids(report) == ["sample-refused"] * len(LETTERS.records)
    assert report.failed
    reason = next(result.not_run for _, result in report.results if result.check.id == "determinism")
    assert reason == "the container refuses the sample: status 400 (b'no, thank you')"


def test_the_end_of_a_container_names_the_check_and_stops_the_others() -> None:
    report = check(model("die-on-rubbish"), "invocations", "load")
    died = next(finding for finding in report.findings if finding.id == "container-died")
    assert died.seen.startswith("it exited with code 7, at the check bad-record or soon after")
    later = [result.not_run for _, result in report.results if result.check.group == "load"]
    assert set(later) == {"the container has ended"}


def test_the_port_it_listens_on_instead_is_named() -> None:
    report = check(model("other-port:0"), "start")
    assert re.match(r"it listens on 127\.0\.0\.1:\d+ instead of port \d+", report.findings[0].seen)


def test_the_largest_payload_is_found_by_bisection() -> None:
    report = check(model("limit"), "load")
    largest = int(report.findings[0].seen.rpartition("about ")[2].split(" ")[0].replace(",", ""))
    assert 0.45 * 2**20 < largest <= 0.5 * 2**20


def test_single_record_jobs_hear_of_batching_in_a_note() -> None:
    report = check(model("first-only"), "invocations", BatchStrategy="SingleRecord")
    assert [(finding.id, finding.severity) for finding in report.findings] == [
        ("records-lost", Severity.NOTE)
    ]


def test_a_job_that_sends_chunked_needs_it() -> None:
    report = check(model("no-chunks"), "invocations", MaxPayloadInMB=0)
    assert [(finding.id, finding.severity) for finding in report.findings] == [
        ("chunked-refused", Severity.ERROR)
    ]


@pytest.mark.rule("R4.39", "R4.41")
def test_a_pipeline_gives_each_container_the_answers_of_the_one_before() -> None:
    report = check(model("", ""))
    assert ids(report) == []
    second = report.containers[1]
    assert second.sample == "the answers of container-1"
    assert not any(result.not_run for result in second.results if result.check.group == "pipeline")


@pytest.mark.rule("R4.41")
def test_the_content_type_of_one_container_is_held_against_the_next() -> None:
    report = check(model("charset", "refuse-charset"), "pipeline", "invocations")
    found = next(finding for finding in report.findings if finding.id == "pipeline-answer-refused")
    assert found.subject == "container-2"
    assert found.seen == ("b'A,B' with Content-Type text/csv; charset=utf-8: status 415 (b'no, thank you')")
    assert "sample-refused" not in ids(report)


def test_a_payload_that_grows_on_its_way_is_held_against_the_next() -> None:
    report = check(model("", "limit"), "pipeline", "payload-limit")
    assert ids(report) == ["pipeline-payload-refused"]


@pytest.mark.rule("R4.43")
def test_more_than_endpoints_allow_between_containers_is_a_note() -> None:
    report = check(model("grow:8", ""), "pipeline", "payload-limit")
    assert ids(report) == ["pipeline-payload-large"]


def test_the_check_of_the_container_after_a_broken_one_says_why_it_is_not_run() -> None:
    report = check(model("fail", ""), "pipeline", "invocations", patience=hasty(early_s=0.1))
    fit = next(
        result for container, result in report.results
        if container.name == "container-2" and result.check.id == "pipeline-fit"
    )  # fmt: skip
    assert fit.not_run == "the container before it gave no answer"


def test_records_that_are_no_lines_are_sent_as_they_are() -> None:
    image = Sample((b"a,b\nc,d",), "text/csv", "the test", is_lines=False)
    report = check(model(), "invocations", sample=image)
    assert ids(report) == []
    reasons = {result.check.id for _, result in report.results if "are not lines" in result.not_run}
    assert reasons == {"blank-line", "final-newline", "crlf", "several-records", "trailing-newline"}


def test_every_kind_of_finding_is_provoked_somewhere() -> None:
    provoked = {case.finding for case in CASES} | IN_PIPELINES | WITH_DOCKER
    assert provoked == set(catalogue.KINDS)
