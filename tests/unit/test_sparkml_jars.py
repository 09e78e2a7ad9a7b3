"""The SparkML container's jars: fetched once, checked always, never half there."""

from __future__ import annotations

import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from parts import ROOT

from sagemaker_transform_emulator.containers.serving import StartError
from sagemaker_transform_emulator.containers.sparkml import cache
from sagemaker_transform_emulator.containers.sparkml.jars import (
    Jar,
    ensure,
    read_lock,
    trust_certificates_of_the_machine,
)

CONTENTS = {name: f"the jar {name}".encode() * 1000 for name in ("first", "second")}


def jar(name: str, content: bytes | None = None) -> Jar:
    known = CONTENTS[name] if content is None else content
    return Jar(f"org.example:{name}:1.0", len(known), hashlib.sha256(known).hexdigest())


class Repository(http.server.ThreadingHTTPServer):
    """A Maven repository of the two jars that counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[str] = Counter()
        self.failures = 0
        self.hold = threading.Event()
        self.hold.set()
        self.reached = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/maven/"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[1]
        self.server.asked[name] += 1
        content = CONTENTS.get(name.removesuffix("-1.0.jar"))
        if self.path != f"/maven/org/example/{name.removesuffix('-1.0.jar')}/1.0/{name}" or content is None:
            self.send_error(404)
        elif self.server.failures:
            self.server.failures -= 1
            self.send_error(503)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:5000])
            self.wfile.flush()
            self.server.reached.set()
            self.server.hold.wait(30)
            self.wfile.write(content[5000:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    with Repository() as server:
        monkeypatch.setenv("SPARKML_MAVEN_REPOSITORY", server.url)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.hold.set()
        server.shutdown()


def test_missing_jars_are_fetched_and_whole_ones_left_alone(repository: Repository, tmp_path: Path) -> None:
    jars = [jar("first"), jar("second")]
    ensure(jars, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.jar")} == {
        "first-1.0.jar": CONTENTS["first"],
        "second-1.0.jar": CONTENTS["second"],
    }
    asked = dict(repository.asked)
    ensure(jars, tmp_path)
    assert dict(repository.asked) == asked
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("damage", [b"", b"short", b"X" + CONTENTS["first"][1:]])
def test_a_damaged_jar_is_fetched_again(repository: Repository, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "first-1.0.jar").write_bytes(damage)
    ensure([jar("first")], tmp_path)
    assert (tmp_path / "first-1.0.jar").read_bytes() == CONTENTS["first"]


def test_a_jar_keeps_its_time_so_that_class_data_stay_valid(repository: Repository, tmp_path: Path) -> None:
    ensure([jar("first")], tmp_path)
    before = (tmp_path / "first-1.0.jar").stat().st_mtime
    (tmp_path / "first-1.0.jar").unlink()
    ensure([jar("first")], tmp_path)
    assert (tmp_path / "first-1.0.jar").stat().st_mtime == before


def test_what_is_not_the_pinned_jar_is_refused(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"org.example:first:1.0 is not the pinned artifact"):
        ensure([jar("first", b"something else")], tmp_path)
    assert not list(tmp_path.glob("*.jar"))


def test_a_passing_failure_is_tried_again(repository: Repository, tmp_path: Path) -> None:
    repository.failures = 1
    ensure([jar("first")], tmp_path)
    assert (tmp_path / "first-1.0.jar").exists()


def test_an_unknown_jar_is_named_with_the_remedy(repository: Repository, tmp_path: Path) -> None:
    unknown = Jar("org.example:third:1.0", 1, "0" * 64)
    with pytest.raises(
        StartError, match=r"org.example:third:1.0 cannot be fetched.*SPARKML_MAVEN_REPOSITORY"
    ):
        ensure([unknown], tmp_path)


def test_without_network_the_message_says_what_to_do(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARKML_MAVEN_REPOSITORY", "http://127.0.0.1:9/maven")
    with pytest.raises(
        StartError, match=r"org.example:first:1.0 cannot be fetched \(ConnectionError"
    ) as raised:
        ensure([jar("first")], tmp_path)
    assert "EMULATOR_CACHE_DIR" in str(raised.value)
    assert len(str(raised.value)) < 800


def test_two_that_start_at_once_fetch_once(
    repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.hold.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ensure, [jar("first")], tmp_path)
        assert repository.reached.wait(30)
        second = pool.submit(ensure, [jar("first")], tmp_path)
        repository.hold.set()
        first.result()
        second.result()
    assert repository.asked["first-1.0.jar"] == 1
    assert (tmp_path / "first-1.0.jar").read_bytes() == CONTENTS["first"]


def test_a_killed_fetch_leaves_nothing_half(repository: Repository, tmp_path: Path) -> None:
    repository.hold.clear()
    pinned = jar("first")
    code = (
        "from pathlib import Path; "
        "from sagemaker_transform_emulator.containers.sparkml.jars import Jar, ensure; "
        f"ensure([Jar({pinned.coordinates!r}, {pinned.size}, {pinned.sha256!r})], Path({str(tmp_path)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)
    assert repository.reached.wait(60)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    repository.hold.set()
    assert not list(tmp_path.glob("*.jar"))
    ensure([pinned], tmp_path)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [".lock", "first-1.0.jar"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StartError, match=r"cannot be written .*EMULATOR_CACHE_DIR"):
        ensure([jar("first")], tmp_path / "file" / "jars")


def test_a_complete_read_only_cache_is_only_read(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "first-1.0.jar").write_bytes(CONTENTS["first"])
    ensure([jar("first")], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["first-1.0.jar"]


def test_the_lock_pins_every_jar() -> None:
    lock = read_lock()
    assert [found.coordinates for found in lock.engine][:1] == ["ml.combust.mleap:mleap-runtime_2.12:0.20.0"]
    assert len({found.filename for found in lock.jars}) == len(lock.jars) == 46
    assert all(len(found.sha256) == 64 and found.size > 0 for found in lock.jars)


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EMULATOR_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert cache.cache_directory() == Path.home() / ".cache" / "sagemaker-transform-emulator" / "sparkml"
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache.cache_directory() == Path("/x/sagemaker-transform-emulator/sparkml")
    monkeypatch.setenv("EMULATOR_CACHE_DIR", "/y")
    assert cache.cache_directory() == Path("/y/sparkml")


@pytest.mark.parametrize("named", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", None])
def test_certificates_follow_the_usual_variables(monkeypatch: pytest.MonkeyPatch, named: str | None) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("SSL_CERT_FILE", "/machine.pem")
    if named:
        monkeypatch.setenv(named, "/named.pem")
    trust_certificates_of_the_machine()
    effective = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    assert effective == ("/named.pem" if named else "/machine.pem")
