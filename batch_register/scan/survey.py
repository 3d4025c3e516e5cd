"""A bucket listed, and every object's header read that may be an image.

Decides: how many objects are read at once, and which refusal ends the whole survey.
Must not know: how an object is judged, which store it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from batch_register.errors import NotAllowedError, ServiceError, SettingsError
from batch_register.inspection import by_name
from batch_register.model import FaultKind
from batch_register.scan.draft import LeftOut
from batch_register.scan.from_bucket import Found, reason_unread
from batch_register.source import Inspection, ListedObject

MAX_OBJECTS: Final = 100_000
PARALLEL: Final = 32

Read = Callable[[int, int], Awaitable[bytes]]
Inspect = Callable[[Read, int], Awaitable[Inspection]]
Progress = Callable[[int], None]
# Faults of one object; all others are the store's, and pass for every object alike.
_OWN_FAULTS: Final = {
    FaultKind.FORBIDDEN: "it may not be read",
    FaultKind.NOT_FOUND: "it has gone since it was listed",
    FaultKind.REJECTED: "it cannot be read",
    FaultKind.MISREAD: "it cannot be read",
}


class ObjectReader(Protocol):
    """The part of ports.ObjectStore that is needed here."""

    def list_objects(self, bucket: str, prefix: str) -> AsyncIterator[ListedObject]:
        """Give the objects whose keys begin with `prefix`, in the order of their keys."""
        ...

    async def read(self, bucket: str, key: str, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset` (both in bytes); fewer at the end."""
        ...


@dataclass(slots=True)
class Survey:
    """What a bucket holds; both in the order of the keys."""

    found: list[Found] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


async def survey(
    store: ObjectReader,
    bucket: str,
    prefix: str,
    *,
    inspect: Inspect,
    progress: Progress = lambda _count: None,
) -> Survey:
    """Look at the objects of a bucket whose keys begin with `prefix`.

    An object that cannot be read by itself is left out; `progress` gets how many were
    read.

    Raises:
        SettingsError: there are more objects than a manifest takes.
        NotAllowedError: the bucket may not be listed; in a group, as the others.
        ServiceError: the store cannot be asked; in a group.
    """
    surveyor = _Surveyor(store, bucket, inspect, progress)
    queue: asyncio.Queue[ListedObject | None] = asyncio.Queue(maxsize=2 * PARALLEL)
    seen: list[str] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(PARALLEL):
            group.create_task(surveyor.work(queue))
        with forbidden_for_all():
            async for listed in store.list_objects(bucket, prefix):
                if len(seen) == MAX_OBJECTS:
                    raise _too_many(bucket, prefix)
                seen.append(listed.key)
                await queue.put(listed)
        for _ in range(PARALLEL):
            await queue.put(None)
    found, left_out = surveyor.found, surveyor.left_out
    return Survey(
        found=[found[key] for key in seen if key in found],
        left_out=[left_out[key] for key in seen if key in left_out],
    )


@contextmanager
def forbidden_for_all() -> Iterator[None]:
    """Tell a refusal that no other object can escape from that of a single one.

    Raises:
        NotAllowedError: the store forbids what the block asks for.
    """
    try:
        yield
    except ServiceError as error:
        if error.kind is FaultKind.FORBIDDEN:
            raise NotAllowedError(error.operation, error.fault) from error
        raise


class _Surveyor:
    """Looks at one object after another; several share what they find."""

    def __init__(
        self, store: ObjectReader, bucket: str, inspect: Inspect, progress: Progress
    ) -> None:
        self.found: dict[str, Found] = {}
        self.left_out: dict[str, LeftOut] = {}
        self._store = store
        self._bucket = bucket
        self._inspect = inspect
        self._progress = progress

    async def work(self, queue: asyncio.Queue[ListedObject | None]) -> None:
        """Look at objects until there are no more."""
        while (listed := await queue.get()) is not None:
            why = reason_unread(listed) or await self._read(listed)
            if why:
                self.left_out[listed.key] = LeftOut(what=listed.key, why=why)
            self._progress(len(self.found) + len(self.left_out))

    async def _read(self, listed: ListedObject) -> str:
        """Note what an object's header tells; return why it cannot be read."""

        async def read(offset: int, length: int) -> bytes:
            return await self._store.read(self._bucket, listed.key, offset, length)

        inspection = by_name(listed.key)
        try:
            inspection = inspection or await self._inspect(read, listed.pin.size_bytes)
        except ServiceError as error:
            if error.kind not in _OWN_FAULTS:
                raise
            return f"{_OWN_FAULTS[error.kind]}: {error.fault.reason}"
        self.found[listed.key] = Found(listed=listed, inspection=inspection)
        return ""


def _too_many(bucket: str, prefix: str) -> SettingsError:
    message = f"obs://{bucket}/{prefix} holds more than {MAX_OBJECTS} objects"
    return SettingsError(message, hint="name a longer prefix, and scan in parts")
