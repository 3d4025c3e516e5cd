"""Files near the workers of a cluster: each call is one task, done where the file lies.

Decides: which function runs where, and when a task is given up. Must not know: Dask,
uploads, stores.

A worker that dies costs the part under way: the cluster has another one do it again,
which is harmless, for a part stored twice is the same part. Where the signed address has
expired meanwhile, the store's refusal passes, and the next try has a fresh one.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar, cast

from batch_register.errors import ServiceError
from batch_register.model import FilePlace
from batch_register.source import FileStamp
from batch_register.transport.tls import Tls
from batch_register.workers import duties
from batch_register.workers.cluster import Cluster, Notice, Wish
from batch_register.workers.crew import Crew, Patience
from batch_register.workers.duties import Done
from batch_register.workers.roster import left, pin_of
from batch_register.workers.send import STALL_S, PartOrder
from batch_register.workers.shares import Shares

_T = TypeVar("_T")
_LOOK, _READ, _SEND = "look at a file", "read a file", "send a part"
_PROMPT = 1  # before the parts, which take longer
_END_S = 5.0


class FarmFiles:
    """`ports.SourceFiles` on the workers of a cluster; use it with `async with`.

    `max_bytes_per_s` is shared by all that is sent. Certificate files are read by the
    workers, at the same paths as here, and proxies are those of the workers' environment.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        tls: Tls,
        trust_env: bool,
        notice: Notice,
        max_bytes_per_s: float | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._cluster = cluster
        self._tls = replace(tls)  # an order must hold no context
        self._trust_env = trust_env
        self._shares = Shares(max_bytes_per_s)
        self._patience = patience or Patience()
        paths = (tls.ca_file, tls.cert_file, tls.key_file)
        self._crew = Crew(
            cluster,
            files=tuple(str(one) for one in paths if one is not None),
            patience=self._patience,
            notice=notice,
        )
        self._run = uuid.uuid4().hex

    async def __aenter__(self) -> Self:
        await self._crew.assemble()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Have the workers end what they still do for us; whatever ran was cancelled."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_S), asyncio.TaskGroup() as group:
                for address in self._crew.reachable():
                    group.create_task(self._end(address))

    async def stamp(self, place: FilePlace) -> FileStamp | None:
        """Return size and age of a file, or None where there is none."""
        return await self._do(_LOOK, place, duties.stamp, place.path)

    async def read(self, place: FilePlace, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; fewer at the end."""
        found = await self._do(_READ, place, duties.read, place.path, offset, length)
        return found or b""

    async def digest(self, place: FilePlace, offset: int, length: int) -> str:
        """Return the MD5 of a range of a file, as hex."""
        args = (self._run, place.path, offset, length)
        return await self._do(_READ, place, duties.digest, *args) or ""

    async def send(
        self, place: FilePlace, offset: int, length: int, address: str
    ) -> str:
        """Send a range of a file to a signed address, checked; return its MD5 as hex."""
        order = PartOrder(
            path=place.path,
            offset=offset,
            length=length,
            address=address,
            tls=self._tls,
            trust_env=self._trust_env,
            stall_s=STALL_S,
        )
        addresses = await self._crew.addresses(pin_of(place))
        with self._shares.taken(addresses) as bytes_per_s:
            wish = Wish(addresses=addresses, resource=place.resource)
            args = (self._run, order, bytes_per_s)
            return await self._done(_SEND, place, wish, duties.send, *args) or ""

    async def _do(
        self,
        operation: str,
        place: FilePlace,
        work: Callable[..., Done[_T]],
        *args: object,
    ) -> _T | None:
        """Have something done that takes a moment."""
        addresses = await self._crew.addresses(pin_of(place))
        wish = Wish(addresses=addresses, resource=place.resource, priority=_PROMPT)
        return await self._done(operation, place, wish, work, *args)

    async def _done(
        self,
        operation: str,
        place: FilePlace,
        wish: Wish,
        work: Callable[..., Done[_T]],
        *args: object,
    ) -> _T | None:
        task = await self._cluster.begin(operation, wish, work, *args)
        try:
            while not await task.has_ended(within_s=self._patience.look_s):
                if not await self._crew.has_any(wish.addresses):
                    raise ServiceError(operation, left(pin_of(place)))
            done = cast("Done[_T]", await task.result())
        finally:
            task.release()
        if done.fault is not None:
            raise ServiceError(operation, done.fault, retry_after_s=done.retry_after_s)
        return done.value

    async def _end(self, address: str) -> None:
        with suppress(ServiceError):
            await self._cluster.ask(address, duties.end_run, self._run)
