"""Answers that a fault script puts in the service's place."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

from batch_register.simulator.faults import Effect
from batch_register.simulator.refusals import (
    HTML_TYPE,
    JSON_TYPE,
    REQUEST_ID_MARK,
    Reply,
    dumps,
    gateway_body,
    html_body,
    identity_body,
    ims_body,
)

_FIRST_ERROR = 400
_FIRST_SERVER_ERROR = 500
_CODES = {
    401: "0307",
    403: "0302",
    404: "0101",
    429: "0308",
    500: "0601",
    502: "0610",
    503: "0613",
    504: "0201",
}
_TEXTS = {
    401: "The token must be updated.",
    429: "The throttling threshold has been reached: "
    "policy user over ratelimit,limit:200,time:1 second",
    504: "Wait response timeout.",
}
_PORTAL = "<html><head><title>Welcome</title></head><body>Please log in.</body></html>"


def fake(effect: Effect, prefix: str, gateway_now_s: float) -> Reply:
    """Build the answer that an effect asks for; the gateway's codes carry a prefix."""
    if effect.html_200 or effect.status is None:
        return Reply(status=200, body=_PORTAL.encode(), content_type=HTML_TYPE)
    shape = effect.body or _usual_shape(effect)
    body = effect.text.encode() if effect.text is not None else b""
    if effect.text is None:
        body = _body(effect, effect.status, shape, prefix)
    return Reply(
        status=effect.status,
        body=body,
        content_type=HTML_TYPE if shape == "html" else JSON_TYPE,
        headers=_headers(effect, gateway_now_s),
    )


def _usual_shape(effect: Effect) -> str:
    status = effect.status or 0
    if effect.code is not None and effect.code.startswith("IMG."):
        return "ims"
    if status < _FIRST_ERROR or status not in set(HTTPStatus):
        return "empty"
    if status == HTTPStatus.GATEWAY_TIMEOUT and effect.code is None:
        return "plain"
    return "gateway"


def _body(effect: Effect, status: int, shape: str, prefix: str) -> bytes:
    text = effect.message or _TEXTS.get(status, "made up by the fault script")
    code = effect.code or f"{prefix}.{_CODES.get(status, '0201')}"
    match shape:
        case "ims":
            return ims_body(code, text)
        case "gateway":
            return gateway_body(code, text)
        case "iam":
            return identity_body(status, text)
        case "plain":
            return dumps({"message": text, "request_id": REQUEST_ID_MARK})
        case "html":
            return html_body(status, text)
        case _:
            return b""


def _headers(effect: Effect, gateway_now_s: float) -> dict[str, str]:
    headers: dict[str, str] = {}
    if effect.retry_after_s is not None:
        headers["Retry-After"] = str(effect.retry_after_s)
    if effect.retry_after_date_s is not None:
        moment_s = gateway_now_s + effect.retry_after_date_s
        headers["Retry-After"] = formatdate(moment_s, usegmt=True)
    if effect.location is not None:
        headers["Location"] = effect.location
    return headers
