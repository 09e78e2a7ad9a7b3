"""Search over model packages and groups: filters, nested filters, subexpressions, order and pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from api.aws_clients import ENDPOINT, clients
from api.inprocess import AUTHORIZATION
from botocore.exceptions import ClientError

from sagemaker_transform_emulator.config import StoreAddress


@pytest.fixture(scope="module")
def sagemaker(s3: StoreAddress) -> Iterator[Any]:
    """A client of an application with the group "models" of three versions, and the package "single"."""
    with clients(s3) as client_of:
        client = client_of("sagemaker")
        client.create_model_package_group(
            ModelPackageGroupName="models", Tags=[{"Key": "team", "Value": "blue"}]
        )
        for number in (1, 2, 3):
            client.create_model_package(
                ModelPackageGroupName="models", ModelPackageDescription=f"number {number}",
                ModelApprovalStatus="Approved" if number == 2 else "Rejected",
                InferenceSpecification={"Containers": [{"Image": f"image-{number}"}, {"Image": "last"}]},
                CustomerMetadataProperties={"score": str(number), "dotted.key": "x"},
            )  # fmt: skip
        client.create_model_package(
            ModelPackageName="single", InferenceSpecification={"Containers": [{"Image": "alone"}]},
            Tags=[{"Key": "team", "Value": "red"}],
        )  # fmt: skip
        yield client


def found(sagemaker: Any, expression: Any = None, **more: Any) -> list[Any]:
    """The versions found, or the name of the unversioned package."""
    given = {"SearchExpression": expression} if expression else {}
    results = sagemaker.search(**{"Resource": "ModelPackage", **given, **more})["Results"]
    packages = [result["ModelPackage"] for result in results]
    return [package.get("ModelPackageVersion", package.get("ModelPackageName")) for package in packages]


def on(name: str, value: str | None = None, operator: str | None = None) -> dict[str, str]:
    return {
        "Name": name,
        **({} if value is None else {"Value": value}),
        **({} if operator is None else {"Operator": operator}),
    }


@pytest.mark.parametrize(
    ("condition", "versions"),
    [
        (on("ModelPackageGroupName", "models"), [1, 2, 3]),
        (on("ModelApprovalStatus", "Approved"), [2]),
        (on("ModelApprovalStatus", "Approved", "NotEquals"), [1, 3, "single"]),
        (on("ModelPackageVersion", "2", "GreaterThanOrEqualTo"), [2, 3]),
        (on("ModelPackageVersion", "2.0"), [2]),
        (on("ModelPackageVersion", "2", "LessThan"), [1]),
        (on("ModelPackageVersion", "nan", "LessThanOrEqualTo"), []),
        (on("ModelPackageVersion", operator="NotExists"), ["single"]),
        (on("ModelPackageDescription", operator="Exists"), [1, 2, 3]),
        (on("ModelPackageDescription", "ber 3", "Contains"), [3]),
        (on("ModelApprovalStatus", "Approved, PendingManualApproval", "In"), [2]),
        (on("InferenceSpecification.Containers.Image", "image-1"), [1]),
        (on("InferenceSpecification.Containers.Image", "last"), [1, 2, 3]),
        (on("Tags.team", "red"), ["single"]),
        (on("CustomerMetadataProperties.score", "3"), [3]),
        (on("CustomerMetadataProperties.dotted.key", "x"), [1, 2, 3]),
        (on("CreationTime", "2020-01-01T00:00:00", "GreaterThan"), [1, 2, 3, "single"]),
        (on("CreationTime", "not a time", "GreaterThan"), []),
        (on("CertifyForMarketplace", "false"), [1, 2, 3, "single"]),
        (on("No.Such.Property", "x"), []),
    ],
    ids=str,
)
def test_a_filter_finds(sagemaker: Any, condition: Any, versions: list[Any]) -> None:
    assert found(sagemaker, {"Filters": [condition]}, SortOrder="Ascending") == versions


def test_expressions_are_combined(sagemaker: Any) -> None:
    one, two = on("ModelPackageVersion", "1"), on("ModelPackageVersion", "2")
    ascending = {"SortOrder": "Ascending"}
    assert found(sagemaker, {"Filters": [one, two]}) == []
    assert found(sagemaker, {"Filters": [one, two], "Operator": "Or"}, **ascending) == [1, 2]
    nested = {"SubExpressions": [{"Filters": [one]}, {"Filters": [two]}], "Operator": "Or"}
    assert found(
        sagemaker, {"SubExpressions": [nested], "Filters": [on("ModelApprovalStatus", "Approved")]}
    ) == [2]
    same_container = {
        "NestedPropertyName": "InferenceSpecification.Containers",
        "Filters": [on("InferenceSpecification.Containers.Image", "image-3")],
    }
    assert found(sagemaker, {"NestedFilters": [same_container]}) == [3]
    both = {
        **same_container,
        "Filters": [*same_container["Filters"], on("InferenceSpecification.Containers.Image", "last")],
    }
    assert found(sagemaker, {"NestedFilters": [both]}) == []


def test_results_are_ordered_and_paged(sagemaker: Any) -> None:
    assert found(sagemaker, SortBy="ModelPackageVersion") == [3, 2, 1, "single"]
    pages = sagemaker.get_paginator("search").paginate(
        Resource="ModelPackage", SortBy="ModelPackageDescription", SortOrder="Ascending",
        PaginationConfig={"PageSize": 3},
    )  # fmt: skip
    sizes = [
        [result["ModelPackage"].get("ModelPackageVersion") for result in page["Results"]] for page in pages
    ]
    assert sizes == [[None, 1, 2], [3]]
    first = sagemaker.search(Resource="ModelPackage", MaxResults=1)
    assert first["TotalHits"] == {"Value": 4, "Relation": "EqualTo"}
    assert found(sagemaker, CrossAccountFilterOption="CrossAccount") == []


def test_groups_are_found_and_what_is_not_run_here_is_not(sagemaker: Any) -> None:
    expression = {"Filters": [on("ModelPackageGroupName", "models", "Equals"), on("Tags.team", "blue")]}
    [result] = sagemaker.search(Resource="ModelPackageGroup", SearchExpression=expression)["Results"]
    assert result["ModelPackageGroup"]["ModelPackageGroupArn"].endswith(":model-package-group/models")
    assert result["ModelPackageGroup"]["Tags"] == [{"Key": "team", "Value": "blue"}]
    assert sagemaker.search(Resource="TrainingJob")["Results"] == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"SearchExpression": {}}, "1 to 50 filters"),
        ({"SearchExpression": {"SubExpressions": [{"Filters": [on("a", "b")] * 20}] * 3}}, "1 to 50 filters"),
        ({"SearchExpression": {"Filters": [on("a")]}}, "needs a Value"),
        ({"Resource": "Model"}, "Search over Model is not part of this emulator"),
        ({"NextToken": "x"}, "NextToken"),
    ],
)
def test_searches_that_make_no_sense_are_refused(sagemaker: Any, given: dict[str, Any], says: str) -> None:
    with pytest.raises(ClientError, match=says) as caught:
        sagemaker.search(**{"Resource": "ModelPackage", **given})
    assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("depth", [49, 200, 480, 5_000])
def test_an_expression_without_end_is_refused(s3: StoreAddress, depth: int) -> None:
    """By a client that does not read what it sends, as botocore does."""
    nested = '{"SubExpressions":[' * depth + '{"Filters":[{"Name":"a","Value":"b"}]}' + "]}" * depth
    headers = {"x-amz-target": "SageMaker.Search", "authorization": AUTHORIZATION}
    with clients(s3) as client_of:
        body = f'{{"Resource":"ModelPackage","SearchExpression":{nested}}}'.encode()
        answer = client_of.request("POST", ENDPOINT, content=body, headers=headers)
    assert answer.status_code == (200 if depth < 50 else 400)
    assert answer.json().get("__type", "") in ("", "ValidationException", "SerializationException")
