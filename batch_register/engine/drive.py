"""Take one entry along: record, send, record, until nothing is left to do for it.

Decides: what is written before what is sent, and when an entry has tried enough. Must
not know: how commands are carried out, other entries' stages.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from batch_register.engine.errand import Errand
from batch_register.engine.findings import Finding, choose, made_under_other_key
from batch_register.engine.perform import Performer
from batch_register.engine.recording import Recorder
from batch_register.engine.shared import Shared
from batch_register.engine.sightings import Sightings
from batch_register.entry import EntryRecord
from batch_register.errors import StoppedError
from batch_register.event import (
    CreateRefused,
    EntryDeferred,
    Event,
    ImageFailed,
    OutcomeUnknown,
    RegisterRefused,
    RetryStarted,
    ShellFate,
    SourceRefused,
    SourceUnseen,
)
from batch_register.machine import intent, resume
from batch_register.model import (
    Action,
    Fault,
    FaultKind,
    SpecDigest,
    spec_digest,
)
from batch_register.plan import Decision, Intention
from batch_register.stage import (
    Command,
    CreateImage,
    Creating,
    Deferred,
    DeleteShell,
    Planned,
    RegisterImage,
    Registering,
)
from batch_register.stopping import Stop

# Writes of one kind that one entry may send in one run: the first, and a repeat after
# each look that proved the one before to have been lost.
_WRITES_PER_RUN = 3


class Driver:
    """Takes entries along, one call of `drive` each."""

    def __init__(
        self,
        performer: Performer,
        recorder: Recorder,
        sightings: Sightings,
        shared: Shared,
        *,
        stop: Stop,
    ) -> None:
        self._performer = performer
        self._recorder = recorder
        self._sightings = sightings
        self._shared = shared
        self._stop = stop

    async def drive(self, errand: Errand, decision: Decision) -> None:
        """Take one entry as far as this run can.

        A failure of the entry is an event in the ledger, never an exception.

        Raises:
            LedgerError: the ledger cannot be written.
            StoppedError: the run stops while the entry only waits.
        """
        writes: Counter[type[Command]] = Counter()
        if await self._is_left_failed(errand, decision):
            return
        command = await self._first(errand.record, decision)
        while command is not None:
            events = await self._instead(errand, decision, command, writes)
            if not events:
                if decision.intention is Intention.RESOLVE and _is_write(command):
                    return
                if self._stop.is_requested:
                    raise StoppedError
                writes[type(command)] += 1
                events = await self._carry_out(errand, command)
            command = await self._recorder.record_all(errand.record, events)

    async def _is_left_failed(self, errand: Errand, decision: Decision) -> bool:
        """Return whether a retry would find an unfit source; its shell stays then.

        Or whether the shell that is to be kept may be alive: nothing is made beside it.
        Not where there is an image, of this entry by another run or under another key:
        what is said of that counts, and no source is needed for it.
        """
        record = errand.record
        if decision.intention is not Intention.RETRY or self._is_there(errand):
            return False
        kept = record.image_id if decision.shell is ShellFate.KEEP else None
        if kept is not None and await self._performer.undertaker.may_live(kept):
            return True
        fault = self._shared.sourcing.unfit(errand.spec_to_send, record)
        if fault is None:
            return False
        if fault.is_passing:  # it waits, unless that would cost its dead image
            return decision.shell is ShellFate.REPLACE
        if not fault.is_like(record.fault):
            await self._recorder.record(record, SourceRefused(error=fault))
        return True

    def _is_there(self, errand: Errand) -> bool:
        """Return whether lists or the ledger tell of an image beside the entry's own."""
        record = errand.record
        elsewhere = self._sightings.ownerless(_digest(errand))
        is_renamed = record.key in self._shared.renames
        return is_renamed or elsewhere is not None or self._found(record) is not None

    def _found(self, record: EntryRecord) -> Finding | None:
        """Return the image that lists have shown for an entry beside its own."""
        return choose(self._sightings.of(record.key), record.dead_images)

    async def defer(self, record: EntryRecord, decision: Decision) -> None:
        """Hold back an entry for which the quota has no room; nothing is sent for it.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        no_room = self._shared.room.fault
        await self._first(record, decision)
        await self._recorder.record(record, EntryDeferred(error=no_room))

    async def _first(self, record: EntryRecord, decision: Decision) -> Command | None:
        if decision.intention is Intention.RETRY:
            retry = RetryStarted(shell=decision.shell)
            return (await self._recorder.record(record, retry)).command
        return resume(record.stage)

    async def _instead(
        self,
        errand: Errand,
        decision: Decision,
        command: Command,
        writes: Counter[type[Command]],
    ) -> list[Event]:
        """Return the events that take the place of a write that must not go out."""
        if not _is_write(command):
            return []
        if decision.intention is Intention.RESOLVE:
            return _closing(errand, command)
        if writes[type(command)] >= _WRITES_PER_RUN:
            return [OutcomeUnknown(error=_tried_enough(errand.last_unclear))]
        if isinstance(command, RegisterImage):
            return await self._without_register(errand)
        if isinstance(command, CreateImage):
            return await self._without_create(errand)
        return []

    async def _without_register(self, errand: Errand) -> list[Event]:
        """Return why a shell gets no file: another spec, or another run's image."""
        if errand.record.has_other_spec:
            return [RetryStarted(shell=ShellFate.REPLACE)]
        unproven = await self._performer.registrar.claim(errand)
        if unproven is not None:
            return [unproven]
        if self._sightings.ahead(errand.record.key) is not None:
            return [RetryStarted(shell=ShellFate.REPLACE)]
        return await self._without_source(errand)

    async def _without_create(self, errand: Errand) -> list[Event]:
        """Return why no image is made: there is one, it was renamed, or no room."""
        record = errand.record
        if not isinstance(record.certain_stage, Planned | Deferred):
            return await self._without_room(errand)  # its own look is newer
        finding = self._found(record)
        if finding is not None:
            taken = await self._performer.creator.adopt(finding, errand)
            if taken:
                return taken
        renamed = await self._under_other_key(errand)
        return await self._without_room(errand) if renamed is None else [renamed]

    async def _under_other_key(self, errand: Errand) -> Event | None:
        """Return that the entry's image is there already, under another key."""
        old = self._shared.renames.get(errand.record.key)
        if old is not None:
            renamed = await self._performer.creator.inspect_renamed(old)
            if renamed is not None:
                return renamed
        view = self._sightings.ownerless(_digest(errand))
        if view is None:
            return None
        return ImageFailed(error=made_under_other_key(view), stage="create")

    async def _without_room(self, errand: Errand) -> list[Event]:
        """Return why no image is made: its source is not fit, or the quota is full."""
        unfit = await self._without_source(errand)
        if unfit:
            return unfit
        no_room = self._shared.room.take(errand.record.key)
        return [] if no_room is None else [EntryDeferred(error=no_room)]

    async def _without_source(self, errand: Errand) -> list[Event]:
        """Return why nothing is sent: its source is not fit, or does not come to be there."""
        sourcing, record = self._shared.sourcing, errand.record

        async def note(event: Event) -> None:
            await self._recorder.record(record, event)

        fault = sourcing.unfit(errand.spec_to_send, record)
        if fault is None:
            fault = await sourcing.bring(errand, note)
        if fault is not None:
            return [SourceRefused(error=fault)]
        if sourcing.is_unseen(errand):
            await note(SourceUnseen())
        return []

    async def _carry_out(self, errand: Errand, command: Command) -> list[Event]:
        name = errand.spec.name if errand.spec is not None else ""
        intended = intent(command, _digest(errand), name)
        if intended is not None:
            await self._recorder.record(errand.record, intended)
        events = await self._performer.perform(command, errand)
        for event in events:
            if isinstance(event, EntryDeferred):  # at once: the others must not ask too
                self._shared.refuse(errand.record.key, event.error)
        return events


