"""What came of deleting an orphan.

Decides: the words for it. Must not know: how anything is deleted or shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from batch_register.model import EntryKey, ImageId


class Outcome(StrEnum):
    """What became of one deletion."""

    DELETED = "deleted"  # the service agreed; the removal may take a while
    KEPT = "kept"  # it was not sent, or certainly not carried out
    UNCLEAR = "unclear"  # the answer was lost
    NOT_TRIED = "not_tried"  # the command was told to stop first


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """One orphan that was to be deleted, and what came of it."""

    image_id: ImageId
    key: EntryKey | None
    outcome: Outcome
    reason: str = ""
