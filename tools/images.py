"""Builds the project's images with Docker, each only when its sources changed.

usage: images.py build [NAME ...]    the named images, or all, are those of this source tree
       images.py check [NAME ...]    exit code 1 and a list if some are missing or of another tree
       images.py source              what a MinIO program built on this machine is built from, and for

The images of older and newer XGBoost versions, such as xgboost-1.7.4, are built only when they are named.

Base images: PYTHON_IMAGE, GOLANG_IMAGE and DEBIAN_IMAGE of the environment or of .env (see
tools/make_base_images.sh). An image carries the hash of what it was made of as a label.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "sagemaker-transform-emulator"
SOURCE_LABEL = "sagemaker-transform-emulator.source"
RECIPE_LABEL = "sagemaker-transform-emulator.recipe"  # of a base image that make_base_images.sh made
LANES = 2
_SERVING = ("containers/__init__.py", "containers/serving.py", "containers/healthcheck.py")
_GO = ("tools/build_go_program.sh", "tools/build_minio.sh")


@dataclass(frozen=True)
class Image:
    """One image: what its Dockerfile copies, and the base images it names."""

    name: str
    sources: tuple[str, ...]
    bases: tuple[str, ...] = ("PYTHON_IMAGE",)
    library: str = ""
    """The library version that a variant of an image carries; its name ends in it."""

    @property
    def _container(self) -> str:
        return self.name.removesuffix(f"-{self.library}") if self.library else self.name

    @property
    def tag(self) -> str:
        """The name containers are started with."""
        return f"{REPOSITORY}/{self._container}" + (f":{self.library}" if self.library else "")

    @property
    def dockerfile(self) -> str:
        """Its path in the project."""
        return f"containers/{self._container}/Dockerfile"

    def arguments(self) -> dict[str, str]:
        """The build arguments."""
        version = {"XGBOOST_VERSION": self.library} if self.library else {}
        return {**self.base_images(), **version}

    def base_images(self) -> dict[str, str]:
        """The base images the user chose; the others are the Dockerfile's defaults."""
        chosen = {**_dotenv(), **os.environ}
        return {name: chosen[name] for name in self.bases if chosen.get(name)}

    def source_hash(self) -> str:
        """Changes with the Dockerfile, the copied files, the arguments and how the base images were made."""
        recipes = [(name, _label(base, RECIPE_LABEL)) for name, base in self.base_images().items()]
        digest = hashlib.sha256(repr(sorted([*self.arguments().items(), *recipes])).encode())
        for path in sorted(_files((self.dockerfile, *self.sources))):
            digest.update(f"{path.relative_to(ROOT)}\n".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:16]


_XGBOOST = (*_SERVING, "containers/xgboost", "requirements/image-xgboost.txt")
_USUAL_XGBOOST = "3.0.5"
_LIBRARIES = sorted(
    {path.stem for path in (ROOT / "containers/xgboost/libraries").glob("*.txt")} - {_USUAL_XGBOOST}
)

IMAGES = (
    Image("minio", ("containers/minio", *_GO), ("GOLANG_IMAGE", "DEBIAN_IMAGE")),
    Image("sparkml", (*_SERVING, "containers/sparkml", "requirements/image-sparkml.txt")),
    Image("xgboost", _XGBOOST),
    Image("scripted", (*_SERVING, "containers/scripted", "requirements/image-scripted.txt")),
    Image(
        "emulator",
        ("emulator", "containers", "sample_data", "pyproject.toml", "requirements/image-emulator.txt"),
    ),
)

VARIANTS = tuple(Image(f"xgboost-{version}", _XGBOOST, library=version) for version in _LIBRARIES)


def built_from(image: Image) -> str | None:
    """The source hash the engine's image carries; None when there is no such image, "" without a hash."""
    return _label(image.tag, SOURCE_LABEL)


