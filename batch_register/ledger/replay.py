"""What a ledger adds up to: its lines folded, one by one, into records and runs.

Decides: which line may follow which, what each does to the whole. Must not know:
files, locks, clocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from batch_register.entry import EntryRecord
from batch_register.errors import InvalidTransitionError
from batch_register.event import ImageActive
from batch_register.ledger import notes
from batch_register.ledger.codec import from_fields
from batch_register.ledger.fields import Fields, read_text
from batch_register.ledger.line import DamagedLineError, opened, own_fields
from batch_register.ledger.usual import SHORT_WAYS
from batch_register.model import EntryKey, RunCounts, Target
from batch_register.shard import Shard
from batch_register.usage import RunUsage

_Found = Mapping[str, Any]  # an opened line: its envelope's types are proven


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
    usage: RunUsage | None = None  # None: not finished, or by an older tool


@dataclass(slots=True, kw_only=True)
class Replay:
    """The state that a ledger holds; `manifest_name` is None where it is empty."""

    manifest_name: str | None = None
    target: Target | None = None
    shard: Shard | None = None  # None: of the whole manifest
    last_seq: int = 0
    records: dict[EntryKey, EntryRecord] = field(default_factory=dict)
    runs: list[RunRecord] = field(default_factory=list)
    observations: Fields = field(default_factory=dict)
    # Nothing leaves the stage Active, so one number per entry answers for every run.
    active_since: dict[EntryKey, int] = field(default_factory=dict)
    # The last line's stamp: lines of one commit share one text.
    _at: str = field(default="", init=False, compare=False, repr=False)

    def take(self, raw: bytes) -> None:
        """Fold one terminated line in.

        Raises:
            DamagedLineError: it is damaged, out of order, or cannot happen here.
            NewerLineError: a newer version wrote it.
        """
        found = opened(raw)
        seq, event = found["seq"], found["event"]
        if seq != self.last_seq + 1 or (event == notes.LEDGER_OPENED) is not (seq == 1):
            raise DamagedLineError(self._why_out_of_order(seq))
        if found["at"] != self._at:
            self._at = found["at"]
        short = SHORT_WAYS.get(event)
        key: EntryKey = found.get("key", "")
        record = self.records.get(key) if short is not None else None
        if short is None or record is None or not short(record, found, self._at):
            self._FOLDS.get(event, Replay._move)(self, found)
        elif event == ImageActive.ledger_name:
            self.active_since[record.key] = seq
        self.last_seq = seq

    def _why_out_of_order(self, seq: int) -> str:
        if seq != self.last_seq + 1:
            return f"seq is {seq}, {self.last_seq + 1} was due"
        return f"{notes.LEDGER_OPENED} is the first line, and no other"

    def run(self, run_id: str) -> RunRecord | None:
        """Return the latest run of that id, if it was started."""
        latest_first = reversed(self.runs)
        return next((run for run in latest_first if run.run_id == run_id), None)

    def active_before(self, run: RunRecord) -> Iterator[EntryKey]:
        """Yield the entries that were active before that run began."""
        for key, seq in self.active_since.items():
            if seq < run.first_seq:
                yield key

    def _move(self, found: _Found) -> None:
        event = from_fields(found["event"], found)
        if event is None:  # a later tool's event of the same version
            return
        record = self._record(found)
        try:
            record.apply(event, self._at)
        except InvalidTransitionError as error:
            message = f"{record.key}: {error.message}"
            raise DamagedLineError(message) from error
        if type(event) is ImageActive:
            self.active_since[record.key] = found["seq"]

    def _record(self, found: _Found) -> EntryRecord:
        """Return the record of the line's entry, a new one where there is none."""
        key = found.get("key")
        if key is None:
            message = f"{found['event']} without a key"
            raise DamagedLineError(message)
        record = self.records.get(key)
        if record is None:
            record = self.records[key] = EntryRecord(key=key)
        return record

    def _open(self, found: _Found) -> None:
        self.manifest_name, self.target = notes.read_opened(found)
        self.shard = notes.read_shard(found)

    def _start_run(self, found: _Found) -> None:
        run = RunRecord(
            run_id=found["run_id"],
            started_at=found["at"],
            tool_version=read_text(found, "tool_version"),
            first_seq=found["seq"],
        )
        self.runs.append(run)

    def _finish_run(self, found: _Found) -> None:
        run = self.run(found["run_id"])
        if run is None:
            message = f"run {found['run_id']} ends but never began"
            raise DamagedLineError(message)
        run.exit_code, run.counts = notes.read_finished(found)
        run.usage = notes.read_usage(found)
        run.finished_at = found["at"]

    def _observe(self, found: _Found) -> None:
        self.observations = own_fields(found)

    def _declare(self, found: _Found) -> None:
        name, image_url, spec, labels = notes.read_declared(found)
        record = self._record(found)
        # One text for both where the key is the name, as it mostly is: memory.
        same = record.key if name == record.key else name
        record.declare(same, image_url, spec, labels)

    def _remove(self, found: _Found) -> None:
        self._record(found).is_removed = True

    _FOLDS: ClassVar[dict[str, Callable[[Replay, _Found], None]]] = {
        notes.LEDGER_OPENED: _open,
        notes.RUN_STARTED: _start_run,
        notes.RUN_FINISHED: _finish_run,
        notes.CLOUD_OBSERVED: _observe,
        notes.ENTRY_DECLARED: _declare,
        notes.ENTRY_REMOVED: _remove,
    }
