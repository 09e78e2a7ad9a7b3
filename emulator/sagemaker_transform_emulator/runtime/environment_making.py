"""Making an environment with another XGBoost: by pip or uv, from a lock with hashes, whole or not at all.

It is made beside its place and renamed, and others who want it meanwhile wait.
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib.util
import os
import re
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from sagemaker_transform_emulator.config import SOURCE_ROOT
from sagemaker_transform_emulator.errors import ModelError
from sagemaker_transform_emulator.processes import leash
from sagemaker_transform_emulator.runtime.environments import INSTALLED_SERVES, Environment, write_list
from sagemaker_transform_emulator.runtime.xgboost_versions import release_serving

Tell = Callable[[str], None]
_TOLD_EVERY_S = 2.0
_NEWS_LINES = 40
_BROKEN_CONNECTION = re.compile(r"after connection broken by '\w+\((.*)\)'")
"""How pip words a failed attempt; its last line then says that there is no such version."""
_STAGING = ".staging-"
_OTHER_FOLDER = "free space there, make it writable, or set EMULATOR_CACHE_DIR to another folder"
_WITHOUT_NETWORK = (
    "check the network, the proxy and pip's index; a machine without network can be given the cache folder "
    f"of another one (EMULATOR_CACHE_DIR), or {INSTALLED_SERVES}"
)


async def ensure(wanted: Environment, tell: Tell) -> Path:
    """The environment's folder, made if need be; `tell` was called with what took time.

    Raises ModelError with the remedy when it cannot be made. Nothing half-made is left in its place, whatever
    ended the making.
    """
    folder = wanted.folder
    if wanted.exists:
        return folder
    try:
        async with _locked(folder.parent, tell):
            if not wanted.exists:
                await _make(wanted, folder, tell)
    except OSError as error:
        raise ModelError(
            f"The environment of xgboost {wanted.version} cannot be made in {folder.parent}: "
            f"{error.strerror}",
            remedy=_OTHER_FOLDER,
        ) from None
    return folder


async def _make(wanted: Environment, folder: Path, tell: Tell) -> None:
    await asyncio.to_thread(_sweep, folder.parent)
    release = release_serving(wanted.version)
    size = f"; about {release.megabytes} MB are downloaded" if release else ""
    tell(f"making the environment of xgboost {wanted.version}, once{size}")
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=folder.parent, ignore_cleanup_errors=True) as name:
        stage, scratch = Path(name) / "packages", Path(name) / "scratch"
        await asyncio.to_thread(scratch.mkdir)
        await _install(wanted, stage, scratch, tell)
        await _prove(wanted, stage)
        await asyncio.to_thread(write_list, stage)
        await asyncio.to_thread(stage.rename, folder)
    tell(f"made the environment of xgboost {wanted.version} in {folder}")


def _sweep(folder: Path) -> None:
    """What killed processes left there is gone. To be used while the folder is locked."""
    for remains in folder.glob(f"{_STAGING}*"):
        shutil.rmtree(remains, ignore_errors=True)


async def _install(wanted: Environment, stage: Path, scratch: Path, tell: Tell) -> None:
    watching = asyncio.create_task(_tell_growth(wanted.version, scratch.parent, tell))
    variables = {**os.environ, "TMPDIR": str(scratch), "PIP_REQUIRE_VIRTUALENV": "false", "PIP_USER": "false"}
    try:
        code, said = await _run([*_installer(), "--target", str(stage), "-r", str(wanted.lock)], variables)
    finally:
        watching.cancel()
    if code:
        raise _not_made(wanted.version, said)


def _installer() -> list[str]:
    """Pip of this interpreter, else uv. Raises ModelError when there is neither."""
    pinned = ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    if importlib.util.find_spec("pip") is not None:
        quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--quiet"]
        patience = ["--retries", "2", "--timeout", "15"]
        return [sys.executable, "-m", "pip", "install", *quiet, *patience, *pinned]
    uv = shutil.which("uv")
    if uv is not None:
        return [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", sys.executable, *pinned]
    raise ModelError(
        f"Another XGBoost than the installed one is needed, and {sys.executable} has no pip to get it with",
        remedy=f"`{sys.executable} -m ensurepip`, or put uv on PATH, or {INSTALLED_SERVES}",
    )


async def _prove(wanted: Environment, stage: Path) -> None:
    """It can be imported, as the container will import it."""
    library = "sagemaker_transform_emulator.containers.xgboost.library"
    program = f"from {library} import xgboost; print(xgboost.__version__)"
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(stage), str(SOURCE_ROOT)])}
    code, said = await _run([sys.executable, "-P", "-c", program], variables)
    if code or said[-1:] != [wanted.version]:
        words = said[-1] if said else "it wrote nothing"
        raise ModelError(
            f"xgboost {wanted.version} was installed but does not load: {words}",
            remedy=f"mend that, or {INSTALLED_SERVES}",
        )


async def _run(command: list[str], variables: dict[str, str]) -> tuple[int, list[str]]:
    """Exit code and last lines of a command that ends with its caller, whatever ends that."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(Path(leash.__file__)), *command,
        env=variables, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    lines: deque[str] = deque(maxlen=_NEWS_LINES)
    try:
        async for line in process.stdout:
            lines.append(line.decode("utf-8", "replace").strip())
        return await process.wait(), [line for line in lines if line]
    finally:
        process.stdin.close()  # the leash kills it if it still runs
        await asyncio.shield(process.wait())


async def _tell_growth(version: str, folder: Path, tell: Tell) -> None:
    while True:
        await asyncio.sleep(_TOLD_EVERY_S)
        size = await asyncio.to_thread(_size, folder)
        tell(f"environment of xgboost {version}: {size / 1e6:.0f} MB on disk so far")


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:  # moved meanwhile
            continue
    return total


def _not_made(version: str, said: list[str]) -> ModelError:
    broken = [found[1] for line in said if (found := _BROKEN_CONNECTION.search(line))]
    errors = [line.removeprefix("ERROR:").strip() for line in said if line.startswith(("ERROR", "error"))]
    words = (broken or errors or said[-1:] or ["the installer wrote nothing"])[0][:300]
    remedy = _OTHER_FOLDER if any("No space left" in line for line in said) else _WITHOUT_NETWORK
    return ModelError(f"The environment of xgboost {version} cannot be made: {words}", remedy=remedy)


def _lock_file(folder: Path) -> IO[str]:
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / ".lock").open("w")


@asynccontextmanager
async def _locked(folder: Path, tell: Tell) -> AsyncIterator[None]:
    """Hold the folder, made if need be, against other processes and other jobs of this one."""
    told = False
    with await asyncio.to_thread(_lock_file, folder) as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    tell(f"waiting for another process that makes an environment in {folder}")
                told = True
                await asyncio.sleep(0.2)
        yield
