"""How requests reach a container: HTTP/1.1 over kept-alive connections, in two implementations and a fake."""

from __future__ import annotations

from typing import Literal

from sagemaker_transform_emulator.transport.base import (
    Answer,
    Body,
    Connection,
    Headers,
    Limits,
    ReplayableBody,
    RequestHead,
    Timings,
    Transport,
)
from sagemaker_transform_emulator.transport.lean import LeanTransport
from sagemaker_transform_emulator.transport.scripted import ScriptedTransport, SentRequest, answered

__all__ = [
    "Answer",
    "Body",
    "Connection",
    "Headers",
    "LeanTransport",
    "Limits",
    "ReplayableBody",
    "RequestHead",
    "ScriptedTransport",
    "SentRequest",
    "Timings",
    "Transport",
    "TransportName",
    "answered",
    "make_transport",
]

TransportName = Literal["lean", "httpx"]


def make_transport(name: TransportName = "lean", limits: Limits | None = None) -> Transport:
    """Return the transport of that name; `limits` says what an answer may be, by default base.Limits()."""
    if name == "lean":
        return LeanTransport(limits)
    if name == "httpx":
        from sagemaker_transform_emulator.transport.httpx_transport import HttpxTransport  # noqa: PLC0415 - 0.1 s that few need

        return HttpxTransport(limits)
    raise ValueError(f"no transport is called {name!r}; there are 'lean' and 'httpx'")
