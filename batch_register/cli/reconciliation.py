"""The comparison of ledger and cloud, put together from its parts.

Decides: what is opened and locked in which order, what is shown when, who is asked.
Must not know: what a finding is, when an image may be deleted.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from pathlib import Path

import structlog

from batch_register.cli import stdout
from batch_register.cli.asking import is_agreed_to
from batch_register.cli.assembly import ledger_path, the_cloud, throttled
from batch_register.cli.connection import CloudService, WallClock, open_service
from batch_register.cli.console import log_plan
from batch_register.cli.display import Display
from batch_register.cli.interrupts import two_stage_stop
from batch_register.cli.ledgers import chosen_ledgers, default_ledgers, open_ledgers
from batch_register.cli.observers import LogObserver
from batch_register.cli.open_uploads import open_uploads
from batch_register.errors import NotAllowedError, ServiceError, StoppedError
from batch_register.ledger import LedgerFile, raw_lines
from batch_register.logs import configured
from batch_register.manifest import load_manifest
from batch_register.model import (
    Action,
    Fault,
    FaultKind,
    ImageId,
    Manifest,
    StopReason,
)
from batch_register.reconcile import (
    Deletions,
    Findings,
    Judging,
    Known,
    LateFinisher,
    LedgerView,
    Remover,
    Sight,
    Survey,
    compare,
    jobs_around,
    judging_time,
    late_finishers,
    looks,
    mentioned,
    orphan_age_s,
    record_finishers,
)
from batch_register.reconcile.document import document
from batch_register.reconcile.outcome import exit_code
from batch_register.reconcile.words import (
    deletable_words,
    deletion_words,
    gist,
    render,
)
from batch_register.settings import Output, ResolvedSettings, Settings
from batch_register.stopping import Stop
from batch_register.throttle import Throttle

_EXIT_OF_STOP = {
    StopReason.SIGINT: 130,
    StopReason.SIGTERM: 143,
    StopReason.UNAUTHENTICATED: 77,
    StopReason.UNREACHABLE: 69,
}
_OPERATION = "reconcile"
_SILENT = Fault(
    kind=FaultKind.UNREACHABLE,
    code="service.silent",
    reason="the service gave no answer",
    action=Action.RUN_AGAIN,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for; `ledgers` is empty where none was named."""

    manifest: Path
    ledgers: tuple[Path, ...]
    deletes: bool
    age_s: float
    is_agreed: bool


def reconcile_all(request: Request, resolved: ResolvedSettings) -> int:
    """Compare, write late finishers down, delete what was asked for; return the code.

    Raises:
        BatchRegisterError: manifest, ledger or cloud could not be read or written.
    """
    settings = resolved.settings
    defaults = default_ledgers(request.manifest, settings)
    ledgers = chosen_ledgers(
        request.ledgers, defaults, settings, deletes=request.deletes
    )
    # On a terminal what is shown says it all: like beside a bar, only warnings.
    display = Display.BAR if sys.stderr.isatty() else Display.NONE
    with configured(log_plan(resolved, display, sys.stderr, os.environ)):
        manifest = load_manifest(request.manifest)
        return asyncio.run(_reconcile(request, manifest, ledgers, settings))


# ------------------------------------------------------------ the comparison


async def _reconcile(
    request: Request,
    manifest: Manifest,
    ledgers: tuple[Path, ...],
    settings: Settings,
) -> int:
    stop, log = Stop(), structlog.get_logger()
    deletions = Deletions()
    is_shown = False
    stop.when_requested(
        lambda: log.warning("reconcile.stopping", reason=str(stop.reason))
    )
    try:
        with two_stage_stop(stop):
            async with (
                the_cloud(
                    manifest, ledger_path(request.manifest, settings), settings
                ) as cloud,
                open_service(
                    cloud, settings, WallClock(), stop=stop, observer=LogObserver()
                ) as service,
                open_ledgers(
                    ledgers, manifest, service.target, locks_all=request.deletes
                ) as (record, views),
            ):
                job = _Job(request, manifest, service, settings, ledgers, stop)
                deletions = await job.carry_out(record, views)
                is_shown = True
    except StoppedError as error:
        if stop.reason is StopReason.UNREACHABLE:
            raise ServiceError(_OPERATION, _SILENT) from error
    except asyncio.CancelledError:
        if stop.reason is None:
            raise
    except ServiceError as error:
        if error.kind is not FaultKind.FORBIDDEN:
            raise
        raise NotAllowedError(error.operation, error.fault) from error
    stopped = None if stop.reason is None else _EXIT_OF_STOP[stop.reason]
    code = exit_code(deletions.all, stopped)
    if not is_shown:  # then a program must find on standard error why that is
        unshown = StoppedError()
        unshown.exit_code = code
        raise unshown
    return code


