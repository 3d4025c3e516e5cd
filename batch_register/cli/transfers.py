"""The uploads under way: how much of them has been sent, how fast, and what is left.

Decides: over how long a pace is measured, how it reads where there is little room. Must
not know: how a file is sent, how anything is drawn.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from batch_register.cli.lasting import format_left
from batch_register.event import (
    Event,
    SourceRefused,
    SourceUploaded,
    UploadBegun,
    UploadProgressed,
)
from batch_register.model import EntryKey
from batch_register.report.plain import share_words, size_words

# Long enough to hold a part of 64 MiB at half a MiB per second.
_PACE_OVER = timedelta(seconds=128)
_LEAST_SPAN_S = 1.0
_LONGEST_LEFT_S = 99 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """All uploads that are under way at one moment, taken together."""

    uploads: int
    sent_bytes: int  # with what earlier runs have sent of them
    total_bytes: int
    bytes_per_s: float
    time_left: timedelta | None  # None: nothing moves

    def words(self, columns: int | None = None) -> str:
        """Return that in one line; the first way to say it that fits the columns."""
        ways = self._ways()
        if columns is None:
            return ways[0]
        return next((way for way in ways if len(way) <= columns), ways[-1])

    def _ways(self) -> tuple[str, ...]:
        files = "1 file" if self.uploads == 1 else f"{self.uploads} files"
        share = share_words(self.sent_bytes, self.total_bytes)
        pace = f"{size_words(int(self.bytes_per_s))}/s"
        left = "" if self.time_left is None else format_left(self.time_left)
        short = " ".join(part for part in (_short(share), pace, left) if part)
        long = [
            f"uploading {files}: {share}",
            pace,
            f"about {left} left" if left else "",
        ]
        return (
            ", ".join(part for part in long if part),
            f"upload {short}",
            f"up {short}",
            short,
            f"up {_short(share)} {left}".rstrip(),
            _short(share),
        )


def _short(share: str) -> str:
    """Return "1.2 of 3.4 GiB" and the like with as few cells as it can have."""
    part, whole = share.split(" of ")
    unit = whole.split()[-1]
    return f"{part.removesuffix(f' {unit}').replace(' ', '')}/{whole}"


class Transfers:
    """Remembers every upload from its first word to its last."""

    def __init__(self) -> None:
        self._open: dict[EntryKey, tuple[int, int]] = {}  # sent, total
        self._complete: set[EntryKey] = set()
        self._paces: deque[tuple[datetime, int]] = deque()  # bytes by second
        self._since: datetime | None = None

    def __contains__(self, key: EntryKey) -> bool:
        """Return whether the entry's upload is under way."""
        return key in self._open

    def take(self, key: EntryKey, event: Event, now: datetime) -> None:
        """Take note of what has happened to an entry."""
        match event:
            case UploadBegun(size_bytes=size_bytes):
                self._complete.discard(key)
                self._open[key] = (0, size_bytes)
                self._since = self._since or now
            case UploadProgressed(sent_bytes=sent_bytes) if key in self._open:
                self.progress(key, sent_bytes, self._open[key][1], now)
            case SourceUploaded():
                self._end(key)
                self._complete.add(key)
            case SourceRefused():
                self._end(key)
            case _:
                pass

    def progress(
        self, key: EntryKey, sent_bytes: int, total_bytes: int, now: datetime
    ) -> None:
        """Take note of how much of a file is in the store.

        Of an upload that this run goes on with, the first word is where it goes on from.
        Of one that is complete, a late word is none.
        """
        if key in self._complete:
            return
        before, _ = self._open.get(key, (sent_bytes, 0))
        self._open[key] = (sent_bytes, total_bytes)
        self._since = self._since or now
        self._add(max(sent_bytes - before, 0), now)

    def sending(self, now: datetime) -> Sending | None:
        """Return how all uploads stand, None where there are none."""
        if not self._open or self._since is None:
            return None
        sent_bytes = sum(sent for sent, _ in self._open.values())
        total_bytes = sum(total for _, total in self._open.values())
        bytes_per_s = self._pace(now, self._since)
        left_bytes = max(total_bytes - sent_bytes, 0)
        left_s = left_bytes / bytes_per_s if bytes_per_s else _LONGEST_LEFT_S
        left = timedelta(seconds=min(left_s, _LONGEST_LEFT_S))
        return Sending(
            uploads=len(self._open),
            sent_bytes=sent_bytes,
            total_bytes=total_bytes,
            bytes_per_s=bytes_per_s,
            time_left=left if bytes_per_s else None,
        )

    def _end(self, key: EntryKey) -> None:
        self._open.pop(key, None)
        if not self._open:  # what comes later has a pace of its own
            self._paces.clear()
            self._since = None

    def _add(self, sent_bytes: int, now: datetime) -> None:
        """Count bytes by the second: words of a fast upload come by the thousand."""
        second = now.replace(microsecond=0)
        if self._paces and self._paces[-1][0] >= second:
            last, before = self._paces.pop()
            self._paces.append((last, before + sent_bytes))
        else:
            self._paces.append((second, sent_bytes))
        while self._paces[0][0] < now - _PACE_OVER:
            self._paces.popleft()

    def _pace(self, now: datetime, since: datetime) -> float:
        begins = max(since, now - _PACE_OVER)
        sent_bytes = sum(sent for at, sent in self._paces if at >= now - _PACE_OVER)
        return sent_bytes / max((now - begins).total_seconds(), _LEAST_SPAN_S)
