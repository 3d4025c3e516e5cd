"""One run over one manifest: declare, look, admit under the bound, drain.

Decides: who is admitted when, and when the run is over. Must not know: HTTP, YAML,
files, flags, environment, how one entry moves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from batch_register.collector import preparing
from batch_register.engine.admission import Admission, Steps
from batch_register.engine.batch import Batch, Work
from batch_register.engine.chronicle import Chronicle
from batch_register.engine.closing import Closing
from batch_register.engine.drive import Driver
from batch_register.engine.errand import Errand
from batch_register.engine.forecast import foresee
from batch_register.engine.look import Look
from batch_register.engine.lookout import Lookout
from batch_register.engine.outcome import RunOutcome
from batch_register.engine.perform import Performer
from batch_register.engine.quota import QuotaReader
from batch_register.engine.recording import Recorder
from batch_register.engine.room import Room
from batch_register.engine.shared import Shared
from batch_register.engine.sourcing import Sourcing
from batch_register.entry import EntryRecord
from batch_register.errors import LedgerError, ServiceError, StoppedError
from batch_register.model import (
    EntryKey,
    FaultKind,
    ImageSpec,
    ImageView,
    StopReason,
)
from batch_register.outage import Outage
from batch_register.pacing import Window
from batch_register.plan import (
    Decision,
    Intention,
    RetryPolicy,
    decide,
    is_mended_at_once,
    needs_look,
)
from batch_register.ports import ImageService, Ledger, Observer, Sources
from batch_register.stage import Active
from batch_register.stopping import Stop
from batch_register.turns import in_turns
from batch_register.watcher import Watcher, WatchLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """The bounds of a run; `concurrency` counts images in flight."""

    concurrency: int
    watch: WatchLimits
    window: Window
    retry: RetryPolicy
    accepts_sources: bool = False  # changed ones of active entries, as they are now


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPorts:
    """What a run reaches the outside by; `service` leads to it through `lookout`."""

    service: ImageService
    lookout: Lookout
    ledger: Ledger
    observer: Observer
    outage: Outage = field(default_factory=Outage)
    sources: Sources | None = None  # None: nobody looks at them


class Run:
    """One run; build it, then call `execute` once."""

    def __init__(
        self, batch: Batch, ports: RunPorts, limits: RunLimits, *, stop: Stop
    ) -> None:
        service, observer = ports.service, ports.observer
        sightings = ports.lookout.sightings
        self._batch = batch
        self._ledger = ports.ledger
        self._lookout = ports.lookout
        self._limits = limits
        self._stop = stop
        self._observer = observer
        self._room = Room()
        self._quota = QuotaReader(service, self._room, observer)
        self._sourcing = Sourcing(ports.sources, stop=stop)
        self._shared = Shared(
            renames={}, room=self._room, quota=self._quota, sourcing=self._sourcing
        )
        self._closing = Closing(limits.window, observer, stop=stop)
        name = batch.manifest.name
        self._look = Look(
            service,
            name,
            poll_interval_s=limits.watch.poll_interval_s,
            settle=limits.watch.settle,
            stop=stop,
            observer=observer,
        )
        self._watcher = Watcher(
            service, name, limits.watch, stop=stop, observer=observer
        )
        performer = Performer(
            service,
            limits.watch,
            look=self._look,
            sightings=sightings,
            watcher=self._watcher,
            stop=stop,
        )
        self._recorder = Recorder(ports.ledger, observer, self._shared)
        self._driver = Driver(
            performer, self._recorder, sightings, self._shared, stop=stop
        )
        self._chronicle = Chronicle(
            ports.lookout, self._recorder, ports.ledger, observer, ports.outage
        )
        self._admission = Admission(
            limits.concurrency,
            batch.records,
            self._room,
            self._quota,
            Steps(
                drive=self._drive,
                defer=self._defer,
                may_start=self._closing.is_open_for,
                decide_again=self._decide_again,
            ),
            stop=stop,
        )
        self._started_s = 0.0

    async def execute(self) -> RunOutcome:
        """Carry the batch as far as this run can, and return what it came to.

        Raises:
            LedgerError: the ledger cannot be written; nothing was sent after that.
        """
        self._started_s = _loop_time_s()
        self._closing.begin(self._started_s)
        with preparing(len(self._batch.manifest.images)):
            await self._declare()
            made_before = await self._batch.made()
            self._shared.renames = self._batch.renames()
            self._tell_namesakes()
            work = await self._batch.work(self._limits.retry)
        try:
            work = await self._look_at_sources(work)
            if any(decision.needs_service for _, decision in work):
                await self._carry_out(work)
            records = self._batch.records
            async for record, seen in self._sourcing.reread(work, records):
                await self._recorder.record(record, seen)
            if self._limits.accepts_sources:
                accepted = self._sourcing.accepted(work, records)
                await self._recorder.note_all(accepted)
        except StoppedError:
            await self._chronicle.note_outage()
        except BaseExceptionGroup as group_error:
            raise _root(group_error) from group_error
        finally:
            self._closing.close()
        return RunOutcome(
            counts=await self._batch.counts(made_before),
            stop_reason=self._stop.reason,
            has_moved=self._shared.has_moved,
        )

    async def _declare(self) -> None:
        changed, removed = await self._batch.changes()
        await self._ledger.declare(changed, removed)
        await self._batch.declare(changed, removed)

    def _tell_namesakes(self) -> None:
        renames = self._shared.renames
        for key, old in self._batch.namesakes().items():
            if key not in renames:
                self._observer.noticed(
                    "entry.same_file", key=key, former=old.key, image_id=old.image_id
                )

    async def _look_at_sources(self, work: Work) -> Work:
        """Return the work as it is once the sources of all entries are looked at.

        Raises:
            StoppedError: the run stops first.
            LedgerError: the ledger cannot be written.
        """
        await self._sourcing.look(work, self._batch.records)
        news = self._sourcing.news(self._batch.records)
        if await self._recorder.note_all(news):
            with preparing(len(work)):  # sizes and changes are known now
                work = await self._batch.work(self._limits.retry)
        return self._sourcing.resolved(work)

    async def _carry_out(self, work: Work) -> None:
        await self._lookout.prepare()
        found = await self._look_around(work)
        waiting = await self._allot(work, found)
        admission = self._admission
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(self._watcher.run()),
                group.create_task(self._chronicle.follow()),
                group.create_task(
                    self._quota.follow(
                        lambda: admission.is_waiting, then=admission.hear
                    )
                ),
            ]
            await admission.carry_out(work, waiting)
            for task in beside:
                task.cancel()
        await self._chronicle.close()
        self._closing.give_reason()

    async def _look_around(self, work: Work) -> dict[str, list[ImageView]]:
        """Find images of a lost ledger before anything is made twice.

        Not only in a ledger's first run: that one may have ended before it came to
        every entry, and a ledger may have been put back from an older copy.

        Raises:
            StoppedError: the service cannot be used, so the run stops here.
        """
        decisions = [decision for _, decision in work]
        if not needs_look(decisions):
            return {}
        # A ledger of earlier runs knows what they made; a new one may be a lost one's.
        settle_s = self._limits.watch.settle_s if self._batch.is_new_ledger else 0.0
        try:
            return await self._look.all_entries_settled(self._started_s + settle_s)
        except ServiceError as error:
            self._observer.noticed("look.failed", error=error.fault.sentence())
            forbidden = error.kind in (FaultKind.FORBIDDEN, FaultKind.UNAUTHENTICATED)
            self._stop.request(
                StopReason.UNAUTHENTICATED if forbidden else StopReason.UNREACHABLE
            )
            raise StoppedError from error

    async def _allot(
        self, work: Work, found: dict[str, list[ImageView]]
    ) -> frozenset[EntryKey]:
        """Read the quota, give its places away, and return who has to wait for one.

        Raises:
            StoppedError: the run stops first.
        """
        with preparing(len(work)):
            unfit = self._sourcing.unfit
            forecast = await foresee(self._batch, work, found, None, unfit)
        if forecast.makers:
            await self._quota.read()
        spare = self._room.spare
        if spare is not None and spare < len(forecast.makers):
            with preparing(len(work)):
                forecast = await foresee(self._batch, work, found, spare, unfit)
        async for keys in in_turns(forecast.makers):
            for key in keys:
                self._room.promise(key)
        if forecast.waiting:
            self._observer.noticed("quota.reached", deferred=len(forecast.waiting))
        return forecast.waiting

    async def _defer(self, decision: Decision) -> None:
        await self._driver.defer(self._batch.records[decision.key], decision)

    def _decide_again(self, key: EntryKey) -> Decision:
        record = self._batch.records[key]
        return decide(record, is_wanted=True, policy=self._limits.retry)

    async def _drive(self, spec: ImageSpec | None, decision: Decision) -> None:
        """Take one entry as far as this run can."""
        now_s = _loop_time_s()
        record = self._batch.records[decision.key]
        await self._drive_once(spec, record, decision)
        again = self._decide_again(record.key)
        may_go_on = is_mended_at_once(decision, record, again)
        is_open = may_go_on and self._closing.is_open_for(again)
        if is_open and not self._stop.is_requested:
            await self._drive_once(spec, record, again)
        if isinstance(record.stage, Active) and decision.intention is Intention.START:
            self._closing.note_duration(_loop_time_s() - now_s)

    async def _drive_once(
        self, spec: ImageSpec | None, record: EntryRecord, decision: Decision
    ) -> None:
        errand = Errand(
            spec=spec,
            record=record,
            run_started_s=self._started_s,
            claimed_s=self._started_s,
            deadline_s=_loop_time_s() + self._limits.watch.image_deadline_s,
        )
        with suppress(StoppedError):
            await self._driver.drive(errand, decision)


def _root(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the gravest error of a group: one that nobody foresaw, else the first."""
    leaves = list(_leaves(group))
    bugs = [leaf for leaf in leaves if not isinstance(leaf, LedgerError)]
    return (bugs or leaves)[0]


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _loop_time_s() -> float:
    return asyncio.get_running_loop().time()