class _Job:
    """One comparison against one service."""

    def __init__(
        self,
        request: Request,
        manifest: Manifest,
        service: CloudService,
        settings: Settings,
        ledgers: tuple[Path, ...],
        stop: Stop,
    ) -> None:
        self._request = request
        self._manifest = manifest
        self._service = service
        self._settings = settings
        self._ledgers = ledgers
        self._stop = stop
        self._patient: Throttle = throttled(
            service.images, settings, stop=stop, observer=LogObserver()
        )

    async def carry_out(
        self, record: LedgerFile | None, views: tuple[LedgerView, ...]
    ) -> Deletions:
        """Compare, write, show, and delete where that is asked for and agreed to."""
        known = Known(self._manifest, views)
        self._warn_of_empty(views)
        sight, named = await self._seen(known)
        late = late_finishers(known, sight)
        if record is not None:
            await record_finishers(late, record.replay.records, record, LogObserver())
        named |= _named_by(late)
        findings = compare(known, sight, named, late, self._judging())
        deletions = Deletions()
        async with open_uploads(
            known, self._ledgers, self._service, self._settings, self._stop
        ) as uploads:
            looked = await uploads.look(self._judging())
            findings = replace(findings, uploads=looked)
            self._show(findings, views)
            if record is not None and await self._agreed(findings):
                remover = self._remover(known, record)
                deletions.images = await remover.remove(findings.deletable)
                deletions.uploads = await uploads.give_up(looked.deletable, record)
        self._show_end(findings, deletions)
        return deletions

    def _remover(self, known: Known, record: LedgerFile) -> Remover:
        return Remover(
            known,
            record,
            patient=self._patient,
            direct=self._service.images,
            judging=self._judging,
            stop=self._stop,
        )

    async def _seen(self, known: Known) -> tuple[Sight, set[ImageId]]:
        """Look at the cloud; return what it shows, and which of that ledgers name."""
        survey = Survey(self._patient, self._manifest.name)
        sight = known.told_of(await survey.list_all())
        named: set[ImageId] = set()
        for path, ledger in zip(self._ledgers, known.ledgers, strict=True):
            lines = chain(raw_lines(path), [ledger.torn])
            named |= await asyncio.to_thread(mentioned, sight.listed.keys(), lines)
        images, jobs = looks(known, sight)
        jobs |= jobs_around(sight.listed.values(), known, named)
        await survey.look(sight, images, jobs)
        return sight, named

    def _judging(self) -> Judging:
        now = judging_time(self._service.service_now(), WallClock().now())
        age_s = orphan_age_s(self._request.age_s, self._settings.image_deadline_s)
        return Judging(now=now, age=timedelta(seconds=age_s))

    # ------------------------------------------------------------ showing and asking

    def _warn_of_empty(self, views: tuple[LedgerView, ...]) -> None:
        """Say on any output that nothing will be deleted, and by which ledgers."""
        if self._request.deletes and not any(view.records for view in views):
            names = [view.path for view in views]
            structlog.get_logger().warning("reconcile.no_entries", ledgers=names)

    def _show(self, findings: Findings, views: tuple[LedgerView, ...]) -> None:
        name, width = self._manifest.name, _width()
        if self._settings.output is Output.TABLE:
            names = "".join(map(_ledger_line, views))
            text = render(findings, name, width=width)
            stdout.write(text + (names or "ledger: none yet\n"))
        elif self._settings.output is Output.QUIET:
            stdout.write(gist(findings, name, width=width))

    async def _agreed(self, findings: Findings) -> bool:
        """Return whether all that may go shall go; ask on the terminal where it is due."""
        orphans, uploads = findings.deletable, findings.uploads.deletable
        if not self._request.deletes or not (orphans or uploads):
            return False
        if self._request.is_agreed:
            return True
        words = deletable_words(orphans, uploads, width=_width())
        counts = (_count(len(orphans), "image"), _count(len(uploads), "open upload"))
        what = " and ".join(count for count in counts if count)
        question = f"\n{words}Delete {what} for good?"
        return await is_agreed_to(question, self._stop)

    def _show_end(self, findings: Findings, deletions: Deletions) -> None:
        if self._settings.output is Output.JSON:
            whole = document(
                findings,
                deletions.images,
                upload_deletions=deletions.uploads,
                manifest_name=self._manifest.name,
                target=self._service.target,
                ledgers=[str(path) for path in self._ledgers],
            )
            stdout.write_json(whole)
        elif self._request.deletes:
            stdout.write(f"\n{deletion_words(deletions.all, width=_width())}")


def _named_by(late: tuple[LateFinisher, ...]) -> set[ImageId]:
    """Return the images that the late finishers stand by: they are nobody's orphans."""
    return {one.image_id for one in late}


def _ledger_line(view: LedgerView) -> str:
    empty = "" if view.records else " (holds no entries)"
    return f"ledger: {view.path}{empty}\n"


def _count(number: int, noun: str) -> str:
    """Return how many there are, empty for none."""
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""


def _width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
