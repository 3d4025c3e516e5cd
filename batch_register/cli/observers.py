"""Who watches a run besides the bar: the log, and all of them together.

Decides: how an event is called in the log and how serious it is. Must not know: where
the log goes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import structlog

from batch_register.entry import EntryRecord
from batch_register.errors import StoppedError
from batch_register.event import (
    CreateRefused,
    CreateUnclear,
    DuplicateSeen,
    Event,
    ImageFailed,
    NoneFound,
    OutcomeUnknown,
    RegisterRefused,
    RegisterUnclear,
    ShellKept,
    SourceRefused,
    StillQueued,
    UploadProgressed,
)
from batch_register.model import Fault
from batch_register.ports import Observer

# What lives only inside a run has no name in the ledger.
_PASSING_NAMES: dict[type[Event], str] = {
    CreateUnclear: "image.create_unclear",
    NoneFound: "image.none_found",
    RegisterUnclear: "image.register_unclear",
    StillQueued: "image.still_queued",
}
_SERIOUS = (
    CreateRefused,
    CreateUnclear,
    DuplicateSeen,
    ImageFailed,
    OutcomeUnknown,
    RegisterRefused,
    RegisterUnclear,
    ShellKept,
    SourceRefused,
)
# Too many to log; `run.progress` has their sum.
_UNLOGGED = frozenset({"preflight.progress", "upload.progress"})
_USUAL = frozenset({"preflight.done"})  # nobody has to look into it


class LogObserver:
    """Logs every move of every entry under the ledger's name for it."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()

    def entry_moved(self, record: EntryRecord, event: Event) -> None:
        """Log one event with its facts."""
        name = event.ledger_name or _PASSING_NAMES.get(type(event), "image.moved")
        if _is_serious(event):
            say = self._log.warning
        elif isinstance(event, UploadProgressed):
            say = self._log.debug
        else:
            say = self._log.info
        say(name, key=record.key, attempt=record.attempts, **_facts(event))

    def noticed(self, name: str, **facts: object) -> None:
        """Log what moved no entry."""
        if name in _UNLOGGED:
            return
        say = self._log.info if name in _USUAL else self._log.warning
        say(name, **facts)


class Observers:
    """Several observers as one; each is told everything, in this order."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def entry_moved(self, record: EntryRecord, event: Event) -> None:
        """Tell all of them."""
        for observer in self._observers:
            observer.entry_moved(record, event)

    def noticed(self, name: str, **facts: object) -> None:
        """Tell all of them."""
        for observer in self._observers:
            observer.noticed(name, **facts)


def _is_serious(event: Event) -> bool:
    """Return whether somebody should see this; a write that a stop forestalled is not."""
    fault = getattr(event, "error", None)
    is_forestalled = isinstance(fault, Fault) and fault.code == StoppedError.reference
    return isinstance(event, _SERIOUS) and not is_forestalled


def _facts(event: Event) -> dict[str, object]:
    """Return an event's fields; a fault becomes the words to search and quote."""
    facts: dict[str, object] = {}
    for each in dataclasses.fields(event):
        value = getattr(event, each.name)
        if isinstance(value, Fault):
            facts |= {f"error_{name}": part for name, part in _fault(value).items()}
        elif value not in (None, ""):
            facts[each.name] = value
    return facts


def _fault(fault: Fault) -> dict[str, object]:
    words = dataclasses.asdict(fault)
    return {name: part for name, part in words.items() if part is not None}
