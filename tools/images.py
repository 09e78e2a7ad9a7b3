"""Builds the project's images with Docker, each only when its sources changed.

usage: images.py build [NAME ...]    the named images, or all, are those of this source tree
       images.py check [NAME ...]    exit code 1 and a list if some are missing or of another tree

Base images: PYTHON_IMAGE, GOLANG_IMAGE and DEBIAN_IMAGE of the environment or of .env (see
tools/make_base_images.sh). An image carries the hash of what it was made of as a label.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "sagemaker-transform-emulator"
SOURCE_LABEL = "sagemaker-transform-emulator.source"
_SERVING = ("containers/__init__.py", "containers/serving.py", "containers/healthcheck.py")
_GO = ("tools/build_go_program.sh", "tools/build_minio.sh")


@dataclass(frozen=True)
class Image:
    """One image: what its Dockerfile copies, and the base images it names."""

    name: str
    sources: tuple[str, ...]
    bases: tuple[str, ...] = ("PYTHON_IMAGE",)

    @property
    def tag(self) -> str:
        """The name containers are started with."""
        return f"{REPOSITORY}/{self.name}"

    @property
    def dockerfile(self) -> str:
        """Its path in the project."""
        return f"containers/{self.name}/Dockerfile"

    def base_images(self) -> dict[str, str]:
        """The base images the user chose; the others are the Dockerfile's defaults."""
        chosen = {**_dotenv(), **os.environ}
        return {name: chosen[name] for name in self.bases if chosen.get(name)}

    def source_hash(self) -> str:
        """Changes with the Dockerfile, the copied files and the chosen base images."""
        digest = hashlib.sha256(repr(sorted(self.base_images().items())).encode())
        for path in sorted(_files((self.dockerfile, *self.sources))):
            digest.update(f"{path.relative_to(ROOT)}\n".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:16]


IMAGES = (
    Image("minio", ("containers/minio", *_GO), ("GOLANG_IMAGE", "DEBIAN_IMAGE")),
    Image("sparkml", (*_SERVING, "containers/sparkml", "requirements/image-sparkml.txt")),
    Image("xgboost", (*_SERVING, "containers/xgboost", "requirements/image-xgboost.txt")),
    Image("scripted", (*_SERVING, "containers/scripted", "requirements/image-scripted.txt")),
    Image(
        "emulator",
        ("emulator", "containers", "sample_data", "pyproject.toml", "requirements/image-emulator.txt"),
    ),
)


def built_from(image: Image) -> str | None:
    """The source hash the engine's image carries; None when there is no such image, "" without a hash."""
    wanted = f'{{{{index .Config.Labels "{SOURCE_LABEL}"}}}}'
    shown = subprocess.run(
        ["docker", "image", "inspect", "--format", wanted, image.tag],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return shown.stdout.strip() if shown.returncode == 0 else None


def outdated(images: tuple[Image, ...] = IMAGES) -> list[Image]:
    """Those that are missing or were made of other sources."""
    return [image for image in images if built_from(image) != image.source_hash()]


def build(image: Image) -> int:
    """Docker's exit code; its output goes to ours."""
    arguments = [f"--build-arg={name}={value}" for name, value in image.base_images().items()]
    label = f"--label={SOURCE_LABEL}={image.source_hash()}"
    return subprocess.run(
        ["docker", "build", "-f", image.dockerfile, "-t", image.tag, label, *arguments, "."],
        cwd=ROOT, check=False,
    ).returncode  # fmt: skip


def main() -> int:
    """0, 1 when an image is not there in the end, 2 for wrong arguments."""
    known = {image.name: image for image in IMAGES}
    order, names = (sys.argv[1:2] or [""])[0], sys.argv[2:] or list(known)
    if order not in {"build", "check"} or not set(names) <= set(known):
        print(__doc__, f"NAME is one of: {', '.join(known)}", sep="\n", file=sys.stderr)
        return 2
    try:
        due = outdated(tuple(known[name] for name in names))
    except FileNotFoundError:
        print("images.py: there is no `docker` program on PATH; install Docker", file=sys.stderr)
        return 1
    if order == "check":
        for image in due:
            print(f"{image.tag} is missing or not of this source tree")
        return 1 if due else 0
    with _alone():
        return _build_all(names)


def _build_all(names: list[str]) -> int:
    for image in outdated(tuple(image for image in IMAGES if image.name in names)):
        started = time.monotonic()
        if build(image):
            print(f"images.py: {image.tag} could not be built; see docs/docker.md", file=sys.stderr)
            return 1
        print(f"images.py: built {image.tag} in {time.monotonic() - started:.0f} s", flush=True)
    return 0


@contextmanager
def _alone() -> Iterator[None]:
    """No other build of ours runs meanwhile: two would compile the same things twice."""
    with (Path(tempfile.gettempdir()) / f"{REPOSITORY}-images-{os.getuid()}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("images.py: waiting for another build", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _files(paths: tuple[str, ...]) -> Iterator[Path]:
    for path in map(ROOT.joinpath, paths):
        if not path.is_dir():
            yield path
            continue
        for item in path.rglob("*"):
            if item.is_file() and "__pycache__" not in item.parts and item.name != "README.md":
                yield item


def _dotenv() -> dict[str, str]:
    """The variables of .env, which docker compose reads too."""
    try:
        lines = (ROOT / ".env").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


if __name__ == "__main__":
    sys.exit(main())
