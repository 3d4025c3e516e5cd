"""Counts what a run has done so far, and guesses when it will be done.

Decides: what is counted, which images are slow, how the end is estimated. Must not
know: how it is shown.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from batch_register.cli.lasting import format_left
from batch_register.cli.transfers import Sending
from batch_register.entry import EntryRecord, EntryState
from batch_register.model import EntryKey
from batch_register.stage import Creating, Planned, Registered, Replacing

_LEAST_FOR_A_GUESS = 3  # finished entries
_LONGEST_GUESS_S = 99 * 3600.0
_NAMED = 3  # slow images, and failures


class Phase(StrEnum):
    """Where an entry stands just now: the report's states, what is in flight by step."""

    ACTIVE = "active"
    FAILED = "failed"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"
    DEFERRED = "deferred"
    WAITING = "waiting"  # the service has its file
    REGISTERING = "registering"
    CREATING = "creating"
    REPLACING = "replacing"
    UPLOADING = "uploading"  # its file, to where the service takes it from
    PENDING = "pending"


IN_FLIGHT = (
    Phase.WAITING,
    Phase.REGISTERING,
    Phase.CREATING,
    Phase.REPLACING,
    Phase.UPLOADING,
)
_SETTLED = frozenset(set(Phase) - {Phase.PENDING, *IN_FLIGHT})
# Deferred entries take no time, so that they say nothing of how long others take.
_FINISHED = _SETTLED - {Phase.DEFERRED}
_TROUBLE = frozenset({Phase.FAILED, Phase.CONFLICT, Phase.UNKNOWN})


def phase_of(record: EntryRecord) -> Phase:
    """Return where an entry stands; one with an image but no job is registering.

    What an earlier run has uploaded in part is pending: no record tells whether this run
    goes on with it by now.
    """
    state = record.state
    if state is not EntryState.UNFINISHED:
        return Phase(state.value)
    match record.stage:
        case Creating():
            return Phase.CREATING
        case Registered():
            return Phase.WAITING
        case Replacing():
            return Phase.REPLACING
        case Planned():
            return Phase.PENDING
        case _:
            return Phase.REGISTERING


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """One of the images that are in flight for longest."""

    key: EntryKey
    phase: Phase
    age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One entry that went wrong in this run, and why."""

    key: EntryKey
    phase: Phase
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a run stands at one moment."""

    total: int
    counts: Mapping[Phase, int]
    settled: int  # nothing more happens to them in this run
    images_per_hour: float
    elapsed: timedelta
    time_left: timedelta | None
    ends_at: datetime | None
    window_ends_at: datetime | None = None
    slowest: tuple[Slow, ...] = ()  # the slowest first
    troubles: tuple[Trouble, ...] = ()  # the last first
    holdups: tuple[str, ...] = ()  # why little moves, the weightiest first
    sending: Sending | None = None  # the uploads under way
    looking: str = ""  # how far the look at the sources is, until it is over

    def counted(self) -> dict[Phase, int]:
        """Return the counts that are not zero, in the order of the phases."""
        return {phase: self.counts[phase] for phase in Phase if self.counts[phase]}

    def pace(self) -> list[str]:
        """Return the expected end, the pace and the window's end, in local time."""
        parts: list[str] = []
        if self.time_left is not None and self.ends_at is not None:
            until = f"{self.ends_at.astimezone():%H:%M}"
            parts.append(f"about {format_left(self.time_left)} left, until {until}")
        if self.images_per_hour:
            parts.append(f"{self.images_per_hour:.0f} images/h")
        if self.window_ends_at is not None:
            parts.append(f"window ends {self.window_ends_at.astimezone():%H:%M}")
        return parts

    def line(self) -> str:
        """Return the standing in one line of text."""
        counts = ", ".join(
            f"{count} {phase}" for phase, count in self.counted().items()
        )
        uploads = self.sending.words() if self.sending else ""
        parts = (self.looking, counts, uploads, *self.pace())
        words = "; ".join([part for part in parts if part])
        return f"{self.settled}/{self.total}: {words}"


