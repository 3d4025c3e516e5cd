"""What a ledger adds up to: its lines folded, one by one, into records and runs.

Decides: which line may follow which, what each does to the whole. Must not know:
files, locks, clocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from batch_register.entry import EntryRecord
from batch_register.errors import InvalidTransitionError
from batch_register.event import ImageActive
from batch_register.ledger import notes
from batch_register.ledger.codec import from_fields
from batch_register.ledger.fields import Fields, read_text
from batch_register.ledger.line import DamagedLineError, Line, decode
from batch_register.model import EntryKey, RunCounts, Target


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """One run as the ledger tells it; without `finished_at` it was cut short."""

    run_id: str
    started_at: str
    tool_version: str
    first_seq: int
    finished_at: str | None = None
    exit_code: int | None = None
    counts: RunCounts | None = None


@dataclass(slots=True, kw_only=True)
class Replay:
    """The state that a ledger holds; `manifest_name` is None where it is empty."""

    manifest_name: str | None = None
    target: Target | None = None
    last_seq: int = 0
    records: dict[EntryKey, EntryRecord] = field(default_factory=dict)
    runs: list[RunRecord] = field(default_factory=list)
    observations: Fields = field(default_factory=dict)
    # Nothing leaves the stage Active, so one number per entry answers for every run.
    active_since: dict[EntryKey, int] = field(default_factory=dict)

    def take(self, raw: bytes) -> Line:
        """Fold one terminated line in, and return it.

        Raises:
            DamagedLineError: it is damaged, out of order, or cannot happen here.
            NewerLineError: a newer version wrote it.
        """
        line = decode(raw)
        if line.seq != self.last_seq + 1:
            message = f"seq is {line.seq}, {self.last_seq + 1} was due"
            raise DamagedLineError(message)
        if (line.event == notes.LEDGER_OPENED) is not (line.seq == 1):
            message = f"{notes.LEDGER_OPENED} is the first line, and no other"
            raise DamagedLineError(message)
        fold = self._FOLDS.get(line.event, Replay._move)
        fold(self, line)
        self.last_seq = line.seq
        return line

    def run(self, run_id: str) -> RunRecord | None:
        """Return the latest run of that id, if it was started."""
        latest_first = reversed(self.runs)
        return next((run for run in latest_first if run.run_id == run_id), None)

    def active_before(self, run: RunRecord) -> Iterator[EntryKey]:
        """Yield the entries that were active before that run began."""
        for key, seq in self.active_since.items():
            if seq < run.first_seq:
                yield key

    def _move(self, line: Line) -> None:
        event = from_fields(line.event, line.fields)
        if event is None:  # a later tool's event of the same version
            return
        record = self._record(line)
        try:
            record.apply(event, line.at)
        except InvalidTransitionError as error:
            message = f"{record.key}: {error.message}"
            raise DamagedLineError(message) from error
        if type(event) is ImageActive:
            self.active_since[record.key] = line.seq

    def _record(self, line: Line) -> EntryRecord:
        """Return the record of the line's entry, a new one where there is none."""
        if line.key is None:
            message = f"{line.event} without a key"
            raise DamagedLineError(message)
        key = EntryKey(line.key)
        record = self.records.get(key)
        if record is None:
            record = self.records[key] = EntryRecord(key=key)
        return record

    def _open(self, line: Line) -> None:
        self.manifest_name, self.target = notes.read_opened(line.fields)

    def _start_run(self, line: Line) -> None:
        run = RunRecord(
            run_id=line.run_id,
            started_at=line.at,
            tool_version=read_text(line.fields, "tool_version"),
            first_seq=line.seq,
        )
        self.runs.append(run)

    def _finish_run(self, line: Line) -> None:
        run = self.run(line.run_id)
        if run is None:
            message = f"run {line.run_id} ends but never began"
            raise DamagedLineError(message)
        run.exit_code, run.counts = notes.read_finished(line.fields)
        run.finished_at = line.at

    def _observe(self, line: Line) -> None:
        self.observations = line.fields

    def _declare(self, line: Line) -> None:
        name, image_url, spec, labels = notes.read_declared(line.fields)
        record = self._record(line)
        # One text for both where the key is the name, as it mostly is: memory.
        same = record.key if name == record.key else name
        record.declare(same, image_url, spec, labels)

    def _remove(self, line: Line) -> None:
        self._record(line).is_removed = True

    _FOLDS: ClassVar[dict[str, Callable[[Replay, Line], None]]] = {
        notes.LEDGER_OPENED: _open,
        notes.RUN_STARTED: _start_run,
        notes.RUN_FINISHED: _finish_run,
        notes.CLOUD_OBSERVED: _observe,
        notes.ENTRY_DECLARED: _declare,
        notes.ENTRY_REMOVED: _remove,
    }
