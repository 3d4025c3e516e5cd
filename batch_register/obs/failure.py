"""From an answer of the store that is no success to the error that says so.

Decides: which fault a code or a bare status is, whether the store may have acted, what a
person should do. Must not know: sockets, the library that makes the requests.
Sources: OBS API reference, "Error Codes"; Amazon S3 API reference, "Error responses".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.model import Action, Applied, Fault, FaultKind
from batch_register.obs.headers import bucket_region, request_id
from batch_register.transport import Reply, redirect_host
from batch_register.transport.text import plain_text

_READ_BYTES: Final = (
    16_384  # of an error's body: its elements are short, and come first
)
_LONGEST_WAIT_S: Final = 60.0
# Blanks keep the connection open until the end is known; OBS's elements name a schema.
_FAILED: Final = re.compile(rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?<Error[\s>]")
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
# Kinds after which a write may have been carried out all the same.
_OPEN_KINDS: Final = frozenset({FaultKind.SERVER, FaultKind.LOST, FaultKind.MISREAD})


@dataclass(frozen=True, slots=True)
class _Row:
    """What a code or status means; `words` go before the store's own."""

    kind: FaultKind
    words: str
    action: Action


_KEYS: Final = "the object store does not take these access keys"
_UNAUTHENTICATED: Final = _Row(FaultKind.UNAUTHENTICATED, _KEYS, Action.ASK_PERMISSION)
_FORBIDDEN: Final = _Row(
    FaultKind.FORBIDDEN, "these access keys may not do that", Action.ASK_PERMISSION
)
_GONE: Final = _Row(FaultKind.NOT_FOUND, "there is no such thing", Action.FIX_SOURCE)
_TROUBLE: Final = _Row(
    FaultKind.SERVER, "the object store has trouble", Action.RUN_AGAIN
)
_TOO_MANY: Final = _Row(FaultKind.THROTTLED, "too many requests", Action.RUN_AGAIN)
_TOO_SLOW: Final = _Row(
    FaultKind.LOST, "the object store got no whole request in time", Action.RUN_AGAIN
)
_REFUSED: Final = _Row(
    FaultKind.REJECTED, "the object store refuses the request", Action.FIX_SOURCE
)
_CONFLICT: Final = _Row(
    FaultKind.CONFLICT, "another change is under way", Action.RUN_AGAIN
)
_ODD: Final = _Row(
    FaultKind.MISREAD, "the answer is not an object store's", Action.CONTACT_PROVIDER
)

_BY_CODE: Final = {
    "InvalidAccessKeyId": _UNAUTHENTICATED,
    "SignatureDoesNotMatch": _UNAUTHENTICATED,
    "TooManyWrongSignature": _UNAUTHENTICATED,
    "ExpiredToken": _UNAUTHENTICATED,
    "InvalidToken": _UNAUTHENTICATED,
    "InvalidSecurity": _UNAUTHENTICATED,
    "RequestTimeTooSkewed": _Row(
        FaultKind.UNAUTHENTICATED,
        "this machine's clock is more than 15 minutes off: set it",
        Action.ASK_PERMISSION,
    ),
    "AccessDenied": _FORBIDDEN,
    "InvalidObjectState": _Row(
        FaultKind.REJECTED,
        "the object is archived; restore it, or copy it to class Standard",
        Action.FIX_SOURCE,
    ),
    "NoSuchBucket": _Row(
        FaultKind.NOT_FOUND, "there is no such bucket", Action.FIX_SOURCE
    ),
    "NoSuchKey": _Row(
        FaultKind.NOT_FOUND, "there is no such object", Action.FIX_SOURCE
    ),
    "NoSuchUpload": _Row(
        FaultKind.NOT_FOUND, "there is no such upload any more", Action.RUN_AGAIN
    ),
    "RequestTimeout": _TOO_SLOW,
    "OperationAborted": _CONFLICT,
    "SlowDown": _TOO_MANY,
    "TooManyRequests": _TOO_MANY,
    "InternalError": _TROUBLE,
    "ServiceUnavailable": _TROUBLE,
}
_BY_STATUS: Final[dict[int, _Row]] = {
    HTTPStatus.UNAUTHORIZED: _UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: _FORBIDDEN,
    HTTPStatus.NOT_FOUND: _GONE,
    HTTPStatus.REQUEST_TIMEOUT: _TOO_SLOW,
    HTTPStatus.CONFLICT: _CONFLICT,
    HTTPStatus.TOO_MANY_REQUESTS: _TOO_MANY,
}
# A bucket of another region: the first two send elsewhere, the last one names the
# region that should have been signed.
_ELSEWHERE_CODES: Final = frozenset(
    {"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed"}
)


