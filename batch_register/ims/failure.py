"""From an answer that is not the documented success to the error that says so.

Decides: kind and wording of the error, whether the service may have acted, how long it
asked us to stay away, whether fresh credentials could help. Must not know: sockets,
which image the call was about.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Final

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.ims.answer import AnswerError
from batch_register.ims.codes import OwnCode, Verdict, verdict_for
from batch_register.ims.refusal import Refusal, read_refusal
from batch_register.ims.waiting import request_limit, retry_after_s
from batch_register.model import Action, Applied, Fault, FaultKind
from batch_register.transport import Reply, Request, redirect_host
from batch_register.transport.skew import clock_words
from batch_register.transport.text import plain_text

_BEYOND_ERRORS: Final = 600
_ID_LIMIT: Final = 128  # characters of a request id
_NO_WORDS: Final = Refusal()

# Kinds of answer after which a write may have been carried out all the same.
_OPEN_KINDS: Final = frozenset(
    {FaultKind.SERVER, FaultKind.LOST, FaultKind.MISREAD, FaultKind.CONFLICT}
)
# Kinds for which "stay away for so long" makes sense.
_WAITING_KINDS: Final = frozenset(
    {FaultKind.THROTTLED, FaultKind.BUSY, FaultKind.SERVER}
)

# The gateway refuses a large signed body with 401; the credentials are fine.
_BODY_TOO_LARGE: Final = "body too large"
# What the gateway says of a signature that the same key and clock would only repeat.
_SIGNATURE_FAULT: Final = re.compile(
    r"signature|timestamp|x-sdk-date|clock", re.IGNORECASE
)
_CLOCK_HINT: Final = (
    "check the access key and the secret key, and that this machine's clock is right "
    "to within 15 minutes"
)
_ACCOUNT_HINT: Final = (
    "check the credentials, and that they belong to this region's project"
)


def failure(
    request: Request, reply: Reply, *, is_write: bool, now: datetime
) -> ServiceError:
    """Return the error for an answer whose status is not the documented success.

    `request` is the one that was sent, with its credentials; the reply knows them, and
    they are masked wherever it repeats them. `now` is UTC.
    """
    if not HTTPStatus.BAD_REQUEST <= reply.status < _BEYOND_ERRORS:
        return misread(request, reply, _unexpected(reply), is_write=is_write)
    refusal = read_refusal(reply.body)
    verdict = _verdict(refusal, reply.status)
    fault = Fault(
        kind=verdict.kind,
        code=_plain(refusal.code, reply) or f"http.{reply.status}",
        reason=_plain(refusal.message, reply) or _phrase(reply.status),
        action=verdict.action,
        http_status=reply.status,
        request_id=request_id(reply, refusal),
    )
    applied = _applied(fault, is_write=is_write)
    if fault.kind is FaultKind.UNAUTHENTICATED:
        return _unauthenticated(request, reply, fault, applied=applied, now=now)
    wait_s = None
    if fault.kind in _WAITING_KINDS:
        header = reply.headers.get("retry-after")
        wait_s = retry_after_s(header, refusal.message, now)
    is_throttled = fault.kind is FaultKind.THROTTLED
    return ServiceError(
        request.operation,
        fault,
        applied=applied,
        retry_after_s=wait_s,
        limit=request_limit(refusal.message) if is_throttled else None,
    )


def _unauthenticated(
    request: Request, reply: Reply, fault: Fault, *, applied: Applied, now: datetime
) -> AuthenticationError:
    """Return the error for refused credentials; a signature may carry a wrong time."""
    hint = _ACCOUNT_HINT
    if _is_signed(request):
        hint = _CLOCK_HINT
        if words := clock_words(reply, now):
            fault = replace(fault, reason=f"{fault.reason} ({words})")
    error = AuthenticationError(request.operation, fault, applied=applied)
    error.hint = hint
    return error


def misread(
    request: Request, reply: Reply, why: AnswerError, *, is_write: bool
) -> ServiceError:
    """Return the error for an answer that no documentation describes."""
    verdict = verdict_for(why.code, reply.status)
    reason = _plain(why.reason, reply)
    if why.code is OwnCode.NOT_JSON and (
        words := _plain(read_refusal(reply.body).message, reply)
    ):
        reason = plain_text(f"{reason}: {words}")
    fault = Fault(
        kind=verdict.kind,
        code=str(why.code),
        reason=reason,
        action=verdict.action,
        http_status=reply.status,
        request_id=request_id(reply),
    )
    applied = Applied.UNKNOWN if is_write else Applied.NO
    return ServiceError(request.operation, fault, applied=applied)


def request_id(reply: Reply, refusal: Refusal = _NO_WORDS) -> str | None:
    """Return the id to quote to the service's support, fit to be shown."""
    text = reply.request_id or refusal.request_id
    return plain_text(text, limit=_ID_LIMIT, secrets=reply.confidential) or None


def renewal_may_help(request: Request, error: AuthenticationError) -> bool:
    """Return whether the same request may go out once more with other credentials.

    A signature that is wrong, or that carries a wrong time, is wrong again with the
    same key: only a token is worth renewing then.
    """
    if error.applied is not Applied.NO:
        return False
    complains = _SIGNATURE_FAULT.search(error.fault.reason) is not None
    return not (_is_signed(request) and complains)


def _verdict(refusal: Refusal, http_status: int) -> Verdict:
    verdict = verdict_for(refusal.code, http_status)
    if (
        verdict.kind is FaultKind.UNAUTHENTICATED
        and _BODY_TOO_LARGE in refusal.message.lower()
    ):
        return Verdict(FaultKind.REJECTED, Action.CONTACT_PROVIDER)
    return verdict


def _applied(fault: Fault, *, is_write: bool) -> Applied:
    """Return whether the service may have acted, and if in doubt that it may."""
    if not is_write:
        return Applied.NO
    is_server_error = (fault.http_status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR
    is_cut_short = fault.http_status in (HTTPStatus.REQUEST_TIMEOUT, 499)
    if fault.kind in _OPEN_KINDS or is_server_error or is_cut_short:
        return Applied.UNKNOWN
    return Applied.NO


def _unexpected(reply: Reply) -> AnswerError:
    """Return what is wrong with a status below 400 or beyond 599."""
    if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
        where = redirect_host(reply)
        reason = f"redirected to {where}; redirects are never followed"
        return AnswerError(OwnCode.REDIRECT, reason)
    reason = f"status {reply.status} is not the documented answer"
    return AnswerError(OwnCode.STATUS, reason)


def _plain(text: str, reply: Reply) -> str:
    """Return the text fit to be shown, without the credentials of the request."""
    return plain_text(text, secrets=reply.confidential)


def _phrase(status: int) -> str:
    """Return the words of RFC 9110 for a status, where the answer has none."""
    try:
        words = HTTPStatus(status).phrase
    except ValueError:
        words = f"HTTP {status}"
    return f"{words}; the answer gives no reason"


def _is_signed(request: Request) -> bool:
    """Return whether the request carries a signature instead of a token."""
    return "x-auth-token" not in {name.lower() for name in request.headers}
