"""The jars of the engine: which ones (jars.toml), whether they are whole, and fetching those that are not.

Every jar is pinned by coordinates, size and sha256; what does not match is never used. jgo knows the
repository; SPARKML_MAVEN_REPOSITORY names another one, such as a company's mirror. TLS follows
REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE and SSL_CERT_FILE.
"""

from __future__ import annotations

import hashlib
import os
import time
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.containers.serving import StartError
from sagemaker_transform_emulator.containers.sparkml.cache import locked, staging, tell

LOCK_FILE = Path(__file__).with_name("jars.toml")
REPOSITORY_VARIABLE = "SPARKML_MAVEN_REPOSITORY"
_CONNECTIONS = 4
_ATTEMPTS = 3
_TIMEOUT_S = 30
# the JVM's class-data archive is valid only for jars of the same modification time
_MODIFIED = 1_577_836_800


@dataclass(frozen=True)
class Jar:
    """One pinned artifact. `size` in bytes."""

    coordinates: str
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        """The file's name in the cache: artifact and version."""
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"

    def intact(self, directory: Path) -> bool:
        """Whether the file in `directory` is this very artifact."""
        path = directory / self.filename
        try:
            if path.stat().st_size != self.size:
                return False
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except OSError:
            return False


@dataclass(frozen=True)
class Lock:
    """What the lock file names: the engine's classpath in its order, and the compiler for the helper."""

    engine: tuple[Jar, ...]
    compiler: Jar

    @property
    def jars(self) -> tuple[Jar, ...]:
        """All of them."""
        return (*self.engine, self.compiler)


def read_lock(path: Path = LOCK_FILE) -> Lock:
    """The pinned jars."""
    table = tomllib.loads(path.read_text("utf-8"))
    return Lock(tuple(Jar(**entry) for entry in table["engine"]), Jar(**table["compiler"]))


def ensure(jars: Iterable[Jar], directory: Path) -> None:
    """All `jars` are whole in `directory`: the missing and the damaged ones have been fetched.

    Safe against other processes that do the same, and against being killed: a file is either whole or not
    there. Raises StartError naming the jar and the remedy when one cannot be had.
    """
    wanted = tuple(jars)
    if all(jar.intact(directory) for jar in wanted):
        return
    with locked(directory):
        missing = [jar for jar in wanted if not jar.intact(directory)]
        if missing:
            _fetch_all(missing, directory)


def _fetch_all(jars: list[Jar], directory: Path) -> None:
    trust_certificates_of_the_machine()
    tell(f"fetching {len(jars)} jars, {sum(jar.size for jar in jars) / 1e6:.1f} MB, into {directory}")
    with staging(directory) as stage, ThreadPoolExecutor(_CONNECTIONS) as pool:
        context = _maven(stage)
        done = pool.map(lambda jar: _fetch(jar, context, directory), jars)
        try:
            for count, jar in enumerate(done, start=1):
                tell(f"{count:2d}/{len(jars)} {jar.filename}, {jar.size / 1e6:.1f} MB")
        except StartError:
            pool.shutdown(cancel_futures=True)
            raise


def trust_certificates_of_the_machine() -> None:
    """Requests does not read SSL_CERT_FILE, OpenSSL's variable; after this it trusts what that names."""
    bundle = os.environ.get("SSL_CERT_FILE")
    if bundle and not os.environ.get("CURL_CA_BUNDLE"):
        os.environ.setdefault("REQUESTS_CA_BUNDLE", bundle)


def _maven(stage: Path) -> Any:
    from jgo.maven import MavenContext  # noqa: PLC0415 - 0.3 s that a start with whole jars does not need

    named = os.environ.get(REPOSITORY_VARIABLE)
    repositories = {"named": named.rstrip("/")} if named else None
    return MavenContext(repo_cache=stage, local_repos=[], remote_repos=repositories, timeout=_TIMEOUT_S)


def _fetch(jar: Jar, context: Any, directory: Path) -> Jar:
    """The jar is in `directory`, checked."""
    group, artifact, version = jar.coordinates.split(":")
    source = context.project(group, artifact).at_version(version).artifact()
    fetched = _resolved(jar, source)
    if not jar.intact(fetched.parent):
        raise StartError(
            f"what the repository gave for {jar.coordinates} is not the pinned artifact (sha256 {jar.sha256})"
            f"; a proxy may have changed it: see {REPOSITORY_VARIABLE} and the machine's proxy settings"
        )
    os.utime(fetched, (_MODIFIED, _MODIFIED))
    fetched.replace(directory / jar.filename)
    return jar


def _resolved(jar: Jar, source: Any) -> Path:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return Path(source.resolve())
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
            source.cached_path.unlink(missing_ok=True)
            if attempt == _ATTEMPTS:
                raise StartError(_unreachable(jar, error)) from None
            time.sleep(0.5 * attempt)
    raise AssertionError("unreachable")


def _unreachable(jar: Jar, error: Exception) -> str:
    return (
        f"the jar {jar.coordinates} cannot be fetched ({type(error).__name__}: {_short(error)}). Check the "
        f"network and the proxy settings, or set {REPOSITORY_VARIABLE} to a Maven repository this machine "
        "reaches; a machine without network can be given the cache folder of another one (EMULATOR_CACHE_DIR)"
    )


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:200] + "..."  # noqa: PLR2004 - one line of a terminal or two
