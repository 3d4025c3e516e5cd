"""The workers of a cluster, as they come and go.

Decides: how long somebody who needs a worker waits for one, that a worker is asked who
it is before it is given work. Must not know: Dask, what the work is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from batch_register.errors import ServiceError, SettingsError
from batch_register.model import Fault
from batch_register.workers.cluster import Cluster, Notice
from batch_register.workers.greeting import Greeting, complaint, greet
from batch_register.workers.roster import (
    Pin,
    Worker,
    addresses_for,
    nobody,
    unusable,
)

_FIND = "find a worker"
_HINT = "install the same batch-register and Python everywhere: pip install 'batch-register[dask]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Times in seconds: how long to wait for a worker, how often to look."""

    worker_s: float = 60.0
    look_s: float = 1.0


class Crew:
    """Who is there to work; looked at only when somebody asks."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        files: tuple[str, ...] = (),
        patience: Patience,
        notice: Notice,
    ) -> None:
        """`files` are those that every worker has to read, beside the entries' own."""
        self._cluster = cluster
        self._files = files
        self._patience = patience
        self._notice = notice
        self._own: Greeting = greet()
        self._looking = asyncio.Lock()
        self._looked_at_s = float("-inf")
        self._fault: Fault | None = None  # why the last look showed nothing
        self._workers: dict[str, Worker] = {}
        self._met: set[Pin] = set()
        self._missed_at_s: dict[Pin, float] = {}

    async def assemble(self) -> None:
        """See that the cluster can do our work; a worker that is to come is not awaited.

        Raises:
            SettingsError: the scheduler, or every worker, runs another program.
            ServiceError: the scheduler cannot be reached.
        """
        answer = await self._cluster.ask(None, greet)
        if told := complaint(answer, self._own):
            message = f"the Dask scheduler {told}"
            raise SettingsError(message, hint=_HINT)
        workers = await self._now()
        if workers and all(one.complaint for one in workers):
            raise SettingsError(unusable(workers), hint=_HINT)

    async def addresses(self, pin: Pin) -> frozenset[str]:
        """Return where a task may run; wait for such a worker if need be.

        What was waited for in vain is waited for only once.

        Raises:
            ServiceError: there is none; the fault says why.
        """
        while True:
            workers = await self._now()
            found = addresses_for(pin, workers)
            if found:
                self._met.add(pin)
                self._missed_at_s.pop(pin, None)
                return found
            fault = nobody(pin, workers, was_there=pin in self._met)
            if any(one.suits(pin) for one in workers) or self._has_waited(pin):
                raise ServiceError(_FIND, fault)
            await asyncio.sleep(self._patience.look_s)

    async def has_any(self, addresses: Collection[str]) -> bool:
        """Return whether one of these workers is still there."""
        return any(one.address in addresses for one in await self._now())

    def reachable(self) -> Sequence[str]:
        """Return the addresses of the fit workers, as far as they can be reached."""
        if self._fault is not None:
            return []
        return [one.address for one in self._workers.values() if not one.complaint]

    def _has_waited(self, pin: Pin) -> bool:
        now_s = asyncio.get_running_loop().time()
        if pin not in self._missed_at_s:
            host, resource = pin
            self._notice(
                "dask.waiting",
                host=host,
                resource=resource,
                workers=[one.name for one in self._workers.values()],
                longest_s=self._patience.worker_s,
            )
        missed_at_s = self._missed_at_s.setdefault(pin, now_s)
        return now_s - missed_at_s >= self._patience.worker_s

    async def _now(self) -> Sequence[Worker]:
        """Return who is there, as it was a moment ago at most.

        A look that fails does so for all who wait for it: one after the other, each
        would wait for the scheduler anew.
        """
        clock = asyncio.get_running_loop().time
        async with self._looking:
            if clock() - self._looked_at_s >= self._patience.look_s:
                self._fault = None
                try:
                    await self._look()
                except ServiceError as error:
                    self._fault = error.fault
                self._looked_at_s = clock()
            if self._fault is not None:
                raise ServiceError(_FIND, self._fault)
        return tuple(self._workers.values())

    async def _look(self) -> None:
        seen = {one.address: one for one in await self._cluster.workers()}
        known = {at: one for at, one in self._workers.items() if at in seen}
        new = [one for at, one in seen.items() if at not in known]
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(self._asked(one)) for one in new]
        for one in (task.result() for task in asking):
            known[one.address] = one
            if one.complaint:
                self._notice("dask.worker_unfit", worker=one.name, why=one.complaint)
        self._workers = known

    async def _asked(self, worker: Worker) -> Worker:
        """Return the worker with what it tells of itself."""
        answer = await self._cluster.ask(worker.address, greet, self._files)
        return replace(
            worker,
            host_name=answer.host_name if isinstance(answer, Greeting) else "",
            complaint=complaint(answer, self._own),
        )
