"""The parts of the Docker runtime that need no engine."""

from __future__ import annotations

import asyncio
import io
import tarfile
from pathlib import Path
from typing import Any

import docker.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.config import DUMMY_KEYS, ImageMapping, StoreAddress
from sagemaker_transform_emulator.errors import ModelError
from sagemaker_transform_emulator.processes.listening import sentence
from sagemaker_transform_emulator.processes.sigterm import is_deaf
from sagemaker_transform_emulator.runtime.docker import images
from sagemaker_transform_emulator.runtime.docker.confinement import Confinement
from sagemaker_transform_emulator.runtime.docker.exit_reason import exit_of, start_failure
from sagemaker_transform_emulator.runtime.docker.instance_types import capacity
from sagemaker_transform_emulator.runtime.docker.labels import Owner, object_name, owner_of
from sagemaker_transform_emulator.runtime.docker.leftovers import remove_everything, remove_of_run
from sagemaker_transform_emulator.runtime.docker.model_volume import tar_stream
from sagemaker_transform_emulator.runtime.docker.relay import Relay
from sagemaker_transform_emulator.runtime.log_lines import LONGEST_LINE_BYTES, Lines
from sagemaker_transform_emulator.runtime.store_access import (
    for_container,
    for_process,
    loopback_target,
    moved,
)

GIB = 1024**3


# Instance types


@pytest.mark.parametrize(
    ("kind", "vcpus", "gib"),
    [
        ("ml.m4.xlarge", 4, 16), ("ml.m4.10xlarge", 40, 160), ("ml.m5.large", 2, 8),
        ("ml.c4.8xlarge", 36, 60),
        ("ml.c5.18xlarge", 72, 144), ("ml.r6i.32xlarge", 128, 1024), ("ml.g5.48xlarge", 192, 768),
        ("ml.g6e.xlarge", 4, 32), ("ml.p2.16xlarge", 64, 732), ("ml.p3.2xlarge", 8, 61),
        ("ml.trn1.32xlarge", 128, 512), ("ml.inf2.xlarge", 4, 16), ("ml.c4.xlarge", 4, 7.5),
    ],
)  # fmt: skip
def test_capacity(kind: str, vcpus: int, gib: float) -> None:
    found = capacity(kind)
    assert found is not None
    assert (found.vcpus, found.memory_bytes) == (vcpus, int(gib * GIB))


def test_every_instance_type_of_the_service_is_known() -> None:
    import botocore.session  # noqa: PLC0415 - slow to import

    model = botocore.session.get_session().get_service_model("sagemaker")
    assert [kind for kind in model.shape_for("TransformInstanceType").enum if capacity(kind) is None] == []


@pytest.mark.parametrize("kind", ["", "ml.m4.tiny", "m4.xlarge", "ml.z9.xlarge", "ml.m5.xlarge "])
def test_an_unknown_type_has_no_capacity(kind: str) -> None:
    assert capacity(kind) is None


def test_limits_stay_within_the_engines_machine() -> None:
    limit = capacity("ml.c5.18xlarge")
    assert "mem_limit" not in Confinement(cpus=2).host_config(limit)
    asked = Confinement(instance_limits=True, cpus=2).host_config(limit)
    assert asked["nano_cpus"] == 2 * 10**9
    assert asked["mem_limit"] == asked["memswap_limit"] == 144 * GIB
    assert asked["cap_drop"] == ["NET_RAW"]
    strict = Confinement("strict", cpus=2).host_config(limit)
    assert strict["cap_drop"] == ["ALL"]
    assert strict["read_only"]
    assert strict["mem_limit"] == 144 * GIB


# Ends and starts


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"ExitCode": 0}, "exited with code 0"),
        ({"ExitCode": 3}, "exited with code 3"),
        ({"ExitCode": 137}, "was killed by SIGKILL (exit code 137)"),
        ({"ExitCode": 139}, "was killed by SIGSEGV (exit code 139)"),
        ({"ExitCode": 143}, "was killed by SIGTERM (exit code 143)"),
        ({"ExitCode": 128}, "exited with code 128"),
        ({"ExitCode": 255}, "exited with code 255"),
        ({"ExitCode": 1, "Error": "device gone"}, "exited with code 1 (device gone)"),
    ],
)
def test_exit_words(state: dict[str, Any], words: str) -> None:
    ended = exit_of(state, None)
    assert ended.reason == words
    assert ended.code == state["ExitCode"]
    assert not ended.out_of_memory


