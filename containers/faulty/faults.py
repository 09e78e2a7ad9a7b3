"""The faults of the faulty container; without one it answers each line in upper case.

FAULT is a name of FAULTS, or several with commas; `name:value` gives one of them a number.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

OK = 200
_MIB = 1024 * 1024
LINE_TYPE = "text/csv"


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out. `framing`: "length", or one of the wrong ones that the server knows."""

    body: bytes = b""
    status: int = OK
    content_type: str | None = LINE_TYPE
    delay_s: float = 0.0
    framing: str = "length"
    close: bool = False
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request. Header names are lower case; `chunked` tells how the body came; `others` are under way."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    number: int
    age_s: float
    chunked: bool = False
    others: int = 0


@dataclass(slots=True)
class Memory:
    """What the container keeps between requests, which is mostly what it should not."""

    kept: list[bytes] = field(default_factory=list)
    last_body: bytes = b""


Fault = Callable[[Call, Reply, str, Memory], Reply]


def well_behaved(call: Call) -> Reply:
    """What a container that keeps the contract answers."""
    if call.path == "/ping":
        return Reply(content_type=None)
    if call.path == "/execution-parameters":
        offered = {"MaxConcurrentTransforms": 4, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 1}
        return Reply(json.dumps(offered).encode(), content_type="application/json")
    kind = call.headers.get("content-type", LINE_TYPE).partition(";")[0]
    accept = call.headers.get("accept", LINE_TYPE)
    if kind != LINE_TYPE:
        return Reply(f"no {kind} here".encode(), 415, "text/plain")
    if accept not in (LINE_TYPE, "*/*"):
        return Reply(f"cannot give {accept}".encode(), 406, "text/plain")
    if b"\x00" in call.body:
        return Reply(b"a NUL is no letter", 400, "text/plain")
    lines = [line.rstrip(b"\r").upper() for line in call.body.removesuffix(b"\n").split(b"\n")]
    return Reply(b"\n".join(lines))


def respond(call: Call, faults: Mapping[str, str], memory: Memory) -> Reply:
    """The reply with all faults done to it."""
    reply = well_behaved(call)
    for name, value in faults.items():
        kind, fault = FAULTS.get(name, ("", None))
        if fault is not None and kind in ("", call.path):
            reply = fault(call, reply, value, memory)
    if call.path == "/invocations":
        memory.last_body = call.body
    return reply


def parse(text: str) -> dict[str, str]:
    """The faults of FAULT. Raises ValueError for an unknown one."""
    found = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition(":")
        if name not in FAULTS and name not in START_FAULTS:
            raise ValueError(f"unknown FAULT {name!r}; known: {', '.join((*FAULTS, *START_FAULTS))}")
        found[name] = value
    return found


def _parameters(text: str) -> Fault:
    return lambda _call, reply, _value, _memory: replace(reply, body=text.encode())


def _if(condition: Callable[[Call], bool], status: int) -> Fault:
    """That status where the condition holds."""

    def fault(call: Call, reply: Reply, _value: str, _memory: Memory) -> Reply:
        return replace(reply, status=status, body=b"no, thank you") if condition(call) else reply

    return fault


def _slow(_call: Call, reply: Reply, value: str, _memory: Memory) -> Reply:
    return replace(reply, delay_s=float(value))


def _slow_once(call: Call, reply: Reply, value: str, _memory: Memory) -> Reply:
    return replace(reply, delay_s=float(value)) if call.number == 1 else reply


def _early(call: Call, reply: Reply, value: str, _memory: Memory) -> Reply:
    return replace(reply, status=503, body=b"still loading") if call.number <= int(value) else reply


def _lose(_call: Call, reply: Reply, _value: str, _memory: Memory) -> Reply:
    return replace(reply, body=reply.body.split(b"\n")[0])


def _shuffle(_call: Call, reply: Reply, _value: str, _memory: Memory) -> Reply:
    return replace(reply, body=b"\n".join(sorted(reply.body.split(b"\n"))))


def _two_lines(_call: Call, reply: Reply, _value: str, _memory: Memory) -> Reply:
    return replace(reply, body=reply.body + b"\n---")


def _mix(call: Call, reply: Reply, _value: str, memory: Memory) -> Reply:
    return replace(reply, body=memory.last_body.upper().strip()) if call.others else reply


def _fill(call: Call, reply: Reply, value: str, memory: Memory) -> Reply:
    size, _, calls = value.partition("-")
    if call.number <= int(calls):
        memory.kept.append(b"x" * int(size))
    return reply


def _leak(_call: Call, reply: Reply, value: str, memory: Memory) -> Reply:
    memory.kept.append(os.urandom(int(value)))
    return reply


def _write(_call: Call, reply: Reply, value: str, _memory: Memory) -> Reply:
    from pathlib import Path  # noqa: PLC0415 - nobody else touches files

    folder = Path(value or os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))
    (folder / "written-by-the-container").write_text("here I was\n")
    return reply


def _final_newline(call: Call, reply: Reply, _value: str, _memory: Memory) -> Reply:
    return reply if call.body.endswith(b"\n") else replace(reply, body=reply.body[:-1])


