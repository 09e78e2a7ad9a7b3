"""tools/images.py with a replaced Docker: what is built, side by side, from what, and what a failure says."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from parts import ROOT

# keeps images as files that hold their source label; $FAIL names an image that cannot be built
DOCKER = """#!/bin/bash
echo "$*" >> "$STORE/calls"
case "$1 $2" in
'image inspect')
    for image; do :; done
    case "$image" in base/*) echo "$RECIPE" ;; *) cat "$STORE/${image##*/}" ;; esac ;;
'version '*) echo "$ENGINE" ;;
'build '*)
    while [ "$1" != -t ]; do shift; done
    name=${2##*/}
    echo "building $name in $PWD"
    touch "$STORE/$name.begun"
    if [ -n "$TOGETHER" ] && [[ " $TOGETHER " = *" $name "* ]]; then
        for other in $TOGETHER; do until [ -e "$STORE/$other.begun" ]; do sleep 0.02; done; done
    fi
    [ ! -d built ] || ls built
    if [ "$name" = "$FAIL" ]; then echo "no space left"; exit 1; fi
    label=${3#--label=*=}
    echo "$label" > "$STORE/$name" ;;
esac
"""


@dataclass
class Builder:
    """A Docker that only takes notes, and a home of its own."""

    folder: Path

    def run(self, *arguments: str, expect: int = 0, **environment: str) -> str:
        """What images.py printed. Fails when its exit code is another."""
        here = {
            "PATH": f"{self.folder}:/usr/bin:/bin", "HOME": f"{self.folder}/home", "STORE": str(self.folder),
            "TMPDIR": str(self.folder), "RECIPE": "1", "FAIL": "", "TOGETHER": "", "ENGINE": engine(),
            "PYTHON_IMAGE": "base/python", "GOLANG_IMAGE": "base/golang", "DEBIAN_IMAGE": "base/debian",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, ROOT / "tools/images.py", *arguments],
            env=here | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr


def engine() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(ours := subprocess.getoutput("uname -m"), ours)
    return f"{sys.platform} {machine}"


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    return Builder(tmp_path)


def built(printed: str) -> list[str]:
    return sorted(line.split(" | ")[0] for line in printed.splitlines() if " | building " in line)


def test_each_image_is_built_once(builder: Builder) -> None:
    assert built(builder.run("build")) == ["emulator", "minio", "scripted", "sparkml", "xgboost"]
    assert built(builder.run("build")) == []
    assert builder.run("check") == ""


def test_an_image_of_other_sources_is_built_again(builder: Builder) -> None:
    builder.run("build")
    (builder.folder / "xgboost").write_text("another\n")
    assert "sagemaker-transform-emulator/xgboost is missing" in builder.run("check", expect=1)
    assert built(builder.run("build")) == ["xgboost"]


def test_a_base_image_of_another_recipe_means_all_images(builder: Builder) -> None:
    builder.run("build", "minio", "scripted")
    assert built(builder.run("build", "minio", "scripted", RECIPE="2")) == ["minio", "scripted"]


def test_minio_does_not_keep_the_others_waiting(builder: Builder) -> None:
    builder.run("build", TOGETHER="minio sparkml")


def test_a_failure_is_told_at_the_end_and_the_others_are_built(builder: Builder) -> None:
    printed = builder.run("build", expect=1, FAIL="sparkml")
    told = printed.partition("sagemaker-transform-emulator/sparkml could not be built")[2]
    assert "no space left" in told
    assert builder.run("check", expect=1).count("missing") == 1


@pytest.mark.parametrize("changed", ["", "source", "engine", "licence"])
def test_a_program_that_was_built_here_goes_into_the_image(builder: Builder, changed: str) -> None:
    cache = builder.folder / "home/.cache/sagemaker-transform-emulator"
    cache.mkdir(parents=True)
    for name in ("minio", "minio.LICENSE"):
        (cache / name).write_text(name)
    source = builder.run("source").strip()
    (cache / "minio.source").write_text(
        source.replace(source[:5], "other") if changed == "source" else source
    )
    if changed == "licence":
        (cache / "minio.LICENSE").unlink()
    other = {"ENGINE": "linux s390x"} if changed == "engine" else {}
    printed = builder.run("build", "minio", **other)
    assert ("taking" in printed) == (changed == "")
    assert ("minio | minio.LICENSE" in printed) == (changed == "")
    assert (f" in {ROOT}" in printed) == (changed != "")
