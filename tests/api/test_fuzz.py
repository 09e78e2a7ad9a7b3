"""Bad requests of every kind get an error of AWS's own form, never a 500 and never a traceback.

`--fuzz-requests 100000` sends that many instead of the few thousand of the default run.
"""

from __future__ import annotations

import json
import random
import re
import urllib.parse
from typing import Any

import httpx
import pytest
from api.inprocess import AUTHORIZATION, application, job_request, run
from botocore.serialize import create_serializer

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.sagemaker.constraints import service_model
from sagemaker_transform_emulator.server.api import cbor
from sagemaker_transform_emulator.server.api.operations import OPERATIONS as ALL_OPERATIONS
from sagemaker_transform_emulator.server.api.operations import TARGETS, VERSIONS

OPERATIONS = {prefix: tuple(ALL_OPERATIONS[service]) for prefix, service in TARGETS.items()}
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**30, 1e300, "", "x", "x" * 5000, "\x00", "\ud800", "é\n\t", "s3://", "s3://b",
    "s3:///k", "https://example.com/x", [], [None], [[]], {}, {"": None}, "arn:aws:sagemaker:::model/x",
    "Line", "None", "$", "2026-11-22T00:00:00Z", "nan", 2**31, 2**63, -(2**63) - 1, "f/1/s", "bm9wZQ==",
)  # fmt: skip
TEXTS = (
    b"", b"{", b"[]", b"null", b'"x"', b"1", b"{}{}", b"\xff\xfe", b'{"a":NaN}', b'{"a":1e999}',
    b'{"a":' * 3000 + b"1" + b"}" * 3000, b"[" * 100_000, b'{"ModelName":"m","ModelName":5}',
    b'{"ModelName":"' + b"m" * 200_000 + b'"}',
    b'{"ModelName":' + b"9" * 5000 + b"}", b'{"ModelName":"\\ud800"}',
)  # fmt: skip
AUTHORIZATIONS = (
    *[AUTHORIZATION] * 40, "", "x", "AWS4-HMAC-SHA256 Credential=/////",
    "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request", AUTHORIZATION.replace("us-east-1", "x" * 500),
    AUTHORIZATION.replace("test", "123456789012"),
)  # fmt: skip


def package_request() -> dict[str, Any]:
    """A valid CreateModelPackage."""
    container = {"Image": "scripted", "ModelDataUrl": "s3://bkt/in/a.csv", "Environment": {"K": "v"}}
    return {
        "ModelPackageGroupName": "m",
        "InferenceSpecification": {"Containers": [container], "SupportedContentTypes": ["text/csv"]},
        "ModelApprovalStatus": "Approved",
        "CustomerMetadataProperties": {"k": "v"},
    }


