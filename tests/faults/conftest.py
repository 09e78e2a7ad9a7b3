"""Fixtures of the Docker tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from docker_images import build
from docker_jobs import DockerJobs, left_behind
from harness import Bench


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> None:
    build(tmp_path_factory.mktemp("image"))


@pytest.fixture
def docker_jobs(images: None, jobs: Bench) -> Iterator[DockerJobs]:
    """Jobs in the engine, where nothing may be left of them at the end."""
    made = DockerJobs(jobs)
    made.settings()
    jobs.put("in/a.csv", b"1\n2\n")
    yield made
    assert left_behind() == []
