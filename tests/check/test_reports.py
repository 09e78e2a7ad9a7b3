"""What comes of findings: JSON, JUnit and SARIF, and the page that lists them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.tools.check.catalogue import CHECKS, GROUPS, KINDS, chosen
from sagemaker_transform_emulator.tools.check.document import document
from sagemaker_transform_emulator.tools.check.formats import junit, sarif
from sagemaker_transform_emulator.tools.check.report import ContainerReport, Report, Result
from sagemaker_transform_emulator.tools.findings import Severity

ROOT = Path(__file__).resolve().parents[2]
BY_ID = {check.id: check for check in CHECKS}


def report(seen: str = "seen", not_run: str = "no engine") -> Report:
    body, lost = KINDS["ping-body"].found("c1", seen), KINDS["records-lost"].found("c1", seen)
    results = (
        Result(BY_ID["start"], (), "", 0.1),
        Result(BY_ID["label"], (), not_run, 0.0),
        Result(BY_ID["ping-steadiness"], (body,), "", 0.2),
        Result(BY_ID["several-records"], (lost,), "", 0.3),
    )
    return Report("model.json", "process", (ContainerReport("c1", "img", 1.0, "the test", results),))


def test_json_has_counts_findings_and_the_outcome_of_every_check() -> None:
    plain = json.loads(json.dumps(report().as_dict()))
    assert (plain["errors"], plain["warnings"], plain["notes"]) == (1, 0, 1)
    assert [finding["id"] for finding in plain["findings"]] == ["ping-body", "records-lost"]
    assert {each["id"]: each["outcome"] for each in plain["containers"][0]["checks"]} == {
        "start": "passed", "label": "not run", "ping-steadiness": "note", "several-records": "error",
    }  # fmt: skip


def test_junit_counts_errors_as_failures_and_keeps_the_rest() -> None:
    suite = ET.fromstring(junit(report())).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "1")
    cases = {case.get("name"): case for case in suite}
    failure = cases["several-records"].find("failure")
    assert failure is not None
    assert failure.get("type") == "records-lost"
    assert "remedy: answer one line for each record" in (failure.text or "")
    skipped = cases["label"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "no engine"
    assert "note ping-body" in (cases["ping-steadiness"].findtext("system-out") or "")
    assert len(cases["start"]) == 0


@given(st.text() | st.text("\0\x08\x0b\x1f\t\n\r<&>\"'\x7f\x85\ufffe\uffff]]>"))
def test_junit_is_xml_whatever_a_container_says(text: str) -> None:
    suite = ET.fromstring(junit(report(seen=text, not_run=text or "-"))).find("testsuite")
    assert suite is not None
    skipped = suite.find("testcase[@name='label']/skipped")
    assert skipped is not None
    # what XML 1.0 cannot hold is shown as U+FFFD, the rest as it is
    shown = "".join(char if char in "\t\n\r" or char >= " " else "\ufffd" for char in text or "-")
    assert skipped.get("message") == shown.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def test_sarif_names_a_rule_for_each_finding() -> None:
    run = json.loads(json.dumps(sarif(report(), "1.0")))["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("ping-body", "note"), ("records-lost", "error"),
    ]  # fmt: skip
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    location = run["results"][0]["locations"][0]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "model.json"
    assert location["logicalLocations"][0]["name"] == "c1"


def test_only_takes_groups_and_checks() -> None:
    assert chosen(["ping", "crlf"]) == {"ping-status", "ping-steadiness", "ping-meaning", "crlf"}
    assert chosen([]) == {check.id for check in CHECKS}
    with pytest.raises(UsageError, match="neither a group nor a check") as caught:
        chosen(["pong"])
    assert all(group in caught.value.remedy for group in GROUPS)


def test_ids_are_unique_and_errors_say_what_to_do() -> None:
    assert len(BY_ID) == len(CHECKS)
    kinds = [kind for check in CHECKS for kind in check.kinds]
    assert len({id(kind) for kind in kinds}) == len(KINDS)
    for kind in kinds:
        assert kind.consequence, kind.id
        assert kind.remedy, kind.id
        assert kind.rule.startswith("R"), kind.id
        assert kind.severity in Severity


def test_the_page_of_checks_is_up_to_date() -> None:
    assert (ROOT / "docs" / "checks.md").read_text() == document(), "run: python tools/checks.py"
