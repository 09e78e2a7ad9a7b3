"""What S3 URIs and URLs name, in every form that AWS writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.transform.keys import S3Location

HOSTS = (
    "s3.amazonaws.com", "s3.us-west-2.amazonaws.com", "s3-us-west-2.amazonaws.com",
    "s3.dualstack.eu-central-1.amazonaws.com", "s3-external-1.amazonaws.com",
    "s3-fips.us-east-1.amazonaws.com",
    "s3-fips.dualstack.us-gov-west-1.amazonaws.com", "s3.ap-southeast-1.amazonaws.com",
    "s3-us-gov-west-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn", "S3.us-iso-east-1.AmazonAWS.com",
)  # fmt: skip
VIRTUAL_ONLY = ("s3-accelerate.amazonaws.com", "s3-accelerate.dualstack.amazonaws.com")
buckets = st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True) | st.sampled_from(
    ("s3", "my.bucket", "s3.us-east-1", "a-s3-b", "bucket.s3", "www.amazonaws.com")
)
keys = st.text(st.characters(codec="utf-8"), max_size=60)


@given(buckets, keys, st.sampled_from(HOSTS + VIRTUAL_ONLY))
def test_a_url_with_the_bucket_in_its_host_names_the_same_object(bucket: str, key: str, host: str) -> None:
    assert S3Location.parse(f"https://{bucket}.{host}/{key}") == S3Location(bucket, key)


@given(buckets, keys, st.sampled_from(HOSTS))
def test_a_url_with_the_bucket_in_its_path_names_the_same_object(bucket: str, key: str, host: str) -> None:
    assert S3Location.parse(f"https://{host}/{bucket}/{key}") == S3Location(bucket, key)


@given(buckets, keys)
def test_an_s3_uri_is_taken_literally(bucket: str, key: str) -> None:
    assert S3Location.parse(f"s3://{bucket}/{key}") == S3Location(bucket, key)
    assert S3Location.parse(str(S3Location(bucket, key))) == S3Location(bucket, key)


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.com/bucket/key", "https://bucket.s3.example.com/key", "https://s3.amazonaws.com/",
        "https://s3.amazonaws.com", "https://s3.amazonaws.com//key", "https://ec2.us-east-1.amazonaws.com/b/k",
        "https://s3.amazonaws.com.example.com/b/k", "https://xs3.amazonaws.com/b/k", "http://s3.amazonaws.com/b/k",
        "https:///b/k", "s3:///k", "s3:b/k", "", "b/k", "https://s3.us-east-1x.amazonaws.com/b/k",
    ],
)  # fmt: skip
def test_what_is_no_place_in_s3_is_refused(uri: str) -> None:
    with pytest.raises(UsageError, match="is no S3 URI"):
        S3Location.parse(uri)
