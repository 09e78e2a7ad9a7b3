"""Every finding of the doctor, provoked by surroundings made for it; nothing of this machine is asked."""

from __future__ import annotations

import fcntl
import importlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sagemaker_transform_emulator.cli import app
from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.runtime.docker.labels import Owner
from sagemaker_transform_emulator.s3.moto_server import embedded_store
from sagemaker_transform_emulator.server.state_directory import About, publish
from sagemaker_transform_emulator.tools.doctor import GROUPS, KINDS, LOOKS, MachineView, Part, diagnose

GIB = 1024**3
LOOK = {look.name: look.look for look in LOOKS}
command = importlib.import_module(
    "sagemaker_transform_emulator.cli.doctor"
)  # the package has a function of that name


class FakeApi:
    """The part of the engine's SDK that the doctor calls."""

    def __init__(self, info: dict[str, Any], tags: list[str], things: list[dict[str, Any]]) -> None:
        self._info, self._tags, self._things = info, tags, things

    def info(self) -> dict[str, Any]:
        return self._info

    def images(self) -> list[dict[str, Any]]:
        return [{"RepoTags": self._tags}, {"RepoTags": None}]

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        return self._things

    def networks(self, **_: Any) -> list[dict[str, Any]]:
        return []

    def volumes(self, **_: Any) -> dict[str, Any]:
        return {"Volumes": None}


class FakeEngine:
    """An engine that answers as it was told."""

    def __init__(self, version: str = "28.0.1", **parts: Any) -> None:
        self.version = version
        info = {"Driver": "overlay2", "NCPU": 2, "DockerRootDir": "/nowhere", **parts.get("info", {})}
        tags = [f"sagemaker-transform-emulator/{name}:latest" for name in ("sparkml", "xgboost")]
        self.api = FakeApi(info, parts.get("tags", tags), parts.get("things", []))

    def close(self) -> None: ...


@pytest.fixture
def at(tmp_path: Path) -> MachineView:
    """A machine without fault, apart from absent jars, MinIO and store."""
    return MachineView(
        environment={"PATH": "", "HOME": str(tmp_path)},
        state=tmp_path / "state",
        cache=tmp_path / "cache",
        python=(3, 12),
        port=0,
        connect=FakeEngine,  # type: ignore[arg-type]
        free_bytes=lambda _: 100 * GIB,
        java=lambda: Path("/bin/sh"),
        package=lambda _: "1.0",
        missing_modules=lambda _: (),
    )


def look(name: str, at: MachineView, **environment: str) -> Part:
    part = LOOK[name](replace(at, environment={**at.environment, **environment}))
    assert {finding.id for finding in part.findings} <= set(GROUPS[name])
    assert all(finding.remedy for finding in part.findings)
    return part


def ids(part: Part) -> list[str]:
    return [finding.id for finding in part.findings]


def test_python(at: MachineView) -> None:
    assert look("Python", at) == Part("Python", ("Python 3.12",))
    assert ids(look("Python", replace(at, python=(3, 10)))) == ["python-old"]


def test_disk(at: MachineView) -> None:
    part = look("Disk", at)
    assert ids(part) == []
    assert "100.0 GiB free" in part.facts[0]
    assert ids(look("Disk", replace(at, free_bytes=lambda _: GIB))) == ["disk-low", "disk-low"]


def test_a_folder_that_cannot_be_written(at: MachineView) -> None:
    part = look("Disk", replace(at, cache=Path("/proc/self")))
    assert ids(part) == ["folder-unwritable"]
    assert "/proc/self" in part.findings[0].seen


def test_the_port_is_free_or_ours_or_somebody_elses(at: MachineView) -> None:
    assert look("Port", at).facts == ("port 0 is free",)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = replace(at, port=taken.getsockname()[1])
        assert ids(look("Port", at)) == ["port-taken"]
        at.state.mkdir()
        publish(at.state, About(f"http://127.0.0.1:{at.port}", 7, "r", "k", "s", "c", "moto", "u", "process"))
        assert look("Port", at).facts == (f"an emulator listens on port {at.port} (pid 7)",)


