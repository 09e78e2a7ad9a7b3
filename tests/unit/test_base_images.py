"""tools/make_base_images.sh with a replaced Docker: what base images set, and when they are made again."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from parts import ROOT

# keeps the Dockerfile of each image as a file, after that of the image it is made from
DOCKER = """#!/bin/bash
echo "$*" >> "$STORE/calls"
case "$1 $2" in
'image inspect')
    for image; do :; done
    [ -e "$STORE/${image##*/}" ] || exit 1
    sed -n 's/^LABEL [^=]*=//p' "$STORE/${image##*/}" | tail -1 ;;
'build --quiet')
    for context; do :; done
    if [ "$context" = - ]; then tar -xO Dockerfile; else cat "$context/Dockerfile"; fi > "$STORE/new"
    from=$(sed -n 's/^FROM .*\\///p' "$STORE/new")
    cat "$STORE/${from:-none}" "$STORE/new" 2> /dev/null > "$STORE/image"
    mv "$STORE/image" "$STORE/${4##*/}" ;;
'import '*) cat > /dev/null ;;
esac
"""
GO = """#!/bin/sh
case "$*" in
'env GOROOT') echo "$STORE/goroot" ;;
'env GOVERSION') echo go1.26.3 ;;
version) echo go version go1.26.3 linux/amd64 ;;
esac
"""
DEBOOTSTRAP = """#!/bin/sh
for folder; do :; done
mkdir -p "$folder/var/cache/apt/archives" "$folder/var/lib/apt/lists"
"""


@dataclass
class Maker:
    """A copy of the script, with programs that only take notes."""

    folder: Path

    def run(self, *options: str, expect: int = 0) -> bool:
        """Whether images were made; the exit code must be that one."""
        calls, here = self.folder / "calls", str(self.folder)
        calls.write_text("")
        done = subprocess.run(
            [self.folder / "tools/make_base_images.sh", *options],
            env={"PATH": f"{here}:/usr/bin:/bin", "STORE": here, "TMPDIR": here},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == expect, done.stdout + done.stderr
        assert not list(self.folder.glob("tmp.*"))
        return "build --quiet" in calls.read_text()

    def dockerfile(self, kind: str) -> str:
        """What that base image is made by."""
        return (self.folder / f"base-{kind}").read_text()


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    (tmp_path / "tools").mkdir()
    (tmp_path / "goroot").mkdir()
    shutil.copy(ROOT / "tools/make_base_images.sh", tmp_path / "tools")
    for name, text in {"docker": DOCKER, "go": GO, "debootstrap": DEBOOTSTRAP}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return Maker(tmp_path)


def test_images_made_without_a_registry_set_what_the_public_ones_set(maker: Maker) -> None:
    assert maker.run("--bootstrap")
    assert "ENV LANG=C.UTF-8" in maker.dockerfile("python")
    for variable in (
        "GOLANG_VERSION=1.26.3",
        "GOTOOLCHAIN=local",
        "GOPATH=/go",
        "PATH=/go/bin:/usr/local/go/",
    ):
        assert variable in maker.dockerfile("golang")
    imported = next(line for line in (maker.folder / "calls").read_text().splitlines() if "import" in line)
    assert "--change ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" in imported


def test_the_builds_are_told_of_them(maker: Maker) -> None:
    (maker.folder / ".env").write_text("MINE=1\nPYTHON_IMAGE=old\n")
    maker.run("--bootstrap")
    lines = (maker.folder / ".env").read_text().splitlines()
    assert lines[0] == "MINE=1"
    assert lines[1:] == [
        f"{kind.upper()}_IMAGE=sagemaker-transform-emulator/base-{kind}"
        for kind in ("python", "golang", "debian")
    ]


def test_images_of_the_same_recipe_are_taken_as_they_are(maker: Maker) -> None:
    certificates = maker.folder / "ca.pem"
    certificates.write_text("one")
    assert maker.run("--reuse", "--bootstrap", "--ca", str(certificates))
    assert not maker.run("--reuse", "--bootstrap", "--ca", str(certificates))
    certificates.write_text("another")
    assert maker.run("--reuse", "--bootstrap", "--ca", str(certificates))
    assert maker.run("--reuse", "--bootstrap")
    assert maker.run("--reuse")
    script = maker.folder / "tools/make_base_images.sh"
    script.write_text(script.read_text().replace("LANG=C.UTF-8", "LANG=C"))
    assert maker.run("--reuse")


def test_images_of_an_older_script_have_no_recipe_and_are_made_again(maker: Maker) -> None:
    maker.run("--bootstrap")
    for kind in ("python", "golang", "debian"):
        (maker.folder / f"base-{kind}").write_text("FROM x\n")
    assert maker.run("--reuse", "--bootstrap")
