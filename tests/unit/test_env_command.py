"""What `emulator env` takes out of the environment."""

from __future__ import annotations

from sagemaker_transform_emulator.cli.env import _misleading


def test_variables_that_lead_past_the_emulator_are_unset_and_no_others() -> None:
    environment = {
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "t",
        "AWS_ENDPOINT_URL_SAGEMAKER": "https://real",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_DEFAULT_PROFILE": "",
        "AWS_ENDPOINT_URL_S3": "http://store",
        "AWS_REGION": "eu-west-1",
        "HOME": "/home/me",
    }
    unset = ["AWS_ENDPOINT_URL_SAGEMAKER", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_PROFILE"]
    assert _misleading(environment, {"AWS_ENDPOINT_URL_S3": "http://store"}) == [*unset, "AWS_SESSION_TOKEN"]
    assert _misleading(environment, {}) == [
        "AWS_ENDPOINT_URL_S3",
        *unset,
        "AWS_SESSION_TOKEN",
    ]
