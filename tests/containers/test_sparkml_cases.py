"""Runs a table of requests and answers measured on AWS's SparkML container against ours.

`pytest tests/containers --sparkml-cases FILE` runs another table; its bundles are read from
sparkml_bundles.json beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from parts import SHARED
from sparkml_server import Fleet, Reply

from sagemaker_transform_emulator.containers.sparkml.invocations import LONG_BODY_BYTES

Case = dict[str, Any]
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@cache
def table(path: Path) -> list[Case]:
    return list(json.loads(path.read_text("utf-8"))["cases"])


@cache
def bundles(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "sparkml_bundles.json").read_text("utf-8"))["bundles"])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    named = metafunc.config.getoption("sparkml_cases")
    files = [Path(name).resolve() for name in named] or [SHARED / "cases" / "sparkml_cases.json"]
    cases = [(file.parent, case) for file in files if named or file.exists() for case in table(file)]
    missing = pytest.param(None, None, marks=pytest.mark.needs("shared"), id="no-table")
    parameters = [pytest.param(folder, case, id=case["name"]) for folder, case in cases] or [missing]
    metafunc.parametrize(("folder", "case"), parameters)


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path_factory.mktemp("sparkml"))
    yield fleet
    fleet.stop()


def ordered(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((ordered(item) for item in value), key=json.dumps)
    return {key: ordered(item) for key, item in sorted(value.items())} if isinstance(value, dict) else value


def body_matches(case: Case, reply: Reply) -> bool:
    expected = case["response_body"]
    match case["match"]:
        case "exact":
            return reply.body == expected.encode()
        case "status_and_type":
            return True
        case "json_except_timestamp":
            answered = json.loads(reply.body)
            age = answered.pop("timestamp")
            return isinstance(age, int) and answered == {
                key: value for key, value in json.loads(expected).items() if key != "timestamp"
            }
        case "json_cpu":
            return _without_cpus(reply.text) == _without_cpus(expected)
        case "json_unordered":
            return bool(ordered(json.loads(reply.body)) == ordered(json.loads(expected)))
        case "prefix_regex":
            return reply.text.startswith(expected) or re.match(expected, reply.text) is not None
        case other:
            raise AssertionError(f"unknown match {other!r}")


def _without_cpus(text: str) -> str:
    return re.sub(r'"MaxConcurrentTransforms":\s*[1-9]\d*', '"MaxConcurrentTransforms":n', text)


@pytest.mark.rule("R4.19", "R4.20", "R4.22")
def test_answers_as_aws_does(fleet: Fleet, folder: Path, case: Case) -> None:
    reply = ask(fleet, folder, case)
    assert (reply.status, reply.content_type) == (case["status"], case["content_type"]), reply.text
    assert body_matches(case, reply), f"{reply.text!r} is not {case['response_body']!r}"


# a connection that is to be closed is never lent to the JVM; blank lines mean nothing in any of the formats
WAYS = {
    "not lent": ({"Connection": "close"}, b""),
    "not lent, in the thread pool": ({"Connection": "close"}, b"\n" * LONG_BODY_BYTES),
    "lent, long": ({}, b"\n" * LONG_BODY_BYTES),
}


@pytest.mark.rule("R4.19", "R4.20", "R4.22")
@pytest.mark.parametrize("way", WAYS)
def test_each_way_through_the_container_answers_alike(
    fleet: Fleet, folder: Path, case: Case, way: str
) -> None:
    assert comparable(ask(fleet, folder, case, *WAYS[way])) == comparable(ask(fleet, folder, case))


@pytest.mark.rule("R4.24")
def test_many_connections_at_once_get_the_answers_of_one(fleet: Fleet, folder: Path, case: Case) -> None:
    alone = comparable(ask(fleet, folder, case))
    with ThreadPoolExecutor(6) as clients:
        crowd = clients.map(lambda _: comparable(ask(fleet, folder, case)), range(12))
    assert set(crowd) == {alone}


def ask(
    fleet: Fleet, folder: Path, case: Case, headers: Mapping[str, str] = NO_HEADERS, end_of_body: bytes = b""
) -> Reply:
    server = fleet.server(bundles(folder), case["bundle"], case["env"])
    body = case["body"] and case["body"].encode() + end_of_body
    return server.request(case["method"], case["path"], {**case["headers"], **headers}, body)


def comparable(reply: Reply) -> tuple[int, str | None, str]:
    return reply.status, reply.content_type, re.sub(r'"timestamp":\d+', "", reply.text)