def test_out_of_memory_with_and_without_a_limit() -> None:
    state = {"ExitCode": 137, "OOMKilled": True}
    assert exit_of(state, None).out_of_memory
    assert "the machine had none left" in exit_of(state, None).reason
    assert "limit of 16 GiB, what ml.m4.xlarge has" in exit_of(state, capacity("ml.m4.xlarge")).reason


def test_start_failures_have_remedies() -> None:
    absent = 'exec: "serve": executable file not found in $PATH: unknown'
    assert "no ENTRYPOINT" in start_failure(absent)[0]
    assert "architecture" in start_failure("standard_init_linux.go:228: exec format error")[1]
    assert start_failure("something else") == ("something else", "")


def status(caught: int = 0, blocked: int = 0) -> str:
    return f"Name:\tx\nSigPnd:\t0\nSigBlk:\t{blocked:016x}\nSigIgn:\t0\nSigCgt:\t{caught:016x}\n"


@pytest.mark.rule("R4.7")
def test_deafness() -> None:
    sigterm = 1 << 14
    assert is_deaf(status())
    assert is_deaf(status(caught=~sigterm & 0xFFFF))
    assert not is_deaf(status(caught=sigterm))
    assert not is_deaf(status(blocked=sigterm))
    assert not is_deaf("")


def test_silence() -> None:
    assert sentence(set(), 8080) == "nothing in it listens on port 8080"
    assert sentence({("0.0.0.0", 8080)}, 8080, outside=True) == "it listens on 0.0.0.0:8080"
    assert "instead of port 8081 (X)" in sentence({("::", 80), ("127.0.0.1", 9)}, 8081, " (X)")
    assert "only itself can reach" in sentence({("127.0.0.1", 80), ("::1", 80)}, 80, outside=True)
    assert "only itself" not in sentence({("127.0.0.1", 80)}, 80)


# Labels


def test_an_owner_is_read_back_from_its_labels() -> None:
    owner = Owner("abc", "/state/runs", "host")
    assert owner_of(owner.labels("1", {"job": "j"})) == owner
    assert owner_of({"app": "x"}) is None
    assert owner_of(None) is None


@given(st.lists(st.text(max_size=80), max_size=4))
def test_names_are_what_the_engine_accepts(parts: list[str]) -> None:
    name = object_name("0123456789ab", *parts)
    assert len(name) <= 100
    assert name.isascii()
    assert all(char.isalnum() or char in "_.-" for char in name)


# The log


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=30))
def test_each_stream_keeps_its_lines(frames: list[tuple[int, bytes]]) -> None:
    for stream in (1, 2):
        lines, found = Lines(), []
        for each, data in frames:
            if each == stream:
                found += lines.feed(each, data)
        found += lines.end()
        whole = b"".join(data for each, data in frames if each == stream)
        wanted = whole.split(b"\n")
        if wanted[-1] == b"":
            wanted.pop()
        assert found == [line.removesuffix(b"\r").decode("utf-8", "replace") for line in wanted]


def test_a_line_without_end_is_cut() -> None:
    lines = Lines()
    found = lines.feed(1, b"x" * (2 * LONGEST_LINE_BYTES + 1)) + lines.end()
    assert [len(line) for line in found] == [LONGEST_LINE_BYTES, LONGEST_LINE_BYTES, 1]


# The model


def packed(path: Path, *entries: tuple[str, bytes | None, int]) -> Path:
    with tarfile.open(path, "w:gz") as opened:
        for name, data, mode in entries:
            info = tarfile.TarInfo(name)
            info.mode, info.uid, info.uname = mode, 1000, "me"
            if data is None:
                info.type, info.linkname = tarfile.SYMTYPE, "a/b"
                opened.addfile(info)
            else:
                info.size = len(data)
                opened.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.rule("R4.2")
