"""From what was seen of the service to findings.

Decides: what is a problem, what only a warning, and what a person is told to do. Must
not know: files, credentials, requests.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from batch_register.doctor.checkup import Sight
from batch_register.doctor.findings import (
    Finding,
    State,
    TagFilter,
    Topic,
)
from batch_register.doctor.reach import NOT_ALLOWED
from batch_register.ims.codes import is_missing_call
from batch_register.model import Fault, FaultKind, ImageId, ImageView, Quota

# Gateways allow 15 minutes between a signature's time and theirs ("API Request Signing
# Guide"); half of that is worth a word, and so is a minute to whoever reads logs.
_ALLOWED_S = 15 * 60.0
_NOTEWORTHY_S = 60.0
_MINUTES_FROM_S = 120  # less reads better in seconds
_ABOUT_THE_JOB = frozenset(
    {FaultKind.NOT_FOUND, FaultKind.REJECTED, FaultKind.CONFLICT}
)
_SET_CLOCK = "set this machine's clock, best by NTP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a ledger remembers of the cloud; `ledger` is empty where none was named."""

    ledger: str = ""
    task_limit: int | None = None
    list_lag_s: float = 0.0


def clock_finding(skew_s: float | None, *, signs: bool) -> Finding:
    """Return what is to be said of our clock; `signs`: requests carry its time."""
    if skew_s is None:
        seen = "no answer told the time"
        return Finding(topic=Topic.CLOCK, state=State.NOT_LOOKED_AT, seen=seen)
    seen = f"this machine's is {_gap(skew_s)} the service's"
    if abs(skew_s) < _NOTEWORTHY_S:
        return Finding(topic=Topic.CLOCK, state=State.OK, seen=seen)
    if signs and abs(skew_s) > _ALLOWED_S:
        return Finding(
            topic=Topic.CLOCK,
            state=State.PROBLEM,
            seen=f"{seen}; signatures are refused beyond 15 minutes",
            advice=_SET_CLOCK,
            exit_code=77,
        )
    is_far = abs(skew_s) > _ALLOWED_S
    note = "; access keys (AK/SK) would be refused, tokens are not" if is_far else ""
    return Finding(
        topic=Topic.CLOCK,
        state=State.WARNING,
        seen=f"{seen}{note}",
        advice=_SET_CLOCK,
    )


def _gap(skew_s: float) -> str:
    side = "ahead of" if skew_s > 0 else "behind"
    gap_s = round(abs(skew_s))
    if gap_s < _MINUTES_FROM_S:
        return f"{gap_s} s {side}" if gap_s else "in step with"
    return f"{round(gap_s / 60)} minutes {side}"


def call_words(used: str, usual: str) -> str:
    """Return which of two calls a cloud has, and which one it lacks."""
    return used if used == usual else f"{used}; there is no {usual} here"


def sight_findings(sight: Sight, *, list_call: str, job_call: str) -> list[Finding]:
    """Return the findings of a service whose images could be listed.

    The calls are told by `call_words`.
    """
    count = len(sight.images)
    images = "1 private image" if count == 1 else f"{count} private images"
    found = [
        Finding(topic=Topic.RIGHT, state=State.OK, seen=images),
        Finding(topic=Topic.LIST_CALL, state=State.OK, seen=list_call),
        tags_finding(sight),
        _job_call(sight.job_fault, job_call),
        quota_finding(sight.quota, sight.quota_fault),
    ]
    if sight.old_probes:
        found.append(leftovers_finding(sight.old_probes, cleared=()))
    return found


def tags_finding(sight: Sight) -> Finding:
    """Return what is to be said of the tag filter."""
    if sight.tag_fault is not None:
        return Finding(
            topic=Topic.TAG_FILTER,
            state=State.WARNING,
            seen=sight.tag_fault.sentence(),
            advice="run doctor again; runs need lists by tag",
        )
    return filter_finding(sight.tag_filter)


def filter_finding(tag_filter: TagFilter) -> Finding:
    """Return what a cloud's tag filter means for runs."""
    state, seen, advice = _FILTERS[tag_filter]
    return Finding(topic=Topic.TAG_FILTER, state=state, seen=seen, advice=advice)


_FILTERS = {
    TagFilter.HONOURED: (State.OK, "honoured", ""),
    TagFilter.IGNORED: (
        State.WARNING,
        "ignored: a list by tag shows every image of the project",
        "nothing: runs compare the tags themselves; their lists are only longer",
    ),
    TagFilter.FINDS_NOTHING: (
        State.WARNING,
        "finds nothing: a list by tag misses an image that has it",
        "nothing: runs list all images and compare; lost creates are settled later",
    ),
    TagFilter.NOT_KNOWN: (
        State.NOT_LOOKED_AT,
        "not known yet: no image here carries a tag of ours",
        "--probe-write finds out",
    ),
}


