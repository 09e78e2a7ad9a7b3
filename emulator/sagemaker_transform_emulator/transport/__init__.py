"""HTTP/1.1 to containers over kept-alive connections: the transport that jobs use, and a fake for tests."""

from __future__ import annotations

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
    "answered",
]
