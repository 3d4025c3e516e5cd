"""The sources of a run's entries: looked at before anything is made, brought if asked.

Decides: who is looked at, what a verdict does to an entry, when a file is brought. Must
not know: object stores, disks, what makes a source unfit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import replace
from typing import Self

from batch_register.engine.batch import Work
from batch_register.engine.errand import Errand
from batch_register.engine.file_news import file_seen, must_be_read, told_by_stamp
from batch_register.entry import EntryRecord
from batch_register.errors import ServiceError
from batch_register.event import Event, FileSeen, SourceAccepted, SourceSeen
from batch_register.model import Action, EntryKey, Fault, FaultKind, ImageSpec
from batch_register.plan import Intention
from batch_register.ports import Note, Sources
from batch_register.source import Brought, SourceVerdict
from batch_register.stage import Active, Created, Failed, Registering
from batch_register.stopping import Stop
from batch_register.turns import in_turns

# Active, and what they were made of may have changed since.
_DONE = frozenset({Intention.SKIP, Intention.CONFLICT})


class Sourcing:
    """What one run knows of its sources."""

    def __init__(self, sources: Sources | None, *, stop: Stop) -> None:
        self._sources = sources
        self._stop = stop
        self._verdicts: Mapping[EntryKey, SourceVerdict] = {}
        self._used: Set[str] = frozenset()  # objects of which there are images

    async def look(self, work: Work, records: Mapping[EntryKey, EntryRecord]) -> None:
        """Look at the sources of everything wanted, as far as they can be looked at.

        Raises:
            StoppedError: the run stops first.
        """
        if self._sources is None:
            return
        todo = [spec for spec, decision in work if spec and decision.needs_service]
        done = [spec for spec, decision in work if spec and decision.intention in _DONE]
        if not (todo or done):
            return
        if any(spec.source for spec in todo):
            self._used = await _used(records)
        known = ((spec, records[spec.key]) for spec in (*todo, *done) if spec.source)
        brought = {
            spec.key: last
            for spec, record in known
            if (last := self._replaceable(spec, record)) is not None
        }
        survey = self._sources.survey(todo, done, brought)
        self._verdicts = await self._stop.cutting(survey)

    def news(
        self, records: Mapping[EntryKey, EntryRecord]
    ) -> Iterator[tuple[EntryRecord, SourceSeen | FileSeen]]:
        """Give what the ledger does not know yet of what was looked at."""
        for key, verdict in self._verdicts.items():
            seen = seen_by(verdict)
            record = records[key]
            if seen is not None and verdict.pin != record.source:
                yield record, seen
            file = told_by_stamp(record, verdict.file)
            if file is not None:
                yield record, file

    async def reread(
        self, work: Work, records: Mapping[EntryKey, EntryRecord]
    ) -> AsyncIterator[tuple[EntryRecord, FileSeen]]:
        """Give what files of active entries hold of which only the age is another one.

        Each is read once for each change, however large it is: so this comes last.

        Raises:
            StoppedError: the run stops first.
        """
        for spec, _ in work:
            verdict = spec and self._verdicts.get(spec.key)
            if not (spec and verdict and verdict.file and self._sources):
                continue
            record = records[spec.key]
            brought = must_be_read(record, verdict.file)
            if brought is None:
                continue
            with suppress(ServiceError):  # the next run looks again
                holds = self._sources.holds(spec, brought)
                is_same = await self._stop.cutting(holds)
                yield record, file_seen(verdict.file, brought, is_same=is_same)

    def accepted(
        self, work: Work, records: Mapping[EntryKey, EntryRecord]
    ) -> Iterator[tuple[EntryRecord, SourceAccepted]]:
        """Give which images shall stay as they are, whatever their sources are now.

        Not of entries that name another source by now, nor of what this run has made:
        nobody can have found it right.
        """
        for spec, decision in work:
            if spec is None or decision.intention not in _DONE:
                continue
            record = records[spec.key]
            if record.has_other_source and not record.has_other_spec:
                yield record, SourceAccepted()

    def resolved(self, work: Work) -> Work:
        """Return the work with what `min_disk: auto` comes to."""
        return [(spec and self._resolved(spec), decision) for spec, decision in work]

    def _resolved(self, spec: ImageSpec) -> ImageSpec:
        verdict = self._verdicts.get(spec.key)
        if not spec.min_disk_is_auto or verdict is None or not verdict.min_disk_gb:
            return spec
        return replace(spec, min_disk_gb=verdict.min_disk_gb)

    def unfit(self, spec: ImageSpec, record: EntryRecord) -> Fault | None:
        """Return why nothing may be sent for an entry, or None.

        What `min_disk: auto` comes to is no matter for an image that was made with it.
        """
        verdict = self._verdicts.get(spec.key)
        fault = verdict.fault if verdict is not None else None
        if spec.min_disk_is_auto and _has_shell(record):
            return None if fault is None or _is_of_size(fault) else fault
        is_open = spec.min_disk_is_auto and not self._resolved(spec).min_disk_gb
        return fault or (_MIN_DISK_UNKNOWN if is_open else None)

    def is_unseen(self, errand: Errand) -> bool:
        """Return whether what is known of an entry's object is of an earlier run."""
        verdict = self._verdicts.get(errand.record.key)
        is_seen = errand.is_brought or (verdict is not None and verdict.pin is not None)
        return errand.record.source is not None and not is_seen

    def _replaceable(self, spec: ImageSpec, record: EntryRecord) -> Brought | None:
        """Return what was brought last; not its own where images were made of it."""
        brought = record.brought
        if brought is None or not brought.is_own or spec.image_url not in self._used:
            return brought
        return replace(brought, is_own=False)

    async def bring(self, errand: Errand, note: Note) -> Fault | None:
        """Bring an entry's file to its object, once; return why it is not there.

        The image's own deadline begins anew after that.

        Raises:
            StoppedError: the run stops first; the next one goes on with the upload.
        """
        spec, record = errand.spec_to_send, errand.record
        if spec.source is None or self._sources is None or errand.is_brought:
            return None
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            async with _Notes(note) as notes:
                bring = self._sources.bring(
                    spec, record.upload, self._replaceable(spec, record), notes
                )
                await self._stop.cutting(bring)
        except ServiceError as error:
            return error.fault
        errand.is_brought = True
        errand.deadline_s += loop.time() - began_s
        return None


