"""Cases that are one request to the API: what must be there before, the request, what is expected."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import botocore.exceptions
import httpx
from cases import Case, job_request, model_request, require_known
from expectations import check_error
from live import Live, api_error, wait_for
from observation import ApiError

_NESTED = {"TransformInput", "TransformOutput", "TransformResources"}
Checks = Mapping[str, Callable[["Asked", Any], None]]


class Asked:
    """One case under way: its account, its client, and what the API answered."""

    def __init__(self, live: Live, case: Case) -> None:
        self.live, self.case = live, case
        self.account = str(case.data.get("account") or live.account())
        self.region = str(case.data.get("region", "us-east-1"))
        self.client = live.sagemaker(self.account, self.region)
        self.operation: str = case.data["request"]["operation"]
        self.body: dict[str, Any] = dict(case.data["request"].get("body", {}))
        self.answer: dict[str, Any] = {}
        self.error: ApiError | None = None
        self._running: list[str] = []

    @property
    def job_name(self) -> str:
        return str(self.body.get("TransformJobName", "job"))

    def make_model(self, name: str, behaviour: str = "echo", **environment: str) -> None:
        """A model of one scripted container."""
        ledgers = self.live.folder(f"{self.case.id}-{self.account}-{name}")
        request = model_request(
            Case({"id": self.case.id, "container": behaviour, "expect": {}}), name, ledgers
        )
        request["PrimaryContainer"]["Environment"] |= environment
        if name.endswith("with-ModelDataSource"):
            request["PrimaryContainer"]["ModelDataSource"] = {
                "S3DataSource": {
                    "S3Uri": "s3://bkt/m/", "S3DataType": "S3Prefix", "CompressionType": "None",
                }
            }  # fmt: skip
        self.client.create_model(**request)

    def start_job(self, name: str, model: str = "model") -> None:
        self.client.create_transform_job(**job_request({}, name, model))

    def start_waiting_job(self, name: str) -> None:
        """A job whose container is never healthy."""
        self.make_model(f"{name}-slow", PING="503")
        self.start_job(name, f"{name}-slow")
        self._running.append(name)

    def ask(self) -> None:
        """Send the request; the answer or the error is kept."""
        if self.operation == "event":
            self.start_job(self.job_name)
            wait_for(self.client, self.job_name)
            return
        operation = re.sub(r"(?<!^)(?=[A-Z])", "_", self.operation).lower()
        try:
            self.answer = getattr(self.client, operation)(**self.request())
        except botocore.exceptions.ClientError as error:
            self.error = api_error(error)

    def request(self) -> dict[str, Any]:
        """A valid request, but for what the case says."""
        if self.operation == "CreateTransformJob":
            name = self.body.get("TransformJobName", "job")
            nested = {key: value for key, value in self.body.items() if key in _NESTED}
            fields = {key: value for key, value in self.body.items() if key not in _NESTED}
            return merged(job_request({**fields, "TransformJobName": name}, name, "model"), nested)
        if self.operation == "CreateModel":
            return self._create_model()
        if self.body.get("when") == "before instances run":
            return {"TransformJobName": "job"}
        return self.body

    def raw(self) -> httpx.Response:
        """The same request by hand, for its bare answer."""
        scope = f"{self.account}/20260101/{self.region}/sagemaker/aws4_request"
        headers = {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"SageMaker.{self.operation}",
        }
        return httpx.post(self.live.endpoint, content=json.dumps(self.request()), headers=headers, timeout=60)

    def finish(self) -> None:
        """No job of the case is left running."""
        for name in self._running:
            self.client.stop_transform_job(TransformJobName=name)
            wait_for(self.client, name)

    def _create_model(self) -> dict[str, Any]:
        base = model_request(Case({"id": self.case.id, "expect": {}}), "new", self.live.folder(self.account))
        body = dict(self.body)
        counted = re.fullmatch(r"(\d+) definitions", str(body.get("Containers", "")))
        if counted:
            body["Containers"] = [base["PrimaryContainer"]] * int(counted[1])
        container = {
            name: body.pop(name)
            for name in ("Image", "ModelDataUrl", "Environment", "ContainerHostname", "Mode")
            if name in body
        }
        if "Containers" in body:
            base.pop("PrimaryContainer")
        else:
            base["PrimaryContainer"] |= container
        return {**base, **body}


def prepare(asked: Asked) -> None:
    """What the case presupposes is there. A presupposition nobody knows fails the case."""
    asked.live.fill(asked.case.objects if "objects" in asked.case.data else {"in/a.csv": b"1\n"})
    asked.make_model("model")
    model = asked.body.get("ModelName")
    welcome = not {"api_error", "any_of"} & set(asked.case.expect)
    if asked.operation == "CreateTransformJob" and model and (welcome or "-with-" in model):
        asked.make_model(model)
    if asked.body.get("when") == "before instances run":
        asked.start_waiting_job("job")
    text = asked.case.data.get("precondition", "")
    if not text and welcome and asked.operation in ("DescribeTransformJob", "StopTransformJob"):
        if "when" not in asked.body:
            _exists(asked)
        return
    if not text or text == "quota simulation on":
        return
    for pattern, act in _PRECONDITIONS:
        found = re.fullmatch(pattern, text)
        if found:
            act(asked, *found.groups())
            return
    raise AssertionError(f"this suite does not understand the precondition {text!r}")


def judge(asked: Asked) -> None:
    """All that the case expects was answered."""
    _judge(asked, asked.case.expect)


def _judge(asked: Asked, expect: Mapping[str, Any]) -> None:
    require_known(expect, {*CHECKS, "note"}, "expect")
    if not {"api_error", "any_of", "http_status"} & set(expect):
        assert asked.error is None, f"refused: {asked.error}"
    for word, wanted in expect.items():
        if word in CHECKS:
            CHECKS[word](asked, wanted)


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `more`, member by member."""
    found = dict(base)
    for name, value in more.items():
        both = isinstance(value, Mapping) and isinstance(found.get(name), Mapping)
        found[name] = merged(found[name], value) if both else value
    return found