@pytest.mark.parametrize(("for_all", "modes"), [(False, (0o755, 0o644)), (True, (0o777, 0o666))])
def test_the_model_is_streamed_by_member(tmp_path: Path, *, for_all: bool, modes: tuple[int, int]) -> None:
    long = "x" * 150
    archive = packed(
        tmp_path / "m.tar.gz",
        ("./a/b", b"1" * 3_000_000, 0o4640), ("run", b"", 0o700), ("link", None, 0o777),
        (long, b"x" * 511, 0o600),
    )  # fmt: skip
    stream = b"".join(tar_stream(archive, url="s3://b/m", container="c", for_all=for_all))
    with tarfile.open(fileobj=io.BytesIO(stream)) as opened:
        members = {member.name.removeprefix("./"): member for member in opened}
        assert set(members) == {".", "a/b", "run", "link", long}
        assert (members["."].mode, members["a/b"].mode) == modes
        assert members["run"].mode == members["."].mode
        assert {(member.uid, member.uname) for member in members.values()} == {(0, "")}
        assert members["link"].linkname == "a/b"
        body = opened.extractfile(members["a/b"])
        assert body is not None
        assert body.read() == b"1" * 3_000_000
    assert len(stream) % 512 == 0


def test_a_bad_member_is_never_streamed(tmp_path: Path) -> None:
    archive = packed(tmp_path / "m.tar.gz", ("ok", b"1", 0o600), ("../out", b"2", 0o600))
    with pytest.raises(ModelError, match="would be written outside"):
        list(tar_stream(archive, url="s3://b/m", container="c", for_all=False))


def test_without_an_archive_there_is_the_directory() -> None:
    stream = b"".join(tar_stream(None, url="", container="c", for_all=False))
    with tarfile.open(fileobj=io.BytesIO(stream)) as opened:
        assert opened.getnames() == ["."]


# Images


class FakeImages:
    """An engine that has some images and a registry that has others."""

    def __init__(self, here: dict[str, dict[str, Any]], events: list[dict[str, Any]] | None = None) -> None:
        self.here = here
        self.events = events
        self.pulled: list[str] = []

    def inspect_image(self, name: str) -> dict[str, Any]:
        if name not in self.here:
            raise docker.errors.NotFound("404", response=type("R", (), {"status_code": 404})())
        return self.here[name]

    def pull(self, repository: str, tag: str, **_: Any) -> Any:
        self.pulled.append(f"{repository}:{tag}")
        if self.events is None:
            raise docker.errors.APIError("no", explanation="pull access denied")
        self.here.setdefault(f"{repository}:{tag}", {"Config": {}, "RepoDigests": ["x@sha256:1"]})
        return iter(self.events)


LAYERS = [
    {"status": "Pulling from a/b", "id": "1"},
    {"status": "Already exists", "id": "l0"},
    {"status": "Downloading", "id": "l1", "progressDetail": {"current": 5_000_000, "total": 20_000_000}},
    {"status": "Digest: sha256:1"},
]


def test_pull_progress() -> None:
    progress = images.PullProgress()
    for event in LAYERS:
        progress.feed(event)
    assert progress.text == "1 of 2 layers, 5 of 20 MB"
    progress.feed({"status": "Pull complete", "id": "l1"})
    assert progress.text == "2 of 2 layers, 20 of 20 MB"


def obtain(api: FakeImages, name: str, policy: Any) -> tuple[images.Image, list[str]]:
    told: list[str] = []
    return images.obtain(api, name, images.find_image(api, name), policy, told.append), told  # type: ignore[arg-type]


def test_pull_policies() -> None:
    local = {"a/b:1": {"Config": {"User": "me", "Labels": {images.BIND_LABEL: "true"}}}}
    for policy in ("missing", "never", "always"):  # made here: never pulled over
        image, told = obtain(FakeImages(dict(local)), "a/b:1", policy)
        assert (image.user, image.accepts_bind_to_port, told) == ("me", True, [])
    api = FakeImages({"a/b:1": {"Config": {}, "RepoDigests": ["a/b@sha256:1"]}}, LAYERS)
    obtain(api, "a/b:1", "missing")
    assert api.pulled == []
    obtain(api, "a/b:1", "always")
    assert api.pulled == ["a/b:1"]
    api = FakeImages({}, LAYERS)
    assert obtain(api, "c/d:2", "missing")[1] == ["pulling c/d:2", "pulled c/d:2"]


@pytest.mark.parametrize("events", [None, [{"error": "pull access denied"}]])
def test_a_failed_pull_gives_the_registrys_answer(events: Any) -> None:
    name = "123.dkr.ecr.eu-west-1.amazonaws.com/x:1"
    with pytest.raises(ModelError, match="cannot be pulled: pull access denied") as caught:
        obtain(FakeImages({}, events), name, "missing")
    assert "get-login-password --region eu-west-1" in caught.value.remedy


