"""A report as JUnit XML and as SARIF, for continuous integration. Pure."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from sagemaker_transform_emulator.tools.check.catalogue import KINDS
from sagemaker_transform_emulator.tools.check.report import ContainerReport, Report, Result
from sagemaker_transform_emulator.tools.findings import Finding, Severity

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def junit(report: Report) -> str:
    """One test suite for each container, one test case for each check; only errors are failures."""
    root = ET.Element("testsuites", name=_clean(f"emulator check {report.target}"))
    for container in report.containers:
        results = container.results
        suite = ET.SubElement(
            root,
            "testsuite",
            name=_clean(container.name),
            tests=str(len(results)),
            failures=str(sum(_failed(result) for result in results)),
            errors="0",
            skipped=str(sum(bool(result.not_run) for result in results)),
            time=f"{sum(result.seconds for result in results):.3f}",
        )
        for result in results:
            _case(suite, container, result)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def sarif(report: Report, version: str) -> dict[str, Any]:
    """SARIF 2.1.0: one rule for each kind that was found, one result for each finding."""
    found = list(dict.fromkeys(finding.id for finding in report.findings))
    return {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "sagemaker-transform-emulator",
                        "version": version,
                        "rules": [_rule(name) for name in found],
                    }
                },
                "results": [
                    _result(finding, found.index(finding.id), report.target) for finding in report.findings
                ],
            }
        ],
    }


def finding_text(finding: Finding) -> str:
    """The finding in a few lines of plain text."""
    lines = [f"{finding.subject}: {finding.seen}"]
    lines += [f"SageMaker: {finding.consequence}"] if finding.consequence else []
    lines += [f"remedy: {finding.remedy}"] if finding.remedy else []
    lines += [f"rule: {finding.rule}"] if finding.rule else []
    return "\n".join(lines)


def _case(suite: ET.Element, container: ContainerReport, result: Result) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_clean(f"{container.name}.{result.check.group}"),
        name=result.check.id,
        time=f"{result.seconds:.3f}",
    )
    if result.not_run:
        ET.SubElement(case, "skipped", message=_clean(result.not_run))
    errors = [finding for finding in result.findings if finding.severity is Severity.ERROR]
    others = [finding for finding in result.findings if finding.severity is not Severity.ERROR]
    if errors:
        names = ", ".join(finding.id for finding in errors)
        failure = ET.SubElement(case, "failure", type=names, message=_clean(errors[0].seen))
        failure.text = _clean("\n\n".join(map(finding_text, errors)))
    if others:
        out = ET.SubElement(case, "system-out")
        out.text = _clean(
            "\n\n".join(f"{finding.severity} {finding.id}: {finding_text(finding)}" for finding in others)
        )


def _failed(result: Result) -> bool:
    return any(finding.severity is Severity.ERROR for finding in result.findings)


def _rule(name: str) -> dict[str, Any]:
    kind = KINDS[name]
    return {
        "id": kind.id,
        "shortDescription": {"text": kind.title},
        "fullDescription": {"text": f"{kind.title}. In SageMaker: {kind.consequence}"},
        "help": {"text": kind.remedy},
        "defaultConfiguration": {"level": str(kind.severity)},
        "properties": {"rule": kind.rule},
    }


def _result(finding: Finding, index: int, target: str) -> dict[str, Any]:
    return {
        "ruleId": finding.id,
        "ruleIndex": index,
        "level": str(finding.severity),
        "message": {"text": finding_text(finding)},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": target}},
                "logicalLocations": [{"name": finding.subject, "kind": "container"}],
            }
        ],
    }


def _clean(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
