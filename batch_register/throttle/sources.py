"""What a run has sent to buckets, and whose sources it found unfit, from their events.

Decides: which bytes are this run's own, what counts as found unfit. Must not know: how a
file is sent, what makes a source unfit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from batch_register.errors import StoppedError
from batch_register.event import (
    Event,
    SourceRefused,
    SourceUploaded,
    UploadBegun,
    UploadProgressed,
)
from batch_register.model import Action, EntryKey


class SourceCount:
    """The counts of one run so far."""

    def __init__(self) -> None:
        self._stored: dict[EntryKey, int] = {}  # with what earlier runs have sent
        self._sent: Counter[EntryKey] = Counter()  # in this run
        self._refused: dict[EntryKey, Action] = {}

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
                self._refused.pop(key, None)
            case SourceRefused(error=fault) if fault.code != StoppedError.reference:
                self._refused[key] = fault.action
            case _:
                pass

    @property
    def uploaded_bytes(self) -> int:
        """Return how many bytes went out; of what is not complete, as far as noted."""
        return self._sent.total()

    @property
    def refused(self) -> Mapping[str, int]:
        """Return how many entries nothing was sent for, by what must be done."""
        return dict(sorted(Counter(map(str, self._refused.values())).items()))
