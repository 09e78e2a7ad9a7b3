"""Paths, methods and sizes of the XGBoost container over HTTP, and its process: start, stop, failures."""

from __future__ import annotations

import http.client
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from parts import ROOT
from ports import free_port
from xgboost_help import booster, csv_body, expected, sample, save, serving

HTML = "text/html; charset=utf-8"
CSV = {"Content-Type": "text/csv"}
ROW = b"0.5,0.5,0.5,0.5"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(booster(), tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def client(directory: Path) -> Iterator[httpx.Client]:
    with serving({"SM_MODEL_DIR": str(directory), "MAX_CONTENT_LENGTH": "100000"}) as started:
        yield started


@pytest.mark.rule("R4.9")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ping_is_200_and_empty(method: str, client: httpx.Client) -> None:
    answer = client.request(method, "/ping")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, HTML, b"")


@pytest.mark.rule("R4.15", "R4.19")
def test_execution_parameters_follow_cpus_and_limit(client: httpx.Client, directory: Path) -> None:
    answer = client.get("/execution-parameters")
    assert answer.headers["content-type"] == "application/json"
    cpus = os.cpu_count()
    assert answer.text == (
        f'{{"MaxConcurrentTransforms": {cpus}, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 0}}'
    )
    with serving({"SM_MODEL_DIR": str(directory), "MAX_CONTENT_LENGTH": "20971520"}) as larger:
        assert larger.get("/execution-parameters").json()["MaxPayloadInMB"] == 20


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/ping", 405), ("DELETE", "/execution-parameters", 405), ("GET", "/invocations", 405),
        ("HEAD", "/invocations", 405), ("PUT", "/invocations", 405), ("GET", "/ping/", 404),
        ("GET", "/pingpong", 404), ("POST", "/invocations/x", 404), ("GET", "/execution-parameters/x", 404),
    ],
)  # fmt: skip
def test_paths_nginx_passes_on_get_framework_pages(
    method: str, path: str, status: int, client: httpx.Client
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, HTML)
    assert ("allow" in answer.headers) == (status == 405)
    if method != "HEAD":
        assert answer.text.startswith(f"<!doctype html>\n<html lang=en>\n<title>{status} ")