class Fuzzer:
    """Makes requests, reproducibly."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def request(self) -> tuple[str, bytes, str]:
        """Target, body and Authorization of one request."""
        prefix = self.random.choice(list(OPERATIONS))
        operation = self.random.choice(OPERATIONS[prefix])
        authorization = self.random.choice(AUTHORIZATIONS)
        kind = self.random.random()
        if kind < 0.1:
            return self.target(), b"{}", authorization
        if kind < 0.2:
            return f"{prefix}.{operation}", self.random.choice(TEXTS), authorization
        shape = service_model(TARGETS[prefix]).operation_model(operation).input_shape
        value = self.value(shape, 0)
        if operation == "CreateModelPackage" and self.random.random() < 0.5:
            value = self.mutated(package_request())
        if operation == "CreateTransformJob" and self.random.random() < 0.5:
            value = self.mutated(job_request(f"job-{self.random.random()}"))
        return f"{prefix}.{operation}", json.dumps(value).encode(), authorization

    def target(self) -> str:
        """Something that is no operation of ours."""
        return self.random.choice((
            ".", "SageMaker", "SageMaker.", "SageMaker.Nope", "SageMaker.CreateEndpoint", "Nope.CreateModel",
            "SageMaker.createmodel", "SageMaker.CreateModel.x", "x" * 4000, "Logs_20140328.PutLogEvents",
            "\xe9",
        ))  # fmt: skip

    def value(self, shape: Any, depth: int) -> Any:  # noqa: PLR0911 - one for each kind of shape
        """A value of the shape that is wrong somewhere, or of another type altogether."""
        if self.random.random() < 0.15 or depth > 5:
            return self.random.choice(ODD)
        if shape.type_name == "structure":
            names = [
                name for name in shape.members if name in shape.required_members or self.random.random() < 0.4
            ]
            found = {name: self.value(shape.members[name], depth + 1) for name in names}
            return found | ({"Unknown": self.random.choice(ODD)} if self.random.random() < 0.1 else {})
        if shape.type_name == "list":
            return [self.value(shape.member, depth + 1) for _ in range(self.random.choice((0, 1, 2, 120)))]
        if shape.type_name == "map":
            return {
                f"K{n}": self.value(shape.value, depth + 1) for n in range(self.random.choice((0, 1, 18)))
            }
        if "enum" in shape.metadata:
            return self.random.choice((*shape.metadata["enum"], "Nope"))
        if shape.type_name == "string":
            return self.random.choice(("m", "s3://bkt/in/", "text/csv", self.random.choice(ODD)))
        return self.random.choice((0, 1, 100, True, 1.5, -5))

    def mutated(self, request: dict[str, Any]) -> dict[str, Any]:
        """A valid request with one member, at any depth, replaced."""
        node: Any = request
        while True:
            key = self.random.choice(list(node))
            if isinstance(node[key], dict) and node[key] and self.random.random() < 0.7:
                node = node[key]
                continue
            node[key] = self.random.choice(ODD)
            return request


def assert_modelled(answer: httpx.Response) -> str:
    """A success, or an error with a code and a message; returns the code."""
    assert answer.status_code in (200, 400), answer.text
    assert answer.headers["content-type"] in ("application/x-amz-json-1.1", "application/x-amz-json-1.0")
    assert answer.headers["x-amzn-requestid"]
    assert "Traceback" not in answer.text
    if answer.status_code == 200:
        return "ok"
    said = answer.json()
    assert said["__type"] != "InternalFailure", said
    assert said.get("message", said.get("Message")), said
    code: str = said["__type"]
    return code


@pytest.mark.rule("R1.3", "R1.4")
@pytest.mark.timeout(3600)
def test_55_bad_requests_get_modelled_errors(
    s3: StoreAddress, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    count: int = request.config.getoption("--fuzz-requests")
    fuzzer = Fuzzer(20261122)

    async def go() -> dict[str, int]:
        codes: dict[str, int] = {}
        async with application(s3) as wire:
            for _ in range(count):
                target, body, authorization = fuzzer.request()
                answer = await wire.post(target.encode("latin-1"), body, authorization=authorization)
                code = assert_modelled(answer)
                codes[code] = codes.get(code, 0) + 1
        return codes

    codes = run(go)
    assert sum(codes.values()) == count
    assert {"ok", "ValidationException", "SerializationException", "UnknownOperationException",
            "MissingAuthenticationTokenException", "IncompleteSignatureException"} <= set(codes)  # fmt: skip
    with capsys.disabled():
        print(f"\n{count} requests: {codes}")  # noqa: T201 - the figure is the result


def form_of(fuzzer: Fuzzer) -> bytes:
    """A form that is wrong somewhere, for one of the services that take forms."""
    version = fuzzer.random.choice([*VERSIONS, "2000-01-01"])
    service = VERSIONS.get(version, "iam")
    operation = fuzzer.random.choice([*ALL_OPERATIONS[service], "Nope"])
    fields = {"Action": operation, "Version": version}
    for _ in range(fuzzer.random.choice((0, 1, 3, 30))):
        name = ".".join(fuzzer.random.choices(
            ("RoleName", "ActionNames", "member", "1", "2", "x", "", "PolicySourceArn", "MetricDataQueries",
             "MetricStat", "StartTime", "Dimensions", "Value", "99999999999999999999", "entry", "key"),
            k=fuzzer.random.choice((1, 2, 3, 40)),
        ))  # fmt: skip
        fields[name] = str(fuzzer.random.choice(ODD))
    return urllib.parse.urlencode(fields, errors="replace").encode()


def cbor_of(fuzzer: Fuzzer) -> tuple[str, bytes]:
    """Operation and body of a request in CBOR: one that botocore writes, with some bytes changed."""
    operation = fuzzer.random.choice(tuple(ALL_OPERATIONS["cloudwatch"]))
    metric = {"Namespace": "n", "MetricName": "m", "Dimensions": [{"Name": "Host", "Value": "v"}]}
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    given = {
        "GetMetricData": {"MetricDataQueries": [query], "StartTime": 0, "EndTime": 9},
        "ListMetrics": {"Namespace": "n", "Dimensions": [{"Name": "Host"}]},
    }[operation]
    model = service_model("cloudwatch").operation_model(operation)
    body = bytearray(create_serializer("smithy-rpc-v2-cbor").serialize_to_request(given, model)["body"])
    for _ in range(fuzzer.random.choice((0, 1, 2, 9))):
        body[fuzzer.random.randrange(len(body))] = fuzzer.random.randrange(256)
    return operation, bytes(body[: fuzzer.random.choice((len(body), len(body) // 2))])


@pytest.mark.timeout(1800)
def test_55_bad_requests_in_other_protocols_get_modelled_errors(
    s3: StoreAddress, request: pytest.FixtureRequest
) -> None:
    count: int = request.config.getoption("--fuzz-requests") // 3
    fuzzer = Fuzzer(20261124)
    form = {"content-type": "application/x-www-form-urlencoded"}
    codes: set[str] = set()

    async def go() -> None:
        async with application(s3) as wire:
            for _ in range(count):
                authorization = fuzzer.random.choice(AUTHORIZATIONS)
                signed = {"authorization": authorization} if authorization else {}
                answer = await wire.http.post("/", content=form_of(fuzzer), headers=form | signed)
                assert answer.status_code in (200, 400), answer.text
                codes.update(re.findall(r"<Code>(\w+)</Code>", answer.text))
                operation, body = cbor_of(fuzzer)
                headers = {"smithy-protocol": "rpc-v2-cbor", **signed}
                path = f"/service/GraniteServiceVersion20100801/operation/{operation}"
                answer = await wire.http.post(path, content=body, headers=headers)
                told = cbor.parse(answer.content, "", "")
                assert answer.status_code in (200, 400), told
                codes.add(told.get("__type", "ok"))

    run(go)
    assert "InternalFailure" not in codes
    assert {"ok", "ValidationError", "SerializationException", "InvalidAction", "MalformedInput"} <= codes


@pytest.mark.rule("R1.3")
def test_55_a_body_of_ten_mebibytes_is_read_and_a_larger_one_refused(s3: StoreAddress) -> None:
    async def go() -> tuple[str, str]:
        async with application(s3) as wire:
            filler = b'{"ModelName":"%s"}'
            fits = await wire.post("SageMaker.DescribeModel", filler % (b"m" * (10 * 2**20 - 16)))
            larger = await wire.post("SageMaker.DescribeModel", filler % (b"m" * (10 * 2**20)))
            return assert_modelled(fits), assert_modelled(larger)

    assert run(go) == ("ValidationException", "RequestEntityTooLargeException")
