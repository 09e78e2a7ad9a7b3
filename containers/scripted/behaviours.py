"""What the scripted container answers. Pure: a request in, an answer out.

`BEHAVIOUR` is one of: echo; lines:FN and lines_nl:FN (FN: id, upper, sum), without and with a newline at
the end; count; const:TEXT; const_base64:B64; status:CODE:BODY; reject:TEXT:CODE:BODY;
reject_placeholder:TEXT:ANSWER; first_line_only; echo_if_content_type:TYPE (else `BEHAVIOUR_ELSE`);
env; argv; headers; sleep:SECONDS; sleep_body_seconds_then_lines:id; fail_times:N:CODE (the first N
requests); close (no answer); die:CODE (the process ends).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

OK = 200


@dataclass(frozen=True, slots=True)
class Call:
    """One POST /invocations. `number` counts from 1; header names are as sent."""

    number: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str | None:
        """The header of that name, in any case."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Reply:
    """What to do: answer after `delay_s`, close without an answer, or end the process."""

    body: bytes = b""
    status: int = OK
    delay_s: float = 0.0
    close: bool = False
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class World:
    """What a container can report about itself."""

    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()


def answer(behaviour: str, call: Call, world: World) -> Reply:
    """The reply to one call. Raises ValueError for an unknown behaviour."""
    name, _, rest = behaviour.partition(":")
    try:
        act = _ACTS[name]
    except KeyError:
        raise ValueError(f"unknown BEHAVIOUR {behaviour!r}; known: {', '.join(_ACTS)}") from None
    return act(rest, call, world)


def map_lines(function: str, body: bytes, *, final_newline: bool) -> bytes:
    """Each line through the function, joined by newlines."""
    joined = b"\n".join(map(_FUNCTIONS[function], _lines(body)))
    return joined + b"\n" if final_newline else joined


def _lines(body: bytes) -> list[bytes]:
    pieces = body.split(b"\n")
    return pieces[:-1] if pieces[-1] == b"" else pieces


def _sum(line: bytes) -> bytes:
    return str(sum(int(cell) for cell in line.split(b","))).encode()


def _status(rest: str, _call: Call, _world: World) -> Reply:
    code, _, body = rest.partition(":")
    return Reply(body.encode(), int(code))


def _reject(rest: str, call: Call, _world: World) -> Reply:
    text, code, body = rest.split(":", 2)
    if text.encode() in call.body:
        return Reply(body.encode(), int(code))
    return Reply(map_lines("upper", call.body, final_newline=False))


def _reject_placeholder(rest: str, call: Call, _world: World) -> Reply:
    text, _, placeholder = rest.partition(":")
    if text.encode() in call.body:
        return Reply(placeholder.encode())
    return Reply(map_lines("id", call.body, final_newline=False))


def _echo_if(rest: str, call: Call, world: World) -> Reply:
    if call.header("content-type") == rest:
        return Reply(call.body)
    return answer(world.environment["BEHAVIOUR_ELSE"], call, world)


def _fail_times(rest: str, call: Call, _world: World) -> Reply:
    times, _, code = rest.partition(":")
    return Reply(b"not yet", int(code or 500)) if call.number <= int(times) else Reply(call.body)


def _json(value: object) -> Reply:
    return Reply(json.dumps(value).encode())


_FUNCTIONS: dict[str, Callable[[bytes], bytes]] = {"id": bytes, "upper": bytes.upper, "sum": _sum}
_ACTS: dict[str, Callable[[str, Call, World], Reply]] = {
    "echo": lambda _, call, __: Reply(call.body),
    "lines": lambda rest, call, _: Reply(map_lines(rest, call.body, final_newline=False)),
    "lines_nl": lambda rest, call, _: Reply(map_lines(rest, call.body, final_newline=True)),
    "count": lambda _, call, __: Reply(str(len(_lines(call.body))).encode()),
    "const": lambda rest, _, __: Reply(rest.encode()),
    "const_base64": lambda rest, _, __: Reply(base64.b64decode(rest)),
    "status": _status,
    "reject": _reject,
    "reject_placeholder": _reject_placeholder,
    "first_line_only": lambda _, call, __: Reply(call.body.split(b"\n")[0]),
    "echo_if_content_type": _echo_if,
    "env": lambda _, __, world: _json(dict(world.environment)),
    "argv": lambda _, __, world: _json(list(world.arguments)),
    "headers": lambda _, call, __: _json(dict(call.headers)),
    "sleep": lambda rest, call, _: Reply(call.body, delay_s=float(rest)),
    "sleep_body_seconds_then_lines": lambda rest, call, _: Reply(
        map_lines(rest, call.body, final_newline=False), delay_s=float(call.body) * 0.1
    ),
    "fail_times": _fail_times,
    "close": lambda _, __, ___: Reply(close=True),
    "die": lambda rest, _, __: Reply(exit_code=int(rest or 1)),
}
