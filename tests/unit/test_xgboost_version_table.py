"""Which XGBoost serves an image, and the table's agreement with the locks and the images."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.containers.xgboost.libraries import lock_file, versions
from sagemaker_transform_emulator.runtime.xgboost_versions import (
    EVERYWHERE,
    IMAGE_VERSION,
    LINUX,
    LINUX_ARM,
    MAC_ARM,
    RELEASES,
    choose,
    local_images,
    note_on_local_image,
    numbers,
    release_of,
)

ROOT = Path(__file__).resolve().parents[2]
ECR = "433757028032.dkr.ecr.us-west-2.amazonaws.com"
OURS = "sagemaker-transform-emulator/xgboost"


@pytest.mark.parametrize(
    ("image", "served"),
    [
        ("xgboost:1", "0.72.1"), ("xgboost:latest", "0.72.1"), ("xgboost:0.72", "0.72.1"),
        ("sagemaker-xgboost:0.90-1-cpu-py3", "0.90"), ("sagemaker-xgboost:0.90-2-cpu-py3", "0.90"),
        ("sagemaker-xgboost:1.0-1-cpu-py3", "1.0.0"), ("sagemaker-xgboost:1.2-2", "1.2.0"),
        ("sagemaker-xgboost:1.3-1", "1.3.3"), ("sagemaker-xgboost:1.5-1-gpu-py3", "1.5.2"),
        ("sagemaker-xgboost:1.7-1", "1.7.4"), ("sagemaker-xgboost:1.7-1-1", "1.7.4"),
        ("sagemaker-xgboost:3.0-5", "3.0.5"), ("sagemaker-xgboost:3.2-0", "3.2.0"),
    ],
)  # fmt: skip
def test_the_version_of_a_tag_serves(image: str, served: str) -> None:
    choice = choose(f"{ECR}/{image}", "3.0.5", LINUX)
    assert choice.served == served
    assert bool(choice.note) == (served == "0.72.1")  # the index has no 0.72


@pytest.mark.parametrize(
    "image",
    [
        "sagemaker-xgboost", "sagemaker-xgboost:4.0-1", "sagemaker-xgboost:1.7", "sagemaker-xgboost:11",
        "sagemaker-xgboost:v1.7-1", "sagemaker-xgboost:1.7-1x", "sagemaker-xgboost@sha256:" + "0" * 64,
        "sagemaker-xgboost:latest", "mine/xgboost:latest",
        "sagemaker-xgboost:1.7-1@sha256:" + "0" * 64, "sagemaker-xgboost:",
    ],
)  # fmt: skip
def test_a_tag_that_is_none_of_awss_gets_the_installed_version_and_a_note(image: str) -> None:
    choice = choose(f"localhost:5000/{image}", "3.0.5", LINUX)
    assert choice.served == "3.0.5"
    assert choice.note.startswith("xgboost 3.0.5 serves, because the image's")
    assert choose(f"localhost:5000/{image}", None, LINUX).served == IMAGE_VERSION


@given(st.text(max_size=40), st.sampled_from(sorted(EVERYWHERE)))
def test_any_image_name_gets_a_version(image: str, platform: str) -> None:
    choice = choose(image, "3.0.5", platform)
    assert lock_file(choice.served).exists()
    release = release_of(image)
    assert (choice.note == "") == (release is not None and release.library == choice.served)


def test_where_there_is_no_build_the_next_newer_version_stands_in_and_is_named() -> None:
    old = f"{ECR}/sagemaker-xgboost:0.90-2-cpu-py3"
    assert choose(old, "3.0.5", MAC_ARM).served == "1.7.4"
    arm = choose(old, "3.0.5", LINUX_ARM)
    assert arm.served == "1.3.3"
    assert arm.note == (
        "xgboost 1.3.3 serves in place of 0.90, which AWS's image '0.90-2-cpu-py3' carries: "
        "there is no build of that for linux-aarch64"
    )
    assert choose(old, "3.0.5", "musl-x86_64").served == "3.0.5"


def test_the_setting_installed_asks_for_nothing_else_and_says_so() -> None:
    choice = choose(f"{ECR}/xgboost:1", "3.0.5", LINUX, only_installed=True)
    assert choice.served == "3.0.5"
    assert "in place of 0.72" in choice.note
    assert 'xgboost = "installed"' in choice.note
    assert choose(f"{ECR}/sagemaker-xgboost:3.0-5", "3.0.5", LINUX, only_installed=True).note == ""


def test_the_image_of_the_tags_version_is_looked_for_first() -> None:
    old = f"{ECR}/sagemaker-xgboost:1.7-1"
    assert local_images(OURS, old) == (f"{OURS}:1.7.4", OURS)
    assert local_images(OURS, f"{ECR}/sagemaker-xgboost:3.0-5") == (OURS,)
    assert local_images(OURS, "sagemaker-xgboost:mine") == (OURS,)
    assert note_on_local_image(old, f"{OURS}:1.7.4") == ""
    assert note_on_local_image(old, OURS).startswith("xgboost 3.0.5 serves in place of 1.7.4")
    assert "tools/images.py build xgboost-1.7.4" in note_on_local_image(old, OURS)
    assert note_on_local_image(f"{ECR}/sagemaker-xgboost:3.0-5", OURS) == ""


def test_every_version_that_serves_is_locked_with_hashes_and_built() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    from images import VARIANTS  # noqa: PLC0415 - a tool, not a package

    served = {release.served for release in RELEASES}
    assert versions() == served
    assert {image.library for image in VARIANTS} == served - {IMAGE_VERSION}
    for version in served:
        lock = lock_file(version).read_text()
        pinned = re.findall(r"^([a-z-]+)==(\S+)(?: ;.*)? \\$", lock, re.MULTILINE)
        assert version in [pin for name, pin in pinned if name in ("xgboost", "xgboost-cpu")]
        assert len(pinned) == len(re.findall(r"^[a-z]", lock, re.MULTILINE))  # each is followed by its hashes
        assert set(re.findall(r"--hash=(\w+):", lock)) == {"sha256"}
    assert [numbers(release.served) for release in RELEASES] == sorted(map(numbers, served))


def test_the_usual_image_carries_the_version_that_is_said() -> None:
    assert f"ARG XGBOOST_VERSION={IMAGE_VERSION}\n" in (ROOT / "containers/xgboost/Dockerfile").read_text()
    pinned = re.findall(
        r"^xgboost(?:-cpu)?==(\S+)", (ROOT / "requirements/image-xgboost.txt").read_text(), re.MULTILINE
    )
    assert set(pinned) == {IMAGE_VERSION}
