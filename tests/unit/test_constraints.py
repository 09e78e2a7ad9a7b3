"""Violations in the service's words and order, held to answers that users of SageMaker have published."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.constraints import in_order_of_service, service_model, validate
from sagemaker_transform_emulator.sagemaker.patterns import matches
from sagemaker_transform_emulator.server.api.operations import OPERATIONS

TRAINING_2018 = (
    "ml.p2.xlarge, ml.m5.4xlarge, ml.m4.16xlarge, ml.p3.16xlarge, ml.m5.large, ml.p2.16xlarge, "
    "ml.c4.2xlarge, ml.c5.2xlarge, ml.c4.4xlarge, ml.c5.4xlarge, "
    "ml.c4.8xlarge, ml.c5.9xlarge, ml.c5.xlarge, ml.c4.xlarge, "
    "ml.c5.18xlarge, ml.p3.2xlarge, ml.m5.xlarge, ml.m4.10xlarge, ml.m5.12xlarge, ml.m4.xlarge, "
    "ml.m5.24xlarge, ml.m4.2xlarge, ml.p2.8xlarge, ml.m5.2xlarge, ml.p3.8xlarge, ml.m4.4xlarge"
)
TRAINING_2020 = (
    "ml.p2.xlarge, ml.m5.4xlarge, ml.m4.16xlarge, ml.p3.16xlarge, ml.m5.large, ml.p2.16xlarge, "
    "ml.c4.2xlarge, ml.c5.2xlarge, ml.c4.4xlarge, ml.c5.4xlarge, "
    "ml.g4dn.xlarge, ml.g4dn.12xlarge, ml.c4.8xlarge, "
    "ml.g4dn.2xlarge, ml.c5.9xlarge, ml.g4dn.4xlarge, ml.c5.xlarge, ml.g4dn.16xlarge, ml.c4.xlarge, "
    "ml.g4dn.8xlarge, ml.c5.18xlarge, ml.p3dn.24xlarge, ml.p3.2xlarge, ml.m5.xlarge, ml.m4.10xlarge, "
    "ml.m5.12xlarge, ml.m4.xlarge, ml.m5.24xlarge, ml.m4.2xlarge, ml.p2.8xlarge, ml.m5.2xlarge, "
    "ml.p3.8xlarge, ml.m4.4xlarge"
)
TRAINING_2025 = (
    "ml.r7i.48xlarge, ml.r5.12xlarge, ml.r5d.12xlarge, ml.m6i.xlarge, ml.trn1.32xlarge, ml.p2.xlarge, "
    "ml.m5.4xlarge, ml.m4.16xlarge, ml.r7i.16xlarge, ml.m7i.xlarge, ml.r5.24xlarge, ml.r5d.24xlarge, "
    "ml.m6i.12xlarge, ml.p5.48xlarge, ml.r7i.8xlarge, ml.r7i.large, ml.m7i.12xlarge, ml.m6i.24xlarge, "
    "ml.p4d.24xlarge, ml.m7i.24xlarge, ml.t3.xlarge, ml.r5.16xlarge, ml.r5d.16xlarge, ml.trn2.48xlarge, "
    "ml.g5.2xlarge, ml.c5n.xlarge, ml.p5e.48xlarge, ml.p3.16xlarge, ml.m5.large, ml.m7i.48xlarge, "
    "ml.m6i.16xlarge, ml.g6.2xlarge, ml.p2.16xlarge"
)
CLUSTER = (
    "ml.m5.4xlarge, ml.trn1.32xlarge, ml.p5.48xlarge, ml.p4d.24xlarge, ml.t3.xlarge, ml.m5.8xlarge, "
    "ml.m5.large, ml.g5.2xlarge, ml.g5.4xlarge, ml.c5.2xlarge, ml.c5.4xlarge, ml.g5.8xlarge, "
    "ml.c5n.18xlarge, ml.c5.large, ml.c5.9xlarge, ml.c5.xlarge, ml.c5.12xlarge, ml.c5.24xlarge, "
    "ml.trn1n.32xlarge, ml.c5n.2xlarge, ml.g5.xlarge, ml.t3.2xlarge, ml.t3.medium, ml.g5.12xlarge, "
    "ml.c5n.4xlarge, ml.g5.24xlarge, ml.c5.18xlarge, ml.g5.48xlarge, ml.g5.16xlarge, ml.m5.xlarge, "
    "ml.c5n.large, ml.t3.large, ml.m5.12xlarge, ml.c5n.9xlarge, ml.m5.24xlarge, ml.m5.2xlarge, "
    "ml.m5.16xlarge, ml.p4de.24xlarge"
)


@pytest.mark.rule("R1.4")
@pytest.mark.parametrize(
    ("shape", "listed"),
    [
        ("TrainingInstanceType", TRAINING_2018), ("TrainingInstanceType", TRAINING_2020),
        ("TrainingInstanceType", TRAINING_2025), ("ClusterInstanceType", CLUSTER),
    ],
    ids=["2018", "2020", "2025", "cluster"],
)  # fmt: skip
def test_enums_are_listed_as_sagemaker_listed_them(shape: str, listed: str) -> None:
    """Of today's values, those there were then."""
    seen = listed.split(", ")
    ordered = in_order_of_service(service_model().shape_for(shape).metadata["enum"])
    assert [value for value in ordered if value in seen] == seen


@given(st.lists(st.text(max_size=20), unique=True, max_size=60))
def test_the_order_loses_and_adds_nothing(values: list[str]) -> None:
    assert sorted(in_order_of_service(values)) == sorted(values)


@pytest.mark.rule("R1.4")
def test_a_value_that_breaks_two_constraints_is_counted_twice() -> None:
    """As published for DescribeUserProfile in 2025: for each member the pattern, then the length."""
    name = "_" * 64
    with pytest.raises(ServiceError) as caught:
        validate("DescribeModel", {"ModelName": name})
    assert caught.value.code == "ValidationException"
    assert caught.value.message == (
        f"2 validation errors detected: Value '{name}' at 'modelName' failed to satisfy constraint: Member "
        "must satisfy regular expression pattern: [a-zA-Z0-9]([\\-a-zA-Z0-9]*[a-zA-Z0-9])?; "
        f"Value '{name}' at 'modelName' failed to satisfy constraint: Member must have length less than or "
        "equal to 63"
    )


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text", ["a" * 100_000, "-" * 100_000, "arn:" * 30_000, "a-" * 50_000 + "_", "/" * 9_999]
)
def test_no_pattern_runs_away_however_the_value_is_made(text: str) -> None:
    """A pattern that backtracks without end would run into the test's time limit."""
    patterns = {
        shape.metadata["pattern"]
        for service, operations in OPERATIONS.items()
        for operation in operations
        for shape in _strings(service_model(service).operation_model(operation).input_shape, set())
    }
    verdicts = [matches(pattern, text) for pattern in patterns]
    assert len(verdicts) > 20
    assert {True, False} == set(verdicts)  # some take any text


def _strings(shape: Any, seen: set[str]) -> Iterator[Any]:
    """The string shapes with a pattern below that shape."""
    if shape is None or shape.name in seen:
        return
    seen.add(shape.name)
    names = {"list": ["member"], "map": ["key", "value"]}.get(shape.type_name, [])
    members = shape.members.values() if shape.type_name == "structure" else ()
    for below in (*members, *(getattr(shape, name) for name in names)):
        yield from _strings(below, seen)
    if "pattern" in shape.metadata:
        yield shape
