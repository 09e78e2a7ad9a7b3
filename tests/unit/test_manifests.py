"""Manifests that are read, and those that data capture writes."""

from __future__ import annotations

import dataclasses
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


HERE = "The manifest s3://bkt/m/job.manifest"
NO_ARRAY = f"{HERE} is no JSON array with a prefix in front"
NO_PREFIX = f"{HERE} does not begin with a prefix"


@pytest.mark.rule("R2.15", "R6.9")
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", f"{HERE} is no JSON: Expecting value: line 1 column 1 (char 0)"),
        ("{}", NO_ARRAY),
        ('{"prefix": "s3://b/"}', NO_ARRAY),
        ("[]", NO_ARRAY),
        ('["a"]', NO_PREFIX),
        ("[1]", NO_PREFIX),
        ('[{"other": "s3://b/"}, "a"]', NO_PREFIX),
        ('[{"prefix": 1}, "a"]', NO_PREFIX),
        ('[{"prefix": "s3://b/"}, "a", 7]', f"{HERE}: entry 2 is no key"),
        ('[{"prefix": "s3://b/"}, {"a": 1}]', f"{HERE}: entry 1 is no key"),
        ('[{"prefix": "s3://b/"}, "a", ""]', f"{HERE}: entry 2 is no key"),
        ('[{"prefix": "x"}, "a"]', f"{HERE}: entry 1: 'xa' is no S3 URI"),
    ],
)
def test_anything_else_is_an_error_that_names_the_manifest_and_the_entry(body: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_manifest(body.encode(), SOURCE)
    assert caught.value.message == message
    assert caught.value.remedy == 'a manifest reads [{"prefix": "s3://bucket/path/"}, "key1", "key2"]'


@pytest.mark.rule("R2.15", "R6.9")
def test_a_manifest_that_is_no_text_is_an_error() -> None:
    with pytest.raises(DataError, match=r"^The manifest s3://bkt/m/job\.manifest is no JSON: .*utf-8"):
        parse_manifest(b"\xff", SOURCE)


@pytest.mark.rule("R2.15")
def test_an_entry_cannot_be_changed() -> None:
    (entry,) = parse_manifest(b'[{"prefix": "s3://bkt/"}, "a"]', SOURCE)
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.relative = "b"  # type: ignore[misc]
    assert not hasattr(entry, "__dict__")


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
