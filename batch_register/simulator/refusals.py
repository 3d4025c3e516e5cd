"""The shapes in which this family of clouds says no.

One cloud answers with many: the service's own, the gateway's, the identity service's,
plain Glance's and the object store's (IMS API reference, error codes; API Gateway
error codes; IAM API reference).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal
from xml.sax.saxutils import escape

JSON_TYPE = "application/json"
HTML_TYPE = "text/html"
XML_TYPE = "application/xml"
# Where a body repeats the request id; the real one is put in when the answer leaves.
REQUEST_ID_MARK = "{request-id}"

NativeShape = Literal["glance", "wrapped", "html", "img"]

_WRAPPERS = {
    400: "badRequest",
    403: "forbidden",
    404: "itemNotFound",
    409: "conflictingRequest",
    413: "overLimit",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer before it meets the wire."""

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818  a refusal is an answer, not a mistake here
    """Carry a refusing answer out of the rules that found the reason."""

    def __init__(self, reply: Reply, code: str) -> None:
        super().__init__(f"{reply.status} {code}")
        self.reply = reply
        self.code = code


def dumps(document: object) -> bytes:
    """Encode a JSON document the compact way."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def answer(document: object, status: int = 200) -> Reply:
    """Wrap a JSON document."""
    return Reply(status=status, body=dumps(document))


def nothing(status: int = 204) -> Reply:
    """Return an answer without a body."""
    return Reply(status=status)


def ims_body(code: str, message: str) -> bytes:
    """Write the service's own error body."""
    return dumps({"error": {"message": message, "code": code}})


def gateway_body(code: str, message: str) -> bytes:
    """Write the gateway's error body."""
    return dumps(
        {"error_code": code, "error_msg": message, "request_id": REQUEST_ID_MARK}
    )


def identity_body(status: int, message: str) -> bytes:
    """Write the identity service's error body."""
    title = HTTPStatus(status).phrase
    return dumps({"error": {"code": status, "message": message, "title": title}})


def html_body(status: int, text: str) -> bytes:
    """Write what a load balancer or plain Glance puts in front of people."""
    title = f"{status} {HTTPStatus(status).phrase}"
    return (
        f"<html><head><title>{title}</title></head>"
        f"<body><h1>{title}</h1>{escape(text)}</body></html>"
    ).encode()


def xml_body(code: str, message: str) -> bytes:
    """Write the object store's error body."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        f"<RequestId>{REQUEST_ID_MARK}</RequestId><HostId>-</HostId></Error>"
    ).encode()


def ims(code: str, message: str, status: int = 400) -> Refusal:
    """Refuse as the image service does."""
    return Refusal(Reply(status=status, body=ims_body(code, message)), code)


def gateway(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Refusal:
    """Refuse as the gateway does."""
    body = gateway_body(code, message)
    return Refusal(Reply(status=status, body=body, headers=headers or {}), code)


def identity(status: int, message: str) -> Refusal:
    """Refuse as the identity service does."""
    reply = Reply(status=status, body=identity_body(status, message))
    return Refusal(reply, f"IAM.{status}")


def object_store(status: int, code: str, message: str) -> Refusal:
    """Refuse as the object store does."""
    body = xml_body(code, message)
    return Refusal(Reply(status=status, body=body, content_type=XML_TYPE), code)


def native(status: int, message: str, *, shape: NativeShape, code: str) -> Refusal:
    """Refuse as the OpenStack half of the service does, in the chosen shape."""
    phrase = HTTPStatus(status).phrase
    glance = {"message": message, "code": f"{status} {phrase}", "title": phrase}
    wrapper = _WRAPPERS.get(status, "computeFault")
    bodies = {
        "glance": dumps(glance),
        "wrapped": dumps({wrapper: {"message": message, "code": status}}),
        "html": html_body(status, message),
        "img": ims_body(code, message),
    }
    content_type = HTML_TYPE if shape == "html" else JSON_TYPE
    reply = Reply(status=status, body=bodies[shape], content_type=content_type)
    return Refusal(reply, code)
