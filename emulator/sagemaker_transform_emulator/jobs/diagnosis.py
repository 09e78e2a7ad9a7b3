"""A failed object in words: what was sent, where it broke, what was logged, the likely cause. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sagemaker_transform_emulator.errors import DeadlineError
from sagemaker_transform_emulator.jobs.events import ContainerLine, ObjectFailed
from sagemaker_transform_emulator.jobs.invocation import Hop
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.csv_rows import is_number

_SHOWN_BYTES = 120
_SHOWN_LINES = 8
_LATE_S = 0.75
"""A container's line may arrive this much after its answer and still belong to it."""

_Applies = Callable[[Hop, Payload, str, tuple[Hop, ...]], bool]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a user is told about one failed object. Empty texts where nothing is known."""

    object: str
    where: str
    bytes_sent: str
    container: str
    outcome: str
    logged: tuple[str, ...]
    cause: str
    remedy: str

    def lines(self) -> list[str]:
        """The diagnosis line by line."""
        pairs = [
            ("object", self.object), ("record", self.where), ("bytes", self.bytes_sent),
            ("container", self.container), ("outcome", self.outcome),
        ]  # fmt: skip
        lines = [f"{name:<10} {value}" for name, value in pairs if value]
        lines += [f"{'logged' if not number else '':<10} {line}" for number, line in enumerate(self.logged)]
        lines += [
            f"{name:<10} {value}" for name, value in (("cause", self.cause), ("remedy", self.remedy)) if value
        ]
        return lines


def diagnose(failure: ObjectFailed, log: Iterable[ContainerLine]) -> Diagnosis:
    """The diagnosis of a failed object; `log` is what the job's containers wrote of late."""
    hop = failure.hops[-1] if failure.hops else None
    payload = failure.payload
    cause, remedy = likely_cause(failure)
    return Diagnosis(
        object=str(failure.source),
        where=payload.where if payload else "",
        bytes_sent=_shown(hop.body if hop else payload.body) if payload else "",
        container=_container(failure.hops),
        outcome=failure.error.message if hop is None or _succeeded(hop) else _outcome(hop),
        logged=_logged(hop, log),
        cause=cause,
        remedy=remedy or failure.error.remedy,
    )


def likely_cause(failure: ObjectFailed) -> tuple[str, str]:
    """What probably lies behind the failure, and what to do; empty texts when nothing fits."""
    if not failure.hops or failure.payload is None:
        return "", ""
    hop, payload = failure.hops[-1], failure.payload
    if _succeeded(hop):
        return "the containers answered; what they answered does not fit the job's DataProcessing", ""
    if isinstance(hop.error, DeadlineError):
        return (
            "the container needed longer than ModelClientConfig.InvocationsTimeoutInSeconds",
            "raise it (at most 3600), or send less at a time: BatchStrategy, MaxPayloadInMB",
        )
    if hop.answer is None:
        return "the container closed the connection without an answer: its worker may have died", ""
    text = hop.answer.body.decode("utf-8", "replace").lower()
    for applies, cause, remedy in _CAUSES:
        if applies(hop, payload, text, failure.hops):
            return cause, remedy
    return "", ""


def _succeeded(hop: Hop) -> bool:
    """Whether the last container's answer was taken, so that the failure came after it (R4.28)."""
    return hop.answer is not None and 200 <= hop.answer.status < 300  # noqa: PLR2004 - R4.28


def _follows_another(hop: Hop, _payload: Payload, text: str, hops: tuple[Hop, ...]) -> bool:
    first_of_attempt = next(other for other in hops if other.attempt == hop.attempt)
    refused = hop.answer is not None and (hop.answer.status in (406, 415) or "not supported" in text)
    return refused and first_of_attempt is not hop


def _status(code: int) -> _Applies:
    return lambda hop, _payload, _text, _hops: hop.answer is not None and hop.answer.status == code


def _several_as_one(_hop: Hop, payload: Payload, text: str, _hops: tuple[Hop, ...]) -> bool:
    return len(payload.records) > 1 and "extra data" in text


def _header_row(_hop: Hop, payload: Payload, _text: str, _hops: tuple[Hop, ...]) -> bool:
    cells = payload.records[0].decode("utf-8", "replace").strip().split(",")
    return payload.first_record == 1 and len(cells) > 1 and not any(is_number(cell) for cell in cells)


def _missing_value(_hop: Hop, payload: Payload, _text: str, _hops: tuple[Hop, ...]) -> bool:
    record = payload.records[0].strip()
    return len(payload.records) == 1 and (b",," in record or record.startswith(b",") or record.endswith(b","))


_CAUSES: tuple[tuple[_Applies, str, str], ...] = (
    (
        _follows_another,
        "the container before emits a Content-Type that this one does not take; it is handed on verbatim",
        "set SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT on the container before, or accept that type here",
    ),
    (
        _status(413),
        "the container's own limit is below the payload's size; MaxPayloadInMB does not raise it",
        "lower MaxPayloadInMB, or raise the container's limit (MAX_CONTENT_LENGTH in AWS's containers)",
    ),
    (
        _several_as_one,
        "several JSON lines were sent in one body to a container that reads one document",
        "set BatchStrategy to SingleRecord",
    ),
    (
        _header_row,
        "the first record looks like a header row; batch transform sends it like any other",
        "remove the header from the object",
    ),
    (
        _missing_value,
        "the record has an empty value, which not every container reads as missing",
        "send what the container takes for a missing value; the SparkML container wants NaN",
    ),
    (
        _status(415),
        "the container does not take this Content-Type, or could not parse the body as such",
        "check TransformInput.ContentType and the record's bytes",
    ),
    (
        _status(406),
        "the container does not answer with the type that Accept asks for",
        "check TransformOutput.Accept",
    ),
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
        line.text
        for line in log
        if line.container == hop.container and hop.at <= line.time.timestamp() <= end
    ]
    return tuple(lines[-_SHOWN_LINES:])


def _shown(body: bytes) -> str:
    return repr(body[:_SHOWN_BYTES]) + (f" … {len(body)} bytes" if len(body) > _SHOWN_BYTES else "")
