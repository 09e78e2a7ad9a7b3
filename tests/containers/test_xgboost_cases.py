"""The XGBoost container against measured requests and answers of AWS's."""

from __future__ import annotations

import base64
import json
import os
import pickle
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import xgboost
from parts import SHARED, missing
from xgboost_help import serving

Serve = Callable[[str, dict[str, str]], httpx.Client]
RAW_FORMATS = {"reg_ubj": "ubj", "reg_deprecated": "deprecated"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" not in metafunc.fixturenames:
        return
    named = metafunc.config.getoption("--xgboost-cases")
    files = [Path(name) for name in named] or [SHARED / "cases" / "xgboost_cases.json"]
    there = [path for path in files if path.exists()]
    if not there and not named:
        skip = pytest.mark.skip(reason=f"needs shared: {missing('shared') or files[0]}")
        metafunc.parametrize("case", [pytest.param({}, marks=skip)])
        return
    cases = [({**case, "file": path}) for path in files for case in json.loads(path.read_text())["cases"]]
    metafunc.parametrize("case", cases, ids=[case["name"] for case in cases])


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., httpx.Client]]:
    """One container for each file, model and environment, started when first asked for."""
    with ExitStack() as running:
        clients: dict[Any, httpx.Client] = {}

        def start(file: Path, model: str, env: dict[str, str]) -> httpx.Client:
            key = (file, model, tuple(sorted(env.items())))
            if key not in clients:
                directory = tmp_path_factory.mktemp(model)
                write_model(json.loads(file.read_text())["models"], model, directory)
                clients[key] = running.enter_context(serving({**env, "SM_MODEL_DIR": str(directory)}))
            return clients[key]

        yield start


def write_model(models: dict[str, Any], name: str, directory: Path) -> None:
    """The model's files; derived ones are made from `reg` as the table says."""
    for file, content in models[name].get("files", {}).items():
        (directory / file).write_text(json.dumps(content))
    if "derived" in models[name]:
        base = json.dumps(models["reg"]["files"]["xgboost-model"]).encode()
        booster = xgboost.Booster(model_file=bytearray(base))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # XGBoost would rather not write the old format
            made = pickle.dumps(booster) if name == "reg_pkl" else booster.save_raw(RAW_FORMATS[name])
        (directory / "xgboost-model").write_bytes(made)


def request_body(case: dict[str, Any]) -> bytes | None:
    if "body_base64" in case:
        return base64.b64decode(case["body_base64"])
    if "body_repeat" in case:
        return (case["body_repeat"]["text"] * case["body_repeat"]["times"]).encode()
    return None if case["body"] is None else case["body"].encode()


def test_an_invocation_is_answered_as_measured(
    case: dict[str, Any], serve: Callable[..., httpx.Client]
) -> None:
    client = serve(case["file"], case["model"], case["env"])
    answer = client.request(case["method"], case["path"], headers=case["headers"], content=request_body(case))
    assert (answer.status_code, answer.headers.get("content-type")) == (case["status"], case["content_type"])
    body_matches(case, answer.content)


def body_matches(case: dict[str, Any], body: bytes) -> None:
    """Assert what the case's `match` asks of the body."""
    if "response_base64" in case:
        assert body == base64.b64decode(case["response_base64"])
        return
    wanted = case["response_body"]
    match case["match"]:
        case "exact":
            assert body.decode() == wanted
        case "prefix_regex":
            pattern = re.escape(wanted).replace("<time>", r"[\d:]+").replace("<line>", r"\d+")
            assert re.match(pattern, body.decode())
        case "json_cpu":
            assert json.loads(body) == {**json.loads(wanted), "MaxConcurrentTransforms": os.cpu_count()}
        case "json_unordered":
            assert unordered(body.decode()) == unordered(wanted)
        case match:
            assert match == "status_and_type"


def unordered(text: str) -> list[str]:
    """Each JSON text, one a line, with sorted keys; NaN equals NaN in it."""
    return [json.dumps(json.loads(line), sort_keys=True) for line in text.splitlines()]
