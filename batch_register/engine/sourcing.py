"""The sources of a run's entries: looked at before anything is made, brought if asked.

Decides: who is looked at, what a verdict does to an entry, when a file is brought. Must
not know: object stores, disks, what makes a source unfit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Self

from batch_register.engine.batch import Work
from batch_register.engine.errand import Errand
from batch_register.entry import EntryRecord
from batch_register.errors import ServiceError
from batch_register.event import Event, SourceSeen
from batch_register.model import Action, EntryKey, Fault, FaultKind, ImageSpec
from batch_register.plan import Intention
from batch_register.ports import Note, Sources
from batch_register.source import SourceVerdict
from batch_register.stopping import Stop

# Active, and what they were made of may have changed since.
_DONE = frozenset({Intention.SKIP, Intention.CONFLICT})


class Sourcing:
    """What one run knows of its sources."""

    def __init__(self, sources: Sources | None, *, stop: Stop) -> None:
        self._sources = sources
        self._stop = stop
        self._verdicts: Mapping[EntryKey, SourceVerdict] = {}

    async def look(self, work: Work) -> None:
        """Look at the sources of everything wanted, as far as they can be looked at.

        Raises:
            StoppedError: the run stops first.
        """
        if self._sources is None:
            return
        todo = [spec for spec, decision in work if spec and decision.needs_service]
        done = [spec for spec, decision in work if spec and decision.intention in _DONE]
        if todo or done:
            self._verdicts = await self._stop.cutting(self._sources.survey(todo, done))

    def news(
        self, records: Mapping[EntryKey, EntryRecord]
    ) -> Iterator[tuple[EntryRecord, SourceSeen]]:
        """Give what the ledger does not know yet of the objects that were looked at."""
        for key, verdict in self._verdicts.items():
            seen = seen_by(verdict)
            record = records[key]
            if seen is not None and verdict.pin != record.source:
                yield record, seen

    def resolved(self, work: Work) -> Work:
        """Return the work with what `min_disk: auto` comes to."""
        return [(spec and self._resolved(spec), decision) for spec, decision in work]

    def _resolved(self, spec: ImageSpec) -> ImageSpec:
        verdict = self._verdicts.get(spec.key)
        if not spec.min_disk_is_auto or verdict is None or not verdict.min_disk_gb:
            return spec
        return replace(spec, min_disk_gb=verdict.min_disk_gb)

    def unfit(self, spec: ImageSpec) -> Fault | None:
        """Return why nothing may be sent for an entry, or None."""
        verdict = self._verdicts.get(spec.key)
        if verdict is not None and verdict.fault is not None:
            return verdict.fault
        is_open = spec.min_disk_is_auto and not self._resolved(spec).min_disk_gb
        return _MIN_DISK_UNKNOWN if is_open else None

    async def bring(self, errand: Errand, note: Note) -> Fault | None:
        """Bring an entry's file to its object, once; return why it is not there.

        The image's own deadline begins anew after that.

        Raises:
            StoppedError: the run stops first; the next one goes on with the upload.
        """
        spec = errand.spec_to_send
        if spec.source is None or self._sources is None or errand.is_brought:
            return None
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        mark = errand.record.upload
        try:
            async with _Notes(note) as notes:
                await self._stop.cutting(self._sources.bring(spec, mark, notes))
        except ServiceError as error:
            return error.fault
        errand.is_brought = True
        errand.deadline_s += loop.time() - began_s
        return None


class _Notes:
    """Events of a work that may be cut short: what is on its way to the disk gets there.

    Else the ledger would know of an event that this run's own end does not tell.
    """

    def __init__(self, note: Note) -> None:
        self._note = note
        self._under_way: set[asyncio.Future[None]] = set()

    async def __call__(self, event: Event) -> None:
        """Make an event durable, even if whoever waits for that is cut short."""
        writing = asyncio.ensure_future(self._note(event))
        self._under_way.add(writing)
        writing.add_done_callback(self._under_way.discard)
        await asyncio.shield(writing)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        is_cancelled = kind is not None and issubclass(kind, asyncio.CancelledError)
        for writing in tuple(self._under_way):
            if is_cancelled:
                writing.cancel()
            else:
                await writing


def seen_by(verdict: SourceVerdict) -> SourceSeen | None:
    """Return the event that keeps what a look has shown, if it has shown anything."""
    if verdict.pin is None:
        return None
    header = verdict.inspection
    known = header is not None and header.disk_format is not None
    return SourceSeen(
        etag=verdict.pin.etag,
        size_bytes=verdict.pin.size_bytes,
        disk_format=str(header.disk_format) if header and known else "",
        virtual_size_bytes=header.virtual_size_bytes if header else None,
    )


_MIN_DISK_UNKNOWN = Fault(
    kind=FaultKind.REJECTED,
    code="preflight.min-disk-unknown",
    reason="min_disk is auto, and the source was not looked at",
    action=Action.FIX_MANIFEST,
)
