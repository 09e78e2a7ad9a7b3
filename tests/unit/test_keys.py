"""Which objects are read and where their outputs go."""

from __future__ import annotations

import dataclasses

import pytest

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.transform.keys import (
    S3Location,
    is_folder_marker,
    output_location,
    relative_key,
)


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3://bkt/a/b.csv", "bkt", "a/b.csv"),
        ("s3://bkt", "bkt", ""),
        ("s3://bkt/", "bkt", ""),
        ("s3://bkt//a", "bkt", "/a"),
        ("s3://bkt/a://b", "bkt", "a://b"),
        ("https://bkt.s3.amazonaws.com/a", "bkt", "a"),
    ],
)
def test_a_uri_is_a_bucket_and_a_literal_key(uri: str, bucket: str, key: str) -> None:
    location = S3Location.parse(uri)
    assert (location.bucket, location.key) == (bucket, key)


def test_a_location_cannot_be_changed() -> None:
    location = S3Location("bkt", "a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        location.key = "b"  # type: ignore[misc]
    assert not hasattr(location, "__dict__")
    assert len({location, S3Location("bkt", "a"), S3Location("bkt", "b")}) == 2


def test_a_location_is_written_as_its_s3_uri() -> None:
    assert str(S3Location("bkt", "a/b")) == "s3://bkt/a/b"
    assert str(S3Location("bkt", "")) == "s3://bkt/"


@pytest.mark.parametrize(
    "uri", ["", "bkt/key", "s3:/bkt/key", "s3://", "s3:///key", "file://bkt/key", "S3://b/k", "s3"]
)
def test_anything_else_is_no_s3_uri(uri: str) -> None:
    with pytest.raises(UsageError) as caught:
        S3Location.parse(uri)
    assert caught.value.message == f"{uri!r} is no S3 URI"
    assert caught.value.remedy == "write it as s3://bucket/key"


@pytest.mark.rule("R2.13")
def test_a_folder_marker_is_an_empty_object_whose_key_ends_in_a_slash() -> None:
    assert is_folder_marker("in/", 0)
    assert not is_folder_marker("in/", 1)
    assert not is_folder_marker("in", 0)
    assert not is_folder_marker("/in", 0)


@pytest.mark.rule("R2.18")
@pytest.mark.parametrize(
    ("prefix", "key", "kept"),
    [
        ("in/data.csv", "in/data.csv", "data.csv"),
        ("data.csv", "data.csv", "data.csv"),
        ("a/b/data.csv", "a/b/data.csv", "data.csv"),
        ("", "a/b.csv", "a/b.csv"),
        ("in/", "in/data.csv", "data.csv"),
        ("in/", "in/sub/data.csv", "sub/data.csv"),
        ("in/", "in//data.csv", "/data.csv"),
        ("in", "in/data.csv", "data.csv"),
        ("in", "in/sub/data.csv", "sub/data.csv"),
        ("a/in", "a/in/sub/data.csv", "sub/data.csv"),
        ("in/pre", "in/prefix1.csv", "prefix1.csv"),
        ("pre", "prefix1.csv", "prefix1.csv"),
        ("in", "in2/x.csv", "in2/x.csv"),
        ("a/in", "a/in2/x.csv", "in2/x.csv"),
    ],
)
def test_the_output_key_keeps_what_lies_below_the_prefix(prefix: str, key: str, kept: str) -> None:
    assert relative_key(prefix, key) == kept


@pytest.mark.rule("R2.18")
@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("s3://bkt/out", "out/sub/data.csv.out"),
        ("s3://bkt/out/", "out/sub/data.csv.out"),
        ("s3://bkt/a/b//", "a/b/sub/data.csv.out"),
        ("s3://bkt/", "sub/data.csv.out"),
        ("s3://bkt", "sub/data.csv.out"),
        ("s3://bkt//", "sub/data.csv.out"),
        ("s3://bkt/X/", "X/sub/data.csv.out"),
    ],
)
def test_the_output_stands_below_the_output_path(path: str, key: str) -> None:
    assert output_location(path, "sub/data.csv") == S3Location("bkt", key)
