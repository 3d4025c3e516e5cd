"""Late finishers reach the ledger through the machine, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_register.entry import EntryState
from batch_register.errors import InvalidTransitionError
from batch_register.event import ImageActive, RegisterAccepted
from batch_register.model import EntryKey
from batch_register.reconcile import LateFinisher, record_finishers
from batch_register.stage import Active, Planned, Registering
from tests.fakes import MemoryLedger, Notebook
from tests.reconcile.scenes import KEY, LEDGER, ONE, record
from tests.virtual_time import run_virtually

EVENTS = (
    RegisterAccepted(image_id=ONE, job_id=None),
    ImageActive(image_id=ONE, size_bytes=1000),
)
LATE = LateFinisher(
    key=KEY,
    ledger=LEDGER,
    was=EntryState.UNFINISHED,
    image_id=ONE,
    is_active=True,
    events=EVENTS,
)


def test_the_events_are_written_and_the_record_moves() -> None:
    ledger, notebook = MemoryLedger(), Notebook()
    one = record(Registering(image_id=ONE))
    run_virtually(record_finishers([LATE], {KEY: one}, ledger, notebook))
    assert ledger.events(KEY) == list(EVENTS)
    assert [event for _, event in notebook.moves] == list(EVENTS)
    assert isinstance(one.stage, Active)
    assert (one.finished_at, one.size_bytes) == ("2026-09-01T00:00:00.001Z", 1000)


def test_an_event_that_cannot_happen_is_not_written() -> None:
    ledger = MemoryLedger()
    records = {KEY: record(Planned())}
    with pytest.raises(InvalidTransitionError):
        run_virtually(record_finishers([LATE], records, ledger, Notebook()))
    assert ledger.lines == []


def test_what_is_only_shown_is_not_written() -> None:
    ledger = MemoryLedger()
    shown = replace(
        LATE, key=EntryKey("elsewhere"), events=(), why_not="another ledger"
    )
    run_virtually(record_finishers([shown], {}, ledger, Notebook()))
    assert ledger.lines == []