def _crlf(call: Call, reply: Reply, _value: str, _memory: Memory) -> Reply:
    return (
        replace(reply, body=hashlib.sha256(call.body).hexdigest().encode()) if b"\r" in call.body else reply
    )


def _moody(_call: Call, reply: Reply, _value: str, _memory: Memory) -> Reply:
    return replace(reply, body=reply.body + str(time.time_ns()).encode())


def _grow(_call: Call, reply: Reply, value: str, _memory: Memory) -> Reply:
    return replace(reply, body=b"\n".join(line * int(value) for line in reply.body.split(b"\n")))


def _die(call: Call, reply: Reply, _value: str, _memory: Memory) -> Reply:
    return replace(reply, exit_code=7) if b"\x00" in call.body else reply


def _framing(name: str) -> Fault:
    return lambda _call, reply, _value, _memory: replace(reply, framing=name)


def _typed(kind: str | None) -> Fault:
    return lambda _call, reply, _value, _memory: replace(reply, content_type=kind)


def _ping_status(call: Call, reply: Reply, value: str, _memory: Memory) -> Reply:
    first, _, later = value.partition("-")
    return replace(reply, status=int(first) if call.number == 1 or not later else int(later))


FAULTS: dict[str, tuple[str, Fault | None]] = {
    "ping-status": ("/ping", _ping_status),
    "ping-slow": ("/ping", _slow),
    "ping-body": ("/ping", lambda _call, reply, _value, _memory: replace(reply, body=b"fine")),
    "parameters-status": ("/execution-parameters", _if(lambda _: True, 500)),
    "parameters-html": ("/execution-parameters", _parameters("<html>hello</html>")),
    "parameters-range": ("/execution-parameters", _parameters('{"MaxPayloadInMB": "6"}')),
    "parameters-unknown": ("/execution-parameters", _parameters('{"MaxPayload": 6}')),
    "parameters-product": (
        "/execution-parameters",
        _parameters('{"MaxConcurrentTransforms": 20, "MaxPayloadInMB": 6}'),
    ),
    "early": ("/invocations", _early),
    "slow": ("/invocations", _slow),
    "first-slow": ("/invocations", _slow_once),
    "refuse": ("/invocations", _if(lambda _: True, 400)),
    "fail": ("/invocations", _if(lambda _: True, 500)),
    "need-content-type": ("/invocations", _if(lambda call: "content-type" not in call.headers, 415)),
    "need-accept": ("/invocations", _if(lambda call: "accept" not in call.headers, 406)),
    "refuse-any": ("/invocations", _if(lambda call: call.headers.get("accept") == "*/*", 406)),
    "refuse-charset": (
        "/invocations",
        _if(lambda call: "charset" in call.headers.get("content-type", ""), 415),
    ),
    "break-on-unknown-type": (
        "/invocations",
        _if(lambda call: call.headers.get("content-type", LINE_TYPE).startswith("application/"), 500),
    ),
    "other-type": ("/invocations", _typed("application/json")),
    "untyped": ("/invocations", _typed(None)),
    "charset": ("/invocations", _typed("text/csv; charset=utf-8")),
    "break-on-empty": ("/invocations", _if(lambda call: not call.body, 500)),
    "break-on-blank": ("/invocations", _if(lambda call: call.body == b"\n", 500)),
    "break-on-rubbish": ("/invocations", _if(lambda call: b"\x00" in call.body, 500)),
    "die-on-rubbish": ("/invocations", _die),
    "final-newline": ("/invocations", _final_newline),
    "crlf": ("/invocations", _crlf),
    "one-at-a-time": ("/invocations", _if(lambda call: call.body.count(b"\n") > 1, 400)),
    "first-only": ("/invocations", _lose),
    "shuffle": ("/invocations", _shuffle),
    "two-lines": ("/invocations", _two_lines),
    "trailing-newline": (
        "/invocations",
        lambda _call, reply, _value, _memory: replace(reply, body=reply.body + b"\n"),
    ),
    "limit": ("/invocations", _if(lambda call: len(call.body) > _MIB // 2, 413)),
    "one-client": ("/invocations", _if(lambda call: call.others > 0, 503)),
    "mix": ("/invocations", _mix),
    "moody": ("/invocations", _moody),
    "leak": ("/invocations", _leak),
    "fill": ("/invocations", _fill),
    "write": ("/invocations", _write),
    "grow": ("/invocations", _grow),
    "no-chunks": ("/invocations", _if(lambda call: call.chunked, 411)),
    "undelimited": ("/invocations", _framing("none")),
    "overlong": ("/invocations", _framing("overlong")),
    "cut": ("/invocations", _framing("cut")),
    "close": ("/invocations", lambda _call, reply, _value, _memory: replace(reply, close=True)),
}
"""By name: the path it is about, "" for all, and what it does to the reply."""

START_FAULTS = ("exit", "silent", "other-port", "loopback", "late", "deaf", "needs-s3")
"""Those that the server itself commits."""
