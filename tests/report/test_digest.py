"""The gist: counts in one line, tasks by urgency, advice for every action."""

from __future__ import annotations

import pytest

from batch_register.model import Action, Fault, FaultKind
from batch_register.report.advice import advice
from batch_register.report.digest import headline, tasks
from batch_register.report.fold import fold, source_of


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
