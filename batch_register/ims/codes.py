"""What a code or a status of the service means: the one table.

Decides: which kind of fault a refusal is and what a person must do about it; by code
first, because a busy service answers 400, then by HTTP status. Must not know: bodies,
headers, requests.

Source of the codes and their subjects: "Error Codes" of the Image Management Service
API reference and "Error Codes" of the API Gateway guide. Which kind each one is, is
our reading, except where the page itself advises to wait and try again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from batch_register.model import Action, FaultKind


class OwnCode(StrEnum):
    """Codes that we give where the service gave none."""

    REDIRECT = "answer.redirect"
    STATUS = "answer.status"  # a success that is not the documented one
    EMPTY = "answer.empty"
    NOT_JSON = "answer.not-json"
    SHAPE = "answer.shape"  # JSON, but a field is missing or of another type
    OTHER_ID = "answer.other-id"  # about something that was not asked for
    LIST_STUCK = "answer.list-stuck"  # pages that never end
    JOB_FAILED = "job.failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What went wrong, and what a person must do."""

    kind: FaultKind
    action: Action


_ROWS: Final[tuple[tuple[FaultKind, Action, str], ...]] = (
    # What the manifest says can never work.
    (
        FaultKind.REJECTED,
        Action.FIX_MANIFEST,
        "IMG.0001 IMG.0002 IMG.0003 IMG.0004 IMG.0007 IMG.0009 IMG.0013 IMG.0017 "
        "IMG.0021 IMG.0024 IMG.0028 IMG.0035 IMG.0054 IMG.0055 IMG.0056 IMG.0062 "
        "IMG.0068 IMG.0091 IMG.0105 IMG.0109 IMG.0111 IMG.0115 IMG.0116 IMG.0122 "
        "IMG.0123 IMG.0141 IMG.0158 IMG.0159 IMG.0166 IMG.0167 IMG.0194 IMG.0212",
    ),
    # The file or its bucket: unreadable, elsewhere, too big, another format.
    (
        FaultKind.REJECTED,
        Action.FIX_SOURCE,
        "IMG.0057 IMG.0058 IMG.0059 IMG.0072 IMG.0175",
    ),
    # The gateway does not know the call, or cannot read it. A missing call is not a
    # missing image: never NOT_FOUND, although it comes as 404.
    (
        FaultKind.REJECTED,
        Action.CONTACT_PROVIDER,
        "APIGW.0101 APIGW.0103 APIGW.0104 APIGW.0105 APIGW.0106 APIGW.0602 APIGW.0607",
    ),
    # IMG.0023 is a job that cannot be queried: what a forgotten one may answer with.
    (
        FaultKind.NOT_FOUND,
        Action.RUN_AGAIN,
        "IMG.0023 IMG.0027 IMG.0066 IMG.0086 IMG.0121 IMG.0144",
    ),
    # Somebody has to grant something: a role, a project, a bucket, a key.
    (
        FaultKind.FORBIDDEN,
        Action.ASK_PERMISSION,
        "IMG.0025 IMG.0026 IMG.0030 IMG.0047 IMG.0067 IMG.0069 IMG.0092 IMG.0094 "
        "IMG.0095 IMG.0096 IMG.0097 IMG.0098 IMG.0099 IMG.0100 IMG.0101 IMG.0102 "
        "IMG.0103 IMG.0104 IMG.0106 IMG.0145 IMG.0155 IMG.0161 "
        "APIGW.0302 APIGW.0304 APIGW.0306 APIGW.0310 APIGW.0401 APIGW.0402 "
        "APIGW.0404 APIGW.0501 APIGW.0502 APIGW.0801 APIGW.0802",
    ),
    # The account itself: not verified, not paid, over its budget.
    (
        FaultKind.FORBIDDEN,
        Action.CONTACT_PROVIDER,
        "IMG.0238 IMG.0239 IMG.0241 IMG.0242",
    ),
    (
        FaultKind.UNAUTHENTICATED,
        Action.ASK_PERMISSION,
        "IMG.0087 APIGW.0301 APIGW.0303 APIGW.0305 APIGW.0307 APIGW.0311",
    ),
    (FaultKind.QUOTA, Action.RAISE_QUOTA, "IMG.0015"),
    (FaultKind.BUSY, Action.RUN_AGAIN, "IMG.0060"),
    (FaultKind.THROTTLED, Action.RUN_AGAIN, "IMG.0187 APIGW.0308"),
    # Something else goes on with the image just now.
    (FaultKind.CONFLICT, Action.WAIT, "IMG.0046 IMG.0090 IMG.0148"),
    # A fault behind the service's front; part of the work may have been done.
    (
        FaultKind.SERVER,
        Action.RUN_AGAIN,
        "IMG.0010 IMG.0014 IMG.0018 IMG.0036 IMG.0037 IMG.0061 IMG.0064 "
        "IMG.0065 IMG.0154 IMG.0156 IMG.1075 "
        "APIGW.0601 APIGW.0605 APIGW.0606 APIGW.0608 APIGW.0609 APIGW.0610 "
        "APIGW.0611 APIGW.0612 APIGW.0613 APIGW.0705",
    ),
    # Not JOB_FAILED: that is for jobs alone, and no refusal may prove one dead.
    (
        FaultKind.MISREAD,
        Action.CONTACT_PROVIDER,
        " ".join(code.upper() for code in OwnCode if code is not OwnCode.JOB_FAILED),
    ),
)

