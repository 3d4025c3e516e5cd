"""A run over the fake cloud, and one log of what was written and what was sent."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from batch_register.engine import (
    Batch,
    Lookout,
    Run,
    RunLimits,
    RunOutcome,
    RunPorts,
)
from batch_register.errors import LedgerError
from batch_register.event import Event
from batch_register.model import (
    EntryKey,
    ImageId,
    ImageSpec,
    ImageView,
    JobId,
    Manifest,
    Pairs,
    StopReason,
)
from batch_register.pacing import SettleTime, Window
from batch_register.plan import RetryPolicy
from batch_register.ports import Sources
from batch_register.stopping import Stop
from batch_register.throttle import Throttle, ThrottlePolicy
from batch_register.watcher import WatchLimits
from tests.fakes import FakeCloud, MemoryLedger, Notebook, spec
from tests.virtual_time import run_virtually

_T = TypeVar("_T")

SETTLE_S = 30.0


def watch_limits(**changes: float) -> WatchLimits:
    """Return limits of their own, since a run measures its settle time."""
    times = {"poll_interval_s": 5.0, "image_deadline_s": 3600.0} | changes
    return WatchLimits(settle=SettleTime(least_s=SETTLE_S), **times)


@dataclass
class LoggedCloud(FakeCloud):
    """A fake cloud that writes its writes into a log that it shares with the ledger."""

    log: list[str] = field(default_factory=list)
    write_s: float = 0.0  # how long a write is under way
    sent: list[ImageSpec] = field(default_factory=list)  # as creates were sent
    open_writes: int = 0
    peak_writes: int = 0

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        self.sent.append(spec)
        async with _Open(self, f"send create {spec.key}"):
            return await super().create_image(spec, tags)

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        async with _Open(self, f"send register {spec.key}"):
            return await super().register_image(image_id, spec)

    async def delete_image(self, image_id: ImageId) -> None:
        async with _Open(self, f"send delete {image_id}"):
            await super().delete_image(image_id)


class _Open:
    """One write that is under way."""

    def __init__(self, cloud: LoggedCloud, line: str) -> None:
        self._cloud, self._line = cloud, line

    async def __aenter__(self) -> None:
        self._cloud.log.append(self._line)
        self._cloud.open_writes += 1
        self._cloud.peak_writes = max(self._cloud.peak_writes, self._cloud.open_writes)
        await asyncio.sleep(self._cloud.write_s)

    async def __aexit__(self, *_: object) -> None:
        self._cloud.open_writes -= 1


@dataclass
class LoggedLedger(MemoryLedger):
    """A ledger that shares its log with the cloud, and whose disk can fail for good."""

    log: list[str] = field(default_factory=list)
    lines_until_full: int | None = None

    async def append(self, key: EntryKey, *events: Event) -> str:
        if self.lines_until_full is not None:
            if self.lines_until_full <= 0:
                await asyncio.sleep(0)
                self.log.append("disk full")
                raise LedgerError("wave-07.ledger.jsonl", "no space left on device")
            self.lines_until_full -= len(events)
        at = await super().append(key, *events)
        self.log += [f"write {event.ledger_name} {key}" for event in events]
        return at


@dataclass
class Rig:
    """A cloud and a ledger that outlive runs, and the means to start one."""

    cloud: LoggedCloud
    ledger: LoggedLedger
    specs: list[ImageSpec]
    selected: Callable[[str], bool] = lambda _: True
    concurrency: int = 2
    window_s: float | None = None
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    accepts_sources: bool = False
    watch: WatchLimits = field(default_factory=watch_limits)
    policy: ThrottlePolicy = field(default_factory=ThrottlePolicy)
    notebook: Notebook = field(default_factory=Notebook)
    stop: Stop = field(default_factory=Stop)
    sources: Sources | None = None
    runs: int = 0
    elapsed_s: float = 0.0

    def build(self) -> Run:
        """Return the next run, with a stop and a notebook of its own."""
        self.stop, self.notebook = Stop(), Notebook()
        batch = Batch(
            manifest=Manifest(name="wave-07", images=tuple(self.specs)),
            records=self.ledger.replay(),
            is_selected=self.selected,
            is_new_ledger=self.runs == 0,
        )
        self.runs += 1
        settle = SettleTime(
            least_s=self.watch.settle.least_s,
            list_every_s=self.watch.poll_interval_s,
            remembered_lag_s=self.ledger.list_lag_s,
        )
        watch = replace(self.watch, settle=settle)
        limits = RunLimits(
            concurrency=self.concurrency,
            watch=watch,
            window=Window(length_s=self.window_s),
            retry=self.retry,
            accepts_sources=self.accepts_sources,
        )
        lookout = Lookout(self.cloud, batch, watch, stop=self.stop)
        service = Throttle(
            lookout,
            self.policy,
            stop=self.stop,
            observer=self.notebook,
            rng=random.Random(1),
        )
        ports = RunPorts(
            service=service,
            lookout=lookout,
            ledger=self.ledger,
            observer=self.notebook,
            sources=self.sources,
        )
        return Run(batch, ports, limits, stop=self.stop)

    async def execute(
        self, *, stop_after_s: float | None = None, reason: StopReason | None = None
    ) -> RunOutcome:
        """Carry out one run, told to stop after this many seconds."""
        run = self.build()
        if stop_after_s is not None:
            asyncio.get_running_loop().call_later(
                stop_after_s, self.stop.request, reason or StopReason.SIGTERM
            )
        return await run.execute()

    def run(self, **how: Any) -> RunOutcome:
        """Carry out one run; the cloud's time has gone on since the last one."""
        return self.play(self.execute(**how))

    def play(self, scenario: Coroutine[object, object, _T]) -> _T:
        """Let something happen, a minute after what happened last."""
        return run_virtually(self._later(scenario))

    async def _later(self, scenario: Coroutine[object, object, _T]) -> _T:
        await asyncio.sleep(self.elapsed_s)
        try:
            return await scenario
        finally:
            self.elapsed_s = asyncio.get_running_loop().time() + 60.0

    def lose_ledger(self) -> None:
        """Go on with an empty ledger, as if the file was deleted."""
        self.ledger = LoggedLedger(log=self.ledger.log)
        self.runs = 0

    def images_and_jobs(self) -> tuple[int, list[int]]:
        """Return how many images there are, and how many jobs each has."""
        jobs = self.cloud.accepted_registers
        return len(self.cloud.images), sorted(jobs[one] for one in self.cloud.images)


def rig(entries: Iterable[ImageSpec] | int = 1, **cloud: Any) -> Rig:
    """Return a rig over a manifest of these entries (or of so many plain ones)."""
    if isinstance(entries, int):
        entries = [spec(f"web-{n}") for n in range(entries)]
    log: list[str] = []
    fake = LoggedCloud(log=log, **cloud)
    return Rig(cloud=fake, ledger=LoggedLedger(log=log), specs=list(entries))
