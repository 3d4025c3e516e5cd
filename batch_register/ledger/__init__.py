"""The durable record of a batch: append-only JSON lines, each with a checksum."""

from __future__ import annotations

from batch_register.ledger.disk import held
from batch_register.ledger.fields import stamp
from batch_register.ledger.file import (
    LedgerFile,
    LedgerSession,
    check_shard,
    check_target,
)
from batch_register.ledger.line import Line
from batch_register.ledger.notes import (
    Note,
    cloud_observed,
    entry_declared,
    entry_removed,
    run_finished,
    run_started,
)
from batch_register.ledger.reader import (
    is_ledger,
    raw_lines,
    read_history,
    read_ledger,
    read_lines,
    torn_tail,
)
from batch_register.ledger.replay import Replay, RunRecord

__all__ = [
    "LedgerFile",
    "LedgerSession",
    "Line",
    "Note",
    "Replay",
    "RunRecord",
    "check_shard",
    "check_target",
    "cloud_observed",
    "entry_declared",
    "entry_removed",
    "held",
    "is_ledger",
    "raw_lines",
    "read_history",
    "read_ledger",
    "read_lines",
    "run_finished",
    "run_started",
    "stamp",
    "torn_tail",
]
