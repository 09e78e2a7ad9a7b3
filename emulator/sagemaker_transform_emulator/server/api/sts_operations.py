"""STS GetCallerIdentity: form in, XML out. SDKs ask it for the account of the default bucket."""

from __future__ import annotations

from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from sagemaker_transform_emulator.sagemaker.resources import Place
from sagemaker_transform_emulator.server.api.awsjson import Response, respond

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_FORM = "application/x-www-form-urlencoded"


def is_form(content_type: str) -> bool:
    """Whether a POST of that content type is for one of AWS's query services."""
    return content_type.partition(";")[0].strip().lower() == _FORM


def answer(body: bytes, place: Place) -> Response:
    """The answer to the form's Action."""
    action = parse_qs(body.decode("utf-8", "replace"), max_num_fields=None).get("Action", [""])[0]
    if action != "GetCallerIdentity":
        return error("InvalidAction", f"The action {action[:128]!r} is not part of this emulator")
    text = (
        f'<GetCallerIdentityResponse xmlns="{NAMESPACE}"><GetCallerIdentityResult>'
        f"<Arn>arn:aws:iam::{place.account}:root</Arn><UserId>{place.account}</UserId>"
        f"<Account>{place.account}</Account></GetCallerIdentityResult>"
        "<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>"
    )
    return respond(200, text.encode(), "text/xml")


def error(code: str, message: str) -> Response:
    """An error in the form of the query services."""
    text = (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{escape(code)}</Code>'
        f"<Message>{printable(message)}</Message></Error>"
        "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
    )
    return respond(400, text.encode(), "text/xml")


def printable(text: str) -> str:
    """The text as XML content; what XML cannot hold is a question mark."""
    return escape("".join(character if character.isprintable() else "?" for character in text))