def test_runs(at: MachineView) -> None:
    for name in ("lives", "over"):
        (at.state / "runs" / name).mkdir(parents=True)
        (at.state / "runs" / name / "lock").touch()
    with (at.state / "runs" / "lives" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        part = look("Runs", at)
    assert ids(part) == ["runs-abandoned"]
    assert part.findings[0].seen == "1: over"
    assert part.facts == ("1 runs under way",)


def test_packages(at: MachineView) -> None:
    assert "boto3 1.0" in look("Packages", at).facts[0]
    part = look("Packages", replace(at, package=lambda name: None if name == "httptools" else "1"))
    assert [(finding.id, finding.seen) for finding in part.findings] == [("package-missing", "httptools")]
    (finding,) = look(
        "Packages", replace(at, missing_modules=lambda extra: ("jpype",) if extra == "sparkml" else ())
    ).findings
    assert (finding.id, finding.seen) == ("extra-missing", "[sparkml]: there is no jpype")
    assert "sagemaker-transform-emulator[sparkml]" in finding.remedy or "--editable" in finding.remedy


def test_java(at: MachineView) -> None:
    def absent() -> Path:
        raise ImportError

    assert ids(look("Java", at)) == []
    assert ids(look("Java", replace(at, java=absent))) == ["java-missing"]
    assert ids(look("Java", replace(at, java=lambda: Path("/nowhere/java")))) == ["java-missing"]


def test_jars(at: MachineView) -> None:
    part = look("Jars", at)
    assert ids(part) == ["jars-absent"]
    total = part.findings[0].seen.split(" of ")[1].split(" ")[0]
    assert part.findings[0].seen.startswith(f"{total} of {total} are not in")
    from sagemaker_transform_emulator.containers.sparkml.jars import read_lock  # noqa: PLC0415 - beside what it is for

    folder = at.cache / "sparkml" / "jars"
    folder.mkdir(parents=True)
    (folder / read_lock().jars[0].filename).write_bytes(b"no jar")
    assert ids(look("Jars", at)) == ["jars-damaged", "jars-absent"]


def test_xgboost_environments(at: MachineView, monkeypatch: pytest.MonkeyPatch) -> None:
    from sagemaker_transform_emulator.runtime.environments import environment, write_list  # noqa: PLC0415 - beside what they are for

    assert look("XGBoost", at) == Part("XGBoost", ("1.0 is installed", "no environments were made"))
    made = {version: environment(version, at.cache) for version in ("0.90", "1.7.4")}
    for each in made.values():
        (each.folder / "xgboost").mkdir(parents=True)
        (each.folder / "xgboost" / "core.py").write_text("code")
        write_list(each.folder)
    assert look("XGBoost", at).facts[1] == "environments that are whole: 0.90, 1.7.4"
    (made["0.90"].folder / "xgboost" / "core.py").write_text("other code")
    part = look("XGBoost", at)
    assert ids(part) == ["xgboost-damaged"]
    assert part.findings[0].seen == "0.90: 1 files, such as xgboost/core.py"
    assert part.facts[1] == "environments that are whole: 1.7.4"

    use(monkeypatch, at)
    monkeypatch.setattr(command, "fetch_jars", lambda _: "")
    done = CliRunner().invoke(app, ["doctor", "--fix"])
    assert "XGBoost: 0.90 removed; the next job makes them again" in done.stdout
    assert not made["0.90"].exists
    assert made["1.7.4"].exists


def test_minio(at: MachineView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("HOME", str(at.state))
    assert ids(look("MinIO", at)) == ["minio-absent"]
    assert ids(look("MinIO", at, MINIO_BIN="/nowhere/minio")) == ["minio-bin-wrong"]
    assert look("MinIO", at, MINIO_BIN="/bin/sh") == Part("MinIO", ("/bin/sh",))


def with_engine(at: MachineView, *arguments: str, **parts: Any) -> MachineView:
    return replace(at, connect=lambda: FakeEngine(*arguments, **parts))  # type: ignore[arg-type,return-value]


def test_a_good_engine(at: MachineView) -> None:
    part = look("Docker", at)
    assert part.findings == ()
    assert part.facts == ("engine 28.0.1, storage overlay2, 2 CPUs", "local images: sparkml, xgboost")


def test_no_engine(at: MachineView) -> None:
    def refuse() -> Any:
        raise MachineError("No Docker engine answers: nobody there", remedy="start it")

    part = look("Docker", replace(at, connect=refuse))
    assert ids(part) == ["docker-absent"]
    assert part.findings[0].remedy == "start it"


def test_engines_with_faults(at: MachineView, tmp_path: Path) -> None:
    assert ids(look("Docker", with_engine(at, "19.03.1"))) == ["docker-old"]
    assert ids(look("Docker", with_engine(at, "20.10.24+dfsg1"))) == []
    assert ids(look("Docker", with_engine(at, info={"Driver": "vfs"}))) == ["docker-storage-slow"]
    assert ids(look("Docker", with_engine(at, tags=[]))) == ["images-absent"]
    full = replace(with_engine(at, info={"DockerRootDir": str(tmp_path)}), free_bytes=lambda _: GIB)
    assert ids(look("Docker", full)) == ["docker-disk-low"]


def test_leftovers_of_runs_that_are_over(at: MachineView) -> None:
    from sagemaker_transform_emulator.runtime.docker.leftovers import _this_host  # noqa: PLC0415 - the host of what is left

    gone = Owner("0123456789ab", str(at.state / "runs"), _this_host()).labels("1", {})
    elsewhere = Owner("0123456789ab", "/r", "another host").labels("1", {})
    things = [{"Labels": gone}, {"Labels": elsewhere}, {"Labels": {}}]
    part = look("Docker", with_engine(at, things=things))
    assert [(finding.id, finding.seen) for finding in part.findings] == [("docker-leftovers", "1 of them")]


@contextmanager
def answering(status: int, **headers: str) -> Iterator[str]:
    """A server that gives every request that answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.mark.usefixtures("_keys")
def test_s3(at: MachineView) -> None:
    assert look("S3", at).facts == ("no endpoint is configured: the emulator brings its own store",)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    part = look("S3", at, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")
    assert ids(part) == ["s3-unreachable"]
    assert str(port) in part.findings[0].seen
    assert ids(look("S3", at, AWS_ENDPOINT_URL="no url")) == ["s3-unreachable"]
    with embedded_store() as address:
        assert address.endpoint_url
        part = look("S3", at, AWS_ENDPOINT_URL_S3=address.endpoint_url)
    assert part == Part("S3", (f"{address.endpoint_url}: moto",))
    with answering(403, Server="MinIO") as url:
        part = look("S3", at, AWS_ENDPOINT_URL_S3=url)
    assert ids(part) == ["s3-refuses"]
    assert part.facts == (f"{url}: MinIO",)


def test_credentials_of_the_real_aws(at: MachineView) -> None:
    key = "AKIA" + "ABCDEFGH12345678"
    endpoint = "http://127.0.0.1:4566"
    assert ids(look("AWS", at)) == []
    assert ids(look("AWS", at, AWS_ACCESS_KEY_ID="test")) == []
    part = look("AWS", at, AWS_PROFILE="work", AWS_SESSION_TOKEN="do not show")
    assert [(finding.id, finding.seen) for finding in part.findings] == [
        ("real-aws", "AWS_PROFILE=work, AWS_SESSION_TOKEN")
    ]
    part = look("AWS", at, AWS_ACCESS_KEY_ID=key, AWS_ENDPOINT_URL_S3=endpoint)
    assert ids(part) == ["real-aws-besides-s3"]
    assert key not in str(part)
    assert ids(look("AWS", at, AWS_ACCESS_KEY_ID=key, AWS_ENDPOINT_URL=endpoint)) == ["real-key"]
    assert ids(look("AWS", at, AWS_PROFILE="work", AWS_ENDPOINT_URL=endpoint)) == []


@pytest.mark.parametrize(
    ("no_proxy", "through"),
    [
        (None, "127.0.0.1,localhost,minio"),
        ("example.com", "127.0.0.1,localhost,minio"),
        ("127.0.0.1,localhost", "minio"),
        ("127.0.0.0/8, localhost, minio", ""),
        ("*", ""),
    ],
)
def test_proxies(at: MachineView, no_proxy: str | None, through: str) -> None:
    given = {"HTTP_PROXY": "http://proxy:3128", "AWS_ENDPOINT_URL_S3": "http://minio:9000"}
    part = look("Proxies", at, **given, **({"NO_PROXY": no_proxy} if no_proxy else {}))
    expected = [("proxy-for-loopback", f"add {through} to NO_PROXY")] if through else []
    assert [(finding.id, finding.remedy) for finding in part.findings] == expected
    assert ids(look("Proxies", at)) == []


def test_certificates(at: MachineView, tmp_path: Path) -> None:
    assert ids(look("Certificates", at)) == []
    assert ids(look("Certificates", at, AWS_CA_BUNDLE=str(tmp_path))) == []
    part = look("Certificates", at, SSL_CERT_FILE="/nowhere.pem", AWS_CA_BUNDLE=str(tmp_path))
    assert [(finding.id, finding.seen) for finding in part.findings] == [
        ("ca-bundle-missing", "SSL_CERT_FILE=/nowhere.pem")
    ]


def test_the_whole_machine_is_looked_at_once(at: MachineView) -> None:
    assert [part.name for part in diagnose(at)] == list(GROUPS)


def use(monkeypatch: pytest.MonkeyPatch, at: MachineView) -> None:
    monkeypatch.setattr(command, "MachineView", lambda: at)


def test_the_command_ends_with_3_on_an_error_only(monkeypatch: pytest.MonkeyPatch, at: MachineView) -> None:
    use(monkeypatch, at)
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 0, done.output
    assert "note jars-absent" in done.stdout
    use(monkeypatch, replace(at, python=(3, 9)))
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 3
    assert "python-old" in [finding["id"] for finding in json.loads(done.stdout)["findings"]]


def test_fix_sweeps_runs_and_fetches_jars(monkeypatch: pytest.MonkeyPatch, at: MachineView) -> None:
    from sagemaker_transform_emulator.config import state_directory  # noqa: PLC0415 - a folder of this test's own

    at = replace(at, state=state_directory())
    over = at.state / "runs" / "over-for-long"
    over.mkdir(parents=True)
    (over / "lock").touch()
    use(monkeypatch, at)
    monkeypatch.setattr(command, "fetch_jars", lambda place: f"the jars are in {place.cache}")
    done = CliRunner().invoke(app, ["doctor", "--fix", "--json"])
    report = json.loads(done.stdout)
    assert report["fixed"][0] == f"jars: the jars are in {at.cache}"
    assert "folders removed" in report["fixed"][1]
    assert not over.exists()
    assert "runs-abandoned" not in [finding["id"] for finding in report["findings"]]


def test_what_cannot_be_mended_says_why(monkeypatch: pytest.MonkeyPatch, at: MachineView) -> None:
    def fail(_: MachineView) -> str:
        raise MachineError("no network")

    use(monkeypatch, at)
    monkeypatch.setattr(command, "fetch_jars", fail)
    done = CliRunner().invoke(app, ["doctor", "--fix"])
    assert "jars: not mended: no network" in done.stdout


def test_every_finding_is_named_in_a_test() -> None:
    source = Path(__file__).read_text()
    assert [kind for kind in KINDS if f'"{kind}"' not in source] == []
