"""Environments with another XGBoost: made by real pip from wheels beside the test, whole or not at all."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sagemaker_transform_emulator.config import Settings
from sagemaker_transform_emulator.errors import ModelError
from sagemaker_transform_emulator.runtime import environment_making, environments
from sagemaker_transform_emulator.runtime.environment_making import ensure
from sagemaker_transform_emulator.runtime.environments import Environment
from sagemaker_transform_emulator.runtime.libraries import Libraries

VERSION = "1.0.0"
PACKAGE = """
__version__ = "1.0.0"
class Booster:
    def predict(self, data, ntree_limit=0): ...
"""
Make = Callable[..., Environment]


def wheel(folder: Path, package: str) -> str:
    """A wheel of a package that passes for XGBoost; its SHA-256."""
    folder.mkdir(exist_ok=True)
    info = f"xgboost-{VERSION}.dist-info"
    files = {
        "xgboost/__init__.py": package,
        "xgboost/VERSION": VERSION,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: xgboost\nVersion: {VERSION}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    records = [f"{name},sha256={_url_safe(text)},{len(text)}" for name, text in files.items()]
    path = folder / f"xgboost-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "\n".join([*records, f"{info}/RECORD,,", ""]))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _url_safe(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Environments whose packages come from a folder and no index."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))

    def made(package: str = PACKAGE, digest: str = "") -> Environment:
        found = wheel(tmp_path / "wheels", package)
        lock = tmp_path / f"{VERSION}.txt"
        lock.write_text(f"xgboost=={VERSION} \\\n    --hash=sha256:{digest or found}\n")
        return Environment(VERSION, tmp_path / "cache", lock)

    return made


def left(wanted: Environment) -> list[str]:
    """What is in the folder of environments, besides its lock."""
    return sorted(path.name for path in wanted.folder.parent.iterdir() if path.name != ".lock")


def test_it_is_made_once_with_progress_and_only_read_afterwards(make: Make) -> None:
    wanted, told = make(), list[str]()
    folder = asyncio.run(ensure(wanted, told.append))
    assert told[0] == "making the environment of xgboost 1.0.0, once; about 165 MB are downloaded"
    assert told[-1] == f"made the environment of xgboost 1.0.0 in {folder}"
    assert wanted.exists
    assert wanted.damage() == []
    assert left(wanted) == [folder.name]
    told.clear()
    (folder.parent / ".lock").unlink()
    assert asyncio.run(ensure(wanted, told.append)) == folder
    assert told == []
    assert not (folder.parent / ".lock").exists()  # nothing was written


def test_jobs_that_want_it_at_once_make_it_once(make: Make) -> None:
    wanted, told = make(), list[str]()

    async def both() -> list[Path]:
        return await asyncio.gather(ensure(wanted, told.append), ensure(wanted, told.append))

    assert asyncio.run(both()) == [wanted.folder] * 2
    assert sum(text.startswith("making") for text in told) == 1
    assert f"waiting for another process that makes an environment in {wanted.folder.parent}" in told


def test_what_a_killed_process_left_is_removed(make: Make) -> None:
    wanted = make()
    remains = wanted.folder.parent / ".staging-x" / "packages"
    remains.mkdir(parents=True)
    asyncio.run(ensure(wanted, lambda _: None))
    assert left(wanted) == [wanted.folder.name]


def test_a_job_that_is_stopped_meanwhile_leaves_nothing(make: Make, tmp_path: Path) -> None:
    wanted, told = make(), list[str]()
    pids = tmp_path / "pid"
    endless = (
        f"import os, time, pathlib; pathlib.Path({str(pids)!r}).write_text(str(os.getpid())); time.sleep(600)"
    )

    async def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(environment_making, "_installer", lambda: [sys.executable, "-c", endless])
        task = asyncio.create_task(ensure(wanted, told.append))
        await asyncio.to_thread(_await_text, pids)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with pytest.MonkeyPatch.context() as monkeypatch:
        asyncio.run(stopped(monkeypatch))
    assert left(wanted) == []
    assert _ended(int(pids.read_text()))


def _await_text(path: Path) -> None:
    while not path.exists() or not path.read_text():
        time.sleep(0.02)


def _ended(pid: int) -> bool:
    """Whether it is gone, or only waits to be collected."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("package", "digest", "words", "remedy"),
    [
        (PACKAGE, "0" * 64, "THESE PACKAGES DO NOT MATCH THE HASHES", "EMULATOR_CACHE_DIR"),
        (
            PACKAGE.replace("1.0.0", "1.1.1"),
            "",
            "was installed but does not load: 1.1.1",
            'xgboost = "installed"',
        ),
        (
            "raise OSError('libgomp.so.1: cannot open shared object file')",
            "",
            "install libgomp1",
            "mend that",
        ),
    ],
    ids=["another file", "another version", "no OpenMP"],
)
def test_what_cannot_be_had_is_one_error_and_leaves_nothing(
    make: Make, package: str, digest: str, words: str, remedy: str
) -> None:
    wanted = make(package, digest)
    with pytest.raises(ModelError, match=words) as caught:
        asyncio.run(ensure(wanted, lambda _: None))
    assert remedy in caught.value.remedy
    assert "\n" not in str(caught.value)
    assert left(wanted) == []


