"""Engines with one promise broken each, to see that the simulation would notice.

Each hands out one wrong part where a process is put together; nothing is patched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from batch_register.engine import Batch, Run, RunLimits, RunPorts
from batch_register.engine.admission import Admission
from batch_register.engine.errand import Errand
from batch_register.engine.sourcing import Sourcing
from batch_register.entry import EntryRecord
from batch_register.errors import ServiceError
from batch_register.event import CreateIntended, Event, RegisterIntended, UploadBegun
from batch_register.ledger import LedgerFile
from batch_register.ledger.disk import Disk
from batch_register.model import (
    Applied,
    EntryKey,
    Fault,
    ImageSpec,
    ImageView,
    Pairs,
)
from batch_register.pacing import SettleTime
from batch_register.ports import ImageService, Ledger, Note
from batch_register.relay import Relay
from batch_register.stopping import Stop
from tests.simulation.process import Parts


class _CertainOfCreates(Relay):
    """Takes a create whose answer was lost for one that was not carried out."""

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        try:
            return await super().create_image(spec, tags)
        except ServiceError as error:
            error.applied = Applied.NO
            raise


class BlindRetry(Parts):
    """Sends a create again whose answer was lost."""

    def service(self, service: ImageService) -> ImageService:
        return _CertainOfCreates(service)


class _NoTime(SettleTime):
    @property
    def seconds(self) -> float:
        return 0.0


class NoSettleTime(Parts):
    """Takes the first look that shows nothing for proof."""

    def settle(self) -> SettleTime:
        return _NoTime(least_s=0.0)


class _CallsBeforeIntents:
    """A ledger that lets intents become durable whenever they like."""

    late: tuple[type[Event], ...] = (CreateIntended, RegisterIntended)

    def __init__(self, ledger: LedgerFile) -> None:
        self._ledger = ledger
        self._writing: set[asyncio.Task[str]] = set()

    async def append(self, key: EntryKey, *events: Event) -> str:
        if not isinstance(events[0], self.late):
            return await self._ledger.append(key, *events)
        loop = asyncio.get_running_loop()
        writing = loop.create_task(self._ledger.append(key, *events))
        self._writing.add(writing)
        writing.add_done_callback(self._done)
        return "2026-09-01T00:00:00.000Z"

    async def observe(self, facts: Mapping[str, object]) -> None:
        await self._ledger.observe(facts)

    async def declare(
        self, specs: Iterable[ImageSpec], removed: Iterable[EntryKey]
    ) -> None:
        await self._ledger.declare(specs, removed)

    def _done(self, writing: asyncio.Task[str]) -> None:
        self._writing.discard(writing)
        if not writing.cancelled():
            writing.exception()  # nobody waits for it


class CallBeforeIntent(Parts):
    """Sends a call while its intent is still on its way to the disk."""

    def ledger(self, ledger: LedgerFile) -> Ledger:
        return _CallsBeforeIntents(ledger)


class _PartsBeforeUploads(_CallsBeforeIntents):
    late = (UploadBegun,)


class PartBeforeUpload(Parts):
    """Sends parts of an upload that the ledger could still forget."""

    def ledger(self, ledger: LedgerFile) -> Ledger:
        return _PartsBeforeUploads(ledger)


class _CarelessSourcing(Sourcing):
    def unfit(self, spec: ImageSpec, record: EntryRecord) -> Fault | None:
        del spec, record
        return None


class _HastySourcing(Sourcing):
    async def bring(self, errand: Errand, note: Note) -> Fault | None:
        """Do nothing."""


class _CarelessRun(Run):
    sourcing: type[Sourcing] = _CarelessSourcing

    def __init__(
        self, batch: Batch, ports: RunPorts, limits: RunLimits, *, stop: Stop
    ) -> None:
        super().__init__(batch, ports, limits, stop=stop)
        self._sourcing.__class__ = self.sourcing


class _HastyRun(_CarelessRun):
    sourcing = _HastySourcing


class UnfitSourceTaken(Parts):
    """Makes images of sources that the look has refused."""

    run = _CarelessRun


class FileLeftBehind(Parts):
    """Makes images of files that nobody has uploaded."""

    run = _HastyRun


class _LeakyRun(Run):
    """Gives a slot back only for an entry that came to its end."""

    def __init__(
        self, batch: Batch, ports: RunPorts, limits: RunLimits, *, stop: Stop
    ) -> None:
        super().__init__(batch, ports, limits, stop=stop)
        self._admission = _LeakyAdmission.of(self._admission)


class _LeakyAdmission(Admission):
    @classmethod
    def of(cls, whole: Admission) -> Admission:
        whole.__class__ = cls
        return whole

    def _end(self, task: asyncio.Task[None]) -> None:
        if not self._stop.is_requested:
            super()._end(task)


class LeakedSlot(Parts):
    """Keeps the slot of an entry that was stopped."""

    run = _LeakyRun


class _LyingDisk:
    """A disk that calls bytes durable that are only cached."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self.lines = disk.lines
        self.write = disk.write
        self.truncate = disk.truncate
        self.close = disk.close

    def fsync(self) -> None:
        """Do nothing."""


class AcknowledgedBeforeFsync(Parts):
    """Calls ledger lines durable before they are."""

    def disk(self, disk: Disk) -> Disk:
        return _LyingDisk(disk)


MUTANTS: dict[str, type[Parts]] = {
    "blind retry of an ambiguous create": BlindRetry,
    "no settle time": NoSettleTime,
    "call sent before its intent is durable": CallBeforeIntent,
    "slot leaked on a stop": LeakedSlot,
    "part sent before its upload is durable": PartBeforeUpload,
    "unfit source taken": UnfitSourceTaken,
    "file left behind": FileLeftBehind,
    "ledger line acknowledged before fsync": AcknowledgedBeforeFsync,
}
