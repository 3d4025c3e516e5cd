"""What a run will do with each entry.

Decides: start, resume, retry, skip, hold or resolve, with the reason in words. Must not
know: where specs and records came from, nor how anything is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from batch_register.entry import EntryRecord
from batch_register.event import ShellFate
from batch_register.model import Action, EntryKey, Fault, FaultKind
from batch_register.stage import (
    Active,
    Created,
    Creating,
    Deferred,
    Failed,
    Planned,
    Registered,
    Registering,
    Stage,
    Unknown,
)


class Intention(StrEnum):
    """What a run means to do with one entry."""

    START = "start"
    RESUME = "resume"
    RETRY = "retry"
    SKIP = "skip"  # active already
    CONFLICT = "conflict"  # active, but made from another spec or another file
    HOLD = "hold"  # failed, and retrying is off
    RESOLVE = "resolve"  # not selected or removed: look and record, write nothing
    ADOPT = "adopt"  # found in the cloud by its tag; taken over instead of made
    DEFER = "defer"  # the image quota has no room
    BLOCK = "block"  # its source or its spec is not fit: nothing is sent
    LEAVE = "leave"  # not selected or removed, and nothing is open


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Whether failed entries are tried again, and whether their images are kept."""

    retry_failed: bool = True
    keep_failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a run means to do with one entry, and why."""

    key: EntryKey
    intention: Intention
    reason: str
    shell: ShellFate = ShellFate.NONE

    @property
    def needs_service(self) -> bool:
        """Return whether carrying this out talks to the cloud."""
        return self.intention in _WORKING


_WORKING = frozenset(
    {Intention.START, Intention.RESUME, Intention.RETRY, Intention.RESOLVE}
)


def decide(record: EntryRecord, *, is_wanted: bool, policy: RetryPolicy) -> Decision:
    """Return what to do with one entry; `is_wanted`: in the manifest and selected."""
    if not is_wanted:
        return _decide_unwanted(record)
    match record.stage:
        case Active():
            return _decide_active(record)
        case Failed() as failed:
            return _decide_failed(record, failed, policy)
        case Planned(fault=None):
            was = "its upload was begun" if record.upload else "nothing was sent yet"
            return _decision(record, Intention.START, was)
        case Planned() | Deferred():
            return _decision(record, Intention.START, "held back by an earlier run")
        case _:
            return _decision(record, Intention.RESUME, _where(record))


def _decide_active(record: EntryRecord) -> Decision:
    if record.has_other_spec:
        reason = "active, but the manifest has changed since it was made"
        return _decision(record, Intention.CONFLICT, reason)
    if record.has_other_source:
        reason = "active, but its source has changed since it was made"
        return _decision(record, Intention.CONFLICT, reason)
    return _decision(record, Intention.SKIP, "active already")


def blocked(decision: Decision, stage: Stage, fault: Fault | None) -> Decision:
    """Return the decision, or that nothing is sent for a source that is not fit.

    What the service may have in hand is followed all the same; `stage` is where the
    entry stands for certain.
    """
    if fault is None or decision.intention not in _SENDING:
        return decision
    if decision.intention is Intention.RESUME and not isinstance(
        stage, Planned | Created
    ):
        return decision
    return Decision(
        key=decision.key, intention=Intention.BLOCK, reason=fault.sentence()
    )


_SENDING = frozenset({Intention.START, Intention.RETRY, Intention.RESUME})


def _decide_failed(
    record: EntryRecord, failed: Failed, policy: RetryPolicy
) -> Decision:
    reason = f"failed before: {failed.fault.code}"
    if not policy.retry_failed:
        return _decision(record, Intention.HOLD, reason)
    fate = _shell_fate(record, failed, policy)
    return Decision(
        key=record.key, intention=Intention.RETRY, reason=reason, shell=fate
    )


def _shell_fate(record: EntryRecord, failed: Failed, policy: RetryPolicy) -> ShellFate:
    if failed.image_id is None:
        return ShellFate.NONE
    if failed.shell_reusable and not record.has_other_spec:
        return ShellFate.REUSE
    # What only seems to be gone may be alive: kept is what a job has proven dead.
    keeps = policy.keep_failed and failed.shell_dead
    return ShellFate.KEEP if keeps else ShellFate.REPLACE


def is_mended_at_once(decision: Decision, record: EntryRecord, again: Decision) -> bool:
    """Return whether an entry that has failed in this run is tried again in this run.

    `decision` is what the run set out to do, `again` what another run would do. So it
    is where the service lost the job of an earlier run: this run is the one that was
    to mend it. A job that fails in the run that began it waits for the next, and what
    somebody seems to have deleted does so, too.
    """
    return (
        decision.intention is Intention.RESUME
        and again.intention is Intention.RETRY
        and record.fault is not None
        and record.fault.kind in (FaultKind.JOB_FAILED, FaultKind.UNPROVEN)
        and record.fault.action is Action.RUN_AGAIN
    )


def _decide_unwanted(record: EntryRecord) -> Decision:
    what = "no longer in the manifest" if record.is_removed else "not selected"
    open_stages = Creating | Registering | Registered | Unknown
    if isinstance(record.stage, open_stages):
        return _decision(record, Intention.RESOLVE, f"{what}; {_where(record)}")
    return _decision(record, Intention.LEAVE, what)


def _where(record: EntryRecord) -> str:
    """Say where an open entry stands, with the ids that are known."""
    if isinstance(record.stage, Unknown):
        return f"its outcome is unknown ({record.stage.fault.code})"
    ids = " ".join(
        f"{label} {value}"
        for label, value in (("image", record.image_id), ("job", record.job_id))
        if value is not None
    )
    words = type(record.stage).__name__.lower()
    return f"stands at {words}" + (f", {ids}" if ids else "")


def _decision(record: EntryRecord, intention: Intention, reason: str) -> Decision:
    return Decision(key=record.key, intention=intention, reason=reason)


def needs_look(decisions: Iterable[Decision]) -> bool:
    """Return whether the run must first list all images of this manifest.

    An entry that seems never to have been started may be one whose ledger was lost, or
    put back from an older copy; one that failed here, or whose shell is being replaced,
    may have been made since by a run with another ledger.
    """
    makers = (Intention.START, Intention.RETRY, Intention.RESUME)
    return any(decision.intention in makers for decision in decisions)


def makes_image(decision: Decision, certain_stage: Stage) -> bool:
    """Return whether an entry takes a place of the quota that it does not have yet.

    A shell that is used again has its place, and one that is replaced leaves it to the
    fresh one. After a create whose answer was lost there may be an image or not.
    """
    match decision.intention:
        case Intention.START:
            return True
        case Intention.RETRY:
            return decision.shell in (ShellFate.NONE, ShellFate.KEEP)
        case Intention.RESUME:
            return isinstance(certain_stage, Planned | Creating)
        case _:
            return False


def over_quota(makers: Sequence[Decision], room: int | None) -> frozenset[EntryKey]:
    """Return who has to wait for room, of entries that make an image each.

    `makers` come in the order of admission, and so places are given; `room` is how many
    there are, None where nobody knows. What is resumed is not told to wait before it is
    known what the cloud holds of it; the place that it may need is kept free.
    """
    if room is None:
        return frozenset()
    can_wait = [each.key for each in makers if each.intention is not Intention.RESUME]
    places = room - (len(makers) - len(can_wait))
    return frozenset(can_wait[max(places, 0) :])
