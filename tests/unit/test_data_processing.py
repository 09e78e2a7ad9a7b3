"""What CreateTransformJob refuses about filters and joins."""

from __future__ import annotations

from typing import Any

import pytest
from transforming import job

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.transform.validation import require_processing

LINES = "application/jsonlines"


@pytest.mark.rule("R1.16")
def test_an_underscore_is_refused_in_the_service_s_words() -> None:
    path = "$['account_id','SageMakerOutput']"
    with pytest.raises(ServiceError) as caught:
        require_processing(job(LINES, join="Input", output_filter=path))
    assert caught.value.code == "ValidationException"
    assert caught.value.message == (
        f'Invalid OutputFilter: "{path}". Unexpected "_" in JsonPath. Supported operators for '
        "\"application/jsonlines\" are ['$', '[', ']', '*', '.', ' ', ',', ':', '-', ''']"
    )


@pytest.mark.rule("R1.17", "R3.2", "R3.3", "R3.5")
@pytest.mark.parametrize(
    "settings",
    [
        {"input_filter": "$.id"},
        {"input_filter": "$['id']"},
        {"output_filter": "$["},
        {"content_type": "image/png", "input_filter": "$[0]"},
        {"content_type": None, "accept": None, "output_filter": "$[0]"},
        {"content_type": LINES, "accept": "image/png", "output_filter": "$.a"},
        {"join": "Input", "accept": LINES},
        {"join": "Input", "accept": None},
        {"join": "Input", "split": "None"},
        {"join": "Input", "split": "None", "assemble": "None"},
        {"join": "Input", "content_type": "image/png"},
        {"join": "Input", "split": "TFRecord"},
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ServiceError) as caught:
        require_processing(job(**settings))
    assert caught.value.code == "ValidationException"


@pytest.mark.rule("R1.20", "R3.3", "R3.8")
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"content_type": None, "accept": None},
        {"content_type": LINES, "accept": "text/csv"},
        {"accept": "application/json", "input_filter": "$[:14]", "output_filter": "$['class']"},
        {"join": "Input", "output_filter": "$[0:2,246:]"},
        {"join": "Input", "content_type": "application/json", "split": "None", "assemble": "None"},
        {"join": "Input", "content_type": LINES, "split": "None", "assemble": "None"},
        {"join": "Input", "content_type": "text/csv; charset=utf-8", "accept": "text/csv"},
        {"output_filter": "$[0]", "accept": None},
    ],
)
def test_everything_else_is_accepted(settings: dict[str, Any]) -> None:
    require_processing(job(**settings))