@pytest.mark.parametrize("path", ["/", "/models", "/docs", "/openapi.json", "/x/ping"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_paths_are_answered_as_nginx_does(method: str, path: str, client: httpx.Client) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"], answer.text) == (
        404,
        "application/octet-stream",
        "{}",
    )


def test_without_nginx_the_framework_answers_for_all_paths(directory: Path) -> None:
    with serving({"SM_MODEL_DIR": str(directory), "SAGEMAKER_USE_NGINX": "false"}) as bare:
        assert bare.get("/models").headers["content-type"] == HTML


@pytest.mark.parametrize("path", ["/ping", "/invocations", "/execution-parameters"])
def test_options_lists_the_methods(path: str, client: httpx.Client) -> None:
    answer = client.options(path)
    assert answer.status_code == 200
    assert "OPTIONS" in answer.headers["allow"]


def test_no_headers_at_all_mean_libsvm_and_csv(client: httpx.Client) -> None:
    answer = client.post("/invocations", content=b"0:0.5 1:0.5 2:0.5 3:0.5")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text == f"{expected(booster(), np.full((1, 4), 0.5)).tolist()[0]}\n"


@pytest.mark.parametrize(("size", "status"), [(100_000, 200), (100_001, 413)])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_above_the_limit_are_413(
    size: int, status: int, client: httpx.Client, *, chunked: bool
) -> None:
    body = (ROW + b"\n") * (size // 16)
    body += b"\n" * (size - len(body))
    content = iter([body[:70_000], body[70_000:]]) if chunked else body
    answer = client.post("/invocations", headers=CSV, content=content)
    assert (answer.status_code, answer.http_version) == (status, "HTTP/1.1")
    if status == 413:
        assert answer.headers["content-type"] == HTML
        assert client.post("/invocations", headers=CSV, content=ROW).status_code == 200


def test_an_empty_body_is_204_without_content_length(client: httpx.Client) -> None:
    answer = client.post("/invocations", headers=CSV, content=b"")
    assert (answer.status_code, answer.headers["content-type"]) == (204, HTML)
    assert "content-length" not in answer.headers


def test_a_query_string_changes_nothing(client: httpx.Client) -> None:
    assert client.post("/invocations?x=1", headers=CSV, content=ROW).status_code == 200


@pytest.mark.rule("R4.24")
def test_concurrent_bodies_of_all_sizes_keep_apart(directory: Path) -> None:
    tables = [sample(rows, seed=rows) for rows in (1, 7, 400, 5000, 60_000) * 4]
    with serving({"SM_MODEL_DIR": str(directory)}) as shared, ThreadPoolExecutor(8) as threads:
        bodies = [csv_body(table) for table in tables]
        answers = list(
            threads.map(lambda body: shared.post("/invocations", headers=CSV, content=body), bodies)
        )
    for table, answer in zip(tables, answers, strict=True):
        assert answer.text == "".join(f"{value}\n" for value in expected(booster(), table).tolist())


def command(directory: Path, port: int, *words: str, **environ: str) -> subprocess.Popen[str]:
    own = {"SM_MODEL_DIR": str(directory), "SAGEMAKER_BIND_TO_PORT": str(port), **environ}
    return subprocess.Popen(
        [sys.executable, "-m", "sagemaker_transform_emulator.containers.xgboost", *words],
        cwd=ROOT,
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_until_it_listens(process: subprocess.Popen[str], port: int) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(process.communicate()[0])


@pytest.mark.rule("R4.1", "R4.7", "R4.38")
def test_serve_answers_on_its_port_and_ends_on_sigterm(directory: Path) -> None:
    port = free_port()
    process = command(directory, port, "serve")
    try:
        wait_until_it_listens(process, port)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/invocations", ROW, CSV)
        answer = connection.getresponse().read().decode()
        # the connection stays open: an idle client must not hold the container back
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=20)[0]
        connection.close()
    finally:
        process.kill()
        process.wait()
    assert answer == f"{expected(booster(), np.full((1, 4), 0.5)).tolist()[0]}\n"
    assert process.returncode in (0, -signal.SIGTERM)
    assert "Traceback" not in output
    assert "Unknown file format" not in output


def failing(kind: str, directory: Path) -> str:
    """Make the directory fail in one way; the words the container must say."""
    if kind == "garbage":
        (directory / "xgboost-model").write_bytes(b"neither a pickle nor an XGBoost model")
    elif kind == "scikit-learn":
        (directory / "xgboost-model").write_bytes(b"cxgboost.sklearn\nXGBRegressor\n)\x81}b.")
        return "estimator.get_booster()"
    elif kind == "stray file":
        save(booster(), directory)
        (directory / "README.md").write_text("what this is")
        return "README.md"
    return str(directory)


@pytest.mark.rule("R4.13")
@pytest.mark.parametrize("kind", ["garbage", "empty", "scikit-learn", "stray file"])
def test_what_cannot_be_loaded_ends_the_container(kind: str, tmp_path: Path) -> None:
    words = failing(kind, tmp_path)
    process = command(tmp_path, free_port(), "serve")
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "xgboost: cannot start: " in output
    assert words in output
    assert "Traceback" not in output


def test_a_trusted_pickle_of_a_plain_booster_serves(tmp_path: Path) -> None:
    (tmp_path / "xgboost-model").write_bytes(pickle.dumps(booster()))
    environ = {"SM_MODEL_DIR": str(tmp_path), "XGBOOST_TRUST_MODEL_PICKLES": "true"}
    with serving(environ) as trusted:
        answer = trusted.post("/invocations", headers={**CSV, "Accept": "application/json"}, content=ROW)
    assert json.loads(answer.content)["predictions"] == [
        {"score": expected(booster(), np.full((1, 4), 0.5)).tolist()[0]}
    ]
