"""What a check found: the common form of `check`, `doctor` and `explain`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding matters. Only errors change the exit code."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation.

    `id` is stable, such as `ping-slow`. `seen` is what was observed, `consequence` what SageMaker would
    make of it, `remedy` what to do, `rule` the contract rules it rests on, `subject` the container, object
    or part of the machine it is about.
    """

    id: str
    severity: Severity
    subject: str
    seen: str
    consequence: str = ""
    remedy: str = ""
    rule: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a check may find: everything about a Finding that does not depend on the occasion."""

    id: str
    severity: Severity
    title: str
    consequence: str
    remedy: str
    rule: str = ""

    def found(
        self, subject: str, seen: str, *, severity: Severity | None = None, remedy: str = ""
    ) -> Finding:
        """A finding of this kind. `severity` and `remedy` replace the usual ones."""
        return Finding(
            self.id,
            severity or self.severity,
            subject,
            seen,
            self.consequence,
            remedy or self.remedy,
            self.rule,
        )


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any finding is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)
