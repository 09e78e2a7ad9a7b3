"""CloudWatch's two operations in the three protocols that clients speak with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from api.aws_clients import ENDPOINT, Clients, clients
from api.inprocess import AUTHORIZATION
from botocore.exceptions import ClientError
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.constraints import service_model
from sagemaker_transform_emulator.sagemaker.resources import Place
from sagemaker_transform_emulator.server.api import cbor
from sagemaker_transform_emulator.server.documents import Document
from sagemaker_transform_emulator.server.utilization import KIND, NAMESPACE

MINUTES = {
    "1000020": {"count": 2, "total": 300.0, "least": 100.0, "most": 200.0},
    "1000080": {"count": 1, "total": 50.0, "least": 50.0, "most": 50.0},
    "1000200": {"count": 1, "total": 10.0, "least": 10.0, "most": 10.0},
}
HOST = [{"Name": "Host", "Value": "job/i-1"}]


@pytest.fixture(scope="module")
def client_of(s3: StoreAddress) -> Iterator[Clients]:
    """An application that has measured the job `job`, and another account's."""
    with clients(s3) as made:
        documents = made.wire.backend.store.documents
        series = {"CPUUtilization": MINUTES, "MemoryUtilization": {"1000020": MINUTES["1000080"]}}
        documents.put(Document(Place(), KIND, "job/i-1", series, 0.0))
        documents.put(Document(Place("123456789012"), KIND, "other/i-2", series, 0.0))
        yield made


def query(stat: str = "Average", period: int = 60, **metric: Any) -> dict[str, Any]:
    asked = {"Namespace": NAMESPACE, "MetricName": "CPUUtilization", "Dimensions": HOST, **metric}
    return {"Id": "q", "MetricStat": {"Metric": asked, "Period": period, "Stat": stat}}


def ask(
    client_of: Clients, *queries: dict[str, Any], start: int = 0, end: int = 2_000_000, **more: Any
) -> Any:
    given = {"StartTime": start, "EndTime": end, **more}
    return client_of("cloudwatch").get_metric_data(MetricDataQueries=list(queries), **given)[
        "MetricDataResults"
    ]


@pytest.mark.rule("R8.1", "R8.2")
def test_the_metrics_of_a_job_are_listed_with_their_host(client_of: Clients) -> None:
    cloudwatch = client_of("cloudwatch")
    found = [
        metric for page in cloudwatch.get_paginator("list_metrics").paginate() for metric in page["Metrics"]
    ]
    assert found == [
        {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": HOST}
        for name in ("CPUUtilization", "MemoryUtilization")
    ]
    for wanted, count in (
        ({"Namespace": NAMESPACE}, 2), ({"Namespace": "AWS/EC2"}, 0), ({"MetricName": "CPUUtilization"}, 1),
        ({"Dimensions": [{"Name": "Host"}]}, 2), ({"Dimensions": HOST}, 2),
        ({"Dimensions": [{"Name": "Host", "Value": "x"}]}, 0), ({"Dimensions": [{"Name": "InstanceId"}]}, 0),
    ):  # fmt: skip
        assert len(cloudwatch.list_metrics(**wanted)["Metrics"]) == count, wanted


@pytest.mark.rule("R8.1", "R8.2")
def test_values_come_by_period_statistic_and_order(client_of: Clients) -> None:
    [latest_first] = ask(client_of, query())
    assert latest_first["Values"] == [10.0, 50.0, 150.0]
    assert latest_first["Timestamps"][-1] == datetime.fromtimestamp(1_000_020, UTC)
    assert (latest_first["Label"], latest_first["StatusCode"]) == ("CPUUtilization", "Complete")

    def values(stat: str, **more: Any) -> list[float]:
        [result] = ask(client_of, query(stat, **more), ScanBy="TimestampAscending")
        found: list[float] = result["Values"]
        return found

    assert values("Sum") == [300.0, 50.0, 10.0]
    assert values("Maximum") == [200.0, 50.0, 10.0]
    assert values("Minimum", period=120) == [100.0, 50.0, 10.0]  # 1000020 begins within 999960
    assert values("Minimum", period=300) == [50.0, 10.0]
    assert values("SampleCount", period=300) == [3.0, 1.0]
    assert values("Average", Dimensions=[{"Name": "Host", "Value": "nobody"}]) == []
    assert values("Average", Namespace="AWS/EC2") == []
    assert values("Average", Dimensions=[]) == []
    [within] = ask(client_of, query(), start=1_000_080, end=1_000_200)
    assert within["Values"] == [50.0]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"queries": [{"Id": "e", "Expression": "SUM(METRICS())"}]},
            "expressions are not part of this emulator",
        ),
        ({"queries": [query("p99")]}, "The Stat 'p99' is not part of this emulator"),
        ({"queries": [query(period=7)]}, "The Period 7 must be"),
        ({"queries": [query()], "start": 5, "end": 5}, "StartTime must be less than"),
        ({"queries": [query()], "NextToken": "x"}, "next token"),
    ],
)
def test_what_cannot_be_computed_is_refused(client_of: Clients, given: dict[str, Any], says: str) -> None:
    queries = given.pop("queries")
    with pytest.raises(ClientError, match=says):
        ask(client_of, *queries, **given)


