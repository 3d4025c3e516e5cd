"""One run as one process: put together like the command does, and mortal.

A SIGKILL or a power cut first cuts the process off from the world, so that whatever
clean-up the cancelled tasks still do reaches neither disk nor wire, just as if it had
never run.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field, replace
from datetime import datetime

from batch_register.engine import (
    Batch,
    Lookout,
    Run,
    RunLimits,
    RunOutcome,
    RunPorts,
)
from batch_register.entry import EntryRecord
from batch_register.errors import LedgerError
from batch_register.ledger import LedgerFile, LedgerSession, run_finished, run_started
from batch_register.ledger.disk import Disk
from batch_register.model import (
    EntryKey,
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageView,
    Manifest,
    StopReason,
    Target,
)
from batch_register.pacing import SettleTime, Window
from batch_register.plan import RetryPolicy
from batch_register.ports import ImageService, Ledger, Observer
from batch_register.stopping import Stop
from batch_register.throttle import (
    CountedLists,
    Lessons,
    Throttle,
    ThrottlePolicy,
)
from batch_register.watcher import WatchLimits
from tests.fakes import PowerCutError
from tests.simulation.cloud import SimCloud, wall
from tests.simulation.disk import SimDisk, SimFile, SimWorker
from tests.simulation.history import History
from tests.simulation.loop import SeededLoop
from tests.simulation.sources import SimSources, SimStore
from tests.simulation.story import POLL_S, SETTLE_S, Ending, RunPlan, Trigger, stream
from tests.simulation.wire import Wire
from tests.simulation.witness import DurableLines, Witness

TARGET = Target(endpoint="https://ims.example.com", project_id="p1", region="eu-1")
IMAGE_DEADLINE_S = 600.0
_WINDOW_S = 60.0
_LONGEST_RUN_S = 8 * 3600.0
_MOST_STEPS = 300_000
_KILLS = (Ending.KILL, Ending.POWER)


class Parts:
    """What a process is made of; a mutant hands out other parts."""

    run: type[Run] = Run

    def settle(self) -> SettleTime:
        """Return the settle time that the run goes by."""
        return SettleTime(least_s=SETTLE_S, list_every_s=POLL_S)

    def disk(self, disk: Disk) -> Disk:
        """Return the disk that the ledger is written to."""
        return disk

    def ledger(self, ledger: LedgerFile) -> Ledger:
        """Return the ledger that the run writes to."""
        return ledger

    def service(self, service: ImageService) -> ImageService:
        """Return the service that the throttle stands before."""
        return service


@dataclass
class World:
    """What outlives processes."""

    loop: SeededLoop
    history: History
    cloud: SimCloud
    manifest: Manifest
    parts: Parts
    clock_skew_s: float
    store: SimStore


@dataclass
class Clock:
    """A process's wall clock, which may differ from the cloud's."""

    world: World

    def now(self) -> datetime:
        return wall(self.world.loop.time() + self.world.clock_skew_s)


@dataclass
class Process:
    """One run of one runner."""

    world: World
    plan: RunPlan
    name: str
    file: SimFile
    lines: DurableLines
    rng: random.Random
    stop: Stop = field(default_factory=Stop)
    gone_s: float | None = None
    is_dead: bool = False  # killed, rather than ended
    outcome: RunOutcome | None = None
    error: BaseException | None = None
    records: dict[EntryKey, EntryRecord] = field(default_factory=dict)
    began_s: float = 0.0
    cancelled_s: float | None = None

    def __post_init__(self) -> None:
        left_out = {*self.plan.unselected, *self.plan.removed}
        self.wanted = {
            one.key
            for number, one in enumerate(self.world.manifest.images)
            if number not in left_out
        }
        self.witness = Witness(
            self.name, self.world.cloud, self.lines, self.plan.concurrency
        )
        self.witness.wanted = self.wanted
        self._reached = 0
        self.steps = 0
        self._due_step: int | None = None
        self._main: asyncio.Task[None] | None = None

    async def live(self) -> None:
        """Run until the end, whichever it is."""
        loop = self.world.loop
        self.began_s = loop.time()
        self.stop.when_requested(self.witness.stops)
        self.world.history.add(self.name, None, f"begins: {self.plan}")
        loop.on_step.append(self._step)
        try:
            async with asyncio.TaskGroup() as group:
                self._main = group.create_task(self._run())
        except* (PowerCutError, LedgerError) as errors:
            self.error = errors.exceptions[0]
        except* Exception as errors:  # noqa: BLE001 - whatever it is, it is the finding
            self.error = errors
            if not self.is_dead:
                self.world.history.violate("bug", None, _words(errors))
        finally:
            loop.on_step.remove(self._step)
        if self.gone_s is None:
            self.gone_s = loop.time()
        if self.is_dead and self.plan.ending is Ending.POWER:
            self.file.cut_power(self.rng)
        self.world.history.add(self.name, None, f"ends: {self._how()}")

    def _how(self) -> str:
        if self.is_dead:
            return f"dead ({self.plan.ending})"
        if self.outcome is not None:
            return f"code {self.outcome.exit_code}, {self.outcome.counts}"
        return "cancelled" if self.error is None else repr(self.error)

    async def _run(self) -> None:
        world, plan = self.world, self.plan
        session = LedgerSession(
            manifest_name=world.manifest.name,
            target=TARGET,
            run_id=self.name,
            clock=Clock(world),
        )
        disk = SimDisk(
            self.file,
            self,
            self.rng,
            fsync_error_at=plan.fsync_error_at,
            room_bytes=plan.room_bytes,
        )
        worker = SimWorker(self, self.rng)
        async with LedgerFile.on_disk(
            "sim.jsonl", session, world.parts.disk(disk), worker
        ) as ledger:
            await ledger.note_many([run_started("sim")])
            self.records = ledger.replay.records
            outcome = await self._execute(ledger)
            await ledger.note_many([run_finished(outcome.counts, outcome.exit_code)])
        self.outcome = outcome

    def _named(self) -> list[ImageSpec]:
        """Return what this run's manifest says."""
        images = enumerate(self.world.manifest.images)
        return [one for number, one in images if number not in self.plan.removed]

    async def _execute(self, ledger: LedgerFile) -> RunOutcome:
        world, plan = self.world, self.plan
        batch = Batch(
            manifest=Manifest(name=world.manifest.name, images=tuple(self._named())),
            records=ledger.replay.records,
            is_selected=lambda key: key in self.wanted,
            is_new_ledger=not ledger.replay.runs,
            run_starts=[run.started_at for run in ledger.replay.runs],
        )
        observer: Observer = self.witness
        is_short = plan.ending is Ending.WINDOW
        limits = RunLimits(
            concurrency=plan.concurrency,
            watch=WatchLimits(
                poll_interval_s=POLL_S,
                settle=world.parts.settle(),
                image_deadline_s=IMAGE_DEADLINE_S,
            ),
            window=Window(length_s=_WINDOW_S if is_short else None),
            retry=RetryPolicy(
                retry_failed=plan.retry_failed, keep_failed=plan.keep_failed
            ),
        )
        wire = world.parts.service(Wire(world.cloud, self, self.rng))
        lessons = Lessons(ThrottlePolicy())
        counted = CountedLists(wire, lessons.traffic)
        lookout = Lookout(counted, batch, limits.watch, stop=self.stop)
        throttle = Throttle(
            lookout,
            ThrottlePolicy(),
            stop=self.stop,
            observer=observer,
            rng=self.rng,
            lessons=lessons,
        )
        ports = RunPorts(
            service=throttle,
            lookout=lookout,
            ledger=world.parts.ledger(ledger),
            observer=observer,
            sources=self._sources(),
        )
        run = world.parts.run(batch, ports, limits, stop=self.stop)
        return await run.execute()

    def _sources(self) -> SimSources | None:
        world, luck = self.world, self.world.cloud.story.sources
        if luck is None:
            return None
        if self.plan.calm:
            luck = replace(luck, fault_rate=0.0)
        images = world.manifest.images
        return SimSources(
            world.store,
            self,
            stream(world.cloud.story.seed, f"sources of {self.name}"),
            luck=luck,
            unfit=frozenset(images[number].image_url for number in self.plan.unfit),
        )

    # ------------------------------------------------------------ how it ends

    def check(self) -> None:
        """Raise PowerCutError once the process is dead."""
        if self.is_dead:
            raise PowerCutError

    def reach(self, trigger: Trigger) -> None:
        """Pass a point where the story may have planned something."""
        if trigger is not self.plan.trigger or self.is_dead:
            return
        self._reached += 1
        if self._reached != self.plan.count:
            return
        if self.plan.further_steps == 0 and self.plan.ending in _KILLS:
            self._end_as_planned()
            raise PowerCutError
        self._due_step = self.world.loop.steps + 1 + self.plan.further_steps

    def _step(self) -> None:
        loop = self.world.loop
        self.steps += 1
        is_over = (
            loop.time() > self.began_s + _LONGEST_RUN_S or self.steps > _MOST_STEPS
        )
        if is_over and not self.is_dead:
            self.world.history.violate("hang", None, "the run does not end")
            self._die()
        if self.plan.trigger is Trigger.STEP and self._due_step is None:
            self._due_step = self.world.loop.steps + self.plan.count
        if self._due_step == self.world.loop.steps:
            self._end_as_planned()

    def _end_as_planned(self) -> None:
        if self._main is None or self._main.done():
            return
        match self.plan.ending:
            case Ending.KILL | Ending.POWER:
                self._die()
            case Ending.STOP:
                self.stop.request(StopReason.SIGTERM)
            case Ending.CANCEL:
                self.stop.request(StopReason.SIGTERM)
                self.cancelled_s = self.world.loop.time()
                self._main.cancel()
            case Ending.FINISH | Ending.WINDOW:
                pass

    def _die(self) -> None:
        self.is_dead = True
        self.gone_s = self.world.loop.time()
        self.world.history.add(self.name, None, f"{self.plan.ending}!")
        if self._main is not None:
            self._main.cancel()

    # ------------------------------------------------------------ disk and wire report

    def note_synced(self) -> None:
        self.witness.synced()

    def note_disk_fault(self, words: str) -> None:
        self.witness.disk_failed(words)

    def note_sent(
        self, call: str, key: str | None, image_id: ImageId | None, *, is_write: bool
    ) -> None:
        if is_write and key is not None and key not in self.wanted:
            words = f"{call} for an entry that is not meant"
            self.world.history.violate("I11", key, words)
        if call in ("create", "register") and key is not None:
            self._check_source(call, key)
        self.witness.sends(call, key, image_id)
        if is_write or self.plan.trigger is Trigger.SEND:
            self.reach(Trigger.SEND)

    def _check_source(self, call: str, key: str) -> None:
        """I14: a file is whole in its bucket before the service is told of it.

        One that changes after this run has brought it is for the next run to find.
        """
        store = self.world.store
        for one in self._named():
            was_brought = store.stored(one) == self.witness.brought.get(key, "")
            if one.key == key and not (store.is_ready(one) or was_brought):
                words = f"{call} sent, but its file is not in its place"
                self.world.history.violate("I14", key, words)

    def reach_store(self) -> None:
        """Pass a call to the store."""
        self.reach(Trigger.SEND)

    def note_shown(self, query: ImageQuery, views: list[ImageView]) -> None:
        self.witness.shows(query, views)

    def note_answered(self, call: str, key: str | None, words: str) -> None:
        self.witness.answered(call, key, words)


def _words(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_words(inner) for inner in error.exceptions)
    return repr(error)
