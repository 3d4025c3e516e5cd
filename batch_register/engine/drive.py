"""Take one entry along: record, send, record, until nothing is left to do for it.

Decides: what is written before what is sent, and when an entry has tried enough. Must
not know: how commands are carried out, other entries' stages.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from batch_register.engine.findings import adoption, choose
from batch_register.engine.perform import Errand, Performer
from batch_register.errors import StoppedError
from batch_register.event import (
    CreateRefused,
    EntryDeferred,
    Event,
    OutcomeUnknown,
    RegisterRefused,
    RetryStarted,
    ShellFate,
)
from batch_register.machine import Step, advance, intent, resume
from batch_register.model import (
    Action,
    Fault,
    FaultKind,
    ImageView,
    SpecDigest,
    entry_digest,
    spec_digest,
)
from batch_register.plan import Decision, Intention
from batch_register.ports import Ledger, Observer
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


@dataclass(slots=True)
class Shared:
    """What entries of one run learn from one another."""

    found: dict[str, list[ImageView]] = field(default_factory=dict)  # by br-entry
    quota_fault: Fault | None = None  # set once the service has no room


class Driver:
    """Takes entries along, one call of `drive` each."""

    def __init__(
        self,
        performer: Performer,
        ledger: Ledger,
        observer: Observer,
        manifest_name: str,
        shared: Shared,
        *,
        stop: Stop,
    ) -> None:
        self._performer = performer
        self._ledger = ledger
        self._observer = observer
        self._manifest_name = manifest_name
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
        command = await self._first(errand, decision)
        while command is not None:
            events = self._instead(errand, decision, command, writes)
            if not events:
                if decision.intention is Intention.RESOLVE and _is_write(command):
                    return
                if self._stop.is_requested:
                    raise StoppedError
                writes[type(command)] += 1
                events = await self._carry_out(errand, command)
            command = await self._record_all(errand, events)

    async def _first(self, errand: Errand, decision: Decision) -> Command | None:
        if decision.intention is Intention.RETRY:
            retry = RetryStarted(shell=decision.shell)
            return (await self._record(errand, retry)).command
        return resume(errand.record.stage)

    def _instead(
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
            return [OutcomeUnknown(error=_TRIED_ENOUGH)]
        if isinstance(command, RegisterImage) and errand.record.has_other_spec:
            return [RetryStarted(shell=ShellFate.REPLACE)]
        if isinstance(command, CreateImage):
            return self._found_before(errand) or self._held_back()
        return []

    def _found_before(self, errand: Errand) -> list[Event]:
        """Return what the look at the start of the run found for a fresh entry."""
        if not isinstance(errand.record.stage, Planned | Deferred):
            return []  # its own look is newer
        tag = entry_digest(self._manifest_name, errand.record.key)
        finding = choose(self._shared.found.pop(tag, ()), errand.record.dead_images)
        if finding is None:
            return []
        return adoption(finding, errand.record, errand.spec)

    def _held_back(self) -> list[Event]:
        quota_fault = self._shared.quota_fault
        return [] if quota_fault is None else [EntryDeferred(error=quota_fault)]

    async def _carry_out(self, errand: Errand, command: Command) -> list[Event]:
        intended = intent(command, _digest(errand))
        if intended is not None:
            await self._record(errand, intended)
        return await self._performer.perform(command, errand)

    async def _record_all(self, errand: Errand, events: list[Event]) -> Command | None:
        """Record what happened; the last event says what to do next."""
        step = Step(errand.record.stage, None)
        for event in events:
            step = await self._record(errand, event)
        return step.command

    async def _record(self, errand: Errand, event: Event) -> Step:
        """Make an event durable, then let it move the entry."""
        record = errand.record
        advance(record.stage, event)  # a bug must not reach the ledger
        at = ""
        if event.ledger_name is not None:
            at = await self._ledger.append(record.key, event)
        step = record.apply(event, at)
        if isinstance(event, EntryDeferred):
            self._shared.quota_fault = event.error
        self._observer.entry_moved(record, event)
        return step


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


_TRIED_ENOUGH = Fault(
    kind=FaultKind.UNPROVEN,
    code="lost-too-often",
    reason=f"the same request was lost {_WRITES_PER_RUN} times in a row",
    action=Action.RUN_AGAIN,
)
_LEFT_NOTHING = Fault(
    kind=FaultKind.LOST,
    code="left-nothing",
    reason="the request of an earlier run was lost and had no effect",
    action=Action.RUN_AGAIN,
)