def _label(image: str, name: str) -> str | None:
    """The image's label; None when there is no such image, "" without the label."""
    wanted = f'{{{{index .Config.Labels "{name}"}}}}'
    shown = subprocess.run(
        ["docker", "image", "inspect", "--format", wanted, image],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return shown.stdout.strip() if shown.returncode == 0 else None


def outdated(images: tuple[Image, ...] = IMAGES) -> list[Image]:
    """Those that are missing or were made of other sources."""
    return [image for image in images if built_from(image) != image.source_hash()]


def build(image: Image) -> bool:
    """Whether Docker built it; each line of its output goes to ours, after the image's name."""
    arguments = [f"--build-arg={name}={value}" for name, value in image.arguments().items()]
    label = f"--label={SOURCE_LABEL}={image.source_hash()}"
    started = time.monotonic()
    with _context(image) as context:
        command = ["docker", "build", "-f", image.dockerfile, "-t", image.tag, label, *arguments, "."]
        running = subprocess.Popen(
            command, cwd=context, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        last = _shown(image.name, running)
    if running.returncode:
        print(f"images.py: {image.tag} could not be built; see docs/docker.md. Docker's last words:", *last,
              sep="\n", file=sys.stderr, flush=True)  # fmt: skip
    else:
        print(f"images.py: built {image.tag} in {time.monotonic() - started:.0f} s", flush=True)
    return running.returncode == 0


def _shown(name: str, running: subprocess.Popen[bytes]) -> deque[str]:
    """The last lines of what it printed, once it has ended."""
    last: deque[str] = deque(maxlen=40)
    with running:
        for line in running.stdout or ():
            last.append(line.decode(errors="replace").rstrip())
            sys.stdout.write(f"{name} | {last[-1]}\n")  # one write, because another image has its lines, too
            sys.stdout.flush()
    return last


@contextmanager
def _context(image: Image) -> Iterator[Path]:
    """The folder given to Docker: the project's root, or what the image needs of it and a built program."""
    program = _built_minio() if image.name == "minio" else None
    if program is None:
        yield ROOT
        return
    with tempfile.TemporaryDirectory(prefix=f"{REPOSITORY}-") as folder:
        for path in _files((image.dockerfile, *image.sources)):
            target = Path(folder, path.relative_to(ROOT))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        Path(folder, "built").mkdir()
        for path in (program, program.with_name("minio.LICENSE")):
            shutil.copy(path, Path(folder, "built"))
        print(f"images.py: taking {program}, built from the same source", flush=True)
        yield Path(folder)


def _built_minio() -> Path | None:
    """The program that `make minio` built here, when its source is today's and the engine can run it."""
    program = Path.home() / ".cache" / REPOSITORY / "minio"
    try:
        found = program.with_name("minio.source").read_text().strip()
    except OSError:
        return None
    parts = (program, program.with_name("minio.LICENSE"))
    return program if found == _minio_source() and all(map(Path.exists, parts)) and _same_platform() else None


def _minio_source() -> str:
    scripts = b"".join((ROOT / path).read_bytes() for path in _GO)
    return f"{hashlib.sha256(scripts).hexdigest()} {platform.system()} {platform.machine()}"


def _same_platform() -> bool:
    """Whether the engine's machine runs this machine's programs."""
    asked = ["docker", "version", "--format", "{{.Server.Os}} {{.Server.Arch}}"]
    shown = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    names = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    here = f"{platform.system().lower()} {names.get(platform.machine(), platform.machine())}"
    return shown.stdout.strip() == here


def main() -> int:
    """0, 1 when an image is not there in the end, 2 for wrong arguments."""
    known = {image.name: image for image in (*IMAGES, *VARIANTS)}
    order, names = (sys.argv[1:2] or [""])[0], sys.argv[2:] or [image.name for image in IMAGES]
    if sys.argv[1:] == ["source"]:
        print(_minio_source())
        return 0
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
    """0 when all were built. LANES of them at a time: one compiles while another one fetches."""
    due = outdated(tuple(image for image in (*IMAGES, *VARIANTS) if image.name in names))
    with ThreadPoolExecutor(LANES) as lanes:
        return 0 if all(list(lanes.map(build, due))) else 1


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
