"""In which account and region a command looks for a job."""

from __future__ import annotations

import pytest

from sagemaker_transform_emulator.cli.places import choose
from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.sagemaker.resources import Place

EAST, WEST, EUROPE = Place(region="us-east-1"), Place(region="us-west-2"), Place(region="eu-west-1")
OTHER = Place("123456789012", "us-east-1")


def test_a_job_is_found_wherever_it_is() -> None:
    assert choose([EUROPE], "job", None, None) == EUROPE
    assert choose([EUROPE], "job", None, "us-east-1") == EUROPE
    assert choose([OTHER], "job", None, "us-east-1") == OTHER


def test_the_region_asked_for_wins_then_the_preferred_one() -> None:
    assert choose([EUROPE, EAST], "job", "eu-west-1", "us-east-1") == EUROPE
    assert choose([EUROPE, EAST], "job", None, "us-east-1") == EAST
    assert choose([OTHER, EAST], "job", None, None) == EAST


def test_what_is_nowhere_or_not_the_only_one_is_refused() -> None:
    with pytest.raises(UsageError, match=r"Could not find a job with name 'job' in any region"):
        choose([], "job", "eu-west-1", "us-east-1")
    with pytest.raises(UsageError, match=r"'job' in us-west-2\n") as refused:
        choose([EUROPE, EAST], "job", "us-west-2", "us-east-1")
    assert "it is in eu-west-1 and us-east-1" in refused.value.remedy
    with pytest.raises(UsageError, match=r"'job' are in eu-west-1, us-east-1 and us-west-2\n"):
        choose([EUROPE, EAST, OTHER, WEST], "job", None, "eu-central-1")
