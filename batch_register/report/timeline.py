"""One night as the ledger tells it: which image was in flight when, and how that ended.

Decides: which runs make up a night, where an attempt begins, is made, waits and ends, how
the nights of several shards are laid over one another. Must not know: files, rows, drawing.

A night is the last run and those before it with less than `SAME_NIGHT_S` between them:
what was killed and begun again is looked at as one. Stamps that cannot be read are
passed over. Moments are seconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from batch_register.event import (
    CreateIntended,
    CreateRefused,
    EntryDeferred,
    ImageActive,
    ImageAdopted,
    ImageCreated,
    ImageFailed,
    OutcomeUnknown,
    RegisterAccepted,
    RegisterIntended,
    RegisterRefused,
    SourceRefused,
    SourceUploaded,
    UploadBegun,
    UploadProgressed,
)
from batch_register.ledger.codec import from_fields
from batch_register.ledger.line import DamagedLineError, Line
from batch_register.ledger.notes import RUN_FINISHED, RUN_STARTED
from batch_register.model import EntryKey

SAME_NIGHT_S = 3600.0  # nightly runs are hours apart, a restart takes minutes

Interval = tuple[float, float]

_REFUSALS = frozenset({CreateRefused.ledger_name, RegisterRefused.ledger_name})


class End(StrEnum):
    """How an attempt ended, as far as the night shows."""

    ACTIVE = "active"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DEFERRED = "deferred"
    REFUSED = "refused"  # for now: nothing speaks against the same call later
    IN_FLIGHT = "in flight"


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One try to make one image; `waits_s` is when the service took its file on."""

    key: EntryKey
    begins_s: float
    has_upload: bool = False  # it began with the upload of its file
    makes_s: float | None = None  # when that was over
    waits_s: float | None = None
    ends_s: float | None = None
    end: End = End.IN_FLIGHT
    is_followed_on: bool = False  # it began before the night
    is_refused: bool = False  # its last call was; what follows may say more of it

    def made_from_s(self, ends_s: float) -> float:
        """Return when its upload was over; its beginning where it had none."""
        if not self.has_upload:
            return self.begins_s
        over_s = ends_s if self.makes_s is None else self.makes_s
        return min(max(over_s, self.begins_s), max(ends_s, self.begins_s))


