"""The main job, put together from its parts.

Decides: what is opened in which order, and what is said at the end. Must not know: how
a run works.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import secrets
import shutil
import sys
from pathlib import Path

import structlog

from batch_register import __version__
from batch_register.cli import stdout
from batch_register.cli.assembly import (
    is_selected,
    ledger_path,
    manners,
    retry_policy,
    the_cloud,
    throttled,
)
from batch_register.cli.connection import (
    CloudService,
    WallClock,
    open_service,
    require_fitting_sources,
)
from batch_register.cli.console import display_for, log_plan
from batch_register.cli.display import Display, make_progress
from batch_register.cli.interrupts import two_stage_stop
from batch_register.cli.notification import USUAL_PATIENCE, told_at_the_end
from batch_register.cli.observers import LogObserver, Observers
from batch_register.cli.remembered import TASK_LIMIT, first_tasks, remembered_lag_s
from batch_register.collector import spare_what_is_there
from batch_register.engine import (
    Batch,
    Lookout,
    Run,
    RunLimits,
    RunOutcome,
    RunPorts,
)
from batch_register.errors import (
    AuthenticationError,
    BatchRegisterError,
    ServiceError,
    SettingsError,
    StoppedError,
)
from batch_register.ledger import LedgerFile, read_ledger
from batch_register.ledger.notes import run_finished, run_started
from batch_register.logs import configured
from batch_register.manifest import load_manifest
from batch_register.model import Manifest, StopReason, Target
from batch_register.notify.carrier import Patience
from batch_register.pacing import SettleTime, Window
from batch_register.report import json_form, table_form
from batch_register.report.advice import advice
from batch_register.report.fold import Source, fold, source_of, source_of_run
from batch_register.report.rows import Report
from batch_register.report.write import write_report
from batch_register.settings import Output, ResolvedSettings, Settings
from batch_register.stopping import Stop
from batch_register.throttle import CountedLists, Lessons
from batch_register.turns import in_turns
from batch_register.watcher import WatchLimits

_LONGEST_TABLE = 60  # rows that are still read at the end of a run
# Of a run that was cancelled because its open calls did not end in time.
_EXIT_OF_STOP = {
    StopReason.SIGINT: 130,
    StopReason.SIGTERM: 143,
    StopReason.WINDOW: 5,
    StopReason.UNAUTHENTICATED: 77,
    StopReason.UNREACHABLE: 69,
}
# Of a run that could not use the service: 77 and 69.
_GAVE_UP = frozenset({AuthenticationError.exit_code, ServiceError.exit_code})


def register_all(
    path: Path, resolved: ResolvedSettings, *, patience: Patience = USUAL_PATIENCE
) -> int:
    """Carry the manifest as far as one run can; show the result, return the exit code.

    `patience` is for telling whoever wants to know how the run ended.

    Raises:
        BatchRegisterError: the run could not begin, or its ledger could not be written.
    """
    settings = resolved.settings
    display = display_for(resolved, sys.stderr, os.environ)
    with (
        configured(log_plan(resolved, display, sys.stderr, os.environ)),
        told_at_the_end(path, settings, os.environ, patience) as herald,
    ):
        manifest = load_manifest(path)
        spare_what_is_there()  # what a large manifest is made of stays
        _check_selection(manifest, settings)
        ledger = ledger_path(path, settings)
        code, source = asyncio.run(_run(path, manifest, ledger, settings, display))
        if source is None:
            source = source_of(str(ledger), read_ledger(ledger))
        report = fold([source])
        _publish(report, settings, ledger)
        herald.tell(report, code)
    return code


def _check_selection(manifest: Manifest, settings: Settings) -> None:
    """Refuse a selection that means nothing: a mistyped one would look like success."""
    if not any(is_selected(spec.key, settings) for spec in manifest.images):
        message = f"no entry matches --select {' '.join(settings.select)}"
        raise SettingsError(
            message, hint="patterns are compared with the entries' keys"
        )


async def _run(
    path: Path, manifest: Manifest, ledger: Path, settings: Settings, display: Display
) -> tuple[int, Source | None]:
    """Return the exit code, and what the ledger holds if that is known for certain."""
    stop, clock = Stop(), WallClock()
    run_id = f"{clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    log = structlog.get_logger()
    stop.when_requested(lambda: log.warning("run.stopping", reason=str(stop.reason)))
    with two_stage_stop(stop):
        try:
            async with (
                the_cloud(manifest, ledger, settings) as cloud,
                open_service(
                    cloud, settings, clock, stop=stop, observer=LogObserver()
                ) as service,
            ):
                require_fitting_sources(path, manifest, service.profile)
                async with LedgerFile.open(
                    ledger,
                    manifest_name=manifest.name,
                    target=service.target,
                    run_id=run_id,
                    clock=clock,
                ) as record:
                    await record.note_many([run_started(__version__)])
                    log.info("run.started", run_id=run_id, cut_bytes=record.cut_bytes)
                    outcome = await _execute(
                        manifest, service, record, settings, stop, display
                    )
                    await record.note_many(
                        [run_finished(outcome.counts, outcome.exit_code)]
                    )
                    counts = dataclasses.asdict(outcome.counts)
                    log.info("run.finished", exit_code=outcome.exit_code, **counts)
                    source = source_of_run(str(ledger), record.replay, run_id)
                    return outcome.exit_code, source
        except (asyncio.CancelledError, StoppedError):
            if stop.reason is None:
                raise
            return _stopped_early(ledger, _EXIT_OF_STOP[stop.reason]), None


def _stopped_early(ledger: Path, exit_code: int) -> int:
    """Return the exit code; raise it where not even a ledger was begun to report on."""
    if ledger.exists() and ledger.stat().st_size > 0:
        return exit_code
    error = StoppedError()
    error.exit_code = exit_code
    raise error


async def _execute(
    manifest: Manifest,
    service: CloudService,
    ledger: LedgerFile,
    settings: Settings,
    stop: Stop,
    display: Display,
) -> RunOutcome:
    records = ledger.replay.records
    spare_what_is_there()  # and so does what the ledger was read into
    batch = Batch(
        manifest=manifest,
        records=records,
        is_selected=lambda key: is_selected(key, settings),
        is_new_ledger=not ledger.replay.runs,
        run_starts=[run.started_at for run in ledger.replay.runs],
    )
    wanted = batch.wanted()
    clock = WallClock()
    with make_progress(display, len(wanted), sys.stderr, clock.now) as progress:
        async for specs in in_turns(wanted):
            known = (spec.key for spec in specs if spec.key in records)
            progress.start({key: records[key].state for key in known})
        observer = Observers([LogObserver(), progress])
        limits = _limits(settings, remembered_lag_s(ledger.replay.observations))
        task_limit = first_tasks(ledger.replay.observations, service.told_task_limit)
        lessons = Lessons(manners(settings), task_limit=task_limit)
        images = CountedLists(service.images, lessons.traffic)
        lookout = Lookout(images, batch, limits.watch, stop=stop)
        throttle = throttled(
            lookout, settings, stop=stop, observer=observer, lessons=lessons
        )
        ports = RunPorts(
            service=throttle, lookout=lookout, ledger=ledger, observer=observer
        )
        outcome = await Run(batch, ports, limits, stop=stop).execute()
    found = lessons.tasks.certain_limit
    if found not in (None, task_limit):
        await ledger.observe({TASK_LIMIT: found})
    if outcome.exit_code in _GAVE_UP and throttle.last_error is not None:
        _explain(throttle.last_error, service.target)
    return outcome


def _explain(error: ServiceError, target: Target) -> None:
    """Say why the service could not be used: no entry's row in the report does."""
    structlog.get_logger().error(
        "run.gave_up",
        endpoint=target.endpoint,
        error=error.message,
        advice=error.hint or advice(error.fault.action, error.fault),
    )


