"""From what was seen of the object store to findings.

Decides: what of it is a problem, and what a person is told to do. Must not know: files,
requests, where keys come from.

Registering needs no keys of ours there; uploads, `scan` and the look at sources do. So
trouble is a problem only for whoever asks about a bucket.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from batch_register.doctor.findings import Finding, State, Topic
from batch_register.doctor.reach import code_of, reach_advice
from batch_register.model import Fault, FaultKind
from batch_register.source import BucketView

_NEEDED = "for uploads, scan and the look at sources"
_SKEWED = "obs.RequestTimeTooSkewed"
# Faults that are one bucket's; any other is the store's, or of the way there.
_OF_BUCKET = (
    FaultKind.FORBIDDEN,
    FaultKind.NOT_FOUND,
    FaultKind.REJECTED,
    FaultKind.CONFLICT,
)
_WORST_FIRST = (77, 69, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketLook:
    """What was seen of one bucket; `fault`: it could not be looked at.

    `wrong` are sentences that say why no image can be registered from it.
    """

    name: str
    view: BucketView | None = None
    fault: Fault | None = None
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSight:
    """What was seen of the store; `keys` in words, where they are from.

    `fault` is why nothing good came from there, `why_not` why it was not asked.
    """

    address: str  # and who gave it; empty: none is known
    keys: str = ""
    why_not: str = ""
    fault: Fault | None = None
    buckets: tuple[BucketLook, ...] = ()


def is_of_bucket(fault: Fault) -> bool:
    """Return whether a fault tells that the store answers and takes the keys."""
    return fault.kind in _OF_BUCKET


def web_finding() -> Finding:
    """Return why no store is asked where images come from the web."""
    return Finding(
        topic=Topic.OBJECTS,
        state=State.NOT_LOOKED_AT,
        seen="not needed: this cloud takes files from the web, not from buckets",
    )


def store_finding(sight: StoreSight, *, is_needed: bool) -> Finding:
    """Return whether the store can be asked; `is_needed`: somebody named a bucket."""
    if sight.fault is not None:
        return Finding(
            topic=Topic.OBJECTS,
            state=State.PROBLEM if is_needed else State.WARNING,
            seen=f"{sight.address}; {sight.keys}; {sight.fault.sentence()}",
            advice=f"{_NEEDED}: {_advice(sight.fault, sight.keys)}",
            exit_code=code_of(sight.fault) if is_needed else 0,
        )
    if sight.why_not:
        seen = f"{sight.address}; " if sight.address else ""
        return Finding(
            topic=Topic.OBJECTS,
            state=State.PROBLEM if is_needed else State.NOT_LOOKED_AT,
            seen=f"{seen}not asked",
            advice=f"{_NEEDED}: {sight.why_not}",
            exit_code=2 if is_needed else 0,
        )
    seen = f"{sight.address}; it answers; {sight.keys}"
    return Finding(topic=Topic.OBJECTS, state=State.OK, seen=seen)


def _advice(fault: Fault, keys: str) -> str:
    if fault.code == _SKEWED:
        return "set this machine's clock, best by NTP"
    if fault.kind is FaultKind.UNAUTHENTICATED:
        return f"check the keys ({keys}), that they are valid and of this cloud"
    return reach_advice(fault, "obs_endpoint_override and region_name")


def buckets_finding(looks: Sequence[BucketLook]) -> Finding:
    """Return what is to be said of all buckets that were named."""
    told = [_told(look) for look in looks]
    codes = {code for _, _, code in told}
    return Finding(
        topic=Topic.BUCKETS,
        state=State.PROBLEM if codes - {0} else State.OK,
        seen="; ".join(seen for seen, _, _ in told),
        advice="; ".join(dict.fromkeys(advice for _, advice, _ in told if advice)),
        exit_code=next((code for code in _WORST_FIRST if code in codes), 0),
    )


def _told(look: BucketLook) -> tuple[str, str, int]:
    """Return what was seen of a bucket, what to do, and the exit code it is worth."""
    if look.wrong:
        return "; ".join(look.wrong), "", 2
    if look.fault is not None:
        is_forbidden = look.fault.kind is FaultKind.FORBIDDEN
        grant = f"the owner of bucket {look.name}: let these keys list and read it"
        elsewhere = f"check the name of bucket {look.name}, and the region"
        return (
            f"{look.name}: {look.fault.sentence()}",
            grant if is_forbidden else elsewhere,
            77 if is_forbidden else 2,
        )
    view = look.view or BucketView(name=look.name)
    kind = f"class {view.storage_class or 'not told'}"
    place = f"region {view.region or 'not told'}"
    system = ", a parallel file system" if view.is_file_system else ""
    return f"{look.name}: {kind}, {place}{system}", "", 0
