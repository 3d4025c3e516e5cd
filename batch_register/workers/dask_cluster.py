"""Our cluster's contract on `distributed.Client`: the one module that loads Dask.

Decides: what each of Dask's failures is called. Must not know: files, parts.

Dask's own configuration holds: `distributed.comm.tls` names the certificates of a
scheduler whose address begins with tls://.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import distributed
from distributed.versions import VersionMismatchWarning

from batch_register.errors import ServiceError, SettingsError
from batch_register.model import Action, Fault, FaultKind
from batch_register.workers.cluster import Task, Wish
from batch_register.workers.roster import Worker

_T = TypeVar("_T")
_CONNECT, _ASK = "connect to the Dask scheduler", "ask the Dask scheduler"
_HINT = "look at Dask's own configuration: distributed.comm.tls, in ~/.config/dask"
_OVER = ("closing", "closed")  # it has given up by itself
_CONNECT_S = 10.0
_SETTLE_S = 5.0  # in which Dask ends a connect that failed
_ANSWER_S = 10.0
_FETCH_S = 30.0
_CLOSE_S = 5.0
_LOGGERS = (
    "distributed",
    "distributed.client",
    "distributed.gc",
    "tornado",
    "tornado.application",
)


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[DaskCluster]:
    """Give the cluster behind a scheduler's address until the context ends.

    Raises:
        ServiceError: the scheduler cannot be reached, or speaks another Dask.
        SettingsError: Dask's own configuration is no good.
    """
    _silence()
    cluster = DaskCluster(address)
    try:
        await cluster.workers()
        yield cluster
    finally:
        await cluster.close()


class DaskCluster:
    """`cluster.Cluster` on a Dask scheduler; connects again once it has lost it."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client: distributed.Client | None = None
        self._connecting = asyncio.Lock()

    async def close(self) -> None:
        """Let the scheduler go; it drops what was not done."""
        client, self._client = self._client, None
        if client is not None:
            await _closed(client)

    async def workers(self) -> list[Worker]:
        """Return the workers that the scheduler shows now."""
        client = await self._connected()
        shown = await self._answer(client.scheduler.identity(n_workers=-1))
        return [
            Worker(
                address=address,
                name=str(told["name"]),
                host=str(told["host"]),
                resources=dict(told["resources"]),
            )
            for address, told in shown["workers"].items()
            if not str(told["status"]).startswith("clos")
        ]

    async def ask(
        self, address: str | None, work: Callable[..., object], *args: object
    ) -> object:
        """Have one worker, or the scheduler itself (None), call a function at once."""
        client = await self._connected()
        try:
            async with asyncio.timeout(_ANSWER_S):
                if address is None:
                    return await client.run_on_scheduler(work, *args)
                answers = await client.run(
                    work, *args, workers=[address], on_error="return"
                )
                return answers.get(address)
        except Exception as error:  # noqa: BLE001 - whatever the other side has raised
            return error

    async def begin(
        self, operation: str, wish: Wish, work: Callable[..., object], *args: object
    ) -> Task:
        """Have a function called by a worker, as soon as one is free."""
        client = await self._connected()
        try:
            future = client.submit(
                work,
                *args,
                # Shown by the dashboard and in logs: it names no argument.
                key=f"batch-register {operation}-{uuid.uuid4().hex}",
                pure=False,
                workers=sorted(wish.addresses),
                allow_other_workers=False,
                resources={wish.resource: 1} if wish.resource else None,
                priority=wish.priority,
            )
        except Exception as error:  # noqa: BLE001 - Dask documents none of them
            failure = error
        else:
            return _DaskTask(operation, future)
        raise ServiceError(operation, fault_of(failure))

    async def _connected(self) -> distributed.Client:
        """Return the client; a new one where the old one has given its scheduler up."""
        async with self._connecting:
            if self._client is not None and self._client.status in _OVER:
                await self.close()
            if self._client is None:
                self._client = await self._connect()
            return self._client

    async def _connect(self) -> distributed.Client:
        client = self._unconnected()
        try:
            async with asyncio.timeout(_CONNECT_S + _SETTLE_S):
                return await client
        except asyncio.CancelledError:
            await _closed(client)
            raise
        except Exception as error:  # noqa: BLE001 - Dask documents none of them
            failure = error
        await _closed(client)
        words = f"{self._address} cannot be reached ({_kind(failure)})"
        if self._address.startswith("tls://"):
            words += ", or does not take our certificate"
        fault = _fault(FaultKind.UNREACHABLE, "no-scheduler", words)
        raise ServiceError(_CONNECT, fault)

    def _unconnected(self) -> distributed.Client:
        try:
            return distributed.Client(
                self._address,
                asynchronous=True,
                set_as_default=False,
                timeout=_CONNECT_S,
                name="batch-register",
            )
        except Exception as error:  # noqa: BLE001 - Dask documents none of them
            failure = error
        message = f"Dask cannot be set up for {self._address}: {_words(failure)}"
        raise SettingsError(message, hint=_HINT)

    async def _answer(self, call: Awaitable[_T]) -> _T:
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await call
        except Exception as error:  # noqa: BLE001 - Dask documents none of them
            failure = error
        raise ServiceError(_ASK, fault_of(failure))


class _DaskTask:
    """`cluster.Task` on a future of Dask's."""

    def __init__(self, operation: str, future: distributed.Future) -> None:
        self._operation = operation
        self._future = future

    async def has_ended(self, *, within_s: float) -> bool:
        """Return whether it has ended, after so many seconds at the latest."""
        # `wait` asks for a client of the context's, though a future has its own.
        with self._future.client.as_current(), suppress(TimeoutError, CancelledError):
            await distributed.wait(self._future, timeout=within_s)
        return bool(self._future.status != "pending")

    async def result(self) -> object:
        """Return what the function returned."""
        try:
            async with asyncio.timeout(_FETCH_S):
                return await self._future
        except Exception as error:  # noqa: BLE001 - whatever the other side has raised
            failure = error
        raise ServiceError(self._operation, fault_of(failure))

    def release(self) -> None:
        """Let it go."""
        self._future.release()


def fault_of(error: Exception) -> Fault:
    """Return our fault for what Dask raises; all of them pass.

    Its own text is left out: it may hold what a task was given.
    """
    if isinstance(error, distributed.scheduler.KilledWorker):
        words = "the workers that did it died, one after the other"
        return _fault(FaultKind.LOST, "worker-died", words)
    if isinstance(error, OSError | CancelledError | TimeoutError):
        words = "the connection to the Dask scheduler was lost"
        return _fault(FaultKind.LOST, "scheduler-lost", words)
    return _fault(FaultKind.LOST, "task-failed", f"Dask failed with {_kind(error)}")


def _words(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0]
    return f"{_kind(error)}: {text}" if text else _kind(error)


def _kind(error: Exception) -> str:
    return type(error).__name__


def _fault(kind: FaultKind, code: str, reason: str) -> Fault:
    return Fault(kind=kind, code=f"dask.{code}", reason=reason, action=Action.RUN_AGAIN)


async def _closed(client: distributed.Client) -> None:
    with suppress(Exception):  # what cannot be closed is gone
        async with asyncio.timeout(_CLOSE_S):
            await client.close()
    # Else its end as an object begins a close that nobody awaits, with a warning.
    client.status = "closed"


def _silence() -> None:
    """Keep Dask from writing to our standard error: what matters is told by us.

    Loading it has given its loggers a handler of their own.
    """
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
    warnings.filterwarnings("ignore", category=VersionMismatchWarning)