def _exists(asked: Asked) -> None:
    asked.start_job(asked.job_name)


def _in_status(asked: Asked, status: str) -> None:
    if status in ("Completed", "Failed"):
        asked.make_model("other", "echo" if status == "Completed" else "status:500:no")
        asked.start_job(asked.job_name, "other")
        wait_for(asked.client, asked.job_name)
        return
    asked.start_waiting_job(asked.job_name)
    if status in ("Stopped", "Stopping"):
        asked.client.stop_transform_job(TransformJobName=asked.job_name)
        asked._running.remove(asked.job_name)
        if status == "Stopped":
            wait_for(asked.client, asked.job_name)


def _finished(asked: Asked, count: str) -> None:
    names = [f"finished-{number}" for number in range(int(count))]
    for name in names:
        asked.start_job(name)
    for name in names:
        wait_for(asked.client, name)


_PRECONDITIONS: tuple[tuple[str, Callable[..., None]], ...] = (
    (r"a job of that name exists.*", _exists),
    (r"a model of that name exists.*", lambda asked: asked.make_model(asked.body["ModelName"])),
    (r"job is (Stopped|Stopping|Completed|Failed|InProgress)", _in_status),
    (r"(\d+) finished jobs", _finished),
)


def _any_of(asked: Asked, wanted: Sequence[Mapping[str, Any]]) -> None:
    failures = []
    for choice in wanted:
        try:
            _judge(asked, choice)
        except AssertionError as error:
            failures.append(str(error))
        else:
            return
    raise AssertionError(f"none of {len(wanted)}: {failures}")


def _members(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def _response(asked: Asked, wanted: Mapping[str, Any]) -> None:
    if asked.operation != "ListTransformJobs":
        assert _members(asked.answer) == wanted
        return
    require_known(wanted, {"order", "page_size", "NextToken"}, "response")
    shown = asked.answer["TransformJobSummaries"]
    assert len(shown) == wanted["page_size"]
    assert wanted["order"] == "CreationTime descending"
    times = [summary["CreationTime"] for summary in shown]
    assert times == sorted(times, reverse=True)
    assert ("NextToken" in asked.answer) == (wanted["NextToken"] == "present")


def _keys_exact(asked: Asked, wanted: Sequence[str]) -> None:
    assert sorted(_members(asked.answer)) == sorted(wanted)


def _subset(asked: Asked, wanted: Mapping[str, Any]) -> None:
    assert merged(_members(asked.answer), wanted) == _members(asked.answer)


def _absent(asked: Asked, wanted: Sequence[str]) -> None:
    assert not set(wanted) & set(asked.answer)


def _summary_keys(asked: Asked, wanted: Sequence[str]) -> None:
    for summary in asked.answer["TransformJobSummaries"]:
        assert sorted(summary) == sorted(wanted)


def _http_status(asked: Asked, wanted: int) -> None:
    assert asked.raw().status_code == wanted


def _headers(asked: Asked, wanted: Mapping[str, str]) -> None:
    found = asked.raw().headers
    assert {name: found.get(name) for name in wanted} == wanted


def _body_keys(asked: Asked, wanted: Sequence[str]) -> None:
    body = asked.raw().json()
    for name in wanted:
        spellings = {name, name.capitalize()} if name.lower() == "message" else {name}
        assert spellings & set(body), sorted(body)


def _events(asked: Asked) -> list[dict[str, Any]]:
    arn = asked.client.describe_transform_job(TransformJobName=asked.job_name)["TransformJobArn"]
    return asked.live.receiver.of_job(arn, "Completed")


def _event_field(name: str) -> Callable[[Asked, Any], None]:
    def check(asked: Asked, wanted: Any) -> None:
        assert {event[name] for event in _events(asked)} == {wanted}

    return check


def _detail_keys(asked: Asked, wanted: Sequence[str]) -> None:
    for event in _events(asked):
        assert not set(wanted) - set(event["detail"])


CHECKS: Checks = {
    "api_error": lambda asked, wanted: check_error(asked.error, wanted),
    "any_of": _any_of,
    "response": _response,
    "response_keys_exact": _keys_exact,
    "response_subset": _subset,
    "response_absent": _absent,
    "summary_keys": _summary_keys,
    "http_status": _http_status,
    "headers": _headers,
    "body_json_keys": _body_keys,
    "source": _event_field("source"),
    "detail-type": _event_field("detail-type"),
    "detail_keys_contain": _detail_keys,
}