class Tally:
    """Keeps count by entry; an entry that was never named counts as pending."""

    def __init__(self, total: int, now: datetime) -> None:
        self._total = total
        self._started = now
        self._phases: dict[EntryKey, Phase] = {}
        self._counts = dict.fromkeys(Phase, 0)
        self._since: dict[EntryKey, datetime] = {}  # of what is in flight
        self._finished_now = 0  # in this run; what is tried again may finish again
        self._active_now = 0
        self._troubles: deque[Trouble] = deque(maxlen=_NAMED)

    def start(self, records: Iterable[EntryRecord], now: datetime) -> None:
        """Take over where the entries stand before the run does anything."""
        self._started = now
        for record in records:
            phase = phase_of(record)
            self._put(record.key, phase)
            if phase in IN_FLIGHT:
                self._since[record.key] = _stamp(record.started_at) or now

    def note(
        self, record: EntryRecord, now: datetime, *, is_uploading: bool = False
    ) -> None:
        """Take note of where one entry stands now."""
        phase = phase_of(record)
        if is_uploading and phase not in _SETTLED:
            phase = Phase.UPLOADING
        has_moved = self._move(record.key, phase, now)
        if has_moved and phase in _TROUBLE and record.fault is not None:
            reason = record.fault.sentence()
            self._troubles.append(Trouble(key=record.key, phase=phase, reason=reason))

    def note_upload(self, key: EntryKey, now: datetime) -> None:
        """Take note that an entry's file is being uploaded."""
        if self._phases.get(key) not in _SETTLED:
            self._move(key, Phase.UPLOADING, now)

    def standing(self, now: datetime) -> Standing:
        """Return where the run stands."""
        elapsed_s = max((now - self._started).total_seconds(), 1.0)
        settled = sum(self._counts[phase] for phase in _SETTLED)
        unnamed = max(self._total - len(self._phases), 0)
        pending = self._counts[Phase.PENDING] + unnamed
        left = self._time_left(self._total - settled, elapsed_s)
        return Standing(
            total=self._total,
            counts={**self._counts, Phase.PENDING: pending},
            settled=settled,
            images_per_hour=self._active_now * 3600 / elapsed_s,
            elapsed=max(now - self._started, timedelta(0)),
            time_left=left,
            ends_at=None if left is None else now + left,
            slowest=self._slowest(now),
            troubles=tuple(reversed(self._troubles)),
        )

    def _slowest(self, now: datetime) -> tuple[Slow, ...]:
        oldest = heapq.nsmallest(_NAMED, self._since.items(), key=lambda item: item[1])
        return tuple(
            Slow(key=key, phase=self._phases[key], age=now - since)
            for key, since in oldest
        )

    def _time_left(self, open_entries: int, elapsed_s: float) -> timedelta | None:
        """Return how long the rest takes at the pace so far; None: too early to say."""
        if open_entries <= 0 or self._finished_now < _LEAST_FOR_A_GUESS:
            return None
        left_s = open_entries * elapsed_s / self._finished_now
        return timedelta(seconds=min(left_s, _LONGEST_GUESS_S))

    def _move(self, key: EntryKey, phase: Phase, now: datetime) -> bool:
        """Count one entry where it is now; return whether that is elsewhere."""
        before = self._put(key, phase)
        if phase is before:
            return False
        self._finished_now += phase in _FINISHED and before not in _FINISHED
        # What was a conflict had its image already.
        self._active_now += phase is Phase.ACTIVE and before is not Phase.CONFLICT
        if phase in IN_FLIGHT:
            self._since.setdefault(key, now)
        else:
            self._since.pop(key, None)
        return True

    def _put(self, key: EntryKey, phase: Phase) -> Phase | None:
        """Move one entry and return where it stood."""
        before = self._phases.get(key)
        if before is not None:
            self._counts[before] -= 1
        self._phases[key] = phase
        self._counts[phase] += 1
        return before


def _stamp(text: str | None) -> datetime | None:
    """Return a ledger's stamp, None where it cannot be read."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
