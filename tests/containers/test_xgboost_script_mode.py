"""Script mode: the user's functions as AWS's toolkit calls them, where they come from, how they fail."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import tarfile
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

import boto3
import flask
import numpy as np
import pytest
from moto import mock_aws
from xgboost_help import booster, expected, sample, save, serving

from sagemaker_transform_emulator.containers.serving import StartError
from sagemaker_transform_emulator.containers.xgboost.settings import read_settings
from sagemaker_transform_emulator.containers.xgboost.source_dir import (
    SourceDir,
    fetch_source_dir,
    install_requirements,
    prepare_source_dir,
)
from sagemaker_transform_emulator.containers.xgboost.user_module import (
    UserModule,
    load_user_module,
    to_answer,
)

Load = Callable[[str], UserModule]
MODEL_FN = """
import xgboost
def model_fn(model_dir):
    booster = xgboost.Booster()
    booster.load_model(model_dir + "/xgboost-model.json")
    return booster
"""


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(booster(), tmp_path_factory.mktemp("model"), "xgboost-model.json")


@pytest.fixture
def load(tmp_path: Path, model_dir: Path, request: pytest.FixtureRequest) -> Iterator[Load]:
    """Load a script given as text."""
    name = "script_" + re.sub(r"\W", "_", request.node.name)
    before = list(sys.path)

    def from_text(source: str) -> UserModule:
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        return load_user_module(SourceDir(tmp_path, name, None), str(model_dir))

    yield from_text
    sys.path[:] = before
    sys.modules.pop(name, None)


def test_defaults_read_predict_and_write(load: Load) -> None:
    module = load(MODEL_FN)
    table = sample(3)
    csv = "\n".join(",".join("" if np.isnan(x) else repr(float(x)) for x in row) for row in table).encode()
    wanted = expected(booster(), table)
    answer = module.invoke(csv, "text/csv", "application/json")
    assert (answer.status, answer.content_type) == (200, b"application/json")
    assert json.loads(answer.body) == wanted.tolist()
    answer = module.invoke(csv, "text/csv; charset=utf-8", "text/csv")
    assert answer.content_type == b"text/csv; charset=utf-8"
    assert [float(line) for line in answer.body.decode().splitlines()] == pytest.approx(
        wanted.tolist(), rel=1e-6
    )
    answer = module.invoke(csv, "text/csv", "application/x-npy")
    assert np.load(io.BytesIO(answer.body)).tolist() == wanted.tolist()


def test_the_default_for_libsvm_takes_absent_for_zero(load: Load) -> None:
    answer = load(MODEL_FN).invoke(b"1 1:0.5 3:0.5 4:0.25", "text/libsvm", "application/json")
    wanted = expected(booster(), np.array([[0.5, 0, 0.5, 0.25]]))
    assert json.loads(answer.body) == wanted.tolist()


@pytest.mark.parametrize(
    ("content_type", "accept", "words"),
    [
        ("application/json", "application/json", "write an input_fn"),
        ("text/csv", "text/csv; charset=utf-8", "write an output_fn"),
        ("text/csv", "text/xml", "write an output_fn"),
    ],
)
def test_types_the_defaults_do_not_know_are_500(
    content_type: str, accept: str, words: str, load: Load
) -> None:
    answer = load(MODEL_FN).invoke(b"0.5,0.5,0.5,0.5", content_type, accept)
    assert answer.status == 500
    assert words in answer.body.decode()


def test_the_users_functions_are_called_in_turn(load: Load) -> None:
    module = load("""
        from pathlib import Path
        def model_fn(model_dir): return model_dir
        def input_fn(data, content_type): return [type(data).__name__, content_type]
        def predict_fn(data, model): return [*data, (Path(model) / "xgboost-model.json").exists()]
        def output_fn(prediction, accept): return repr([*prediction, accept]), "text/plain"
    """)
    answer = module.invoke(b"x", "text/csv", "a/b")
    assert answer.content_type == b"text/plain; charset=utf-8"
    assert answer.body == b"['str', 'text/csv', True, 'a/b']"
    assert module.invoke(b"x", "text/csv; header=no", "a/b").body.startswith(b"['bytes'")


def test_transform_fn_does_all(load: Load) -> None:
    module = load("""
        def model_fn(model_dir): return 2
        def transform_fn(model, data, content_type, accept): return str(model * len(data)), accept
    """)
    assert module.invoke(b"abc", "application/json", "text/csv").body == b"6"


@pytest.mark.parametrize(
    ("result", "status", "content_type", "body"),
    [
        (("a", "text/csv"), 200, "text/csv; charset=utf-8", b"a"),
        ((b"\xff", "application/x-npy"), 200, "application/x-npy", b"\xff"),
        ((["a", b"b"], "text/plain"), 200, "text/plain; charset=utf-8", b"ab"),
        ("text", 200, "text/html; charset=utf-8", b"text"),
        ({"b": 1, "a": [2]}, 200, "application/json", b'{"a":[2],"b":1}\n'),
        (flask.Response("busy", 503, mimetype="text/plain"), 503, "text/plain; charset=utf-8", b"busy"),
    ],
)
def test_results_become_answers_as_the_framework_does_it(
    result: object, status: int, content_type: str, body: bytes
) -> None:
    answer = to_answer(result)
    assert (answer.status, answer.content_type.decode(), answer.body) == (status, content_type, body)


@pytest.mark.parametrize("result", [None, 1.5, np.zeros(2), (np.zeros(2), "text/csv"), (3, "text/csv")])
def test_results_that_are_no_answer_are_named(result: object) -> None:
    with pytest.raises(TypeError, match="text or bytes"):
        to_answer(result)


def test_an_exception_is_500_and_logged_with_the_scripts_own_traceback(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    module = load("""
        def model_fn(model_dir): return None
        def predict_fn(data, model): raise KeyError("column c")
        def input_fn(data, content_type): return data
    """)
    answer = module.invoke(b"x", "text/csv", "text/csv")
    assert (answer.status, answer.content_type, answer.body) == (
        HTTPStatus.INTERNAL_SERVER_ERROR, b"text/html; charset=utf-8", b"KeyError: 'column c'",
    )  # fmt: skip
    assert 'raise KeyError("column c")' in caplog.text
    assert 'user_module.py", line' not in caplog.text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def predict_fn(data, model): pass", "has no model_fn"),
        ("import no_such_module_here", "No module named 'no_such_module_here'"),
        ("def model_fn(model_dir): raise OSError('no such file')", "OSError: no such file"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        (
            "def model_fn(d): pass\ndef transform_fn(*a): pass\ndef input_fn(*a): pass",
            "transform_fn and also input_fn",
        ),
    ],
)
def test_scripts_that_cannot_serve_are_refused(source: str, words: str, load: Load) -> None:
    with pytest.raises(StartError) as error:
        load(source)
    assert words in str(error.value)


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content.encode())
            tar.addfile(member, io.BytesIO(content.encode()))
    return buffer.getvalue()


class TestSourceDir:
    def test_an_archive_comes_from_s3(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        with mock_aws():
            s3 = boto3.client("s3", region_name="us-east-1")
            s3.create_bucket(Bucket="code")
            s3.put_object(Bucket="code", Key="a/sourcedir.tar.gz", Body=archive({"inference.py": "x = 1"}))
            fetched = fetch_source_dir("s3://code/a/sourcedir.tar.gz")
            assert (fetched / "inference.py").read_text() == "x = 1"
            with pytest.raises(StartError, match="s3://code/b cannot be downloaded"):
                fetch_source_dir("s3://code/b")

    @pytest.mark.parametrize("prefix", ["", "file://"])
    def test_a_directory_is_used_where_it_is(self, prefix: str, tmp_path: Path) -> None:
        assert fetch_source_dir(f"{prefix}{tmp_path}") == tmp_path

    def test_a_local_archive_is_unpacked(self, tmp_path: Path) -> None:
        (tmp_path / "sourcedir.tar.gz").write_bytes(archive({"inference.py": "x = 1"}))
        assert (fetch_source_dir(str(tmp_path / "sourcedir.tar.gz")) / "inference.py").exists()

    def test_members_that_leave_the_archive_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "evil.tar.gz").write_bytes(archive({"../evil.py": "x = 1"}))
        with pytest.raises(StartError, match="cannot be unpacked"):
            fetch_source_dir(str(tmp_path / "evil.tar.gz"))

    def test_a_missing_directory_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(StartError, match="does not exist"):
            fetch_source_dir(str(tmp_path / "nowhere"))

    def test_a_missing_script_is_named_with_what_is_there(self, tmp_path: Path) -> None:
        (tmp_path / "train.py").touch()
        environ = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": str(tmp_path)}
        with pytest.raises(StartError, match=r"inference\.py, but .* holds train\.py"):
            prepare_source_dir(read_settings(environ))

    def test_requirements_are_installed_apart_and_the_log_says_so(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        assert install_requirements(tmp_path) is None
        package = tmp_path / "tiny"
        package.mkdir()
        (tmp_path / "requirements.txt").write_text("./no-such-package\n")
        with pytest.raises(StartError, match="pip could not install"):
            install_requirements(tmp_path)
        assert "requirements.txt; running" in caplog.text
        (tmp_path / "requirements.txt").write_text("# nothing\n")
        assert install_requirements(tmp_path) is not None


SERVED = (
    MODEL_FN
    + """
