"""When what lists have shown beside the entries' own images becomes a ledger line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from batch_register.engine.chronicle import Chronicle
from batch_register.engine.lookout import Lookout
from batch_register.engine.recording import Recorder
from batch_register.entry import EntryRecord
from batch_register.event import DuplicateSeen, Event
from batch_register.model import ImageStatus
from batch_register.outage import Outage
from tests.engine.test_sightings import BEFORE, OTHER, seen, shown
from tests.fakes import MemoryLedger, Notebook
from tests.virtual_time import run_virtually

NINE = datetime(2026, 9, 1, 9, tzinfo=UTC)


class Scribe:
    """A recorder that only keeps what it is told to record."""

    def __init__(self) -> None:
        self.recorded: list[Event] = []

    async def record(self, record: EntryRecord, event: Event) -> None:
        record.apply(event, at="2026-09-01T00:01:00Z")
        self.recorded.append(event)


def test_an_image_that_goes_first_is_a_twin_once_nobody_is_left_to_take_it_over() -> (
    None
):
    lookout: Any = SimpleNamespace(sightings=shown(seen(at=BEFORE)))
    scribe = Scribe()
    chronicle = Chronicle(
        cast(Lookout, lookout),
        cast(Recorder, scribe),
        MemoryLedger(),
        Notebook(),
        Outage(),
    )

    async def close_twice() -> None:
        await chronicle.close()
        await chronicle.close()

    run_virtually(close_twice())
    twin = DuplicateSeen(image_id=OTHER, status=ImageStatus.QUEUED)
    assert scribe.recorded == [twin]


def test_an_outage_is_written_down_once_for_the_next_run() -> None:
    lookout: Any = SimpleNamespace(sightings=shown(seen(at=BEFORE)))
    ledger, notebook = MemoryLedger(), Notebook()
    outage = Outage(remembered_at=NINE - timedelta(hours=1))
    chronicle = Chronicle(
        cast(Lookout, lookout), cast(Recorder, Scribe()), ledger, notebook, outage
    )

    async def scenario() -> None:
        await chronicle.note_outage()
        assert ledger.observed == {}
        outage.seen_at = NINE
        await chronicle.note_outage()
        await chronicle.note_outage()

    run_virtually(scenario())
    assert ledger.observed == {"outage_at": "2026-09-01T09:00:00+00:00"}
    assert [name for name, _ in notebook.notices] == ["service.was_gone"]
