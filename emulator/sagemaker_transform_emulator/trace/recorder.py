"""The sink that keeps a job's invocations.

`errors`, the default, keeps what failed and costs nothing otherwise; `sample` keeps every hundredth
payload too; `all` keeps everything; `off` nothing. Bodies are kept up to a size each and a total for the
job; after that, sizes and headers still are.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.jobs.events import (
    ContainerLine,
    Event,
    InstanceReady,
    InvocationDone,
    ObjectFailed,
)
from sagemaker_transform_emulator.jobs.invocation import Hop
from sagemaker_transform_emulator.sagemaker.requests import MIB
from sagemaker_transform_emulator.trace.store import TracedHop, TracedInvocation, TraceWriter
from sagemaker_transform_emulator.transform.batching import Payload

Mode = Literal["off", "errors", "sample", "all"]


@dataclass(frozen=True, slots=True)
class RecordPolicy:
    """What to keep. Sizes in bytes."""

    mode: Mode = "errors"
    sample_every: int = 100
    body_bytes: int = MIB
    total_bytes: int = 256 * MIB
    batch: int = 200
    log_lines: int = 2000

    @property
    def wants_invocations(self) -> bool:
        """Whether the job must report invocations that went well."""
        return self.mode in ("sample", "all")


def record_policy(mode: str) -> RecordPolicy:
    """The policy of that mode. Raises UsageError for an unknown one."""
    for known in get_args(Mode):
        if mode == known:
            return RecordPolicy(mode=known)
    raise UsageError(f"--trace {mode!r} is not one of {', '.join(get_args(Mode))}")


class Recorder:
    """Receives a job's events, keeps what the policy asks for. Close it when the job has ended."""

    def __init__(self, path: Path, policy: RecordPolicy, meta: Mapping[str, Any]) -> None:
        self._policy = policy
        self._writer = None if policy.mode == "off" else TraceWriter(path, meta)
        self._waiting: list[TracedInvocation] = []
        self._lines: deque[tuple[str, float, str]] = deque(maxlen=policy.log_lines)
        self._kept_bytes = 0
        self._seen = 0

    def __call__(self, event: Event) -> None:
        """Keep the event or let it go."""
        if self._writer is None:
            return
        if isinstance(event, InvocationDone):
            self._seen += 1
            if not event.failed and (
                self._policy.mode == "all" or self._seen % self._policy.sample_every == 1
            ):
                self._keep(event.instance, str(event.source), event.payload, event.hops, "")
        elif isinstance(event, ObjectFailed):
            if event.payload is not None:
                self._keep_failure(event, event.payload)
        elif isinstance(event, InstanceReady):
            in_force = {
                "BatchStrategy": event.parameters.batch_strategy,
                "MaxPayloadInMB": event.parameters.max_payload_in_mb,
            }
            self._writer.note("parameters", in_force)
        elif isinstance(event, ContainerLine):
            self._lines.append((event.container, event.time.timestamp(), event.text))

    def close(self) -> None:
        """Everything kept is in the file; what comes later is let go."""
        if self._writer is not None:
            self._flush()
            self._writer.close()
            self._writer = None

    def _keep_failure(self, event: ObjectFailed, payload: Payload) -> None:
        """The failed invocation, unless it is kept as answered: what followed its answer failed then."""
        assert self._writer is not None
        self._flush()
        source = str(event.source)
        if not self._writer.mark_failed(source, payload.first_record, event.error.message):
            self._keep(event.instance, source, payload, event.hops, event.error.message)

    def _keep(self, instance: str, source: str, payload: Payload, hops: tuple[Hop, ...], error: str) -> None:
        traced = tuple(self._hop(hop) for hop in hops)
        self._waiting.append(
            TracedInvocation(
                instance,
                source,
                payload.first_record,
                len(payload.records),
                payload.offset,
                payload.size,
                failed=bool(error),
                error=error,
                seconds=sum(hop.total or 0.0 for hop in traced),
                hops=traced,
                original=self._original(payload, traced),
            )
        )
        if error or len(self._waiting) >= self._policy.batch:
            self._flush()

    def _flush(self) -> None:
        assert self._writer is not None
        self._writer.write(self._waiting, self._lines)
        self._waiting.clear()
        self._lines.clear()

    def _original(self, payload: Payload, hops: tuple[TracedHop, ...]) -> bytes | None:
        """The records as they were read, when all of their bytes are kept."""
        original = payload.original
        sent = hops[0].request_body if hops else None
        if original != payload.body:
            sent = self._body(original)
        return original if sent is not None and len(sent) == len(original) else None

    def _hop(self, hop: Hop) -> TracedHop:
        answer = hop.answer
        timings = answer.timings if answer else None
        return TracedHop(
            container=hop.container,
            attempt=hop.attempt,
            at=hop.at,
            request_headers=hop.head.headers,
            request_body=self._body(hop.body),
            request_size=len(hop.body),
            status=answer.status if answer else None,
            answer_headers=answer.headers if answer else (),
            answer_body=self._body(answer.body if answer else None),
            answer_size=len(answer.body) if answer else 0,
            connect=timings.connect if timings else None,
            first_byte=timings.first_byte if timings else None,
            total=timings.total if timings else None,
            error=str(hop.error) if hop.error else "",
        )

    def _body(self, body: bytes | None) -> bytes | None:
        if body is None or self._kept_bytes >= self._policy.total_bytes:
            return None
        kept = body[: self._policy.body_bytes]
        self._kept_bytes += len(kept)
        return kept


def request_meta(model: Mapping[str, Any], job: Mapping[str, Any], endpoint: str | None) -> dict[str, Any]:
    """What `replay` and the rendered tests need to know of a job; values that are no JSON are dropped."""
    return {
        "model": json.loads(json.dumps(model, default=str)),
        "job": json.loads(json.dumps(job, default=str)),
        "endpoint": endpoint,
    }
