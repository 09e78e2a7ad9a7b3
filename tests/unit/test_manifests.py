"""Manifests that are read, and those that data capture writes."""

from __future__ import annotations

import json

import pytest

from sagemaker_transform_emulator.errors import DataError
from sagemaker_transform_emulator.jobs.data_capture import manifest_of
from sagemaker_transform_emulator.transform.keys import S3Location
from sagemaker_transform_emulator.transform.manifest import parse_manifest

SOURCE = S3Location("bkt", "m/job.manifest")


def entries(body: str) -> list[tuple[str, str]]:
    return [(str(entry.location), entry.relative) for entry in parse_manifest(body.encode(), SOURCE)]


@pytest.mark.rule("R2.15", "R2.18")
def test_prefix_and_entry_are_simply_put_together() -> None:
    assert entries('[{"prefix": "s3://bkt/data/"}, "a.csv", "sub/b.csv"]') == [
        ("s3://bkt/data/a.csv", "a.csv"),
        ("s3://bkt/data/sub/b.csv", "sub/b.csv"),
    ]
    assert entries('[{"prefix": "s3://bkt/da"}, "ta", "../x", "ta"]') == [
        ("s3://bkt/data", "ta"),
        ("s3://bkt/da../x", "../x"),
    ]
    assert entries('[{"prefix": "s3://"}, "one/a", "two/b"]') == [
        ("s3://one/a", "one/a"),
        ("s3://two/b", "two/b"),
    ]
    assert entries('[{"prefix": "s3://bkt/"}]') == []


@pytest.mark.rule("R2.15", "R6.9")
@pytest.mark.parametrize(
    "body",
    ["", "{}", "[]", '["a"]', "[1]", '[{"prefix": 1}, "a"]', '[{"prefix": "s3://b/"}, 7]',
     '[{"prefix": "x"}, "a"]', '[{"prefix": "s3://b/"}, ""]', "\xff"],
)  # fmt: skip
def test_anything_else_is_an_error_that_names_the_manifest(body: str) -> None:
    with pytest.raises(DataError, match=r"s3://bkt/m/job\.manifest"):
        parse_manifest(body.encode("latin-1"), SOURCE)


@pytest.mark.rule("R2.30")
@pytest.mark.parametrize(
    ("keys", "prefix", "names"),
    [
        (["in/a"], "s3://bkt/in/", ["a"]),
        (["in/b", "in/a"], "s3://bkt/in/", ["a", "b"]),
        (["in/x/a", "in/xy/a"], "s3://bkt/in/", ["x/a", "xy/a"]),
        (["in", "other/a"], "s3://bkt/", ["in", "other/a"]),
        (["in/a", "in/a/b"], "s3://bkt/in/", ["a", "a/b"]),
    ],
)
def test_captured_objects_are_listed_below_their_common_folder(
    keys: list[str], prefix: str, names: list[str]
) -> None:
    body = manifest_of([S3Location("bkt", key) for key in keys])
    assert json.loads(body) == [{"prefix": prefix}, *names]
    assert [str(entry.location) for entry in parse_manifest(body, SOURCE)] == [
        prefix + name for name in names
    ]