def _limits(settings: Settings, remembered_lag_s: float) -> RunLimits:
    settle = SettleTime(
        least_s=settings.settle_s,
        list_every_s=settings.poll_interval_s,
        remembered_lag_s=remembered_lag_s,
    )
    return RunLimits(
        concurrency=settings.concurrency,
        watch=WatchLimits(
            poll_interval_s=settings.poll_interval_s,
            settle=settle,
            image_deadline_s=settings.image_deadline_s,
        ),
        window=Window(length_s=settings.max_duration_s),
        retry=retry_policy(settings),
    )


def _publish(report: Report, settings: Settings, ledger: Path) -> None:
    """Show and write the report; a failure to write it leaves the exit code alone."""
    written: Path | None = None
    if settings.report is not None:
        try:
            asyncio.run(write_report(report, settings.report))
        except BatchRegisterError as error:
            structlog.get_logger().error("report.not_written", error=error.message)
        else:
            written = settings.report
    match settings.output:
        case Output.JSON:
            stdout.write_pieces(json_form.pieces(report))
        case Output.TABLE:
            stdout.write(_closing_words(report, ledger, written))
        case Output.QUIET:
            pass


def _closing_words(report: Report, ledger: Path, written: Path | None) -> str:
    """Return the table where a person can still read it, else its gist."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    is_short = len(report.images) <= _LONGEST_TABLE
    words = (table_form.render if is_short else table_form.gist)(report, width=width)
    words += f"ledger: {ledger}\n"
    return words + (f"report: {written}\n" if written else "")