def test_without_a_network_the_connection_is_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = make()
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(ModelError, match=r"cannot be made: .*Connection refused") as caught:
        asyncio.run(ensure(wanted, lambda _: None))
    assert "check the network" in caught.value.remedy
    assert left(wanted) == []


def test_without_pip_and_uv_the_remedy_is_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment_making.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(environment_making.shutil, "which", lambda _: None)
    with pytest.raises(ModelError, match="has no pip") as caught:
        asyncio.run(ensure(make(), lambda _: None))
    assert "ensurepip" in caught.value.remedy


def test_a_cache_that_cannot_be_written_is_named(make: Make, tmp_path: Path) -> None:
    wanted = make()
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ModelError, match="Not a directory") as caught:
        asyncio.run(ensure(wanted, lambda _: None))
    assert "EMULATOR_CACHE_DIR" in caught.value.remedy


def test_damage_is_told_by_file(make: Make) -> None:
    wanted = make()
    folder = asyncio.run(ensure(wanted, lambda _: None))
    (folder / "xgboost" / "__init__.py").write_text("changed")
    (folder / "xgboost" / "VERSION").unlink()
    assert wanted.damage() == ["xgboost/VERSION", "xgboost/__init__.py"]
    (folder / "files.json").unlink()
    assert wanted.damage() == ["files.json"]


def test_another_lock_has_another_folder(make: Make) -> None:
    wanted = make()
    before = wanted.folder
    wanted.lock.write_text(wanted.lock.read_text() + "# changed\n")
    assert wanted.folder != before


def test_the_installed_version_needs_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    libraries = Libraries(Settings())
    image = "x/sagemaker-xgboost:3.0-5"
    assert environments.installed_version() == "3.0.5"
    assert asyncio.run(libraries.provide(image, pytest.fail)) == ""
    assert libraries.on_path(image, {"PYTHONPATH": "/a"}) == {"PYTHONPATH": "/a"}
    monkeypatch.setattr(environments, "installed_version", lambda: "2.0.0")
    assert asyncio.run(Libraries(Settings(xgboost="installed")).provide(image, pytest.fail)).startswith(
        "xgboost 2.0.0 serves in place of 3.0.5"
    )


def test_the_environment_goes_before_what_is_on_the_path(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = make()
    monkeypatch.setattr(environments, "environment", lambda *_: wanted)
    libraries, image = Libraries(Settings()), "x/sagemaker-xgboost:1.0-1-cpu-py3"
    assert libraries.has_version_of(image)
    assert not libraries.provided(image)
    assert asyncio.run(libraries.provide(image, lambda _: None)) == ""
    assert libraries.provided(image)
    assert libraries.on_path(image, {"PYTHONPATH": "/a"}) == {"PYTHONPATH": f"{wanted.folder}:/a"}


def test_a_version_without_a_lock_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"xgboost 9\.9 cannot serve") as caught:
        environments.environment("9.9", tmp_path)
    assert 'xgboost = "installed"' in caught.value.remedy