def test_what_stands_for_an_image() -> None:
    mine = ImageMapping(match="x/*", image="mine:dev")
    aws = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.7-1"
    ours = "sagemaker-transform-emulator/xgboost"
    from sagemaker_transform_emulator.config import BUILT_IN_IMAGES  # noqa: PLC0415 - beside what uses it

    mappings = (mine, *BUILT_IN_IMAGES)

    def stand_in(name: str, *here: str) -> str:
        api: Any = FakeImages({each: {"Config": {}} for each in here})
        return images.local_stand_in(api, name, mappings)[0]

    assert stand_in("x/y:1", "x/y:1") == "mine:dev"
    assert stand_in("other:1") == "other:1"
    assert stand_in(aws) == aws
    assert stand_in(aws, ours) == ours
    assert stand_in(aws, ours, aws) == aws
    assert stand_in(aws, ours, f"{ours}:1.7.4") == f"{ours}:1.7.4"
    assert stand_in(aws, ours, f"{ours}:0.90") == ours
    assert stand_in(aws, f"{ours}:1.7.4", aws) == aws

    assert images.other_version_stands_in(aws, ours, mappings)
    assert not images.other_version_stands_in(aws, f"{ours}:1.7.4", mappings)
    assert not images.other_version_stands_in("x/y:1", "mine:dev", mappings)
    assert "xgboost 3.0.5 serves in place of 1.7.4" in images.note_on_version(aws, ours, mappings)
    assert images.note_on_version(aws, f"{ours}:1.7.4", mappings) == ""
    assert images.note_on_version("x/y:1", "mine:dev", mappings) == ""


# The way to S3


def test_keys_of_the_user_stay_out_of_containers() -> None:
    theirs = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"}
    found = for_container("http://10.0.0.1:9000")
    assert (found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"]) == DUMMY_KEYS
    away = for_process(StoreAddress("https://s3.example.com"), theirs)
    assert (away["AWS_ACCESS_KEY_ID"], away["AWS_SECRET_ACCESS_KEY"]) == DUMMY_KEYS
    assert for_process(StoreAddress("http://localhost:9000"), theirs)["AWS_ACCESS_KEY_ID"] == "AKIA"


def test_loopback_endpoints() -> None:
    assert loopback_target("http://127.0.0.1:9000") == ("127.0.0.1", 9000)
    assert loopback_target("http://localhost") == ("localhost", 80)
    assert loopback_target("https://[::1]/x") == ("::1", 443)
    assert loopback_target("http://10.1.2.3:9000") is None
    assert loopback_target("http://minio:9000") is None
    assert loopback_target(None) is None
    assert moved("http://127.0.0.1:9000/base", "172.18.0.1", 4) == "http://172.18.0.1:4/base"


def test_the_relay_carries_both_ways_and_ends() -> None:
    async def go() -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.read())[::-1])
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        relay = Relay("127.0.0.1", server.sockets[0].getsockname()[:2])
        await relay.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(b"abc" * 100_000)
        writer.write_eof()
        assert await reader.read() == b"cba" * 100_000
        writer.close()
        server.close()
        await relay.close()
        with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
            await asyncio.open_connection("127.0.0.1", relay.port)

    asyncio.run(go())


# Removal


class FakeEngine:
    """Holds things with labels, and notes which are removed."""

    def __init__(self) -> None:
        mine, other = ({"Labels": Owner(run, "/r", "h").labels("1", {})} for run in ("mine", "other"))
        foreign: dict[str, Any] = {"Labels": None}
        each = zip((mine, other, foreign), "123", strict=True)
        self.things = [{**labels, "Id": number} for labels, number in each]
        self.gone: list[str] = []
        self.api = self

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        return self.things

    networks = containers

    def volumes(self, **_: Any) -> dict[str, Any]:
        return {"Volumes": None}

    def inspect_network(self, item: str) -> dict[str, Any]:
        return {"Id": item, "Containers": {}}

    def remove_container(self, item: str, **_: Any) -> None:
        self.gone.append(f"container {item}")

    def remove_network(self, item: str) -> None:
        self.gone.append(f"network {item}")


def test_only_what_is_meant_is_removed() -> None:
    engine: Any = FakeEngine()
    removed = remove_of_run(engine, "mine")
    assert engine.gone == ["container 1", "network 1"]
    assert (removed.containers, removed.networks, removed.spared) == (["1"], ["1"], 2)
    engine.gone.clear()
    remove_everything(engine)
    assert engine.gone == ["container 1", "container 2", "network 1", "network 2"]
