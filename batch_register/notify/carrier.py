"""What a notification is and who carries it, for everyone who sends or hands one over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from batch_register.pacing import Backoff

TOTAL_S = 30.0  # no longer than this is the end of a run held up
_BACKOFF = Backoff(base_s=2.0, cap_s=8.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One notification in both forms; every carrier takes the one it needs."""

    delivery_id: str
    body: bytes
    title: str
    is_trouble: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long delivering may take in all, and one try of it; times in seconds."""

    total_s: float = TOTAL_S
    try_s: float = 10.0
    backoff: Backoff = _BACKOFF

    @property
    def tries_s(self) -> float:
        """Return when the last try must have ended, so that its reason can be told."""
        return 0.9 * self.total_s

    @property
    def least_try_s(self) -> float:
        """Return the least time for a try; with less it fails for want of time alone."""
        return 0.2 * self.try_s


class NotDeliveredError(Exception):
    """A notification did not arrive; the text says why and holds no secret."""


class Carrier(Protocol):
    """Whoever carries a letter to one address."""

    @property
    def destination(self) -> str:
        """Return what may be shown of the address."""
        ...

    async def carry(self, letter: Letter) -> None:
        """Deliver the letter; raise NotDeliveredError where that cannot be done."""
        ...