import os, time
def input_fn(data, content_type):
    if data == "die": os._exit(9)
    if data == "hang": time.sleep(600)
    return data
def predict_fn(data, model): return f"{os.getpid()} {data} {model.num_features()}"
def output_fn(prediction, accept):
    return prediction, accept
"""
)


@pytest.fixture(scope="module")
def script_environ(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> dict[str, str]:
    source = tmp_path_factory.mktemp("source")
    (source / "inference.py").write_text(SERVED)
    return {
        "SM_MODEL_DIR": str(model_dir),
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": str(source),
        "SAGEMAKER_MODEL_SERVER_WORKERS": "2",
    }


def test_a_served_script_answers_over_http(script_environ: dict[str, str]) -> None:
    with serving(script_environ) as client:
        ping = client.get("/ping")
        assert (ping.status_code, ping.headers["content-type"], ping.content) == (
            200,
            "application/json",
            b"",
        )
        parameters = client.get("/execution-parameters")
        assert (parameters.status_code, parameters.headers["content-type"]) == (
            404,
            "text/html; charset=utf-8",
        )
        plain = client.post("/invocations", content=b"ab")
        assert (plain.headers["content-type"], plain.text.split()[1:]) == ("application/json", ["ab", "4"])
        with ThreadPoolExecutor(6) as threads:
            answers = list(threads.map(lambda _: client.post("/invocations", content=b"c").text, range(12)))
        assert 1 <= len({answer.split()[0] for answer in answers}) <= 2


def test_a_worker_that_dies_is_502_and_replaced(script_environ: dict[str, str]) -> None:
    with serving({**script_environ, "SAGEMAKER_MODEL_SERVER_WORKERS": "1"}) as client:
        first = client.post("/invocations", content=b"a").text.split()[0]
        lost = client.post("/invocations", content=b"die", headers={"Content-Type": "text/csv"})
        assert (lost.status_code, lost.text) == (502, "the script's process ended with exit code 9")
        assert client.post("/invocations", content=b"a").text.split()[0] != first


def test_a_worker_over_the_time_limit_is_504(
    script_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEMAKER_MODEL_SERVER_TIMEOUT", "1")
    with serving({**script_environ, "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}) as client:
        late = client.post("/invocations", content=b"hang", headers={"Content-Type": "text/csv"})
        assert late.status_code == 504
        assert "SAGEMAKER_MODEL_SERVER_TIMEOUT" in late.text
        answer = client.post("/invocations", content=b"a", headers={"Accept": "*/*"})
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
