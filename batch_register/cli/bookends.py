"""The two ledger lines around a run, and the run as a reader of the ledger will find it.

Decides: what the first and the last line of a run say. Must not know: how a run works.
"""

from __future__ import annotations

import dataclasses

import structlog

from batch_register import __version__
from batch_register.engine import RunOutcome
from batch_register.ledger import LedgerFile, RunRecord, run_finished, run_started
from batch_register.usage import RunUsage


async def begin(ledger: LedgerFile, run_id: str) -> RunRecord:
    """Write the first line of a run; return the run.

    Raises:
        LedgerError: the disk refused.
    """
    note = run_started(__version__)
    started_at = await ledger.note(note.event, note.fields)
    structlog.get_logger().info(
        "run.started", run_id=run_id, cut_bytes=ledger.cut_bytes
    )
    return RunRecord(
        run_id=run_id,
        started_at=started_at,
        tool_version=__version__,
        first_seq=ledger.replay.last_seq + 1,
    )


async def end(
    ledger: LedgerFile, run: RunRecord, outcome: RunOutcome, usage: RunUsage
) -> None:
    """Write the last line of a run, and let the ledger's replay have the run.

    Raises:
        LedgerError: the disk refused.
    """
    note = run_finished(outcome.counts, outcome.exit_code, usage)
    finished_at = await ledger.note(note.event, note.fields)
    ended = dataclasses.replace(
        run,
        finished_at=finished_at,
        exit_code=outcome.exit_code,
        counts=outcome.counts,
        usage=usage,
    )
    ledger.replay.runs.append(ended)
    counts = dataclasses.asdict(outcome.counts)
    structlog.get_logger().info("run.finished", exit_code=outcome.exit_code, **counts)
