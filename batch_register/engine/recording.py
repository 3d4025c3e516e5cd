"""Make what happens durable, then let it move its entry, then tell those who watch.

Decides: that order. Must not know: what happens, and why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import chain

from batch_register.engine.shared import Shared
from batch_register.entry import EntryRecord
from batch_register.event import Event
from batch_register.machine import Step, advance
from batch_register.ports import Ledger, Observer
from batch_register.stage import Command

# Notes of many entries that are written at once: they share the disk's flushes.
_NOTES_AT_ONCE = 64


class Recorder:
    """Writes the entries' stories down."""

    def __init__(self, ledger: Ledger, observer: Observer, shared: Shared) -> None:
        self._ledger = ledger
        self._observer = observer
        self._shared = shared

    async def record(self, record: EntryRecord, event: Event) -> Step:
        """Make an event durable, then let it move the entry.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        advance(record.stage, event)  # a bug must not reach the ledger
        at = ""
        if event.ledger_name is not None:
            at = await self._ledger.append(record.key, event)
        step = record.apply(event, at)
        self._shared.note(record.key, event)
        self._observer.entry_moved(record, event)
        return step

    async def record_all(
        self, record: EntryRecord, events: list[Event]
    ) -> Command | None:
        """Record what happened to an entry; the last event says what to do next.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        step = Step(record.stage, None)
        for event in events:
            step = await self.record(record, event)
        return step.command

    async def note_all(self, news: Iterator[tuple[EntryRecord, Event]]) -> bool:
        """Make many entries' events durable together; return whether there was any.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        first = next(news, None)
        if first is None:
            return False
        remaining = chain([first], news)
        async with asyncio.TaskGroup() as workers:
            for _ in range(_NOTES_AT_ONCE):
                workers.create_task(self._note_some(remaining))
        return True

    async def _note_some(self, news: Iterator[tuple[EntryRecord, Event]]) -> None:
        for record, event in news:
            await self.record(record, event)