@dataclass(slots=True, kw_only=True)
class RunSpan:
    """One run from its first line to its last; no exit code where it was cut short."""

    run_id: str
    begins_s: float
    ends_s: float
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One night; attempts by their beginning, pauses and gaps merged and in order."""

    runs: tuple[RunSpan, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    pauses: tuple[Interval, ...] = ()  # the service asked for a pause
    left_out: int = 0  # ledgers whose last run was of another night

    @property
    def begins_s(self) -> float:
        """Return when the first run began."""
        return self.runs[0].begins_s

    @property
    def ends_s(self) -> float:
        """Return when the last line was written."""
        return max(run.ends_s for run in self.runs)

    @property
    def gaps(self) -> Iterator[Interval]:
        """Yield when no run was at work between the first and the last."""
        if not self.runs:
            return
        ends_s = self.begins_s
        for run in self.runs:
            if run.begins_s > ends_s:
                yield ends_s, run.begins_s
            ends_s = max(ends_s, run.ends_s)


def moment_s(stamp: str) -> float | None:
    """Return a ledger's stamp as seconds since 1970; None where it cannot be read."""
    try:
        moment = datetime.fromisoformat(stamp)
        return moment.astimezone(UTC).timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError):  # in UTC it may lie outside the calendar
        return None


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the intervals in order, those that meet made one."""
    whole: list[Interval] = []
    for begins_s, ends_s in sorted(intervals):
        if whole and begins_s <= whole[-1][1]:
            whole[-1] = whole[-1][0], max(whole[-1][1], ends_s)
        else:
            whole.append((begins_s, ends_s))
    return whole


def _refusal(line: Line) -> End:
    """Return what a refusal means for the attempt, as it does for the machine."""
    try:
        event = from_fields(line.event, line.fields)
    except DamagedLineError:
        return End.FAILED
    kinds = CreateRefused | RegisterRefused | SourceRefused
    refused = event if isinstance(event, kinds) else None
    return End.REFUSED if refused and refused.error.is_passing else End.FAILED


def pauses_of(fields: Mapping[str, object]) -> Iterator[Interval]:
    """Yield the throttle pauses that a `run.finished` tells of; broken ones left out."""
    told = fields.get("pauses")
    for pair in told if isinstance(told, list) else ():
        if not (isinstance(pair, list) and all(isinstance(one, str) for one in pair)):
            continue
        moments_s = [moment for one in pair if (moment := moment_s(one)) is not None]
        if len(pair) == len(moments_s) == 2 and moments_s[0] <= moments_s[1]:  # noqa: PLR2004 - from, to
            yield moments_s[0], moments_s[1]


@dataclass(slots=True, kw_only=True)
class Night:
    """The night that ends with the run `run_id`, gathered from one ledger's lines."""

    run_id: str | None
    runs: list[RunSpan] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    pauses: list[Interval] = field(default_factory=list)
    _current: dict[str, Attempt] = field(default_factory=dict)
    _at: str = ""  # the stamp of the last line, and what it means: many are alike
    _at_s: float | None = None
    _is_over: bool = False

    def take(self, line: Line) -> None:
        """Take the next line; what follows the run `run_id` is passed over."""
        if line.at != self._at:
            self._at, self._at_s = line.at, moment_s(line.at)
        if self._at_s is None or self._is_over:
            return
        if line.event == RUN_STARTED:
            self._start(line.run_id, self._at_s)
        elif self.runs and line.run_id == self.runs[-1].run_id:
            # A clock that was set back draws nothing before its run.
            self._note(line, max(self._at_s, self.runs[-1].begins_s))

    def _start(self, run_id: str, at_s: float) -> None:
        if self.runs and self.runs[-1].run_id == self.run_id:
            self._is_over = True
            return
        if self.runs and abs(at_s - self.runs[-1].ends_s) > SAME_NIGHT_S:
            for gathered in (self.runs, self.attempts, self.pauses, self._current):
                gathered.clear()
        self.runs.append(RunSpan(run_id=run_id, begins_s=at_s, ends_s=at_s))

    def _note(self, line: Line, at_s: float) -> None:
        run = self.runs[-1]
        run.ends_s = max(run.ends_s, at_s)
        if line.event == RUN_FINISHED:
            code = line.fields.get("exit_code")
            run.exit_code = code if isinstance(code, int) else None
            self.pauses += pauses_of(line.fields)
        elif line.key is not None and line.event in _REFUSALS:
            self._refuse(EntryKey(line.key), at_s, _refusal(line))
        elif line.key is not None and line.event == SourceRefused.ledger_name:
            self._miss(EntryKey(line.key), at_s, _refusal(line))
        elif line.key is not None and (step := self._STEPS.get(line.event)):
            step(self, EntryKey(line.key), at_s)

    def _open(self, key: EntryKey, at_s: float) -> Attempt:
        """Return the attempt that is under way, a new one where there is none."""
        attempt = self._current.get(key)
        if attempt is not None and attempt.end is End.REFUSED:
            attempt.is_refused, attempt.ends_s = False, None
            attempt.end = End.IN_FLIGHT
        elif attempt is None or attempt.ends_s is not None:
            attempt = self._current[key] = Attempt(key=key, begins_s=at_s)
            self.attempts.append(attempt)
        return attempt

    def _upload(self, key: EntryKey, at_s: float) -> None:
        if not self._is_open(key):
            self._open(key, at_s).has_upload = True

    def _bring(self, key: EntryKey, at_s: float) -> None:
        self._upload(key, at_s)
        self._go_on(key, at_s)

    def _go_on(self, key: EntryKey, at_s: float) -> None:
        attempt = self._open(key, at_s)
        if attempt.has_upload and attempt.makes_s is None:
            attempt.makes_s = at_s

    def _wait(self, key: EntryKey, at_s: float) -> None:
        self._go_on(key, at_s)
        self._current[key].waits_s = at_s

    def _end(self, key: EntryKey, at_s: float, end: End) -> None:
        attempt = self._current.get(key)
        if attempt is None or (attempt.ends_s is not None and not attempt.is_refused):
            begins_s = self.runs[-1].begins_s
            attempt = self._open(key, begins_s)
            attempt.waits_s, attempt.is_followed_on = begins_s, True
        attempt.is_refused = False
        attempt.end, attempt.ends_s = end, max(attempt.begins_s, at_s)

    def _become_active(self, key: EntryKey, at_s: float) -> None:
        self._end(key, at_s, End.ACTIVE)

    def _fail(self, key: EntryKey, at_s: float) -> None:
        if key in self._current:
            self._end(key, at_s, End.FAILED)
        else:  # before anything was sent
            self._open(key, at_s)
            self._end(key, at_s, End.FAILED)

    def _stay_unknown(self, key: EntryKey, at_s: float) -> None:
        self._end(key, at_s, End.UNKNOWN)

    def _refuse(self, key: EntryKey, at_s: float, end: End) -> None:
        self._open(key, at_s)
        self._end(key, at_s, end)
        self._current[key].is_refused = True

    def _miss(self, key: EntryKey, at_s: float, end: End) -> None:
        if self._is_open(key):  # else it never was in flight
            self._refuse(key, at_s, end)

    def _defer(self, key: EntryKey, at_s: float) -> None:
        if self._is_open(key):  # else it never was in flight
            self._end(key, at_s, End.DEFERRED)

    def _is_open(self, key: EntryKey) -> bool:
        attempt = self._current.get(key)
        return attempt is not None and (attempt.ends_s is None or attempt.is_refused)

    _STEPS: ClassVar[dict[str, Callable[[Night, EntryKey, float], None]]] = {
        CreateIntended.ledger_name: _go_on,
        ImageCreated.ledger_name: _go_on,
        ImageAdopted.ledger_name: _go_on,
        RegisterIntended.ledger_name: _go_on,
        RegisterAccepted.ledger_name: _wait,
        ImageActive.ledger_name: _become_active,
        ImageFailed.ledger_name: _fail,
        OutcomeUnknown.ledger_name: _stay_unknown,
        EntryDeferred.ledger_name: _defer,
        UploadBegun.ledger_name: _upload,
        UploadProgressed.ledger_name: _upload,
        SourceUploaded.ledger_name: _bring,
    }


def overlaid(nights: Sequence[Night]) -> Timeline:
    """Return the timeline of the latest night, that of every shard that shared it."""
    told = sorted(
        (night for night in nights if night.runs),
        key=lambda night: night.runs[-1].ends_s,
        reverse=True,
    )
    shared: list[Night] = []
    for night in told:
        begins_s = min((one.runs[0].begins_s for one in shared), default=0.0)
        if not shared or begins_s - night.runs[-1].ends_s <= SAME_NIGHT_S:
            shared.append(night)
    return Timeline(
        runs=tuple(
            sorted((r for n in shared for r in n.runs), key=lambda run: run.begins_s)
        ),
        attempts=tuple(
            sorted(
                (attempt for night in shared for attempt in night.attempts),
                key=lambda attempt: attempt.begins_s,
            )
        ),
        pauses=tuple(merged(pause for night in shared for pause in night.pauses)),
        left_out=len(told) - len(shared),
    )
