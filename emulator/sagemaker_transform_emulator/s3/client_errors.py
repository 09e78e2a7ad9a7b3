"""boto3's errors turned into StorageError and DataError, with the place, the blame and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import botocore.exceptions

from sagemaker_transform_emulator.errors import DataError, StorageError
from sagemaker_transform_emulator.transform.keys import S3Location

_MISSING = {"NoSuchBucket": "bucket", "NoSuchKey": "object", "404": "object", "NotFound": "object"}
_DENIED = {"AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "Forbidden"}
_CHANGED = {"PreconditionFailed", "412"}
_FULL = {"XMinioStorageFull", "EntityTooLarge", "InsufficientStorage"}


@contextmanager
def s3_errors(location: S3Location) -> Iterator[None]:
    """Turn boto3's errors into ours, each with the place and the remedy."""
    try:
        yield
    except botocore.exceptions.ClientError as error:
        raise _from_answer(error, location) from None
    except botocore.exceptions.NoCredentialsError:
        raise StorageError(
            f"{location}: no credentials for S3",
            remedy="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (local stores take any values)",
        ) from None
    except botocore.exceptions.FlexibleChecksumError as error:
        raise wrong_bytes(location, f"checksum: {error}") from None
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.HTTPClientError, OSError) as error:
        raise StorageError(
            f"{location}: S3 does not answer: {error}",
            blame="InternalServerError",
            remedy="check that the endpoint of AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL runs",
        ) from None


def wrong_bytes(location: S3Location, what: str) -> StorageError:
    """What was read is not what was stored; `what` is the thing of S3's that it does not fit."""
    return StorageError(
        f"{location}: the bytes that were read are not those that S3 stored: they do not fit its {what}",
        blame="InternalServerError",
        remedy="look for what changes bytes between the emulator and S3 (a proxy, memory, a disk), then run "
        "the job again",
    )


def _from_answer(error: botocore.exceptions.ClientError, location: S3Location) -> StorageError | DataError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = str(error.response.get("Error", {}).get("Message", "")) or code
    if code in _CHANGED:
        return DataError(
            f"{location} was changed while it was read", remedy="run the job again on data that stay still"
        )
    if code in _MISSING:
        what = _MISSING[code]
        name = f"s3://{location.bucket}" if what == "bucket" else str(location)
        return StorageError(f"The {what} {name} does not exist", remedy="check its name and the S3 endpoint")
    if code in _DENIED:
        return StorageError(
            f"{location}: S3 refuses access ({code}: {said})",
            remedy="check the credentials for this endpoint",
        )
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    outage = status >= 500 or code in _FULL  # noqa: PLR2004 - HTTP's server errors
    return StorageError(
        f"{location}: S3 answered {code}: {said}", blame="InternalServerError" if outage else "ClientError"
    )
