"""How many bytes a run has sent to buckets, from its entries' events.

Decides: which bytes are this run's own. Must not know: how a file is sent.
"""

from __future__ import annotations

from collections import Counter

from batch_register.event import (
    Event,
    SourceUploaded,
    UploadBegun,
    UploadProgressed,
)
from batch_register.model import EntryKey


class SentBytes:
    """The count of one run so far."""

    def __init__(self) -> None:
        self._stored: dict[EntryKey, int] = {}  # with what earlier runs have sent
        self._sent: Counter[EntryKey] = Counter()  # in this run

    def take(self, key: EntryKey, event: Event) -> None:
        """Take note of what has happened to an entry."""
        match event:
            case UploadBegun():
                self._stored[key] = 0
            case UploadProgressed(sent_bytes=stored_bytes):
                # The first word of an upload that goes on says where it goes on from.
                before = self._stored.get(key, stored_bytes)
                self._sent[key] += max(stored_bytes - before, 0)
                self._stored[key] = stored_bytes
            case SourceUploaded(sent_bytes=sent_bytes):
                self._sent[key] = sent_bytes
            case _:
                pass

    def total(self) -> int:
        """Return how many bytes went out; of what is not complete, as far as noted."""
        return self._sent.total()
