"""Fixtures for tests of models and pipelines: an emulator and an S3 of one's own, on free ports.

::

    def test_pipeline(sagemaker_emulator):
        sagemaker = sagemaker_emulator.client("sagemaker")

During a test the AWS variables point at the emulator, so code that makes its own clients or uses the
SageMaker SDK needs no change. Of an SDK that has been imported before, the address of STS points there, too:
it is the one that no variable sets, and `get_execution_role()` asks it. Each worker of pytest-xdist has an
emulator of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sagemaker_transform_emulator.testing.server import ChildEmulator

_SDK_MODULES = {"sagemaker.session", "sagemaker.core.helper.session_helper"}
"""Where SDK v2 and v3 make up the address of STS by themselves."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the fixtures."""
    group = parser.getgroup("sagemaker transform emulator")
    group.addoption("--emulator-runtime", metavar="NAME", help="auto, docker or process")
    group.addoption(
        "--emulator-s3", default="auto", metavar="STORE", help="auto, minio, moto, or the URL of a store"
    )
    group.addoption("--emulator-config", metavar="FILE", help="emulator.toml to use")


@pytest.fixture(scope="session")
def sagemaker_emulator_session(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ChildEmulator]:
    """An emulator that lives as long as the test session."""
    from sagemaker_transform_emulator.testing.server import child_emulator  # noqa: PLC0415 - only sessions that ask for it pay for it

    runtime, s3 = pytestconfig.getoption("--emulator-runtime"), pytestconfig.getoption("--emulator-s3")
    config = pytestconfig.getoption("--emulator-config")
    is_url = "://" in s3
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("AWS_ENDPOINT_URL")
    }
    arguments = [
        *(["--runtime", runtime] if runtime else []),
        *(["--config", config] if config else []),
        *(["--s3", "auto" if is_url else s3]),
    ]
    with child_emulator(
        tmp_path_factory.mktemp("emulator"),
        arguments=arguments,
        environment=environment | ({"AWS_ENDPOINT_URL_S3": s3} if is_url else {}),
    ) as child:
        yield child


@pytest.fixture
def sagemaker_emulator(
    sagemaker_emulator_session: ChildEmulator, monkeypatch: pytest.MonkeyPatch
) -> ChildEmulator:
    """The session's emulator without models, jobs, logs and objects; the AWS variables point at it.

    The objects of a store that --emulator-s3 names by its URL stay.
    """
    sagemaker_emulator_session.reset()
    for name in [name for name in os.environ if name.startswith(("AWS_ENDPOINT_URL", "AWS_PROFILE"))]:
        monkeypatch.delenv(name)
    for name, value in sagemaker_emulator_session.environment.items():
        monkeypatch.setenv(name, value)
    url = sagemaker_emulator_session.endpoint_url
    for name in _SDK_MODULES & set(sys.modules):
        monkeypatch.setattr(sys.modules[name], "sts_regional_endpoint", lambda _region: url, raising=False)
    return sagemaker_emulator_session
