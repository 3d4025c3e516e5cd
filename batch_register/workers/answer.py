"""What a store's answer to one part means. No I/O.

Decides: whether a part is stored as it was sent, and the fault where it is not. Must not
know: sockets, files, uploads. An answer's own words are shown without the address, whose
query is a signature.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from batch_register.model import Action, Fault, FaultKind
from batch_register.transport.secrecy import LONG
from batch_register.transport.text import plain_text

_CODE = re.compile(rb"<Code>\s*([A-Za-z0-9_.-]{1,64})\s*</Code>")
_MESSAGE = re.compile(rb"<Message>(.{1,1000}?)</Message>", re.DOTALL)
_LONGEST_WAIT_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PartAnswer:
    """What came of one part: its MD5 as hex where it is stored, else a fault.

    A value rather than an exception, as it may come from another machine.
    """

    digest: str = ""
    fault: Fault | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a status or a code means for the part."""

    kind: FaultKind
    action: Action


_AGAIN = _Rule(FaultKind.SERVER, Action.RUN_AGAIN)
_BY_CODE = {
    # Source: OBS API reference, "Error Codes"; Amazon S3 API reference, "Error responses"
    "BadDigest": _Rule(FaultKind.LOST, Action.RUN_AGAIN),
    "IncompleteBody": _Rule(FaultKind.LOST, Action.RUN_AGAIN),
    "RequestTimeout": _Rule(FaultKind.LOST, Action.RUN_AGAIN),
    "SlowDown": _Rule(FaultKind.THROTTLED, Action.RUN_AGAIN),
    "NoSuchBucket": _Rule(FaultKind.NOT_FOUND, Action.FIX_MANIFEST),
    # The next address is signed afresh, perhaps by fresh keys.
    "ExpiredToken": _Rule(FaultKind.UNAUTHENTICATED, Action.RUN_AGAIN),
    "RequestTimeTooSkewed": _Rule(FaultKind.UNAUTHENTICATED, Action.RUN_AGAIN),
}
_BY_STATUS = {
    HTTPStatus.UNAUTHORIZED: _Rule(FaultKind.UNAUTHENTICATED, Action.ASK_PERMISSION),
    HTTPStatus.FORBIDDEN: _Rule(FaultKind.FORBIDDEN, Action.ASK_PERMISSION),
    HTTPStatus.NOT_FOUND: _Rule(FaultKind.NOT_FOUND, Action.RUN_AGAIN),
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: _Rule(
        FaultKind.FORBIDDEN, Action.ASK_PERMISSION
    ),
    HTTPStatus.REQUEST_TIMEOUT: _Rule(FaultKind.LOST, Action.RUN_AGAIN),
    HTTPStatus.TOO_MANY_REQUESTS: _Rule(FaultKind.THROTTLED, Action.RUN_AGAIN),
}
_FOR_GOOD = _Rule(FaultKind.REJECTED, Action.CONTACT_PROVIDER)


def judged(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    digest: str,
    secrets: tuple[str, ...],
) -> PartAnswer:
    """Return what an answer means; `headers` by lower-case names, `digest` was sent."""
    if status == HTTPStatus.OK:
        return _stored(headers, digest)
    told_code = _found(_CODE, body)
    code = told_code if told_code and told_code not in secrets else f"http-{status}"
    message = _found(_MESSAGE, body) or _phrase(status)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        code, message = "redirected", "the store names another address for the bucket"
    rule = _rule(status, code, message)
    ids = map(headers.get, ("x-obs-request-id", "x-amz-request-id"))
    told_id = next(filter(None, ids), "")
    fault = Fault(
        kind=rule.kind,
        code=f"obs.{code}",
        reason=f"a part was not taken: {plain_text(message, secrets=secrets)}",
        action=rule.action,
        http_status=status,
        request_id=plain_text(told_id, limit=128, secrets=secrets) or None,
    )
    return PartAnswer(fault=fault, retry_after_s=_retry_after_s(headers))


def signed_parts(address: str) -> tuple[str, ...]:
    """Return what an answer to a signed address must not repeat of it.

    The values alone as well: with a signature, whoever knows the rest can sign.
    """
    query = urlsplit(address).query
    values = (value for _, value in parse_qsl(query) if len(value) >= LONG)
    return (address, query, *query.split("&"), *values)


def _stored(headers: Mapping[str, str], digest: str) -> PartAnswer:
    """Compare what the store took with what was sent, where its ETag is an MD5."""
    etag = headers.get("etag", "").strip('"').lower()
    if etag == digest or _is_encrypted_by_key(headers):
        return PartAnswer(digest=digest)
    return PartAnswer(
        fault=Fault(
            kind=FaultKind.LOST,
            code="upload.etag-differs",
            reason="a part arrived with another MD5 than the file's",
            action=Action.RUN_AGAIN,
        )
    )


def _is_encrypted_by_key(headers: Mapping[str, str]) -> bool:
    """Return whether the ETag is no MD5; the store has checked Content-MD5 all the same."""
    return any(
        "kms" in headers.get(f"x-{dialect}-server-side-encryption", "").lower()
        for dialect in ("obs", "amz")
    )


def _rule(status: int, code: str, message: str) -> _Rule:
    if code == "AccessDenied" and "expired" in message.lower():
        return _BY_CODE["ExpiredToken"]
    if rule := _BY_CODE.get(code):
        return rule
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _AGAIN
    known = {int(one): rule for one, rule in _BY_STATUS.items()}
    return known.get(status, _FOR_GOOD)


def _found(pattern: re.Pattern[bytes], body: bytes) -> str:
    found = pattern.search(body)
    return found[1].decode("utf-8", "replace") if found else ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "an answer that HTTP does not know"


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the store asks for; a date is left to the backoff."""
    text = headers.get("retry-after", "")
    return (
        min(float(text), _LONGEST_WAIT_S) if re.fullmatch("[0-9]{1,6}", text) else None
    )
