"""How many more images fit into the quota, and who may make one.

Decides: whether an entry may make an image now, from what the service has told and from
what this run has made since. Must not know: when the service is asked, how entries move.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from batch_register.event import (
    CreateRefused,
    Event,
    ImageAdopted,
    ImageCreated,
    ShellDeleted,
    SourceRefused,
)
from batch_register.model import Action, EntryKey, Fault, FaultKind, Quota


@dataclass(slots=True)
class Room:
    """The places of the quota, each promised to an entry, taken by one, or to spare.

    A place is promised when an entry is admitted, taken just before its create goes out,
    and counted by the service's own `used` from the next reading on. Nothing is known
    (`spare` is None) until `tell`; then everybody may try until the service refuses.
    """

    quota: Quota | None = None  # as last told
    _freed: int = 0  # by deletions of this run that the reading does not count yet
    _promised: set[EntryKey] = field(default_factory=set)
    _taken: set[EntryKey] = field(default_factory=set)  # by creates under way
    _unseen: int = 0  # images that were made since the reading was asked for
    _refusal: Fault | None = None  # what the service said, while there seems no room
    _unreal: int = 0  # places that a reading tells of and the service did not give
    _is_doubtful: bool = False  # a refusal contradicts the reading

    @property
    def spare(self) -> int | None:
        """Return how many places nobody has; None where the service does not tell."""
        if self.quota is None:
            return None
        return max(self._left() - len(self._promised), 0)

    @property
    def is_doubtful(self) -> bool:
        """Return whether the quota must be read again before anybody may go on."""
        return self._is_doubtful

    @property
    def fault(self) -> Fault:
        """Return why there is no room, in the service's words where it has spoken."""
        return self._refusal or _full(self.quota)

    def promise(self, key: EntryKey) -> None:
        """Keep a place for an entry that is admitted."""
        self._promised.add(key)

    def take(self, key: EntryKey) -> Fault | None:
        """Take a place for a create that goes out now, or return why there is none."""
        if key in self._taken:  # its deleted shell's, or that of a create that was lost
            return None
        if self.quota is None:
            return self._refusal
        others = 0 if key in self._promised else len(self._promised)
        if self._left() <= others:
            return self.fault
        self._promised.discard(key)
        self._taken.add(key)
        return None

    def note(self, key: EntryKey, event: Event) -> None:
        """Learn from what happened to an entry."""
        match event:
            case ImageCreated() | ImageAdopted():
                self.leave(key)
            case CreateRefused() | SourceRefused():
                self._give_back(key)
            case ShellDeleted():
                self._reuse(key)
            case _:
                pass

    def refuse(self, key: EntryKey, refusal: Fault) -> None:
        """Take note that the service had no room for an entry's create."""
        self._give_back(key)
        self._refusal = refusal
        self._is_doubtful = self.quota is not None

    def leave(self, key: EntryKey) -> None:
        """Take note that an entry needs nothing more; an image of it may be there."""
        self._promised.discard(key)
        if key in self._taken:
            self._taken.discard(key)
            self._unseen += 1

    def made(self) -> int:
        """Return how many unseen images a reading will count that is asked for now."""
        return self._unseen

    def tell(self, quota: Quota, made_before: int) -> None:
        """Take a reading over; `made_before` is what `made` said when it was asked for.

        One that follows a refusal tells what it is worth: places that it still shows are
        none, and only what comes on top of them counts.
        """
        self._unseen -= made_before
        self.quota, self._freed = quota, 0
        shown = max(quota.limit - quota.used, 0)  # may count creates under way, or not
        if self._is_doubtful:
            self._unreal, self._is_doubtful = shown, False
        self._unreal = min(self._unreal, shown)
        if self._left() > 0:
            self._refusal = None

    def _left(self) -> int:
        """Return the places that no create has taken."""
        if self.quota is None or self._is_doubtful:
            return 0
        told = self.quota.limit - self.quota.used + self._freed
        return told - len(self._taken) - self._unseen - self._unreal

    def _reuse(self, key: EntryKey) -> None:
        """Keep the place of a deleted shell for its own entry."""
        if self.quota is None:
            self._refusal = None  # so that somebody tries
            return
        self._freed += 1
        self._taken.add(key)

    def _give_back(self, key: EntryKey) -> None:
        self._promised.discard(key)
        self._taken.discard(key)


def _full(quota: Quota | None) -> Fault:
    told = "" if quota is None else f" ({quota.used} of {quota.limit} when it was read)"
    return Fault(
        kind=FaultKind.QUOTA,
        code="quota.full",
        reason=f"the image quota has no room for it{told}",
        action=Action.RAISE_QUOTA,
    )
