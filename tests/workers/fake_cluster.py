"""A cluster in this process: its workers are values, their work is done at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from batch_register.errors import ServiceError
from batch_register.model import Action, Fault, FaultKind
from batch_register.workers.cluster import Task, Wish
from batch_register.workers.greeting import greet
from batch_register.workers.roster import Worker

LOST = Fault(
    kind=FaultKind.LOST, code="dask.lost", reason="it went", action=Action.RUN_AGAIN
)


def worker(name: str, **changes: object) -> Worker:
    """Return a worker whose address is told by its name."""
    plain: dict[str, object] = {"address": f"tcp://{name}:1", "name": name}
    return Worker(**{**plain, **changes})  # type: ignore[arg-type]


class FakeTask:
    """A task that has ended, unless its cluster holds it back."""

    def __init__(self, cluster: FakeCluster, work: Callable[[], object]) -> None:
        self._cluster = cluster
        self._work = work
        self.is_released = False

    async def has_ended(self, *, within_s: float) -> bool:
        if self._cluster.holds_back:
            await asyncio.sleep(within_s)
        return not self._cluster.holds_back

    async def result(self) -> object:
        if self._cluster.loses_results:
            raise ServiceError("ask", LOST)
        return self._work()

    def release(self) -> None:
        self.is_released = True


class FakeCluster:
    """`cluster.Cluster` without a scheduler."""

    def __init__(self, *workers: Worker) -> None:
        self.there = list(workers)
        self.answers: dict[str | None, object] = {}  # by address, instead of greetings
        self.asked: list[tuple[str | None, str, tuple[object, ...]]] = []
        self.tasks: list[FakeTask] = []
        self.begun: list[tuple[str, Wish, tuple[object, ...]]] = []
        self.holds_back = False
        self.loses_results = False
        self.refuses_after_s: float | None = None  # the scheduler is gone
        self.looks = 0

    async def workers(self) -> list[Worker]:
        self.looks += 1
        if self.refuses_after_s is not None:
            await asyncio.sleep(self.refuses_after_s)
            raise ServiceError("look", LOST)
        return list(self.there)

    async def ask(
        self, address: str | None, work: Callable[..., object], *args: object
    ) -> object:
        self.asked.append((address, work.__name__, args))
        if work is greet and address in self.answers:
            return self.answers[address]
        return work(*args)

    async def begin(
        self, operation: str, wish: Wish, work: Callable[..., object], *args: object
    ) -> Task:
        self.begun.append((operation, wish, args))
        self.tasks.append(FakeTask(self, lambda: work(*args)))
        return self.tasks[-1]
