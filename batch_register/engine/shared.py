"""What the entries of one run learn from one another.

Decides: what one entry's story tells the others. Must not know: how an entry moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from batch_register.engine.quota import QuotaReader
from batch_register.engine.room import Room
from batch_register.engine.sourcing import Sourcing
from batch_register.entry import EntryRecord
from batch_register.event import Aside, Event
from batch_register.model import EntryKey, Fault


@dataclass(slots=True)
class Shared:
    """What entries of one run learn from one another."""

    renames: Mapping[EntryKey, EntryRecord]  # see Batch
    room: Room
    quota: QuotaReader
    sourcing: Sourcing
    has_moved: bool = False  # whether any entry has moved in this run

    def note(self, key: EntryKey, event: Event) -> None:
        """Learn from what happened to one entry."""
        if not isinstance(event, Aside):
            self.has_moved = True
        self.room.note(key, event)

    def refuse(self, key: EntryKey, refusal: Fault) -> None:
        """Learn that the service had no room for an entry's create."""
        self.room.refuse(key, refusal)
        self.quota.doubt()
