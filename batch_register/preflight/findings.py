"""What can be wrong with a source, by a code, and what a person must do about it.

Decides: the codes, which of them is graver, how several become one fault. Must not
know: when one is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from batch_register.model import Action, Fault, FaultKind


class Code(StrEnum):
    """The codes, gravest first: what hides the others, or takes longest to mend."""

    BUCKET_MISSING = "preflight.bucket-missing"
    BUCKET_FORBIDDEN = "preflight.bucket-forbidden"
    BUCKET_REGION = "preflight.bucket-region"
    BUCKET_CLASS = "preflight.bucket-class"
    OBJECT_MISSING = "preflight.object-missing"
    FILE_MISSING = "preflight.file-missing"
    FILE_UNREADABLE = "preflight.file-unreadable"
    OBJECT_DIFFERS = "preflight.object-differs"
    OBJECT_FORBIDDEN = "preflight.object-forbidden"
    OBJECT_EMPTY = "preflight.object-empty"
    OBJECT_ENCRYPTED = "preflight.object-encrypted"
    OBJECT_ARCHIVED = "preflight.object-archived"
    OBJECT_CLASS = "preflight.object-class"
    FLAT_VMDK = "preflight.flat-vmdk"
    NOT_AN_IMAGE = "preflight.not-an-image"
    FORMAT = "preflight.format"
    HEADER = "preflight.header"
    OBJECT_TOO_LARGE = "preflight.object-too-large"
    DISK_TOO_LARGE = "preflight.disk-too-large"
    MIN_DISK = "preflight.min-disk"
    MIN_DISK_FLOOR = "preflight.min-disk-floor"
    MIN_DISK_UNKNOWN = "preflight.min-disk-unknown"
    PROFILE = "preflight.profile"


# All others: the source has to be mended. A missing object is one of them, since the
# service's own code for it (IMG.0057, "Error Codes") speaks of the file, too.
_ACTIONS = {
    Code.BUCKET_MISSING: Action.FIX_MANIFEST,
    Code.BUCKET_FORBIDDEN: Action.ASK_PERMISSION,
    Code.OBJECT_FORBIDDEN: Action.ASK_PERMISSION,
    Code.MIN_DISK: Action.FIX_MANIFEST,
    Code.MIN_DISK_FLOOR: Action.FIX_MANIFEST,
    Code.MIN_DISK_UNKNOWN: Action.FIX_MANIFEST,
    Code.PROFILE: Action.FIX_MANIFEST,
}
_GRAVITY = {str(code): place for place, code in enumerate(Code)}


def finding(code: Code, reason: str, *, cause: Fault | None = None) -> Fault:
    """Return the fault of one finding; `cause`: what the store answered, if it did."""
    action = _ACTIONS.get(code, Action.FIX_SOURCE)
    is_right = action is Action.ASK_PERMISSION
    return Fault(
        kind=FaultKind.FORBIDDEN if is_right else FaultKind.REJECTED,
        code=str(code),
        reason=reason,
        action=action,
        http_status=cause.http_status if cause else None,
        request_id=cause.request_id if cause else None,
    )


def gravest(findings: Iterable[Fault]) -> Fault | None:
    """Return the gravest finding, with the others in its reason; None: there is none."""
    ordered = sorted(findings, key=_gravity)
    if not ordered:
        return None
    first, *others = ordered
    told = "".join(f"; also {each.code}: {each.reason}" for each in others)
    return replace(first, reason=first.reason + told)


def _gravity(fault: Fault) -> tuple[int, str]:
    return _GRAVITY[fault.code], fault.reason
