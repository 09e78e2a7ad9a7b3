"""Errors of the REST protocols, JSON and XML. No operation of a REST service is carried out here but S3's."""

from __future__ import annotations

import json

from sagemaker_transform_emulator.server.api.awsjson import Response, respond
from sagemaker_transform_emulator.server.api.failures import Failure
from sagemaker_transform_emulator.server.api.query import printable


def json_failure(failed: Failure, _service: str) -> Response:
    """An error in the form of REST and JSON; the code is in a header, too."""
    body = {"code": failed.code, "message": failed.message}
    remedied = body | ({"remedy": failed.remedy} if failed.remedy else {})
    answer = respond(failed.status, json.dumps(remedied).encode(), "application/json")
    return Response(answer.status, (*answer.headers, ("x-amzn-errortype", failed.code)), answer.body)


def xml_failure(failed: Failure, _service: str) -> Response:
    """An error in the form of REST and XML."""
    text = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{printable(failed.code)}</Code>"
        f"<Message>{printable(failed.sentence)}</Message></Error><RequestId/></ErrorResponse>"
    )
    return respond(failed.status, text.encode(), "text/xml")