def _is_write(command: Command) -> bool:
    return isinstance(command, CreateImage | RegisterImage | DeleteShell)


def _closing(errand: Errand, command: Command) -> list[Event]:
    """Return what a look has proven about a call of an entry that is only resolved."""
    stage = errand.record.stage
    if isinstance(command, CreateImage) and isinstance(stage, Creating):
        return [CreateRefused(error=_LEFT_NOTHING)]
    if isinstance(command, RegisterImage) and isinstance(stage, Registering):
        return [RegisterRefused(image_id=command.image_id, error=_LEFT_NOTHING)]
    return []


def _digest(errand: Errand) -> SpecDigest:
    if errand.spec is not None:
        return spec_digest(errand.spec)
    return errand.record.made_spec or SpecDigest("")


def _tried_enough(last: Fault | None) -> Fault:
    """Return why the entry is left, in the words of the last answer that was given."""
    if last is None:
        last = _LEFT_NOTHING
    tries = f"sent {_WRITES_PER_RUN} times without any effect to be seen"
    return replace(last, kind=FaultKind.UNPROVEN, reason=f"{last.reason} ({tries})")


_LEFT_NOTHING = Fault(
    kind=FaultKind.LOST,
    code="left-nothing",
    reason="the request of an earlier run was lost and had no effect",
    action=Action.RUN_AGAIN,
)