TABLE: Final[dict[str, Verdict]] = {
    code: Verdict(kind, action)
    for kind, action, codes in _ROWS
    for code in codes.split()
}

_STATUSES: Final[dict[int, Verdict]] = {
    401: Verdict(FaultKind.UNAUTHENTICATED, Action.ASK_PERMISSION),
    403: Verdict(FaultKind.FORBIDDEN, Action.ASK_PERMISSION),
    404: Verdict(FaultKind.NOT_FOUND, Action.RUN_AGAIN),
    405: Verdict(FaultKind.REJECTED, Action.CONTACT_PROVIDER),
    407: Verdict(FaultKind.FORBIDDEN, Action.ASK_PERMISSION),
    408: Verdict(FaultKind.LOST, Action.RUN_AGAIN),
    409: Verdict(FaultKind.CONFLICT, Action.RUN_AGAIN),
    429: Verdict(FaultKind.THROTTLED, Action.RUN_AGAIN),
    499: Verdict(FaultKind.LOST, Action.RUN_AGAIN),
}

_CLIENT_ERRORS: Final = 400
_SERVER_ERRORS: Final = 500
_BEYOND_ERRORS: Final = 600
_METHOD_NOT_ALLOWED: Final = 405

_MISSING_CALLS: Final = frozenset({"APIGW.0101", "APIGW.0103"})


def _normal(code: str) -> str:
    """Return the code as the table spells it; shared gateways say `APIG.`."""
    return code.strip().upper().replace("APIG.", "APIGW.")


def verdict_for(code: str, http_status: int) -> Verdict:
    """Return what a refusal means; a code outside the table counts for nothing.

    Nor does "not found" from a service that fails at the same time.
    """
    known = TABLE.get(_normal(code))
    if known is None:
        return _by_status(http_status)
    if known.kind is FaultKind.NOT_FOUND and http_status >= _SERVER_ERRORS:
        return _by_status(http_status)
    return known


def _by_status(http_status: int) -> Verdict:
    known = _STATUSES.get(http_status)
    if known is not None:
        return known
    if _CLIENT_ERRORS <= http_status < _SERVER_ERRORS:
        return Verdict(FaultKind.REJECTED, Action.FIX_MANIFEST)
    if _SERVER_ERRORS <= http_status < _BEYOND_ERRORS:
        return Verdict(FaultKind.SERVER, Action.RUN_AGAIN)
    return Verdict(FaultKind.MISREAD, Action.CONTACT_PROVIDER)


def action_for_failed_job(code: str) -> Action:
    """Return what a person must do about a job that ended with this code."""
    known = TABLE.get(_normal(code))
    return known.action if known else Action.CONTACT_PROVIDER


def is_missing_call(code: str, http_status: int | None) -> bool:
    """Return whether the cloud does not have this call at all."""
    return http_status == _METHOD_NOT_ALLOWED or _normal(code) in _MISSING_CALLS