def has_job_call(fault: Fault | None) -> bool:
    """Return whether the answer about a job that does not exist shows the call works.

    How clouds word that there is no such job is not documented: whatever the service
    itself says about the request will do.
    """
    if fault is None:
        return True
    is_missing = is_missing_call(fault.code, fault.http_status)
    return fault.kind in _ABOUT_THE_JOB and not is_missing


def _job_call(fault: Fault | None, call: str) -> Finding:
    if fault is None or has_job_call(fault):
        return Finding(topic=Topic.JOB_CALL, state=State.OK, seen=call)
    return Finding(
        topic=Topic.JOB_CALL,
        state=State.WARNING,
        seen=fault.sentence(),
        advice=_read_advice(
            fault,
            right="read image jobs",
            without="runs go by the images alone, and cannot say why an import failed",
        ),
    )


def _read_advice(fault: Fault, *, right: str, without: str) -> str:
    """Return what to do about a read that failed; `without`: what runs do meanwhile."""
    if fault.kind in NOT_ALLOWED:
        return (
            f"the account's administrator: grant the right to {right}; else {without}"
        )
    if fault.is_passing:
        return f"run doctor again; where it stays so, {without}"
    return without


def quota_finding(quota: Quota | None, fault: Fault | None) -> Finding:
    """Return how much room there is for images."""
    if quota is None:
        without = "runs go by the first refusal (IMG.0015); ask the provider for it"
        return Finding(
            topic=Topic.QUOTA,
            state=State.WARNING,
            seen=fault.sentence() if fault else "not told",
            advice=(
                _read_advice(fault, right="read the image quota", without=without)
                if fault
                else without
            ),
        )
    left = max(quota.limit - quota.used, 0)
    seen = f"{quota.used} of {quota.limit} used, room for {left}"
    if left:
        return Finding(topic=Topic.QUOTA, state=State.OK, seen=seen)
    return Finding(
        topic=Topic.QUOTA,
        state=State.WARNING,
        seen=f"{seen}: a run would defer every image",
        advice="ask for a higher quota, or delete images that nobody needs",
    )


def leftovers_finding(
    views: Sequence[ImageView], *, cleared: Collection[ImageId]
) -> Finding:
    """Return what is to be said of old probes' shells; `cleared` are deleted now."""
    left = [view.image_id for view in views if view.image_id not in cleared]
    told = [f"deleted what an earlier probe left: image {', '.join(cleared)}"]
    if not left:
        return Finding(topic=Topic.LEFTOVERS, state=State.OK, seen=told[0])
    of_whom = "left behind by an earlier probe, or under way just now"
    return Finding(
        topic=Topic.LEFTOVERS,
        state=State.WARNING,
        seen="; ".join(
            [f"{of_whom}: image {', '.join(left)}", *(told if cleared else [])]
        ),
        advice=(
            f"{delete_advice(*left)}; --probe-write deletes what is surely a probe's, "
            "once it is an hour old"
        ),
    )


def delete_advice(*image_ids: ImageId) -> str:
    """Return how shells that are left are deleted by hand."""
    calls = ", ".join(f"DELETE /v2/images/{image_id}" for image_id in image_ids)
    return f"delete it in the cloud's console, or with {calls}"


def task_limit_finding(
    published: int | None,
    remembered: Remembered,
    *,
    profile_name: str,
    overrides: Mapping[str, object],
) -> Finding:
    """Return how many unfinished imports the cloud allows, and who says so."""
    told: list[str] = []
    if remembered.task_limit is not None:
        told.append(f"{remembered.task_limit}, as remembered in {remembered.ledger}")
    if published is not None:
        by = "set by ims_profile_overrides" if "task_limit" in overrides else ""
        told.append(f"{published}, {by or f'as published (profile {profile_name})'}")
    seen = "; ".join(told) or "not published; a run finds it out"
    return Finding(topic=Topic.TASK_LIMIT, state=State.OK, seen=seen)


def list_lag_finding(remembered: Remembered) -> Finding:
    """Return how far lists lagged in earlier runs."""
    if remembered.list_lag_s > 0:
        seen = f"{remembered.list_lag_s:g} s, as remembered in {remembered.ledger}"
        return Finding(topic=Topic.LIST_LAG, state=State.OK, seen=seen)
    where = f"{remembered.ledger} remembers none" if remembered.ledger else "not known"
    return Finding(
        topic=Topic.LIST_LAG,
        state=State.NOT_LOOKED_AT,
        seen=where,
        advice="--probe-write measures it",
    )
