"""AWS's protocols, each as the three things the gateway does with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.server.api import awsjson, cbor, query, rest
from sagemaker_transform_emulator.server.api.addressing import Wire
from sagemaker_transform_emulator.server.api.awsjson import Response
from sagemaker_transform_emulator.server.api.failures import Failure


def _no_request(_body: bytes, service: str, operation: str) -> dict[str, Any]:
    raise ServiceError("UnknownOperationException", f"{operation} of {service} is not part of this emulator")


def _no_answer(service: str, operation: str, _output: Mapping[str, Any] | None) -> Response:
    raise ServiceError("UnknownOperationException", f"{operation} of {service} is not part of this emulator")


@dataclass(frozen=True, slots=True)
class Codec:
    """`failure` and `unknown` serve all protocols: errors, and the code of the one for what is missing.

    `parse` and `success` take the service and the operation, for those protocols that services here speak.
    """

    failure: Callable[[Failure, str], Response]
    unknown: str = "UnknownOperationException"
    parse: Callable[[bytes, str, str], dict[str, Any]] = _no_request
    success: Callable[[str, str, Mapping[str, Any] | None], Response] = _no_answer


CODECS: Mapping[Wire, Codec] = {
    Wire.JSON: Codec(awsjson.failure, parse=awsjson.parse, success=awsjson.success),
    Wire.CBOR: Codec(cbor.failure, parse=cbor.parse, success=cbor.success),
    Wire.QUERY: Codec(query.failure, "InvalidAction", query.parse, query.success),
    Wire.EC2: Codec(query.ec2_failure, "InvalidAction"),
    Wire.REST_JSON: Codec(rest.json_failure),
    Wire.REST_XML: Codec(rest.xml_failure),
}
