"""Buckets and disks of a simulated world, and one process's way to them.

A call to the store may fail before it takes effect or after, and a process may die at
any step of it. Which content a file or an object has is told by a word.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from batch_register.event import SourceUploaded, UploadBegun, UploadProgressed
from batch_register.model import Action, EntryKey, Fault, FaultKind, ImageSpec
from batch_register.ports import Note
from batch_register.source import (
    Brought,
    FileStamp,
    SourcePin,
    SourceVerdict,
    UploadMark,
)
from batch_register.upload.faults import file_changed
from tests.simulation.cloud import refusal
from tests.simulation.story import SourcesAre
from tests.simulation.witness import Witness

_T = TypeVar("_T")

PARTS = 3
PART_BYTES = 100
MIN_DISK_GB = 40

UNFIT = Fault(
    kind=FaultKind.REJECTED,
    code="preflight.object-missing",
    reason="as drawn",
    action=Action.FIX_SOURCE,
)
UNSEEN = Fault(
    kind=FaultKind.SERVER,
    code="sim.unseen",
    reason="as drawn",
    action=Action.RUN_AGAIN,
)


@dataclass(slots=True, kw_only=True)
class SimUpload:
    """A multipart upload that is open, and whose parts it has."""

    upload_id: str
    key: EntryKey
    url: str
    parts: dict[int, str] = field(default_factory=dict)  # content by number


@dataclass
class SimStore:
    """What outlives processes: objects, open uploads, and the files of the disks."""

    objects: dict[str, str] = field(default_factory=dict)  # of entries with a file
    uploads: dict[str, SimUpload] = field(default_factory=dict)
    begun: int = 0
    _versions: dict[str, int] = field(default_factory=dict)

    def replace(self, spec: ImageSpec) -> None:
        """Have other content in an entry's file, or in its object if it has no file."""
        place = _place(spec)
        self._versions[place] = self._versions.get(place, 0) + 1

    def version(self, spec: ImageSpec) -> int:
        """Return how often somebody has changed the file or the object."""
        return self._versions.get(_place(spec), 0)

    def wanted(self, spec: ImageSpec) -> str:
        """Return which content an entry's object is to have."""
        return f"{_place(spec)}@{self.version(spec)}"

    def stored(self, spec: ImageSpec) -> str | None:
        """Return which content an entry's object has."""
        if spec.source is None:
            return self.wanted(spec)
        return self.objects.get(spec.image_url)

    def is_ready(self, spec: ImageSpec) -> bool:
        """Return whether the object is what is to be registered."""
        return self.stored(spec) == self.wanted(spec)

    def begin(self, spec: ImageSpec) -> SimUpload:
        self.begun += 1
        upload = SimUpload(
            upload_id=f"upload-{self.begun}", key=spec.key, url=spec.image_url
        )
        self.uploads[upload.upload_id] = upload
        return upload

    def complete(self, upload: SimUpload) -> None:
        """Make the object of the parts, if they are of one file and the upload is open."""
        (content,) = set(upload.parts.values())
        if self.uploads.pop(upload.upload_id, None) is not None:
            self.objects[upload.url] = content


def _place(spec: ImageSpec) -> str:
    return spec.image_url if spec.source is None else spec.source.path


class Sender(Protocol):
    """The process that calls come from."""

    witness: Witness

    def check(self) -> None:
        """Raise PowerCutError once the process is dead."""
        ...

    def reach_store(self) -> None:
        """Pass a point where the process may die."""
        ...


