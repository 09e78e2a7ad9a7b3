"""An emulator in a container knows which one, and a machine full of containers is not taken for one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker.errors
import pytest

from sagemaker_transform_emulator.runtime.docker.own_container import container_id, own_container
from sagemaker_transform_emulator.runtime.store_access import loopback_target, plain_target

ID = "b7345b3e79b602c16be259f882df9877518abe4e0cf4cc2437ea39a207afce8a"
FOLDER = f"/var/lib/docker/containers/{ID}"
INSIDE = (
    "120 80 0:45 / / rw,relatime - overlay overlay rw\n"
    f"162 122 254:0 {FOLDER}/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/vda rw\n"
    f"163 122 254:0 {FOLDER}/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw\n"
)
DESKTOP = f"500 480 0:31 /docker/containers/{ID}/hosts /etc/hosts rw,relatime - ext4 /dev/vda1 rw\n"
MACHINE = (
    "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    f"300 22 0:50 / {FOLDER}/mounts/shm rw,nosuid - tmpfs shm rw,size=65536k\n"
    "301 22 0:51 / /var/lib/docker/overlay2/abc/merged rw - overlay overlay rw\n"
)


@pytest.mark.parametrize(("mounts", "found"), [(INSIDE, ID), (DESKTOP, ID), (MACHINE, None), ("", None)])
def test_the_mounts_tell_the_container(mounts: str, found: str | None) -> None:
    assert container_id(mounts) == found


def engine(mode: str | None) -> Any:
    def inspect_container(container: str) -> dict[str, Any]:
        assert container == ID
        if mode is None:
            raise docker.errors.NotFound("no such container")
        return {"HostConfig": {"NetworkMode": mode}}

    return SimpleNamespace(inspect_container=inspect_container)


@pytest.mark.parametrize(("mode", "found"), [("project_default", ID), ("host", None), (None, None)])
def test_only_a_container_of_this_engine_with_networks_of_its_own_can_join(
    tmp_path: Path, mode: str | None, found: str | None
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(INSIDE)
    assert own_container(engine(mode), mounts) == found
    assert own_container(engine(mode), tmp_path / "no-such-file") is None


@pytest.mark.parametrize(
    ("endpoint", "plain", "loopback"),
    [
        ("http://minio:9000", ("minio", 9000), None),
        ("http://127.0.0.1", ("127.0.0.1", 80), ("127.0.0.1", 80)),
        ("https://s3.example.com", None, None),
        ("https://localhost:9443", None, ("localhost", 9443)),
        (None, None, None),
    ],
)
def test_which_stores_can_be_relayed(
    endpoint: str | None, plain: tuple[str, int] | None, loopback: tuple[str, int] | None
) -> None:
    assert plain_target(endpoint) == plain
    assert loopback_target(endpoint) == loopback
