"""Write what the ledger lacks of late finishers, through the machine, like a run.

Decides: what is checked before it is written. Must not know: how an end was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from batch_register.entry import EntryRecord
from batch_register.machine import advance
from batch_register.model import EntryKey
from batch_register.ports import Ledger, Observer
from batch_register.reconcile.findings import LateFinisher


async def record_finishers(
    late: Iterable[LateFinisher],
    records: Mapping[EntryKey, EntryRecord],
    ledger: Ledger,
    observer: Observer,
) -> None:
    """Make each entry's events durable together, then let them move its record.

    Raises:
        LedgerError: the ledger cannot be written.
        InvalidTransitionError: a bug; nothing of that entry was written.
    """
    for one in late:
        if not one.events:
            continue
        record = records[one.key]
        stage = record.stage
        for event in one.events:  # a bug must not reach the ledger
            stage = advance(stage, event).stage
        at = await ledger.append(one.key, *one.events)
        for event in one.events:
            record.apply(event, at)
            observer.entry_moved(record, event)
