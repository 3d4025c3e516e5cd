"""What came of deleting orphans, and of giving open uploads up.

Decides: the words for it, and which exit code the deletions amount to. Must not know: how anything is deleted or shown.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from batch_register.model import EntryKey, Fault, FaultKind, ImageId


class Outcome(StrEnum):
    """What became of one deletion."""

    DELETED = "deleted"  # the service agreed; the removal may take a while
    KEPT = "kept"  # it was not sent, or certainly not carried out
    UNCLEAR = "unclear"  # the answer was lost
    NOT_TRIED = "not_tried"  # the command was told to stop first


class Hindrance(StrEnum):
    """Why the service did not delete an image that nothing else stood in the way of."""

    FORBIDDEN = "forbidden"  # a person must grant something
    BUSY = "busy"  # too busy, failing, or not to be had: later it may


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """One orphan that was to be deleted, and what came of it."""

    image_id: ImageId
    key: EntryKey | None
    outcome: Outcome
    reason: str = ""
    hindrance: Hindrance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadDeletion:
    """One open upload that was to be given up, and what came of it."""

    bucket: str
    object: str
    upload_id: str
    key: EntryKey
    outcome: Outcome
    reason: str = ""
    hindrance: Hindrance | None = None


@dataclass(slots=True, kw_only=True)
class Deletions:
    """What came of everything that was to be deleted."""

    images: list[Deletion] = field(default_factory=list)
    uploads: list[UploadDeletion] = field(default_factory=list)

    @property
    def all(self) -> list[Deletion | UploadDeletion]:
        """Return all of it, in the order in which it was done."""
        return [*self.images, *self.uploads]


def hindrance_of(fault: Fault) -> Hindrance | None:
    """Return in which way a fault hindered a deletion; None: the image's own state."""
    if fault.kind in (FaultKind.FORBIDDEN, FaultKind.UNAUTHENTICATED):
        return Hindrance.FORBIDDEN
    return Hindrance.BUSY if fault.is_passing else None


def exit_code(
    deletions: Collection[Deletion | UploadDeletion], stopped: int | None
) -> int:
    """Return the exit code, where `stopped` is that of a stop, if there was one."""
    hindrances = {deletion.hindrance for deletion in deletions}
    if Hindrance.FORBIDDEN in hindrances:
        return 77
    if stopped is not None:
        return stopped
    is_open = any(deletion.outcome is Outcome.UNCLEAR for deletion in deletions)
    return 4 if is_open or Hindrance.BUSY in hindrances else 0