class SimSources:
    """One process's `ports.Sources`."""

    def __init__(
        self,
        store: SimStore,
        sender: Sender,
        rng: random.Random,
        *,
        luck: SourcesAre,
        unfit: Collection[str],  # image_urls
    ) -> None:
        self._store = store
        self._sender = sender
        self._rng = rng
        self._luck = luck
        self._unfit = unfit

    async def survey(
        self,
        todo: Sequence[ImageSpec],
        done: Sequence[ImageSpec],
        brought: Mapping[EntryKey, Brought],
    ) -> Mapping[EntryKey, SourceVerdict]:
        """See ports.Sources."""
        del brought
        verdicts: dict[EntryKey, SourceVerdict] = {}
        for spec in todo:
            await self._pause()
            if (verdict := self._judged(spec)) is not None:
                verdicts[spec.key] = verdict
            # One that was not seen stops a create (`min_disk: auto`), not the register
            # of an image that was made when it was: the cloud checks the former.
            if verdict is not None and verdict.fault == UNFIT:
                self._sender.witness.refuses(spec.key)
        for spec in done:
            await self._pause()
            if not self._fails():
                verdicts[spec.key] = SourceVerdict(pin=self._pin(spec))
        return verdicts

    def _judged(self, spec: ImageSpec) -> SourceVerdict | None:
        if self._fails():
            return SourceVerdict(fault=UNSEEN) if spec.min_disk_is_auto else None
        if spec.image_url in self._unfit:
            return SourceVerdict(fault=UNFIT)
        return SourceVerdict(
            pin=self._pin(spec) if spec.source is None else None,
            min_disk_gb=MIN_DISK_GB if spec.min_disk_is_auto else None,
        )

    def _pin(self, spec: ImageSpec) -> SourcePin | None:
        content = self._store.stored(spec)
        if content is None or spec.image_url in self._unfit:
            return None
        return SourcePin(etag=content, size_bytes=PARTS * PART_BYTES)

    # ------------------------------------------------------------ uploads

    async def holds(self, spec: ImageSpec, brought: Brought) -> bool:
        """See ports.Sources."""
        await self._pause()
        return brought.pin.etag == self._store.wanted(spec)

    async def bring(
        self,
        spec: ImageSpec,
        mark: UploadMark | None,
        brought: Brought | None,
        note: Note,
    ) -> None:
        """See ports.Sources; whose an object is is the uploader's affair, not played."""
        del brought
        sent_bytes = 0
        try:
            is_there = await self._call("head", spec, self._is_ready(spec))
            if not is_there:
                sent_bytes = await self._upload(spec, mark, note)
            elif mark is not None:
                await self._abort(spec, mark.upload_id)
        except Exception:
            self._sender.witness.refuses(spec.key)
            raise
        content = self._store.stored(spec) or ""
        await note(
            SourceUploaded(
                etag=content,
                size_bytes=PARTS * PART_BYTES,
                sent_bytes=sent_bytes,
            )
        )
        self._sender.witness.brings(spec.key, content)

    def _is_ready(self, spec: ImageSpec) -> Callable[[], bool]:
        return lambda: self._store.is_ready(spec)

    async def _upload(
        self, spec: ImageSpec, mark: UploadMark | None, note: Note
    ) -> int:
        stamp = FileStamp(
            size_bytes=PARTS * PART_BYTES, modified_ns=self._store.version(spec)
        )
        upload = await self._resumed(spec, mark, stamp)
        if upload is None:
            upload = await self._call("begin", spec, lambda: self._store.begin(spec))
            await note(
                UploadBegun(
                    upload_id=upload.upload_id,
                    part_bytes=PART_BYTES,
                    size_bytes=stamp.size_bytes,
                    modified_ns=stamp.modified_ns,
                )
            )
        sent_bytes = 0
        for number in range(1, PARTS + 1):
            if number not in upload.parts:
                await self._part(spec, upload, number)
                sent_bytes += PART_BYTES
                await note(UploadProgressed(sent_bytes=number * PART_BYTES))
        if self._store.version(spec) != stamp.modified_ns:  # of some parts, or of all
            raise file_changed(_place(spec))
        await self._call(
            "complete", spec, lambda: self._store.complete(upload), upload.upload_id
        )
        return sent_bytes

    async def _resumed(
        self, spec: ImageSpec, mark: UploadMark | None, stamp: FileStamp
    ) -> SimUpload | None:
        if mark is None:
            return None
        if mark.file != stamp:
            await self._abort(spec, mark.upload_id)
            return None

        def find() -> SimUpload | None:
            found = self._store.uploads.get(mark.upload_id)
            is_its_own = found is not None and found.url == spec.image_url
            return found if is_its_own else None

        return await self._call("list parts", spec, find, mark.upload_id)

    async def _part(self, spec: ImageSpec, upload: SimUpload, number: int) -> None:
        def take() -> None:
            upload.parts[number] = self._store.wanted(spec)

        await asyncio.sleep(self._luck.part_s)
        await self._call("part", spec, take, upload.upload_id)

    async def _abort(self, spec: ImageSpec, upload_id: str) -> None:
        await self._call(
            "abort",
            spec,
            lambda: self._store.uploads.pop(upload_id, None),
            upload_id,
        )

    async def _call(
        self, call: str, spec: ImageSpec, act: Callable[[], _T], upload_id: str = ""
    ) -> _T:
        self._sender.check()
        self._sender.witness.asks_store(call, spec.key, upload_id)
        self._sender.reach_store()
        fails, is_applied = self._fails(), self._rng.random() < 0.5
        await self._pause()
        if fails and not is_applied:
            raise self._refusal()
        answer = act()
        await self._pause()
        if fails:
            raise self._refusal()
        return answer

    def _fails(self) -> bool:
        return self._rng.random() < self._luck.fault_rate

    def _refusal(self) -> Exception:
        kind = self._rng.choice([FaultKind.SERVER, FaultKind.LOST, FaultKind.FORBIDDEN])
        return refusal(kind, "sim.store")

    async def _pause(self) -> None:
        await asyncio.sleep(self._rng.choice([0.0, 0.01, self._rng.uniform(0, 1.0)]))
        self._sender.check()
