"""Worked cases of the batch transform contract: read from a table, turned into requests and objects."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

BUCKET = "bkt"
ROLE = "arn:aws:iam::000000000000:role/emulator"
DEFAULT_JOB = {"S3Uri": "s3://bkt/in/", "S3OutputPath": "s3://bkt/out"}
KNOWN = {
    "id", "feature", "rule", "job", "objects", "container", "expect", "source", "confidence", "note",
    "request", "precondition", "region", "account", "ping", "execution_parameters", "model_data",
}  # fmt: skip
_PLACES = {
    "S3Uri": "TransformInput.DataSource.S3DataSource.S3Uri",
    "S3DataType": "TransformInput.DataSource.S3DataSource.S3DataType",
    "ContentType": "TransformInput.ContentType",
    "SplitType": "TransformInput.SplitType",
    "CompressionType": "TransformInput.CompressionType",
    "S3OutputPath": "TransformOutput.S3OutputPath",
    "Accept": "TransformOutput.Accept",
    "AssembleWith": "TransformOutput.AssembleWith",
    "KmsKeyId": "TransformOutput.KmsKeyId",
    "InputFilter": "DataProcessing.InputFilter",
    "OutputFilter": "DataProcessing.OutputFilter",
    "JoinSource": "DataProcessing.JoinSource",
    "InvocationsTimeoutInSeconds": "ModelClientConfig.InvocationsTimeoutInSeconds",
    "InvocationsMaxRetries": "ModelClientConfig.InvocationsMaxRetries",
    "InstanceType": "TransformResources.InstanceType",
    "InstanceCount": "TransformResources.InstanceCount",
    **{
        name: name
        for name in (
            "TransformJobName", "BatchStrategy", "MaxConcurrentTransforms", "MaxPayloadInMB", "Environment",
            "DataCaptureConfig", "ModelClientConfig", "DataProcessing", "Tags", "ExperimentConfig",
        )
    },
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One case of a table. `data` is the case as it stands there."""

    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.data["id"])

    @property
    def rules(self) -> list[str]:
        return [rule.strip() for rule in str(self.data.get("rule", "")).split(",") if rule.strip()]

    @property
    def expect(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.data["expect"]
        return found

    @property
    def job(self) -> Mapping[str, Any]:
        return self.data.get("job", {})

    @cached_property
    def objects(self) -> dict[str, bytes]:
        return {item["key"]: body_of(item) for item in self.data.get("objects", [])}

    @property
    def containers(self) -> list[Any]:
        given = self.data.get("container", "echo")
        return given if isinstance(given, list) else [given]

    def __str__(self) -> str:
        return self.id


def load(path: Path) -> list[Case]:
    """The cases of a table."""
    return [Case(case) for case in json.loads(path.read_text(encoding="utf-8"))["cases"]]


def require_known(given: Mapping[str, Any], known: set[str], what: str) -> None:
    """A table that says more than this suite understands must not pass."""
    unknown = sorted(set(given) - known)
    assert not unknown, f"{what}: this suite does not understand {', '.join(unknown)}"


def body_of(item: Mapping[str, Any]) -> bytes:
    """The bytes of an object of a table."""
    require_known(
        item, {"key", "body", "body_base64", "body_gzip_of", "body_repeat", "body_concat"}, "object"
    )
    if "body" in item:
        return str(item["body"]).encode()
    if "body_base64" in item:
        return base64.b64decode(item["body_base64"])
    if "body_gzip_of" in item:
        return gzip.compress(item["body_gzip_of"].encode())
    if "body_repeat" in item:
        return _repeated(item["body_repeat"])
    return b"".join(
        part.encode() if isinstance(part, str) else _repeated(part) for part in item["body_concat"]
    )


def _repeated(rule: Mapping[str, Any]) -> bytes:
    require_known(rule, {"unit", "unit_rule", "times"}, "body_repeat")
    if "unit" in rule:
        return str(rule["unit"]).encode() * int(rule["times"])
    text = rule["unit_rule"]
    found = re.fullmatch(r"(\d+) times '(.)'( followed by one newline)?(?: = (\d+) bytes)?", text)
    assert found, f"unit_rule {text!r} is not understood"
    unit = found[2].encode() * int(found[1]) + (b"\n" if found[3] else b"")
    assert not found[4] or len(unit) == int(found[4]), text
    return unit * int(rule["times"])


def model_request(case: Case, name: str, ledgers: Path) -> dict[str, Any]:
    """CreateModel for the case's containers; container n writes its ledger to `ledgers`/n."""
    definitions = [
        _definition(case, position, given, ledgers) for position, given in enumerate(case.containers)
    ]
    request: dict[str, Any] = {"ModelName": name, "ExecutionRoleArn": ROLE}
    if len(definitions) == 1 and not isinstance(case.data.get("container"), list):
        return request | {"PrimaryContainer": definitions[0]}
    return request | {"Containers": definitions}


def _definition(case: Case, position: int, given: Any, ledgers: Path) -> dict[str, Any]:
    script = {"behaviour": given} if isinstance(given, str) else dict(given)
    require_known(
        script,
        {"behaviour", "response_content_type", "else", "name", "ping", "execution_parameters"},
        "container",
    )
    environment = {**case.job.get("ModelEnvironment", {})}
    environment |= {"BEHAVIOUR": script["behaviour"], "LEDGER": str(ledgers / str(position))}
    if "response_content_type" in script:
        environment["RESPONSE_CONTENT_TYPE"] = script["response_content_type"]
    if "else" in script:
        environment["BEHAVIOUR_ELSE"] = script["else"]
    ping = script.get("ping", case.data.get("ping"))
    if ping is not None:
        environment["PING"] = ",".join(map(str, ping if isinstance(ping, list) else [ping]))
    offered = script.get("execution_parameters", case.data.get("execution_parameters"))
    if offered is not None:
        environment["EXECUTION_PARAMETERS"] = _parameters(offered)
    definition: dict[str, Any] = {"Image": f"scripted:{case.id.lower()}", "Environment": environment}
    if "name" in script:
        definition["ContainerHostname"] = script["name"]
    if "model_data" in case.data:
        definition["ModelDataUrl"] = case.data["model_data"]
    return definition


def _parameters(offered: Mapping[str, Any]) -> str:
    require_known(offered, {"status", "json", "body"}, "execution_parameters")
    if offered.get("status", 200) != 200:
        return str(offered["status"])
    return str(offered["body"]) if "body" in offered else json.dumps(offered.get("json", {}))


def job_request(job: Mapping[str, Any], name: str, model: str) -> dict[str, Any]:
    """CreateTransformJob for the flattened fields of a table."""
    require_known(job, {*_PLACES, "ModelEnvironment", "ModelName"}, "job")
    request: dict[str, Any] = {
        "TransformJobName": name,
        "ModelName": job.get("ModelName", model),
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix"}}},
        "TransformOutput": {},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    for field, value in {**DEFAULT_JOB, **job}.items():
        if field in _PLACES:
            _set(request, _PLACES[field], value)
    return request


def _set(request: dict[str, Any], path: str, value: Any) -> None:
    *parents, name = path.split(".")
    node = request
    for parent in parents:
        node = node.setdefault(parent, {})
    node[name] = value
