"""Why a container probably refused what it was sent, and what to do about it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from sagemaker_transform_emulator.errors import ConnectError, DeadlineError
from sagemaker_transform_emulator.jobs.events import ObjectFailed
from sagemaker_transform_emulator.jobs.invocation import Hop
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.csv_rows import is_number

_Applies = Callable[[Hop, Payload, str, tuple[Hop, ...]], bool]
_COLUMNS = re.compile(
    r"(feature|column|field|input)s?\b.{0,80}(mismatch|expect|does not match|not match|wrong number|must be)"
    r"|(mismatch|expect|wrong number|number of).{0,80}(feature|column|field|input)s?\b",
    re.DOTALL,
)
_OTHER_DELIMITERS = (b";", b"\t", b"|")


def likely_cause(failure: ObjectFailed) -> tuple[str, str]:
    """What probably lies behind the failure, and what to do; empty texts when nothing fits."""
    if not failure.hops or failure.payload is None:
        return "", ""
    hop, payload = failure.hops[-1], failure.payload
    if succeeded(hop):
        return "the containers answered; what they answered does not fit the job's DataProcessing", ""
    if hop.answer is None:
        return _without_an_answer(hop)
    text = hop.answer.body.decode("utf-8", "replace").lower()
    for applies, cause, remedy in _CAUSES:
        if applies(hop, payload, text, failure.hops):
            return cause, remedy
    return "", ""


def _without_an_answer(hop: Hop) -> tuple[str, str]:
    if isinstance(hop.error, DeadlineError):
        cause = (
            "the container is slow rather than dead: it needed longer than "
            "ModelClientConfig.InvocationsTimeoutInSeconds"
        )
        return cause, "raise it (at most 3600), or send less at a time: BatchStrategy, MaxPayloadInMB"
    if isinstance(hop.error, ConnectError):
        cause = "nothing accepts connections on the container's port any more: its server has ended or moved"
        return cause, "the container must listen on port 8080, or on SAGEMAKER_BIND_TO_PORT"
    return "the container closed the connection without an answer: its worker may have died", ""


def succeeded(hop: Hop) -> bool:
    """Whether the last container's answer was taken, so that the failure came after it (R4.28)."""
    return hop.answer is not None and 200 <= hop.answer.status < 300  # noqa: PLR2004 - R4.28


def _follows_another(hop: Hop, _payload: Payload, text: str, hops: tuple[Hop, ...]) -> bool:
    first_of_attempt = next(other for other in hops if other.attempt == hop.attempt)
    refused = hop.answer is not None and (hop.answer.status in (406, 415) or "not supported" in text)
    return refused and first_of_attempt is not hop


def _charset(hop: Hop, payload: Payload, text: str, hops: tuple[Hop, ...]) -> bool:
    return _follows_another(hop, payload, text, hops) and "charset" in _content_type(hop)


def _empty_line(_hop: Hop, payload: Payload, _text: str, _hops: tuple[Hop, ...]) -> bool:
    return any(not record.strip() for record in payload.records)


def _json_as_csv(hop: Hop, _payload: Payload, _text: str, _hops: tuple[Hop, ...]) -> bool:
    return "csv" in _content_type(hop) and hop.body.lstrip()[:1] in (b"{", b"[")


def _csv_as_json(hop: Hop, _payload: Payload, _text: str, _hops: tuple[Hop, ...]) -> bool:
    first = hop.body.lstrip().split(b"\n", 1)[0]
    return "json" in _content_type(hop) and first[:1] not in (b"{", b"[", b'"') and b"," in first


def _other_delimiter(hop: Hop, _payload: Payload, _text: str, _hops: tuple[Hop, ...]) -> bool:
    first = hop.body.split(b"\n", 1)[0]
    return "csv" in _content_type(hop) and b"," not in first and any(d in first for d in _OTHER_DELIMITERS)


def _column_count(_hop: Hop, _payload: Payload, text: str, _hops: tuple[Hop, ...]) -> bool:
    return _COLUMNS.search(text) is not None


def _content_type(hop: Hop) -> str:
    return next((value.lower() for name, value in hop.head.headers if name.lower() == "content-type"), "")


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
        _charset,
        "the container before adds a charset to its Content-Type; it is handed on verbatim and refused here",
        "set SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT on the container before, or accept that type here",
    ),
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
        _empty_line,
        "an empty line was sent: Line splitting makes a record of each one",
        "remove the empty lines from the object, also at its end",
    ),
    (
        _json_as_csv,
        "the body is JSON, but is sent as text/csv",
        "set TransformInput.ContentType to application/json or application/jsonlines",
    ),
    (
        _csv_as_json,
        "the body looks like CSV, but is sent as JSON",
        "set TransformInput.ContentType to text/csv",
    ),
    (
        _other_delimiter,
        "the row has no comma, but another delimiter: it is one column as text/csv",
        "write the object with commas",
    ),
    (
        _header_row,
        "the first record looks like a header row; batch transform sends it like any other",
        "remove the header from the object",
    ),
    (
        _column_count,
        "the row has another number of columns than the container expects",
        "send the columns the model was trained on; DataProcessing.InputFilter takes out an id or a label",
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
