"""A traced invocation as text for a person, as curl lines, and as a pytest test that reproduces it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pprint import pformat
from typing import Any

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.sagemaker.requests import TransformJob
from sagemaker_transform_emulator.trace.store import TracedHop, TracedInvocation
from sagemaker_transform_emulator.transform.payloads import records_of

_SHOWN_BYTES = 2000
_PLAIN = frozenset(range(0x20, 0x7F)) - frozenset(b"'\\%")  # what printf and the shell leave alone
_WIDTH = 100
_KEPT = {
    "TransformOutput", "DataProcessing", "BatchStrategy", "MaxPayloadInMB", "MaxConcurrentTransforms",
    "ModelClientConfig", "Environment",
}  # fmt: skip
_FRAMING = {"content-length", "transfer-encoding", "host", "accept-encoding"}


def line_of(item: TracedInvocation) -> str:
    """One line: object, records, statuses, time."""
    path = " → ".join(f"{hop.container}#{hop.attempt} {hop.status or 'no answer'}" for hop in item.hops)
    mark = "✗" if item.failed else "✓"
    return f"{mark} {item.object}  {item.where}  {path}  {item.seconds * 1000:.1f} ms"


def story_of(item: TracedInvocation, log_lines: Sequence[Sequence[str]] = ()) -> str:
    """The record's way through every container, body by body, with the place where it went wrong.

    `log_lines` gives, hop by hop, what the container wrote meanwhile.
    """
    parts = [f"{item.object}: {item.where}, instance {item.instance}"]
    for position, hop in enumerate(item.hops):
        parts.append(_hop_story(hop, log_lines[position] if position < len(log_lines) else ()))
    parts.append(f"outcome: {item.error}" if item.failed else "outcome: answered")
    return "\n\n".join(parts)


def curl_of(item: TracedInvocation, ports: dict[str, int]) -> str:
    """One curl line for each hop; `ports` says where the containers listen, 8080 where it does not."""
    return "\n".join(_curl(hop, ports.get(hop.container, 8080)) for hop in item.hops)


def pytest_of(
    item: TracedInvocation,
    model: str | Mapping[str, Any],
    job: Mapping[str, Any],
    put: Mapping[str, str] | None = None,
) -> str:
    """A test that sends the same records through the job's filters to the same containers.

    `job` is CreateTransformJob's request, as the job ran; `model` is CreateModel's, or its file's path; `put`
    are the files that the model reads, with their places in S3. The test fails as the traced invocation did,
    until the container, or the job, is mended. Raises UsageError when the trace does not hold all records.
    """
    if item.original is None:
        raise UsageError(
            f"The trace does not hold all {item.size} bytes of {item.where}: no test can send them",
            remedy="`emulator replay` reads them from the store again",
        )
    request = TransformJob.from_request(job)
    records = records_of(item.original, request.transform_input.split_type, item.records)
    constants = [
        *([] if isinstance(model, str) else [_assigned("MODEL", dict(model))]),
        _assigned("JOB", _reduced(job, item.object)),
        *([_assigned("PUT", dict(put))] if put else []),
        _assigned("RECORD", records[0] if len(records) == 1 else records),
    ]
    given = "\n".join(constants)
    named = repr(model) if isinstance(model, str) else "MODEL"
    return f'''"""Reproduces {item.object}: {item.where}."""

from sagemaker_transform_emulator.testing import invoke_record

{given}


def test_record_{item.first_record}() -> None:
    answer = invoke_record({named}, RECORD, job=JOB{", put=PUT" if put else ""})
    assert not answer.error, answer.explanation
'''


def _reduced(job: Mapping[str, Any], source: str) -> dict[str, Any]:
    """What of the request matters to one payload; its input is the object, which names itself in headers."""
    kept = {name: value for name, value in job.items() if name in _KEPT and value}
    given = {
        **job["TransformInput"],
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
    }
    return {"TransformJobName": job["TransformJobName"], "TransformInput": given, **kept}


def _assigned(name: str, value: object) -> str:
    """An assignment; bytes stay in one line."""
    text = repr(value) if isinstance(value, bytes) else pformat(value, width=_WIDTH, sort_dicts=False)
    return f"{name} = {text}".replace("\n", "\n" + " " * len(f"{name} = "))


def _hop_story(hop: TracedHop, log_lines: Sequence[str]) -> str:
    times = (
        ""
        if hop.total is None
        else f" in {hop.total * 1000:.1f} ms (connect {(hop.connect or 0) * 1000:.1f}, "
        f"first byte {(hop.first_byte or 0) * 1000:.1f})"
    )
    lines = [f"── {hop.container}, attempt {hop.attempt}{times}", _block("request", hop.request_headers)]
    lines.append(_body(hop.request_body, hop.request_size))
    if hop.status is None:
        lines.append(f"no answer: {hop.error}")
    else:
        lines += [_block(f"answer {hop.status}", hop.answer_headers), _body(hop.answer_body, hop.answer_size)]
    if log_lines:
        lines += ["container wrote meanwhile:", *(f"    {line}" for line in log_lines)]
    if hop.went_wrong:
        lines.append("^^ this is where it went wrong")
    return "\n".join(lines)


def _block(title: str, headers: Sequence[tuple[str, str]]) -> str:
    return "\n".join([title, *(f"    {name}: {value}" for name, value in headers)])


def _body(body: bytes | None, size: int) -> str:
    if body is None:
        return f"    ({size} bytes, not kept)"
    shown = body[:_SHOWN_BYTES]
    more = f" … {size} bytes in all" if size > len(shown) else ""
    return f"    {shown!r}{more}"


def _curl(hop: TracedHop, port: int) -> str:
    words = ["curl", "-sS", "-i", "-X", "POST"]
    for name, value in hop.request_headers:
        if name.lower() not in _FRAMING:
            words += ["-H", f"{name}: {value}"]
    words += ["--data-binary", "@-", f"http://127.0.0.1:{port}/invocations"]
    body = hop.request_body or b""
    missing = hop.request_size - len(body)
    note = f"# {missing} of {hop.request_size} bytes are not in the trace\n" if missing else ""
    octal = "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in body)
    return f"{note}printf '{octal}' | {shlex.join(words)}"
