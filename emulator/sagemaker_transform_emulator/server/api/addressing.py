"""To which AWS service a request is addressed, and in which of AWS's protocols it is written. Pure.

One endpoint serves all services. S3 has no mark of its own, so a request is S3's when it is signed for S3,
or not signed at all and bearing no mark of another service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs, unquote

FORM = "application/x-www-form-urlencoded"

_SCOPE = re.compile(r"Credential=([^,\s]{1,512})")
_CBOR_PATH = re.compile(r"/service/([^/]{1,128})/operation/([^/]{1,128})")
_S3 = ("s3", "s3express")
_REST_XML = ("s3", "s3express", "s3-object-lambda", "cloudfront", "route53")
_NOT_BUCKETS = re.compile(
    r"/(?:v20180820/|(?:moto-api|minio/(?:admin|kms|health|metrics|v2/metrics|prometheus))(?:/|$))"
)
"""Paths of S3 Control, and of what stores answer besides S3: their administration and health."""
_S3_POSTS = {"delete", "uploads", "uploadid", "restore", "select", "x-id"}
_QUERY_SHOWN = 65_536
_SCOPE_PARTS = (4, 5)  # SigV4A has no region


class Wire(StrEnum):
    """How requests, answers and errors are written."""

    JSON = "json"
    CBOR = "smithy-rpc-v2-cbor"
    QUERY = "query"
    EC2 = "ec2"
    REST_JSON = "rest-json"
    REST_XML = "rest-xml"


@dataclass(frozen=True, slots=True)
class Incoming:
    """The head of a request. Header names are in lower case; `path` is not decoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def parameters(self) -> Mapping[str, list[str]]:
        """The query string's members."""
        return parse_qs(self.query[:_QUERY_SHOWN], keep_blank_values=True)

    def authorization(self) -> str | None:
        """The Authorization header, or what stands for it in a presigned URL."""
        signed = self.parameters().get("X-Amz-Credential") if "X-Amz-Credential" in self.query else None
        return f"Credential={signed[0]}" if signed else self.headers.get("authorization")


@dataclass(frozen=True, slots=True)
class Address:
    """A service that is not S3.

    `signing_name` is the service of the credential scope, "" without a signature. `target` is what
    X-Amz-Target says, or SERVICE.OPERATION of the path; "" where the operation is told by the body or the
    path.
    """

    wire: Wire
    signing_name: str
    target: str = ""


def address_of(request: Incoming) -> Address | None:
    """The service the request is for; None for S3."""
    signed_for = _signing_name(request)
    if "x-amz-target" in request.headers and request.method == "POST":
        return Address(Wire.JSON, signed_for, request.headers["x-amz-target"])
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        found = _CBOR_PATH.search(request.path)
        return Address(Wire.CBOR, signed_for, f"{unquote(found[1])}.{unquote(found[2])}" if found else "")
    if signed_for in ("", *_S3) and _NOT_BUCKETS.match(request.path):
        return Address(Wire.REST_XML, "s3")
    if signed_for not in _S3 and _is_form(request):
        return Address(Wire.EC2 if signed_for == "ec2" else Wire.QUERY, signed_for)
    if signed_for in _S3 or not (signed_for or _bears_a_mark(request)):
        return None
    return Address(Wire.REST_XML if signed_for in _REST_XML else Wire.REST_JSON, signed_for)


def _signing_name(request: Incoming) -> str:
    """The service of a SigV4 or SigV4A scope, AKID/DATE/[REGION/]SERVICE/aws4_request, in lower case."""
    found = _SCOPE.search(request.authorization() or "")
    parts = unquote(found[1]).split("/") if found else []
    return parts[-2].lower() if len(parts) in _SCOPE_PARTS and parts[-1] == "aws4_request" else ""


def _is_form(request: Incoming) -> bool:
    if request.path.strip("/"):
        return False
    if request.method == "POST":
        return request.media_type() == FORM
    return request.method == "GET" and "Action=" in request.query and "Action" in request.parameters()


def _bears_a_mark(request: Incoming) -> bool:
    """Whether an unsigned request is for a service of REST and JSON, such as IAM Identity Center."""
    headers = request.headers
    if headers.get("authorization", "").startswith("Bearer ") or "x-amz-sso_bearer_token" in headers:
        return True
    if request.media_type() != "application/json" or request.method != "POST":
        return False
    return not _S3_POSTS & {name.lower() for name in request.parameters()}
