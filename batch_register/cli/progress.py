"""What a display knows of a run: its counts and hold-ups so far, safe from any thread.

Decides: that watching never raises into the run. Must not know: what is drawn, how a
run works.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from batch_register.cli.holdups import Holdups
from batch_register.cli.tally import Phase, Standing, Tally
from batch_register.cli.transfers import Transfers
from batch_register.entry import EntryRecord
from batch_register.event import Event
from batch_register.logs import redact_text
from batch_register.model import EntryKey
from batch_register.report.plain import printable


class Progress:
    """Watches a run for a display; the engine's Observer, and safe from any thread."""

    def __init__(
        self,
        total: int,
        now: Callable[[], datetime],
        *,
        window_s: float | None = None,
    ) -> None:
        """`total` entries are wanted; `window_s`: how long the run may take."""
        self._now = now
        self._lock = threading.Lock()
        began = now()
        self._tally = Tally(total, began)
        self._holdups = Holdups()
        self._transfers = Transfers()
        self._looking = ""
        self._window_ends_at = (
            None if window_s is None else began + timedelta(seconds=window_s)
        )
        self.open_calls: Callable[[], int] = int  # who knows of any says so later

    def start(self, records: Iterable[EntryRecord]) -> None:
        """Take over where entries stand before the run does anything, some at a time."""
        with suppress(Exception), self._lock:
            self._tally.start(records, self._now())

    def entry_moved(self, record: EntryRecord, event: Event) -> None:
        """Count one entry anew."""
        with suppress(Exception), self._lock:
            now = self._now()
            self._transfers.take(record.key, event, now)
            is_uploading = record.key in self._transfers
            self._tally.note(record, now, is_uploading=is_uploading)
            self._holdups.note_move()

    def noticed(self, name: str, **facts: object) -> None:
        """Keep what explains why nothing moves, and how far looks and uploads are."""
        with suppress(Exception), self._lock:
            now = self._now()
            match name, facts:
                case "upload.progress", {
                    "key": str() as key,
                    "sent_bytes": int() as sent_bytes,
                    "total_bytes": int() as total_bytes,
                }:
                    self._upload(EntryKey(key), sent_bytes, total_bytes, now)
                case "preflight.progress", {"done": done, "total": total}:
                    self._looking = f"sources looked at {done}/{total}"
                case "preflight.done", _:
                    self._looking = ""
                case _:
                    self._holdups.notice(name, facts, now)

    def _upload(
        self, key: EntryKey, sent_bytes: int, total_bytes: int, now: datetime
    ) -> None:
        self._transfers.progress(key, sent_bytes, total_bytes, now)
        if key in self._transfers:
            self._tally.note_upload(key, now)

    def standing(self) -> Standing:
        """Return where the run stands now."""
        with self._lock:
            now = self._now()
            standing = self._tally.standing(now)
            sending = self._transfers.sending(now)
            looking = self._looking
            holdups = self._holdups.sentences(
                now,
                open_calls=self.open_calls(),
                pending=standing.counts[Phase.PENDING],
            )
        return dataclasses.replace(
            standing,
            holdups=holdups,
            window_ends_at=self._window_ends_at,
            sending=sending,
            looking=looking,
        )


def tidy(text: str) -> str:
    """Return text of a cloud on one line: no secrets, no control characters."""
    return printable(redact_text(text))
