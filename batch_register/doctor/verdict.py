"""From a probe's record to findings.

Decides: what a probe has proven, and what is said of a shell that may be left. Must not
know: how a probe is taken.
"""

from __future__ import annotations

import math

from batch_register.doctor.findings import (
    Capabilities,
    Finding,
    State,
    TagFilter,
    Topic,
)
from batch_register.doctor.judge import delete_advice, filter_finding
from batch_register.doctor.reach import code_of
from batch_register.doctor.record import ProbeEnd, ProbeRecord
from batch_register.model import Fault, FaultKind, ImageId

_GRANT_CREATE = (
    "the account's administrator: grant this user the right to create images "
    "(ims:images:create)"
)


def probe_findings(
    record: ProbeRecord, known: Capabilities, *, settle_s: float
) -> list[Finding]:
    """Return the findings of a probe.

    `known`: what is known of the cloud, with it and without it; `settle_s`: what the
    settings say of lists.
    """
    found = [_shell(record)]
    if record.are_tags_kept is False or record.tag_filter is not TagFilter.NOT_KNOWN:
        found.append(_tags(record))
    elif known.tag_filter is TagFilter.NOT_KNOWN:
        found.append(_not_found_out(Topic.TAG_FILTER))
    if record.image_id is not None:
        found.append(_lag(record, settle_s))
    elif known.list_lag_s is None:
        found.append(_not_found_out(Topic.LIST_LAG))
    return found


def _not_found_out(topic: Topic) -> Finding:
    """Return that the probe did not tell: no advice to take one stands below that."""
    seen = "not known: the probe did not find out"
    return Finding(topic=topic, state=State.NOT_LOOKED_AT, seen=seen)


def _shell(record: ProbeRecord) -> Finding:
    if record.end is ProbeEnd.NOTHING_MADE:
        return _refused(record.create_fault)
    if record.end is ProbeEnd.UNCLEAR or record.image_id is None:
        return _unclear(record)
    if record.end is ProbeEnd.LEFT:
        return _left(record.image_id, record)
    lost = " (the create's answer was lost)" if record.is_lost else ""
    seen = f"image {record.image_id} made{lost} and deleted again"
    return Finding(topic=Topic.PROBE, state=State.OK, seen=seen)


def _left(image_id: ImageId, record: ProbeRecord) -> Finding:
    fault = record.delete_fault
    why = fault.sentence() if fault else "it is not confirmed that it is gone"
    return Finding(
        topic=Topic.PROBE,
        state=State.PROBLEM,
        seen=f"image {image_id} ({record.name}) is left: {why}",
        advice=delete_advice(image_id),
        exit_code=code_of(fault) if fault else 69,
    )


def _unclear(record: ProbeRecord) -> Finding:
    fault = record.create_fault
    why = fault.sentence() if fault else "the create was cut off"
    return Finding(
        topic=Topic.PROBE,
        state=State.PROBLEM,
        seen=f"{why}; no list shows the shell, but it may appear",
        advice=f"look for an image named {record.name} in the console, and delete it",
        exit_code=69,
    )


def _refused(fault: Fault | None) -> Finding:
    if fault is None:
        seen = "stopped before anything was made"
        return Finding(topic=Topic.PROBE, state=State.NOT_LOOKED_AT, seen=seen)
    seen = f"nothing made: {fault.sentence()}"
    match fault.kind:
        case FaultKind.QUOTA:
            return Finding(
                topic=Topic.PROBE,
                state=State.WARNING,
                seen=seen,
                advice="ask for a higher quota, or delete images that nobody needs",
            )
        case FaultKind.FORBIDDEN:
            advice = _GRANT_CREATE
        case FaultKind.REJECTED:
            advice = "check ims_profile; ask the provider, quoting code and request id"
        case _:
            advice = "try again in a few minutes"
    return Finding(
        topic=Topic.PROBE,
        state=State.PROBLEM,
        seen=seen,
        advice=advice,
        exit_code=code_of(fault),
    )


def _tags(record: ProbeRecord) -> Finding:
    if record.are_tags_kept is False:
        return Finding(
            topic=Topic.TAG_FILTER,
            state=State.WARNING,
            seen="the cloud drops our tags",
            advice=(
                "ask the provider why: an image whose create is not answered cannot be "
                "found again, and its entry stays unknown"
            ),
        )
    return filter_finding(record.tag_filter)


def _lag(record: ProbeRecord, settle_s: float) -> Finding:
    lag_s = record.list_lag_s
    if lag_s is None:
        return _no_lag(record)
    seen = f"{lag_s:.1f} s, measured on one image"
    if not round(lag_s, 1):
        seen = "none on one image: the first list showed it"
    if 3 * lag_s <= settle_s:  # as a run takes it
        return Finding(topic=Topic.LIST_LAG, state=State.OK, seen=seen)
    return Finding(
        topic=Topic.LIST_LAG,
        state=State.WARNING,
        seen=f"{seen}; --settle is {settle_s:g} s",
        advice=(
            f"set --settle to {math.ceil(3 * lag_s)}s or more, or name --ledger here: a run "
            "waits three times what its ledger remembers"
        ),
    )


def _no_lag(record: ProbeRecord) -> Finding:
    if record.is_cut_short:
        seen = "not measured: stopped first"
        return Finding(topic=Topic.LIST_LAG, state=State.NOT_LOOKED_AT, seen=seen)
    return Finding(
        topic=Topic.LIST_LAG,
        state=State.WARNING,
        seen=f"no list showed the shell within {record.looked_s:.0f} s",
        advice="set --settle well above that, and ask the provider",
    )
