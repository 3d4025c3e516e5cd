"""The gist: counts in one line, tasks by urgency, advice for every action."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_register.entry import EntryState
from batch_register.model import Action, Fault, FaultKind
from batch_register.report.advice import advice
from batch_register.report.digest import headline, tasks, verdict
from batch_register.report.fold import fold, source_of
from tests.report.made import plain_row, report_of


def test_the_headline_counts_what_there_is(new_ledger) -> None:
    ledger = new_ledger()
    ledger.declare("a")
    report = fold([source_of("a", ledger.replay())])
    assert headline(report) == "0 of 1 image active, 1 pending"


def test_tasks_come_by_urgency_and_gather_entries(all_states) -> None:
    report = fold([source_of("a", all_states.replay())])
    assert [(task.action, task.keys) for task in tasks(report)] == [
        (Action.ASK_PERMISSION, ("refused",)),
        (Action.RAISE_QUOTA, ("over-quota",)),
        (Action.FIX_MANIFEST, ("changed",)),
        (Action.FIX_SOURCE, ("=cmd|'/c calc'!A1",)),
        (Action.RUN_AGAIN, ("lost",)),
        (Action.RUN_AGAIN, ("running", "waiting")),
    ]


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("kind", [None, *FaultKind])
def test_every_action_has_one_sentence_that_says_who_does_what(
    action: Action, kind: FaultKind | None
) -> None:
    fault = None
    if kind is not None:
        fault = Fault(kind=kind, code="c", reason="r", action=action)
    who, what = advice(action, fault).split(": ", 1)
    assert who
    assert what.endswith(".")
    assert what.count(". ") == 0


@pytest.mark.parametrize(
    ("actions", "state", "sentence"),
    [
        ((), EntryState.ACTIVE, "There is nothing to report on."),
        ((Action.NONE,), EntryState.ACTIVE, "All is done."),
        (
            (Action.NONE, Action.RUN_AGAIN, Action.FIX_SOURCE),
            EntryState.FAILED,
            "Somebody has to act.",
        ),
        (
            (Action.WAIT, Action.RUN_AGAIN),
            EntryState.UNKNOWN,
            "Run it again: nothing else is to be done.",
        ),
        (
            (Action.NONE, Action.WAIT),
            EntryState.UNFINISHED,
            "The cloud is still at work: the next run looks again.",
        ),
        ((Action.NONE,), EntryState.FAILED, "Nothing is to be done."),
    ],
)
def test_the_verdict_is_what_the_most_urgent_action_asks(
    actions, state: EntryState, sentence: str
) -> None:
    rows = [
        replace(plain_row(f"{number}", state), action=action)
        for number, action in enumerate(actions)
    ]
    assert verdict(report_of(rows)) == sentence
