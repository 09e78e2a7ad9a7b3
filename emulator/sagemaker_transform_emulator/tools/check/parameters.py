"""Checks of GET /execution-parameters: shape, ranges, product."""

from __future__ import annotations

import json
from typing import Any

from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.check.probe import Probe
from sagemaker_transform_emulator.tools.check.values import NotRun, shown
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

_PATIENCE_S = 10.0
_OK, _NOT_FOUND = 200, 404
_MOST_PAYLOAD_MB = _MOST_PRODUCT_MB = 100
_STRATEGIES = ("MULTI_RECORD", "SINGLE_RECORD")
_KNOWN = ("MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB")
_ENDPOINT = "answer GET /execution-parameters with 404, or with a JSON object of " + ", ".join(_KNOWN)

FAILED = Kind(
    "parameters-failed", Severity.NOTE, "GET /execution-parameters gives neither 200 nor 404",
    "it is ignored and the defaults hold", _ENDPOINT, "R4.15",
)  # fmt: skip
NOT_JSON = Kind(
    "parameters-not-json", Severity.WARNING, "GET /execution-parameters gives no JSON object",
    "it is ignored and the defaults hold: one transform at a time, MULTI_RECORD, 6 MB", _ENDPOINT, "R4.17",
)  # fmt: skip
RANGE = Kind(
    "parameters-range", Severity.WARNING, "a value of GET /execution-parameters is of no use",
    "the value is ignored and its default holds",
    "MaxConcurrentTransforms: 1 or more; MaxPayloadInMB: 0 to 100; BatchStrategy: MULTI_RECORD or "
    "SINGLE_RECORD; numbers are JSON numbers", "R4.17",
)  # fmt: skip
UNKNOWN = Kind(
    "parameters-unknown", Severity.NOTE, "GET /execution-parameters has keys nobody reads",
    "they are ignored", "the keys are " + ", ".join(_KNOWN), "R4.15",
)  # fmt: skip
PRODUCT = Kind(
    "parameters-product", Severity.NOTE, "MaxConcurrentTransforms x MaxPayloadInMB is above 100",
    "a job that asks for both values itself is refused; from a container the service's answer is not known",
    "offer less of one of the two", "R1.18",
)  # fmt: skip


async def parameters(probe: Probe) -> list[Finding]:
    """What the container offers, and whether SageMaker can use it."""
    if probe.subject.position:
        raise NotRun("only the first container is asked (R4.18)")
    reply = await probe.get("/execution-parameters", _PATIENCE_S)
    if reply.answer is None or reply.answer.status not in (_OK, _NOT_FOUND):
        return [FAILED.found(probe.name, reply.words)]
    if reply.answer.status == _NOT_FOUND:
        return []
    try:
        offered = json.loads(reply.body)
    except ValueError:
        offered = None
    if not isinstance(offered, dict):
        return [NOT_JSON.found(probe.name, shown(reply.body))]
    return _judge(probe.name, offered)


def _judge(name: str, offered: dict[str, Any]) -> list[Finding]:
    payload, concurrent = offered.get("MaxPayloadInMB"), offered.get("MaxConcurrentTransforms")
    strategy = offered.get("BatchStrategy")
    wrong = []
    if payload is not None and not _within(payload, 0, _MOST_PAYLOAD_MB):
        wrong.append(f"MaxPayloadInMB is {payload!r}")
    if concurrent is not None and not _within(concurrent, 1, 2**31):
        wrong.append(f"MaxConcurrentTransforms is {concurrent!r}")
    if strategy is not None and strategy not in _STRATEGIES:
        wrong.append(f"BatchStrategy is {strategy!r}")
    found = [RANGE.found(name, text) for text in wrong]
    unknown = sorted(set(offered) - set(_KNOWN))
    if unknown:
        found.append(UNKNOWN.found(name, ", ".join(unknown)))
    if _within(payload, 0, _MOST_PAYLOAD_MB) and _within(concurrent, 1, 2**31):
        product = int(payload) * int(concurrent)  # type: ignore[arg-type]
        if product > _MOST_PRODUCT_MB:
            found.append(PRODUCT.found(name, f"{concurrent} x {payload} = {product}"))
    return found


def _within(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


CHECKS = (
    Check("execution-parameters", "parameters", "GET /execution-parameters is absent or usable",
          (FAILED, NOT_JSON, RANGE, UNKNOWN, PRODUCT), parameters),
)  # fmt: skip
