"""The findings that only a Docker engine can provoke or see."""

from __future__ import annotations

import pytest
from checking import LETTERS, check, hasty, ids, model
from docker_images import FAULTY, FAULTY_UNLABELLED, FAULTY_WITHOUT_SERVE, build_faulty

from sagemaker_transform_emulator.config import Settings
from sagemaker_transform_emulator.tools.check.report import Report
from sagemaker_transform_emulator.tools.check.values import Options

pytestmark = pytest.mark.needs("docker")
DOCKER = Settings(runtime="docker", pull="never")


@pytest.fixture(scope="module", autouse=True)
def _images(tmp_path_factory: pytest.TempPathFactory) -> None:
    build_faulty(tmp_path_factory.mktemp("faulty"))


def docker_check(fault: str, *only: str, image: str = FAULTY, isolated: bool = False, **job: str) -> Report:
    return check(
        model(fault, image=image),
        *only,
        sample=LETTERS,
        patience=hasty(start_s=15.0, elsewhere_s=1.0),
        options=Options(isolated=isolated, records_for_growth=400),
        settings=DOCKER,
        **job,
    )


def test_a_container_without_faults_has_none() -> None:
    report = docker_check("", isolated=True)
    assert ids(report) == []
    left_out = {result.check.id for _, result in report.results if result.not_run}
    assert left_out == {"pipeline-fit", "pipeline-payload", "model-files"}


@pytest.mark.rule("R4.20")
def test_another_port() -> None:
    report = docker_check("other-port:8090", "start")
    assert "start-other-port" in ids(report)
    assert "it listens on 0.0.0.0:8090 instead of port 8080" in report.findings[0].seen


def test_its_own_loopback() -> None:
    report = docker_check("loopback", "port")
    assert ids(report) == ["start-loopback-only"]
    assert "127.0.0.1:8080, which only itself can reach" in report.findings[0].seen


@pytest.mark.rule("R4.38")
def test_a_fixed_port_is_no_good_in_a_pipeline() -> None:
    assert ids(docker_check("other-port:8080", "bind-port")) == ["start-bind-port-ignored"]


@pytest.mark.rule("R1.10")
def test_a_missing_label() -> None:
    assert ids(docker_check("", "label", image=FAULTY_UNLABELLED)) == ["start-label-missing"]


@pytest.mark.rule("R4.1")
def test_an_image_that_cannot_be_started_with_serve() -> None:
    report = docker_check("", "start", image=FAULTY_WITHOUT_SERVE)
    assert ids(report) == ["start-refused", "start-label-missing"]
    assert "serve" in report.findings[0].seen


def test_no_network() -> None:
    report = docker_check("needs-s3", "isolation", isolated=True)
    assert ids(report) == ["isolation-fails"]
    assert "no way to S3" in report.findings[0].seen


def test_files_in_odd_places() -> None:
    report = docker_check("write:/srv", "files")
    assert ids(report) == ["writes-elsewhere", "strict-fails"]
    assert report.findings[0].seen == "/srv/written-by-the-container"


def test_a_model_that_is_written() -> None:
    assert ids(docker_check("write", "strict")) == ["strict-fails"]


@pytest.mark.rule("R4.7")
def test_a_container_deaf_to_sigterm() -> None:
    report = check(
        model("deaf", image=FAULTY), "sigterm", patience=hasty(start_s=15.0, stop_s=0.5), settings=DOCKER
    )
    assert ids(report) == ["sigterm-ignored"]


def test_memory_is_seen_through_the_engine() -> None:
    assert ids(docker_check("leak:100000", "memory")) == ["memory-grows"]
