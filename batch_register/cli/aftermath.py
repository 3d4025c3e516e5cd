"""What follows a run, however it ended: report, metrics, the last words.

Decides: what is written and shown, in which order. Must not know: how a run works. What
fails here is logged and leaves the run's exit code alone.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module
from pathlib import Path

import structlog

from batch_register import __version__
from batch_register.cli import stdout
from batch_register.cli.failures import describe
from batch_register.cli.finishing import finish
from batch_register.cli.mail import trouble_words
from batch_register.cli.remembered import remembered_tasks
from batch_register.errors import (
    BatchRegisterError,
    LedgerLockedError,
    LedgerTargetError,
    SettingsError,
)
from batch_register.ledger import Replay, RunRecord, read_ledger, stamp
from batch_register.metrics.samples import Standing
from batch_register.ports import Clock
from batch_register.report import json_form, table_form
from batch_register.report.fold import fold, source_of, source_of_run
from batch_register.report.plain import printable
from batch_register.report.rows import Report
from batch_register.report.write import write_report, write_text
from batch_register.settings import Output, Settings

_LONGEST_TABLE = 60  # rows that are still read at the end of a run
_FOR_ALL_TO_READ = 0o644  # node_exporter runs as another user
# Another run, or another manifest, has this ledger: what it says is not of this run.
_NOT_OURS = (LedgerLockedError, LedgerTargetError)

Render = Callable[[Standing], str]


def metrics_writer(settings: Settings) -> Render | None:
    """Return what draws the metrics file up, None where none is wanted.

    Raises:
        SettingsError: the extra for it is not installed.
    """
    if settings.metrics_file is None:
        return None
    try:
        exposition = import_module("batch_register.metrics.exposition")
    except ModuleNotFoundError as error:
        message = f"metrics_file {settings.metrics_file} needs {error.name}"
        hint = "install the extra: pip install 'batch-register[metrics]'"
        raise SettingsError(message, hint=hint) from None
    render: Render = exposition.render
    return render


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """Everything that is to be done once a run has ended."""

    settings: Settings
    ledger: Path
    run_id: str
    began: datetime
    clock: Clock
    render_metrics: Render | None

    def follow(self, exit_code: int, live: Replay | None) -> Report:
        """Write and show what became of the run, and return it.

        `live` is what the ledger was opened with and the run has kept current; without
        it the ledger is read anew.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        path = str(self.ledger)
        if live is None:
            replay = read_ledger(self.ledger)
            report = fold([source_of(path, replay)])
        else:
            replay = live
            report = fold([source_of_run(path, live, self.run_id)])
        written = self._write_report(report)
        self._write_metrics(report, self._runs(replay, exit_code), replay)
        self._speak(report, written, exit_code)
        return report

    def follow_failure(self, error: BaseException) -> None:
        """Let whoever watches the metrics know that the run could not do its work.

        Without a ledger that an earlier run has begun there is nothing to tell.
        """
        if self.render_metrics is None or isinstance(error, _NOT_OURS):
            return
        if not self.ledger.exists() or self.ledger.stat().st_size == 0:
            return
        try:
            replay = read_ledger(self.ledger)
            report = fold([source_of(str(self.ledger), replay)])
        except BatchRegisterError as why:
            structlog.get_logger().error("metrics.not_written", error=_words(why))
            return
        exit_code = describe(error).exit_code
        self._write_metrics(report, self._runs(replay, exit_code), replay)

    def _runs(self, replay: Replay, exit_code: int) -> Sequence[RunRecord]:
        """Return the ledger's runs up to this one, which may not have got to its end."""
        this = replay.run(self.run_id)
        if this is not None and this.finished_at is not None:
            return replay.runs
        earlier = [run for run in replay.runs if run is not this]
        begun = this or RunRecord(
            run_id=self.run_id,
            started_at=stamp(self.began),
            tool_version=__version__,
            first_seq=replay.last_seq + 1,
        )
        now = stamp(self.clock.now())
        return [*earlier, replace(begun, finished_at=now, exit_code=exit_code)]

    def _write_report(self, report: Report) -> Path | None:
        """Return where the report is, None where it is nowhere."""
        path = self.settings.report
        if path is None:
            return None
        try:
            finish(write_report(report, path))
        except Exception as error:  # noqa: BLE001 - the run's result is not at its mercy
            structlog.get_logger().error("report.not_written", error=_words(error))
            return None
        return path

    def _write_metrics(
        self, report: Report, runs: Sequence[RunRecord], replay: Replay
    ) -> None:
        path = self.settings.metrics_file
        if self.render_metrics is None or path is None:
            return
        try:
            standing = Standing(
                report=report,
                runs=runs,
                task_limit=remembered_tasks(replay.observations),
                ledger_bytes=self.ledger.stat().st_size,
            )
            text = self.render_metrics(standing)
            finish(write_text([text], path, mode_bits=_FOR_ALL_TO_READ))
        except Exception as error:  # noqa: BLE001 - the run's result is not at its mercy
            structlog.get_logger().error("metrics.not_written", error=_words(error))

    def _speak(self, report: Report, written: Path | None, exit_code: int) -> None:
        try:
            match self.settings.output:
                case Output.JSON:
                    stdout.write_pieces(json_form.pieces(report))
                case Output.TABLE:
                    stdout.write(_closing_words(report, self.ledger, written))
                case Output.QUIET:
                    with suppress(OSError):  # nobody is left to be told
                        sys.stderr.write(trouble_words(report, self.ledger, exit_code))
        except stdout.StdoutLostError as error:
            structlog.get_logger().error("stdout.not_written", error=_words(error))


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it could not be written in time, or a signal came first"
    return describe(error).message


def _closing_words(report: Report, ledger: Path, written: Path | None) -> str:
    """Return the table where a person can still read it, else its gist."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    is_short = len(report.images) <= _LONGEST_TABLE
    words = (table_form.render if is_short else table_form.gist)(report, width=width)
    words += f"ledger: {printable(str(ledger))}\n"
    return words + (f"report: {printable(str(written))}\n" if written else "")
