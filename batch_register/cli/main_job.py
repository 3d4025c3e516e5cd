"""The main job, put together from its parts.

Decides: what is opened in which order, and what is said at the end. Must not know: how
a run works.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from pathlib import Path

import structlog

from batch_register.cli.aftermath import Aftermath, metrics_writer
from batch_register.cli.assembly import (
    is_selected,
    ledger_path,
    manners,
    retry_policy,
    the_cloud,
    the_part,
    throttled,
)
from batch_register.cli.bookends import begin, end
from batch_register.cli.connection import (
    CloudService,
    WallClock,
    open_service,
    require_fitting_sources,
)
from batch_register.cli.console import display_for, log_plan
from batch_register.cli.display import Display, shown
from batch_register.cli.interrupts import two_stage_stop
from batch_register.cli.notification import USUAL_PATIENCE, told_at_the_end
from batch_register.cli.observers import LogObserver, Observers
from batch_register.cli.progress import Progress
from batch_register.cli.remembered import (
    TASK_LIMIT,
    first_tasks,
    remembered_lag_s,
    remembered_outage,
)
from batch_register.cli.source_desk import open_sources
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
    ServiceError,
    SettingsError,
    StoppedError,
)
from batch_register.ledger import LedgerFile, Replay, check_shard
from batch_register.logs import configured
from batch_register.manifest import load_manifest
from batch_register.model import Manifest, StopReason, Target
from batch_register.notify.carrier import Patience
from batch_register.pacing import SettleTime, Window
from batch_register.report.advice import advice
from batch_register.settings import ResolvedSettings, Settings
from batch_register.stopping import Stop
from batch_register.throttle import CountedLists, Lessons, Meter, Metered
from batch_register.turns import in_turns
from batch_register.usage import RunUsage
from batch_register.watcher import WatchLimits

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
        render_metrics = metrics_writer(settings)
        manifest = load_manifest(path)
        herald.manifest = manifest.name
        spare_what_is_there()  # what a large manifest is made of stays
        _check_selection(manifest, settings)
        manifest = the_part(manifest, settings)
        ledger = ledger_path(path, settings)
        began = WallClock().now()
        aftermath = Aftermath(
            settings=settings,
            ledger=ledger,
            run_id=f"{began:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            began=began,
            clock=WallClock(),
            render_metrics=render_metrics,
        )
        try:
            code, replay = asyncio.run(
                _run(path, manifest, ledger, aftermath.run_id, settings, display)
            )
        except (Exception, BaseExceptionGroup) as error:
            aftermath.follow_failure(error)
            raise
        herald.tell(aftermath.follow(code, replay), code)
    return code


def _check_selection(manifest: Manifest, settings: Settings) -> None:
    """Refuse a selection that means nothing: a mistyped one would look like success."""
    if not any(is_selected(spec.key, settings) for spec in manifest.images):
        message = f"no entry matches --select {' '.join(settings.select)}"
        raise SettingsError(
            message, hint="patterns are compared with the entries' keys"
        )


async def _run(
    path: Path,
    manifest: Manifest,
    ledger: Path,
    run_id: str,
    settings: Settings,
    display: Display,
) -> tuple[int, Replay | None]:
    """Return the exit code, and what the ledger holds if that is known for certain."""
    stop, clock = Stop(), WallClock()
    log = structlog.get_logger()
    stop.when_requested(
        lambda: log.warning(
            "run.stopping",
            reason=str(stop.reason),
            advice="open calls finish; one more signal stops at once",
        )
    )
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
                    shard=settings.shard,
                ) as record:
                    check_shard(str(ledger), record.replay, settings.shard)
                    run = await begin(record, run_id)
                    outcome, usage = await _execute(
                        manifest, service, record, settings, stop, display
                    )
                    await end(record, run, outcome, usage)
                    return outcome.exit_code, record.replay
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
) -> tuple[RunOutcome, RunUsage]:
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
    progress = Progress(len(wanted), clock.now, window_s=settings.max_duration_s)
    stop.when_requested(
        lambda: progress.noticed("run.stopping", reason=str(stop.reason))
    )
    with shown(progress, display, sys.stderr):
        async for specs in in_turns(wanted):
            known = (spec.key for spec in specs if spec.key in records)
            progress.start(records[key] for key in known)
        meter = Meter(clock)
        observer = Observers([LogObserver(), progress, meter])
        service.outage.remembered_at = remembered_outage(ledger.replay.observations)
        limits = _limits(settings, remembered_lag_s(ledger.replay.observations))
        task_limit = first_tasks(ledger.replay.observations, service.told_task_limit)
        lessons = Lessons(manners(settings), task_limit=task_limit)
        images = CountedLists(Metered(service.images, meter), lessons.traffic)
        lookout = Lookout(images, batch, limits.watch, stop=stop)
        throttle = throttled(
            lookout, settings, stop=stop, observer=observer, lessons=lessons
        )
        progress.open_calls = lambda: throttle.open_calls
        async with open_sources(
            service, settings, batch.unmade(), observer, stop=stop
        ) as sources:
            ports = RunPorts(
                service=throttle,
                lookout=lookout,
                ledger=ledger,
                observer=observer,
                outage=service.outage,
                sources=sources,
            )
            outcome = await Run(batch, ports, limits, stop=stop).execute()
    found = lessons.tasks.certain_limit
    if found not in (None, task_limit):
        await ledger.observe({TASK_LIMIT: found})
    if outcome.exit_code in _GAVE_UP and throttle.last_error is not None:
        _explain(throttle.last_error, service.target)
    return outcome, meter.usage(retries=lessons.retries)


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
        accepts_sources=settings.accept_sources,
    )
