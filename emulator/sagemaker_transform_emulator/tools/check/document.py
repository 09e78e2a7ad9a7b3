"""docs/checks.md: every check and every finding, from the tables that the checks themselves use."""

from __future__ import annotations

from collections.abc import Iterable

from sagemaker_transform_emulator.tools.check.catalogue import CHECKS, GROUPS
from sagemaker_transform_emulator.tools.doctor import GROUPS as DOCTOR_GROUPS
from sagemaker_transform_emulator.tools.doctor import KINDS as DOCTOR_KINDS
from sagemaker_transform_emulator.tools.findings import Kind

_HEAD = """# Checks

What `emulator check` proves of a container, and what `emulator doctor` looks at on this machine. Made by
`python tools/checks.py` from the code; a test holds this page against it.

`emulator check IMAGE | MODEL.json | DIRECTORY` starts each container once (some checks start it again) and
carries out the checks below in this order. A DIRECTORY holds `model.json`, and optionally `job.json` and
records in `records`, `records.*`, `records/` or `input/`. Records come from `--record`, `--records`, the
directory, or are made for SparkML (from its schema) and XGBoost (from its model). In a pipeline a container
gets the answers of the one before it. `--only` takes a group or a check. A check that cannot be carried out
is reported as not run, with the reason. The exit code is 4 when there is an error.

Some findings matter less than the tables say: what concerns several records in a body is a note where
SINGLE_RECORD is in force, failures of concurrent requests are warnings where MaxConcurrentTransforms is 1.
"""
_DOCTOR = """## `emulator doctor`

`--fix` does what is safe: it fetches missing jars and removes what killed runs left. The exit code is 3 when
there is an error.
"""
_TITLES = {
    "start": "Start",
    "ping": "GET /ping",
    "parameters": "GET /execution-parameters",
    "pipeline": "Pipelines",
    "invocations": "POST /invocations",
    "load": "Many and large",
    "files": "Files",
    "stop": "Stop",
    "isolation": "Network isolation",
}


def document() -> str:
    """The page."""
    parts = [_HEAD]
    for group in GROUPS:
        parts.append(f"## {_TITLES[group]} (`--only {group}`)\n")
        for check in CHECKS:
            if check.group == group:
                parts.append(f"### `{check.id}`\n\n{check.title}.\n")
                parts.append(_table(check.kinds))
    parts.append(_DOCTOR)
    for group, ids in DOCTOR_GROUPS.items():
        parts.append(f"### {group}\n")
        parts.append(_table(DOCTOR_KINDS[name] for name in ids))
    return "\n".join(parts)


def _table(kinds: Iterable[Kind]) -> str:
    rows = [
        "| finding | severity | what is wrong | what follows | remedy | rule |",
        "|---|---|---|---|---|---|",
    ]
    for kind in kinds:
        cells = (f"`{kind.id}`", str(kind.severity), kind.title, kind.consequence, kind.remedy, kind.rule)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"
