"""The gist of a report: one line of counts, and who has to do what.

Decides: the order of urgency, which entries are one piece of work. Must not know: the
form that it is written in.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from batch_register.entry import EntryState
from batch_register.model import Action, EntryKey, RunCounts
from batch_register.report.advice import advice
from batch_register.report.rows import Report

# What holds up most comes first; nothing is to be done about the rest.
URGENCY = (
    Action.ASK_PERMISSION,
    Action.RAISE_QUOTA,
    Action.FIX_MANIFEST,
    Action.FIX_SOURCE,
    Action.CONTACT_PROVIDER,
    Action.RUN_AGAIN,
    Action.WAIT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do, and the entries that it is for."""

    action: Action
    advice: str
    keys: tuple[EntryKey, ...]


def headline(report: Report) -> str:
    """Return how many entries stand where, in one line."""
    summary = report.summary
    if summary.total == 0:
        return "no images"
    images = "image" if summary.total == 1 else "images"
    parts = [f"{summary.active} of {summary.total} {images} active"]
    if summary.skipped:
        parts[0] += f" ({summary.skipped} before this run)"
    parts += [f"{number} {state}" for state, number in by_state(summary) if number > 0]
    return ", ".join(parts)


def verdict(report: Report) -> str:
    """Return what the report comes to, in one sentence."""
    due = {row.action for row in report.images}
    if report.summary.total == report.summary.active and due <= {Action.NONE}:
        return "All is done." if report.images else "There is nothing to report on."
    if due - {Action.NONE, Action.RUN_AGAIN, Action.WAIT}:
        return "Somebody has to act."
    if Action.RUN_AGAIN in due:
        return "Run it again: nothing else is to be done."
    if Action.WAIT in due:
        return "The cloud is still at work: the next run looks again."
    return "Nothing is to be done."


def by_state(summary: RunCounts) -> tuple[tuple[EntryState, int], ...]:
    """Return the counts of all that is not active, worst first."""
    return (
        (EntryState.FAILED, summary.failed),
        (EntryState.CONFLICT, summary.conflict),
        (EntryState.UNKNOWN, summary.unknown),
        (EntryState.UNFINISHED, summary.unfinished),
        (EntryState.DEFERRED, summary.deferred),
        (EntryState.PENDING, summary.pending),
    )


def tasks(report: Report) -> list[Task]:
    """Return what is to be done, most urgent first, entries in the report's order."""
    keys: dict[tuple[Action, str], list[EntryKey]] = defaultdict(list)
    for row in report.images:
        if row.action is not Action.NONE:
            keys[row.action, advice(row.action, row.error)].append(row.key)
    groups = [
        Task(action=action, advice=sentence, keys=tuple(members))
        for (action, sentence), members in keys.items()
    ]
    return sorted(groups, key=lambda task: URGENCY.index(task.action))