@pytest.mark.parametrize("protocol", ["query", "json", "smithy-rpc-v2-cbor"])
def test_every_protocol_of_the_service_says_the_same(client_of: Clients, protocol: str) -> None:
    model = service_model("cloudwatch").operation_model("GetMetricData")
    given = {"MetricDataQueries": [query()], "StartTime": datetime.fromtimestamp(0, UTC),
             "EndTime": datetime.fromtimestamp(2_000_000, UTC)}  # fmt: skip
    request = create_serializer(protocol).serialize_to_request(given, model)
    body = request["body"]
    if isinstance(body, dict):
        request["headers"]["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        answer = client_of.request("POST", ENDPOINT, data=body, headers=headers(request))
    else:
        answer = client_of.request(
            "POST", ENDPOINT + request["url_path"], content=body, headers=headers(request)
        )
    parser = botocore.parsers.create_parser(protocol)
    parsed = parser.parse(
        {"status_code": answer.status_code, "headers": answer.headers, "body": answer.content},
        model.output_shape,
    )
    [result] = parsed["MetricDataResults"]
    assert answer.status_code == 200, answer.content
    assert result["Values"] == [10.0, 50.0, 150.0]
    assert [moment.timestamp() for moment in result["Timestamps"]] == [1_000_200, 1_000_080, 1_000_020]


def headers(request: dict[str, Any]) -> dict[str, str]:
    return {**request["headers"], "authorization": AUTHORIZATION.replace("/sagemaker/", "/monitoring/")}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_in_cbor_or_refused(body: bytes) -> None:
    try:
        assert isinstance(cbor.parse(body, "cloudwatch", "ListMetrics"), dict)
    except ServiceError as refused:
        code = refused.code
    else:
        return
    assert code == "SerializationException"


@pytest.mark.parametrize(
    "body",
    [
        b"\x9f" * 100_000, b"\xbf\x61a" * 50_000, b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff", b"\xa1\xa0\x01",
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", b"\xa1\x61a\xc1\xfb\x7f\xf0" + bytes(6), b"\xa0\xa0",
        b"\x01",
    ],
)  # fmt: skip
def test_hostile_cbor_is_refused(client_of: Clients, body: bytes) -> None:
    answer = client_of.request(
        "POST", f"{ENDPOINT}/service/GraniteServiceVersion20100801/operation/ListMetrics", content=body,
        headers={"smithy-protocol": "rpc-v2-cbor", "authorization": AUTHORIZATION},
    )  # fmt: skip
    assert answer.status_code == 400
    assert b"SerializationException" in answer.content
