"""Fields set by name, and faults written as words."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.jobs.fault_injection import Fault, parse_fault, parse_faults
from sagemaker_transform_emulator.sagemaker.field_paths import set_environment, set_fields


def test_a_field_is_found_by_the_last_part_of_its_path() -> None:
    request: dict[str, Any] = {}
    set_fields(request, ["SplitType=Line", "MaxPayloadInMB=3", "TransformOutput.Accept=text/csv"])
    set_environment(request, ["A=1=2"])
    assert request == {
        "TransformInput": {"SplitType": "Line"},
        "MaxPayloadInMB": 3,
        "TransformOutput": {"Accept": "text/csv"},
        "Environment": {"A": "1=2"},
    }


@pytest.mark.parametrize(
    ("assignment", "text"),
    [
        ("SplitTyp=Line", "has no field 'SplitTyp'"),
        ("SplitType", "is not of the form NAME=VALUE"),
        ("KmsKeyId=x", "is ambiguous"),
        ("MaxPayloadInMB=six", "is of type integer"),
        ("Environment={", "is of type map"),
    ],
)
def test_a_field_that_cannot_be_set_is_named(assignment: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        set_fields({}, [assignment])


def test_a_fault_is_read_from_words() -> None:
    assert parse_fault("container=2 record=17 status=503 body='try later'") == Fault(
        "status", container="2", record=17, status=503, body="try later"
    )
    assert parse_fault("delay=0.5 attempt=1 object=a.csv") == Fault(
        "delay", delay=0.5, attempt=1, object="a.csv"
    )
    assert parse_faults([]) is None


@pytest.mark.parametrize(
    "text", ["", "record=1", "status=500 timeout", "record=x timeout", "colour=red reset", "status", "delay"]
)
def test_a_fault_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Fault"):
        parse_fault(text)
