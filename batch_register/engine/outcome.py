"""What a run came to: how many entries stand where, and the exit code.

Decides: the exit code from the counts and the reason for stopping. Must not know how a
run goes.
"""

from __future__ import annotations

from dataclasses import dataclass

from batch_register.model import RunCounts, StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """The counts of the selected entries, and why the run stopped early, if it did."""

    counts: RunCounts
    stop_reason: StopReason | None
    has_moved: bool = True  # whether anything was done for any entry

    @property
    def exit_code(self) -> int:
        """Return the exit code: where several hold, the gravest."""
        return exit_code(self.counts, self.stop_reason, has_moved=self.has_moved)


def exit_code(
    counts: RunCounts, stop_reason: StopReason | None, *, has_moved: bool
) -> int:
    """Return the exit code of a run that could write its ledger to the end."""
    work_left = counts.unknown or counts.unfinished or counts.pending
    by_gravity: tuple[tuple[object, int], ...] = (
        (stop_reason is StopReason.UNAUTHENTICATED, 77),
        (stop_reason is StopReason.UNREACHABLE and not has_moved, 69),
        (stop_reason is StopReason.SIGINT, 130),
        (stop_reason is StopReason.SIGTERM, 143),
        (counts.failed or counts.conflict, 3),
        (counts.deferred, 6),
        (stop_reason is StopReason.WINDOW and work_left, 5),
        (work_left, 4),
    )
    return next((code for holds, code in by_gravity if holds), 0)
