"""Who has what to do, by label."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from batch_register.entry import EntryState
from batch_register.model import Action
from batch_register.report.labels import by_label, values_among
from tests.report.made import REPORTS, plain_row


def _row(key: str, owner: str | None, action: Action):
    state = EntryState.ACTIVE if action is Action.NONE else EntryState.FAILED
    labels = () if owner is None else (("owner", owner),)
    return replace(plain_row(key, state), action=action, labels=labels)


ROWS = [
    _row("a", "db", Action.NONE),
    _row("b", "web", Action.RUN_AGAIN),
    _row("c", "web", Action.FIX_SOURCE),
    _row("d", "web", Action.RUN_AGAIN),
    _row("e", None, Action.WAIT),
    _row("f", "db", Action.NONE),
]


def test_values_with_the_most_work_come_first_and_what_is_urgent_within() -> None:
    (label,) = by_label(ROWS)
    assert label.name == "owner"
    told = [(s.value, s.active, s.total, s.due) for s in label.shares]
    assert told == [
        ("web", 0, 3, ((Action.FIX_SOURCE, 1), (Action.RUN_AGAIN, 2))),
        (None, 0, 1, ((Action.WAIT, 1),)),
        ("db", 2, 2, ()),
    ]
    assert [share.value for share in label.with_work] == ["web", None]


def test_the_values_of_some_rows_are_counted() -> None:
    assert values_among(ROWS, "owner") == [("web", 3), ("db", 2)]
    assert values_among(ROWS, "ticket") == []


@given(REPORTS)
def test_every_label_accounts_for_every_image(report) -> None:
    for label in by_label(report.images):
        assert sum(share.total for share in label.shares) == len(report.images)
        assert sum(share.active for share in label.shares) == report.summary.active
        due = sum(number for share in label.shares for _, number in share.due)
        assert due == sum(row.action is not Action.NONE for row in report.images)
