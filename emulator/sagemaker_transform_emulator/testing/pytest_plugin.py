"""Fixtures for tests of models and pipelines: an emulator and an S3 of one's own, on free ports.

::

    def test_pipeline(sagemaker_emulator):
        sagemaker = sagemaker_emulator.client("sagemaker")

During a test the AWS variables point at the emulator, so code that makes its own clients or uses the
SageMaker SDK needs no change. Of an SDK that has been imported before, the address of STS points there, too:
it is the one that no variable sets, and `get_execution_role()` asks it. Each worker of pytest-xdist has an
emulator of its own.

When a test fails, its report has a section for each of its jobs that failed, with the diagnosis.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sagemaker_transform_emulator.testing.server import ChildEmulator

_SDK_MODULES = {"sagemaker.session", "sagemaker.core.helper.session_helper"}
"""Where SDK v2 and v3 make up the address of STS by themselves."""


OPTIONS = {
    "emulator_runtime": ("NAME", "auto, docker or process"),
    "emulator_s3": ("STORE", "auto, minio, moto, or the URL of a store"),
    "emulator_config": ("FILE", "emulator.toml to use; in a file of settings, relative to that file"),
}
"""Each is an option of the command line and, in pyproject.toml or pytest.ini, a setting of that name."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the fixtures, and the settings that stand for them."""
    group = parser.getgroup("sagemaker transform emulator")
    for name, (metavar, text) in OPTIONS.items():
        group.addoption(f"--{name.replace('_', '-')}", metavar=metavar, help=text)
        parser.addini(name, text)


@pytest.fixture(scope="session")
def sagemaker_emulator_session(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ChildEmulator]:
    """An emulator that lives as long as the test session."""
    # only sessions that ask for it pay for it
    from sagemaker_transform_emulator.errors import MachineError  # noqa: PLC0415
    from sagemaker_transform_emulator.testing.server import child_emulator  # noqa: PLC0415

    runtime, s3 = _option(pytestconfig, "emulator_runtime"), _option(pytestconfig, "emulator_s3") or "auto"
    config = _option(pytestconfig, "emulator_config")
    is_url = "://" in s3
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("AWS_ENDPOINT_URL")
    }
    arguments = [
        *(["--runtime", runtime] if runtime else []),
        *(["--config", config] if config else []),
        *(["--s3", "auto" if is_url else s3]),
    ]
    environment |= {"AWS_ENDPOINT_URL_S3": s3} if is_url else {}
    with ExitStack() as stack:
        try:
            child = stack.enter_context(
                child_emulator(
                    tmp_path_factory.mktemp("emulator"), arguments=arguments, environment=environment
                )
            )
        except MachineError as error:
            remedy = f"\nremedy: {error.remedy}" if error.remedy else ""
            pytest.fail(error.message + remedy, pytrace=False)
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
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(sagemaker_emulator_session.state))
    url = sagemaker_emulator_session.endpoint_url
    for name in _SDK_MODULES & set(sys.modules):
        monkeypatch.setattr(sys.modules[name], "sts_regional_endpoint", lambda _region: url, raising=False)
    return sagemaker_emulator_session


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The report of a test that failed has a section for each job of it that failed."""
    report = yield
    child = getattr(item, "funcargs", {}).get("sagemaker_emulator")
    if child is not None and report.when == "call" and report.failed:
        from sagemaker_transform_emulator.testing.assertions import failed_jobs, told  # noqa: PLC0415

        report.sections += [
            (f"SageMaker job {job.name}", told(job)) for job in failed_jobs(child.state, call.start)
        ]
    return report


def _option(config: pytest.Config, name: str) -> str | None:
    """What the command line says, else the settings; a file that these name is relative to them."""
    given: str | None = config.getoption(name)
    if given is not None:
        return given
    setting = str(config.getini(name))
    if setting and name == "emulator_config" and config.inipath is not None:
        return str(config.inipath.parent / setting)
    return setting or None
