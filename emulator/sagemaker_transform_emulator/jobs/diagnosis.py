"""A failed object in words: what was sent, where it broke, what was logged, the likely cause. Pure.

Every front shows this one value: the command line, the job's log stream beside AWS's, the webhook, pytest's
report, the library's result and the stored job. The value and its JSON form are in diagnosis_form.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sagemaker_transform_emulator.errors import EmulatorError
from sagemaker_transform_emulator.jobs.causes import likely_cause, succeeded
from sagemaker_transform_emulator.jobs.diagnosis_form import Diagnosis
from sagemaker_transform_emulator.jobs.events import ContainerLine, ObjectFailed
from sagemaker_transform_emulator.jobs.invocation import Hop

__all__ = ["Diagnosis", "diagnose", "diagnose_error", "likely_cause"]

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_SHOWN_BYTES = 120
_SHOWN_LINES = 8
_LATE_S = 0.75
"""A container's line may arrive this much after its answer and still belong to it."""


def diagnose_error(error: EmulatorError) -> Diagnosis:
    """The diagnosis of what ended a job before, or without, any object of it."""
    return Diagnosis("", "", "", "", error.message, (), "", error.remedy)


def diagnose(failure: ObjectFailed, log: Iterable[ContainerLine], job_name: str = "") -> Diagnosis:
    """The diagnosis of a failed object; `log` is what the job's containers wrote of late.

    `job_name` is named in the next commands; there are none without it.
    """
    hop = failure.hops[-1] if failure.hops else None
    payload = failure.payload
    cause, remedy = likely_cause(failure)
    return Diagnosis(
        object=str(failure.source),
        where=payload.where if payload else "",
        bytes_sent=_shown(hop.body if hop else payload.body) if payload else "",
        container=_container(failure.hops),
        outcome=failure.error.message if hop is None or succeeded(hop) else _outcome(hop),
        logged=_logged(hop, log),
        cause=cause,
        remedy=remedy or failure.error.remedy,
        record=payload.first_record if payload else None,
        records=len(payload.records) if payload else None,
        first_byte=payload.offset if payload else None,
        size=payload.size if payload else None,
        container_name=hop.container if hop else "",
        attempt=hop.attempt if hop else None,
        status=hop.answer.status if hop and hop.answer else None,
        next_commands=_next_commands(job_name, payload.first_record) if payload and job_name else (),
    )


def _next_commands(job_name: str, record: int) -> tuple[str, ...]:
    return (
        f"emulator trace {job_name} --record {record}",
        f"emulator replay {job_name} --record {record}",
    )


def _container(hops: tuple[Hop, ...]) -> str:
    if not hops:
        return ""
    last = hops[-1]
    chain = list(dict.fromkeys(hop.container for hop in hops))
    attempts = f", attempt {last.attempt}" if last.attempt > 1 else ""
    return f"{last.container} (of {' → '.join(chain)}{attempts})"


def _outcome(hop: Hop) -> str:
    if hop.answer is None:
        return f"no answer: {hop.error}"
    return f"status {hop.answer.status}: {_shown(hop.answer.body)}"


def _logged(hop: Hop | None, log: Iterable[ContainerLine]) -> tuple[str, ...]:
    if hop is None:
        return ()
    end = hop.at + (hop.answer.timings.total if hop.answer else 3600.0) + _LATE_S
    lines = [
        _CONTROL.sub("\N{REPLACEMENT CHARACTER}", line.text)
        for line in log
        if line.container == hop.container and hop.at <= line.time.timestamp() <= end
    ]
    return tuple(lines[-_SHOWN_LINES:])


def _shown(body: bytes) -> str:
    return repr(body[:_SHOWN_BYTES]) + (f" … {len(body)} bytes" if len(body) > _SHOWN_BYTES else "")
