"""One look at one source: which requests it takes, and when the store is given up.

Decides: what is asked of store and disk for one source, and that a store which refuses
or never answers is asked no more. Must not know: how many looks are taken at once,
what is made of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from batch_register.errors import ServiceError
from batch_register.inspection import by_name
from batch_register.model import Fault, FaultKind, FilePlace
from batch_register.ports import ObjectStore, SourceFiles
from batch_register.preflight.listing import listed
from batch_register.preflight.sight import Sight
from batch_register.source import BucketView, FileStamp, Inspection, ObjectView

_T = TypeVar("_T")

Read = Callable[[int, int], Awaitable[bytes]]  # from an offset, at most so many bytes
Inspect = Callable[[Read, int], Awaitable[Inspection]]  # of a file of so many bytes

_SILENT = frozenset({FaultKind.UNREACHABLE, FaultKind.LOST})


def is_silent(answer: object) -> bool:
    """Return whether there was no answer at all, however often it was asked for."""
    return isinstance(answer, Fault) and answer.kind in _SILENT


class StoreGoneError(Exception):
    """The store as a whole is not to be had; no further look can tell anything."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.sentence())
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One source, whichever entries share it; not `is_whole`: its pins alone are wanted."""

    bucket: str
    key: str
    file: FilePlace | None = None
    is_whole: bool = True


class Eyes:
    """Look at sources, one call after the other for each.

    After `patience` calls in a row without an answer, or one that refuses the
    credentials, every method raises StoreGoneError.
    """

    def __init__(
        self, store: ObjectStore, files: SourceFiles, inspect: Inspect, *, patience: int
    ) -> None:
        self._store = store
        self._files = files
        self._inspect = inspect
        self._patience = patience
        self._silences = 0
        self._listed: dict[tuple[str, str], ObjectView | None] = {}
        self.requests = 0  # to the store; its own repetitions are not counted

    async def bucket(self, name: str) -> BucketView | Fault | None:
        """Return what there is to see of a bucket."""
        self.requests += 1
        return await self._seen(self._store.head_bucket(name))

    async def list_ahead(self, bucket: str, keys: Collection[str]) -> None:
        """Look at objects of which only the pins are wanted by the bucket's list.

        What it does not show, `source` asks for.
        """
        found = await listed(self._store, bucket, keys)
        self.requests += found.pages
        self._listed.update(((bucket, key), view) for key, view in found.views.items())

    async def source(self, target: Target, bucket: BucketView | Fault | None) -> Sight:
        """Return what there is to see of a source in a bucket that was looked at."""
        if bucket is None:
            return Sight(bucket=None)
        stored = await self._stored(target)
        if not target.is_whole:
            return Sight(
                bucket=bucket, stored=stored, file=await self._stamp(target.file)
            )
        file = await self._file(target.file, stored)
        sight = Sight(bucket=bucket, stored=stored, file=file)
        return Sight(
            bucket=bucket,
            stored=stored,
            file=file,
            content=await self._content(target, sight),
        )

    async def _stored(self, target: Target) -> ObjectView | Fault | None:
        place = (target.bucket, target.key)
        if not target.is_whole and place in self._listed:
            return self._listed[place]
        self.requests += 1
        return await self._seen(self._store.head_object(*place))

    async def _file(
        self, place: FilePlace | None, stored: ObjectView | Fault | None
    ) -> FileStamp | Fault | None:
        return None if isinstance(stored, Fault) else await self._stamp(place)

    async def _stamp(self, place: FilePlace | None) -> FileStamp | Fault | None:
        return None if place is None else await _told(self._files.stamp(place))

    async def _content(self, target: Target, sight: Sight) -> Inspection | Fault | None:
        named = by_name(target.key)
        if named is not None:  # no page tells how such a file begins
            return named
        file, stored = sight.file, sight.stored
        if sight.will_be_uploaded and target.file and isinstance(file, FileStamp):
            if file.size_bytes == 0:
                return None
            read = partial(self._files.read, target.file)
            return await _told(self._inspect(read, file.size_bytes))
        if sight.can_be_read and isinstance(stored, ObjectView):
            return await self._seen(
                self._inspect(partial(self._read, target), stored.pin.size_bytes)
            )
        return None

    async def _read(self, target: Target, offset: int, length: int) -> bytes:
        self.requests += 1
        return await self._store.read(target.bucket, target.key, offset, length)

    async def _seen(self, call: Awaitable[_T]) -> _T | Fault:
        """Return what the store answers, or its fault.

        Raises:
            StoreGoneError: the store refuses us, or has been silent for too long.
        """
        answer = await _told(call)
        self._silences = self._silences + 1 if is_silent(answer) else 0
        if isinstance(answer, Fault) and (
            answer.kind is FaultKind.UNAUTHENTICATED or self._silences >= self._patience
        ):
            raise StoreGoneError(answer)
        return answer


async def _told(call: Awaitable[_T]) -> _T | Fault:
    try:
        return await call
    except ServiceError as error:
        return error.fault
