"""Admit entries under the bound on images in flight and under the image quota.

Decides: who takes the next free slot, when those that wait for room are looked at again,
and when nobody is left. Must not know: how one entry moves, what a quota reading means.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from batch_register.engine.batch import Work
from batch_register.engine.quota import QuotaReader
from batch_register.engine.room import Room
from batch_register.entry import EntryRecord
from batch_register.errors import StoppedError
from batch_register.model import EntryKey, ImageSpec
from batch_register.plan import Decision
from batch_register.stage import Deferred
from batch_register.stopping import Stop
from batch_register.turns import in_turns

# Deferrals that are written at once: they share the disk's flushes.
_DEFERRALS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What an admission has done for an entry."""

    drive: Callable[[ImageSpec | None, Decision], Awaitable[None]]
    defer: Callable[[Decision], Awaitable[None]]
    may_start: Callable[[Decision], bool]
    decide_again: Callable[[EntryKey], Decision]


class Admission:
    """Admits the entries of one run; `carry_out` is called once."""

    def __init__(
        self,
        concurrency: int,
        records: Mapping[EntryKey, EntryRecord],
        room: Room,
        quota: QuotaReader,
        steps: Steps,
        *,
        stop: Stop,
    ) -> None:
        self._records = records
        self._room = room
        self._quota = quota
        self._steps = steps
        self._stop = stop
        self._slots = asyncio.BoundedSemaphore(concurrency)
        self._ranks: dict[EntryKey, int] = {}
        self._held: list[tuple[int, ImageSpec]] = []  # a heap: who was first goes first
        self._is_starting = True
        self._running = 0
        self._last_end_s = float("-inf")
        self._news = asyncio.Event()
        stop.when_requested(self._news.set)

    @property
    def is_waiting(self) -> bool:
        """Return whether anybody still waits to be started."""
        return self._is_starting or bool(self._held)

    def hear(self) -> None:
        """Look again whether there is room: the quota was read."""
        self._news.set()

    async def carry_out(self, work: Work, waiting: frozenset[EntryKey]) -> None:
        """Start all entries as slots and room come free, and wait for their ends.

        A slot is taken before a task exists. Those in `waiting` are deferred at once;
        when somebody's place becomes free while the run lasts, they are started too.
        """
        todo, held = await self._line_up(work, waiting)
        async with asyncio.TaskGroup() as group:
            deferring = group.create_task(self._defer_all(held))
            for spec, decision in todo:
                if decision.key in waiting:
                    continue
                if not await self._start(group, spec, decision):
                    return
            self._is_starting = False
            await deferring
            while (spec := await self._next_held()) is not None:
                decision = self._steps.decide_again(spec.key)
                if not await self._start(group, spec, decision):
                    return

    async def _line_up(
        self, work: Work, waiting: frozenset[EntryKey]
    ) -> tuple[Work, Work]:
        """Return what there is to do, and those of it that wait for room."""
        todo: Work = []
        held: Work = []
        async for items in in_turns(work):
            some = [item for item in items if item[1].needs_service]
            for rank, (spec, decision) in enumerate(some, len(todo)):
                self._ranks[decision.key] = rank
                if decision.key in waiting:
                    self._hold(spec)
                    held.append((spec, decision))
            todo += some
        return todo, held

    async def _start(
        self, group: asyncio.TaskGroup, spec: ImageSpec | None, decision: Decision
    ) -> bool:
        """Start one entry once a slot is free; return False where admission ends."""
        await self._slots.acquire()
        if self._stop.is_requested or not self._steps.may_start(decision):
            self._slots.release()
            return False
        self._running += 1
        task = group.create_task(self._occupy(spec, decision))
        # not in the task itself: one cancelled before its first step never runs
        task.add_done_callback(self._end)
        return True

    def _end(self, _: asyncio.Task[None]) -> None:
        self._slots.release()
        self._running -= 1
        self._last_end_s = asyncio.get_running_loop().time()
        self._news.set()

    async def _occupy(self, spec: ImageSpec | None, decision: Decision) -> None:
        """Take one entry along while it holds its slot."""
        await self._steps.drive(spec, decision)
        self._room.leave(decision.key)
        if isinstance(self._records[decision.key].stage, Deferred):
            self._hold(spec)

    # ------------------------------------------------------------ those without room

    def _hold(self, spec: ImageSpec | None) -> None:
        if spec is not None:
            heapq.heappush(self._held, (self._ranks[spec.key], spec))

    async def _defer_all(self, held: Work) -> None:
        """Make durable that these entries wait for room."""
        remaining = iter(held)
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(len(held), _DEFERRALS_AT_ONCE)):
                workers.create_task(self._defer_some(remaining))

    async def _defer_some(
        self, remaining: Iterator[tuple[ImageSpec | None, Decision]]
    ) -> None:
        for _, decision in remaining:
            if self._stop.is_requested:
                return
            await self._steps.defer(decision)

    async def _next_held(self) -> ImageSpec | None:
        """Return who may start now that there is room; None: nobody will in this run.

        The run waits for room no longer than for the images in flight.
        """
        while not self._stop.is_requested and (self._held or self._running):
            if self._held and self._room.spare:
                _, spec = heapq.heappop(self._held)
                self._room.promise(spec.key)
                return spec
            if self._running:
                self._news.clear()
                await self._news.wait()
            elif self._room.quota is None or self._quota.asked_s >= self._last_end_s:
                return None
            else:
                with suppress(StoppedError):
                    await self._quota.read()
        return None
