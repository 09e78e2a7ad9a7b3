"""S3 in every form that clients write it reaches the store, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import httpx
import pytest
from api.aws_clients import ENDPOINT, REACHED_S3, Clients, clients
from api.inprocess import AUTHORIZATION

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.minio_server import minio_binary, minio_store

FORM = {"content-type": "application/x-www-form-urlencoded"}
PUBLIC = json.dumps({
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*"}
    ],
})  # fmt: skip
V2 = "AWSAccessKeyId=test&Signature=x&Expires=4102444800"


def signed(service: str) -> dict[str, str]:
    return {"authorization": AUTHORIZATION.replace("/sagemaker/", f"/{service}/")}


@pytest.fixture(scope="module", params=["moto", pytest.param("minio", marks=pytest.mark.needs("minio"))])
def front(
    s3: StoreAddress, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clients]:
    """An application with a store behind it that has the public object bkt/in/a.csv."""
    with ExitStack() as stack:
        address = s3
        if request.param == "minio":
            binary = minio_binary()
            assert binary is not None
            address = stack.enter_context(minio_store(binary, tmp_path_factory.mktemp("minio") / "data", "x"))
        storage = stack.enter_context(closing(Storage(address)))
        if request.param == "minio":
            storage.client.create_bucket(Bucket="bkt")
            storage.client.put_object(Bucket="bkt", Key="in/a.csv", Body=b"1,2\n3,4\n")
            storage.client.put_bucket_policy(Bucket="bkt", Policy=PUBLIC)
        else:
            storage.client.put_object_acl(Bucket="bkt", Key="in/a.csv", ACL="public-read")
        yield stack.enter_context(clients(address, with_store=True))


@pytest.fixture(scope="module")
def bare(s3: StoreAddress) -> Iterator[Clients]:
    """An application that answers 299 where a store would be."""
    with clients(s3) as made:
        yield made


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_objects_are_written_listed_and_read_in_both_styles(front: Clients, style: str) -> None:
    s3 = front("s3", s3={"addressing_style": style})
    s3.create_bucket(Bucket=f"made-{style}")
    s3.put_object(Bucket=f"made-{style}", Key="a b/ü.csv", Body=b"1,2", ContentType="application/json")
    assert s3.get_object(Bucket=f"made-{style}", Key="a b/ü.csv")["Body"].read() == b"1,2"
    listed = s3.list_objects_v2(Bucket=f"made-{style}")
    assert [entry["Key"] for entry in listed["Contents"]] == ["a b/ü.csv"]
    upload = s3.create_multipart_upload(Bucket=f"made-{style}", Key="big")
    s3.abort_multipart_upload(Bucket=f"made-{style}", Key="big", UploadId=upload["UploadId"])
    s3.delete_objects(Bucket=f"made-{style}", Delete={"Objects": [{"Key": "a b/ü.csv"}]})
    s3.delete_bucket(Bucket=f"made-{style}")
    assert f"made-{style}" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_hold_in_both_styles_and_signatures(front: Clients, style: str, version: str) -> None:
    s3 = front("s3", s3={"addressing_style": style}, signature_version=version)
    put = s3.generate_presigned_url("put_object", {"Bucket": "bkt", "Key": "in/put.csv"})
    assert front.request("PUT", put, content=b"5,6").status_code == 200
    got = front.request(
        "GET", s3.generate_presigned_url("get_object", {"Bucket": "bkt", "Key": "in/put.csv"})
    )
    assert (got.status_code, got.content) == (200, b"5,6")
    s3.delete_object(Bucket="bkt", Key="in/put.csv")


@pytest.mark.parametrize("url", [f"{ENDPOINT}/bkt/in/a.csv", "http://bkt.localhost:4566/in/a.csv"])
def test_an_anonymous_get_is_answered_by_the_store(front: Clients, url: str) -> None:
    answer = front.request("GET", url)
    assert (answer.status_code, answer.content) == (200, b"1,2\n3,4\n")


@pytest.mark.parametrize(
    ("method", "path", "given"),
    [
        ("GET", "/", {}),
        ("GET", "/bkt?list-type=2", {}),
        ("GET", f"/bkt/k?{V2}", {}),
        ("HEAD", "/bkt/k", {}),
        ("OPTIONS", "/bkt/k", {}),
        ("POST", "/bkt/k?uploads", {"headers": FORM}),  # what curl -d adds
        ("POST", "/bkt/k?uploads", {"headers": FORM | signed("s3")}),
        ("POST", "/bkt?delete", {"headers": {"content-type": "application/json"}}),
        ("POST", "/bkt", {"files": {"file": b"1"}, "data": {"key": "k"}}),
        ("POST", "/", {"headers": FORM | signed("s3"), "content": b"Action=GetCallerIdentity"}),
        ("PUT", "/bkt/k", {"headers": {"authorization": "AWS test:c2ln"}, "content": b"1"}),
        ("PUT", "/bkt/k", {"headers": {"content-type": "application/json"}, "content": b"{}"}),
        ("PUT", "/bkt/k", {"headers": signed("S3")}),
        ("GET", "/bkt/endpoints/e/invocations", {}),
        ("GET", "/bkt/v20180820/x", {"headers": signed("s3")}),
        ("GET", "/bkt/minio/admin/x", {}),
        ("GET", "/minio/models/x", {}),
        ("GET", "/moto-api-results/x", {}),
    ],
)
def test_what_is_s3_goes_to_the_store(bare: Clients, method: str, path: str, given: dict[str, Any]) -> None:
    answer = bare.request(method, ENDPOINT + path, **given)
    assert answer.status_code == REACHED_S3, answer.text


@pytest.mark.parametrize(
    ("method", "path", "given", "says"),
    [
        ("GET", "/2015-03-31/functions", {"headers": signed("lambda")}, "ListFunctions of AWS Lambda"),
        ("GET", "/v1/speech?X-Amz-Credential=a/20261122/us-east-1/polly/aws4_request", {}, "Amazon Polly"),
        ("GET", "/?Action=AssumeRole&Version=2011-06-15", {}, "AssumeRole"),
        ("POST", "/", {"headers": FORM, "content": b"Action=RunInstances"}, "RunInstances"),
        ("POST", "/", {"headers": FORM, "content": b"x=1"}, "POST /"),
        ("POST", "/", {"headers": FORM | signed("ec2"), "content": b"Action=RunInstances"}, "Amazon Elastic"),
        ("GET", "/x", {"headers": {"authorization": "Bearer t"}}, "GET /x"),
        ("POST", "/moto-api/reset", {}, "POST /moto-api/reset"),
        ("POST", "/minio/admin/v3/service", {"headers": signed("s3")}, "POST /minio/admin/v3/service"),
        ("GET", "/minio/v2/metrics/cluster", {}, "GET /minio/v2/metrics/cluster"),
        ("GET", "/x%00%1b", {"headers": signed("no-such")}, "GET /x?? of no-such"),
        ("POST", "/service/X/operation/Y", {"headers": {"smithy-protocol": "rpc-v2-cbor"}}, "operation Y"),
        ("POST", "/service", {"headers": {"smithy-protocol": "rpc-v2-cbor"}}, "POST /service"),
        ("PUT", "/r", {"headers": {"authorization": "AWS4-ECDSA-P256-SHA256 Credential=a/20261122/"
                                   "cloudfront-keyvaluestore/aws4_request"}}, "KeyValueStore"),
    ],
)  # fmt: skip
def test_what_is_not_s3_is_refused_by_name(
    bare: Clients, method: str, path: str, given: dict[str, Any], says: str
) -> None:
    answer = bare.request(method, ENDPOINT + path, **given)
    assert answer.status_code == 400
    assert says in answer.content.decode("utf-8", "replace")


def test_an_invocation_is_refused_as_aws_refuses_one_of_no_endpoint(bare: Clients) -> None:
    runtime = bare("sagemaker-runtime")
    for call in (runtime.invoke_endpoint, runtime.invoke_endpoint_with_response_stream):
        with pytest.raises(runtime.exceptions.ClientError) as caught:
            call(EndpointName="nope", Body=b"1")
        assert caught.value.response["Error"]["Code"] == "ValidationError"
        assert caught.value.response["Error"]["Message"] == "Endpoint nope of account 000000000000 not found."


@pytest.mark.parametrize(
    "path",
    [
        "/moto-api/data.json",
        "/latest/meta-data/iam/security-credentials/",
        "/lambda_us-east-1/2015-03-31/functions",
    ],
)
def test_the_built_in_store_has_nothing_but_s3(s3: StoreAddress, path: str) -> None:
    for headers in ({}, signed("lambda"), {"x-amz-target": "AWSCognitoIdentityService.GetId"}):
        answer = httpx.get(f"{s3.endpoint_url}{path}", headers=headers)
        assert answer.status_code == 404
        assert "<Code>NoSuchBucket</Code>" in answer.text
