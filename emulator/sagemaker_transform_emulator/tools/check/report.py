"""What the checks found, container by container: values, and the same as JSON data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.findings import Finding, Severity, has_errors


@dataclass(frozen=True, slots=True)
class Result:
    """One check on one container. `not_run` says why it could not be carried out, "" when it was."""

    check: Check
    findings: tuple[Finding, ...]
    not_run: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ContainerReport:
    """One container.

    `ready_s` is None when it never became healthy; `sample` says where its records came from.
    """

    name: str
    image: str
    ready_s: float | None
    sample: str
    results: tuple[Result, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, in the order of the checks."""
        return tuple(finding for result in self.results for finding in result.findings)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything. `target` is what the user named."""

    target: str
    runtime: str
    containers: tuple[ContainerReport, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, container by container."""
        return tuple(finding for container in self.containers for finding in container.findings)

    @property
    def results(self) -> Iterator[tuple[ContainerReport, Result]]:
        """Every check of every container."""
        return ((container, result) for container in self.containers for result in container.results)

    @property
    def failed(self) -> bool:
        """Whether a container breaks its contract."""
        return has_errors(self.findings)

    def count(self, severity: Severity) -> int:
        """How many findings are of that severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON data."""
        return {
            "target": self.target,
            "runtime": self.runtime,
            "errors": self.count(Severity.ERROR),
            "warnings": self.count(Severity.WARNING),
            "notes": self.count(Severity.NOTE),
            "findings": [finding.as_dict() for finding in self.findings],
            "containers": [_container(container) for container in self.containers],
        }


def _container(container: ContainerReport) -> dict[str, Any]:
    return {
        "name": container.name,
        "image": container.image,
        "ready_s": container.ready_s,
        "sample": container.sample,
        "checks": [
            {
                "id": result.check.id,
                "group": result.check.group,
                "title": result.check.title,
                "outcome": outcome(result),
                "not_run": result.not_run,
                "seconds": round(result.seconds, 3),
                "findings": [finding.id for finding in result.findings],
            }
            for result in container.results
        ],
    }


def outcome(result: Result) -> str:
    """One of: passed, not run, error, warning, note; the worst of its findings."""
    if result.not_run:
        return "not run"
    severities = {finding.severity for finding in result.findings}
    return next((str(severity) for severity in Severity if severity in severities), "passed")
