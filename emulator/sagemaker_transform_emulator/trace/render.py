"""A traced invocation as text for a person, as curl lines, and as a pytest test that reproduces it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from sagemaker_transform_emulator.trace.store import TracedHop, TracedInvocation

_SHOWN_BYTES = 2000
_PLAIN = frozenset(range(0x20, 0x7F)) - frozenset(b"'\\%")  # what printf and the shell leave alone
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


def pytest_of(item: TracedInvocation, model_file: str) -> str:
    """A test that sends the same bytes to the same containers and expects success.

    It fails as the traced invocation did, until the container is mended.
    """
    body = item.hops[0].request_body if item.hops else b""
    headers = dict(item.hops[0].request_headers) if item.hops else {}
    kind, accept = headers.get("Content-Type"), _accept_of(item)
    return f'''"""Reproduces {item.object}: {item.where}."""

from sagemaker_transform_emulator.testing import invoke_record

RECORD = {body!r}


def test_record_{item.first_record}() -> None:
    answer = invoke_record({model_file!r}, RECORD, content_type={kind!r}, accept={accept!r})
    assert answer.status == 200, answer.explanation
'''


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
        return f"    ({size} bytes, not kept)" if size >= 0 else "    (streamed, not kept)"
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
    octal = "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in body)
    return f"printf '{octal}' | {shlex.join(words)}"


def _accept_of(item: TracedInvocation) -> str | None:
    return dict(item.hops[-1].request_headers).get("Accept") if item.hops else None