async def _used(records: Mapping[EntryKey, EntryRecord]) -> Set[str]:
    """Return the objects of which images were made, also of entries that are gone."""
    used: set[str] = set()
    async for some in in_turns(list(records.values())):
        active = (one for one in some if isinstance(one.stage, Active))
        used.update(one.made_url or one.image_url for one in active)
    return used


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
    return SourceSeen(
        etag=verdict.pin.etag,
        size_bytes=verdict.pin.size_bytes,
        disk_format=str(header.disk_format or "") if header else "",
        virtual_size_bytes=header.virtual_size_bytes if header else None,
    )


def _has_shell(record: EntryRecord) -> bool:
    """Return whether the entry has an image that waits for its file."""
    match record.certain_stage:
        case Created() | Registering():
            return True
        case Failed(shell_reusable=is_reusable):
            return is_reusable and not record.has_other_spec
        case _:
            return False


def _is_of_size(fault: Fault) -> bool:
    """Return whether it is only that nobody knows what `min_disk: auto` comes to.

    Nothing else that may pass stops an entry.
    """
    return fault.is_passing or fault.code == _MIN_DISK_UNKNOWN.code


_MIN_DISK_UNKNOWN = Fault(
    kind=FaultKind.REJECTED,
    code="preflight.min-disk-unknown",
    reason="min_disk is auto, and the source was not looked at",
    action=Action.FIX_MANIFEST,
)
