"""One entry on its way through one run.

Decides: from when on a look at this entry proves something, and how long it may be
looked for. Must not know: requests, what is done with a look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from batch_register.entry import EntryRecord
from batch_register.event import OutcomeUnknown
from batch_register.model import Action, Fault, FaultKind, ImageSpec
from batch_register.pacing import settled_at_s
from batch_register.stage import Unknown
from batch_register.watcher import WatchLimits

# Allowance for clocks that disagree, when the cloud's stamps meet ours.
_CLOCKS_MAY_DIFFER = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class Errand:
    """What one run knows of an entry; times are loop time in seconds."""

    spec: ImageSpec | None  # None: the manifest no longer names it
    record: EntryRecord
    run_started_s: float
    deadline_s: float
    claimed_s: float  # since when it has an image; the run's start, if before that
    call_ended_s: float | None = None  # the last create or register of this run
    last_unclear: Fault | None = None  # what that call met, if its effect is unclear
    is_brought: bool = False  # its file is known to be where it is registered from

    @property
    def spec_to_send(self) -> ImageSpec:
        """Return the spec that a write is made from.

        Raises:
            AssertionError: the manifest does not name the entry, so nothing may be sent.
        """
        if self.spec is None:
            message = "an entry that the manifest does not name must not be written"
            raise AssertionError(message)
        return self.spec

    def settled_at_s(self, limits: WatchLimits) -> float:
        """Return from when on a look that shows nothing proves that there is nothing."""
        return settled_at_s(
            call_ended_s=self.call_ended_s,
            run_started_s=self.run_started_s,
            settle_s=limits.settle_s,
        )

    def look_until_s(self, limits: WatchLimits) -> float:
        """Return when looking ends: never before a look could have settled anything."""
        return max(self.deadline_s, self.settled_at_s(limits))

    @property
    def made_since(self) -> str:
        """Return since when, at the earliest, its image can exist, in the cloud's form.

        Clocks that disagree are allowed for; nothing is returned where it is not known.
        """
        if self.record.started_at is None:
            return ""
        began = datetime.fromisoformat(self.record.started_at) - _CLOCKS_MAY_DIFFER
        return began.strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def is_overdue(self) -> bool:
        """Return whether an earlier run has waited for it until its deadline."""
        stage = self.record.stage
        return isinstance(stage, Unknown) and stage.fault.kind is FaultKind.DEADLINE

    @property
    def doubt(self) -> Fault | None:
        """Return the contradiction that an earlier run met: no list can clear it."""
        stage = self.record.stage
        if isinstance(stage, Unknown) and stage.fault.kind is FaultKind.CONTRADICTION:
            return stage.fault
        return None


# Of a write that was still waiting for its turn when the run stopped.
STOPPED = Fault(
    kind=FaultKind.UNREACHABLE,
    code="stopped",
    reason="the run stopped before the request went out",
    action=Action.RUN_AGAIN,
)


def unproven(kind: FaultKind, code: str, reason: str) -> OutcomeUnknown:
    """Return that looking has come to an end without any proof."""
    fault = Fault(kind=kind, code=code, reason=reason, action=Action.RUN_AGAIN)
    return OutcomeUnknown(error=fault)
