"""Findings of `check`, `doctor` and `explain` on a terminal."""

from __future__ import annotations

from rich.text import Text

from sagemaker_transform_emulator.tools.findings import Finding, Severity

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def finding_lines(finding: Finding, note: str = "SageMaker") -> list[Text]:
    """The finding: what was seen, then what follows, introduced by `note`, and what to do."""
    first = Text("  ")
    first.append(f"{finding.severity} {finding.id}", style=_COLOURS[finding.severity])
    first.append(f"  {finding.subject}: {finding.seen}")
    lines = [first]
    if finding.consequence:
        lines.append(Text(f"    {note}: {finding.consequence}"))
    if finding.remedy:
        lines.append(Text(f"    remedy: {finding.remedy}"))
    return lines