def refusal(
    operation: str, reply: Reply, *, secrets: Iterable[str], is_write: bool = False
) -> ServiceError:
    """Return the error for an answer that is no success; `secrets` are masked in it.

    Wrong keys give an AuthenticationError: no call to this store can succeed with them.
    """
    known = tuple(filter(None, (*secrets, *reply.confidential)))
    text = reply.body[:_READ_BYTES].decode("utf-8", "replace")
    code = error_code(text)
    if code in known:
        code = ""
    row = _row(reply, code, text, known)
    message = plain_text(_unescaped(_element(text, "Message")), secrets=known)
    told_id = request_id(reply.headers) or _element(text, "RequestId")
    fault = Fault(
        kind=row.kind,
        code=f"obs.{code or _status_name(reply.status)}",
        reason=f"{row.words} ({message})" if message else row.words,
        action=row.action,
        http_status=reply.status,
        request_id=plain_text(told_id, limit=128, secrets=known) or None,
    )
    if row.kind is FaultKind.UNAUTHENTICATED:
        return AuthenticationError(operation, fault)
    is_open = is_write and row.kind in _OPEN_KINDS
    return ServiceError(
        operation,
        fault,
        applied=Applied.UNKNOWN if is_open else Applied.NO,
        retry_after_s=_retry_after_s(reply),
    )


def misread(operation: str, what: str, *, is_write: bool = False) -> ServiceError:
    """Return the error for an answer that says success and does not make sense."""
    fault = Fault(
        kind=FaultKind.MISREAD,
        code="obs.misread",
        reason=f"the object store's answer makes no sense: {what}",
        action=Action.CONTACT_PROVIDER,
    )
    applied = Applied.UNKNOWN if is_write else Applied.NO
    return ServiceError(operation, fault, applied=applied)


def not_sent(operation: str, why: str) -> ServiceError:
    """Return the error for a request that no object store would take."""
    fault = Fault(
        kind=FaultKind.REJECTED,
        code="obs.request",
        reason=f"not sent: {why}",
        action=Action.FIX_MANIFEST,
    )
    return ServiceError(operation, fault)


def error_code(text: str) -> str:
    """Return the code of an error's body, empty where it has none."""
    code = _element(text, "Code")
    return code if _CODE.fullmatch(code) else ""


def is_error_body(body: bytes) -> bool:
    """Return whether a body says failure, whatever its status.

    A completed upload is answered with 200 before the store knows how it ends (Amazon S3
    API reference, "CompleteMultipartUpload").
    """
    return _FAILED.match(body) is not None


def _row(reply: Reply, code: str, text: str, secrets: tuple[str, ...]) -> _Row:
    is_redirect = HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST
    region = bucket_region(reply.headers) or _element(text, "Region")
    is_bare_400 = reply.status == HTTPStatus.BAD_REQUEST and not code and region
    if is_redirect or is_bare_400 or code in _ELSEWHERE_CODES:
        return _elsewhere(reply, region, text, secrets)
    if row := _BY_CODE.get(code):
        return row
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _TROUBLE
    if reply.status < HTTPStatus.BAD_REQUEST:
        return _ODD
    return _BY_STATUS.get(reply.status, _REFUSED)


def _elsewhere(reply: Reply, region: str, text: str, secrets: tuple[str, ...]) -> _Row:
    if region:
        named = plain_text(region, limit=64, secrets=secrets)
        words = f"the bucket lies in region {named}"
        return _Row(FaultKind.REJECTED, words, Action.FIX_SOURCE)
    host = _element(text, "Endpoint") or redirect_host(reply)
    host = plain_text(urlsplit(f"//{host}").netloc or host, limit=128, secrets=secrets)
    words = f"the bucket is served at {host}, not at the endpoint that was asked"
    return _Row(FaultKind.REJECTED, words, Action.FIX_SOURCE)


def _element(text: str, name: str) -> str:
    """Return an element's text; a body that is cut off still gives those before."""
    found = re.search(rf"<{name}>([^<]{{1,1024}})</{name}>", text)
    return found[1].strip() if found else ""


def _unescaped(text: str) -> str:
    for entity, character in (
        ("&quot;", '"'),
        ("&apos;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ):
        text = text.replace(entity, character)
    return text


def _status_name(status: int) -> str:
    try:
        return "".join(HTTPStatus(status).phrase.split())
    except ValueError:
        return f"Status{status}"


def _retry_after_s(reply: Reply) -> float | None:
    value = reply.headers.get("retry-after", "")
    if not (value.isascii() and value.isdigit()):
        return None
    return min(float(value), _LONGEST_WAIT_S)
