"""What a probe did and saw.

Decides: what there can be of a probe's shell at the end. Must not know: how a probe is
taken, words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from batch_register.doctor.findings import TagFilter
from batch_register.model import EntryKey, Fault, ImageId, entry_digest

PROBE = "batch-register-probe"  # begins a shell's name, and is its manifest's
NOBODY = entry_digest(PROBE, EntryKey("nobody"))  # a tag's value that no image has


class ProbeEnd(StrEnum):
    """What there is of the shell at the end."""

    NOTHING_MADE = "nothing made"
    DELETED = "deleted"
    LEFT = "left"  # it may exist still, under a known id
    UNCLEAR = "unclear"  # it may have been made; no id is known


@dataclass(slots=True, kw_only=True)
class ProbeRecord:
    """What a probe did and saw, true at every moment."""

    name: str
    end: ProbeEnd = ProbeEnd.NOTHING_MADE
    image_id: ImageId | None = None
    create_fault: Fault | None = None
    is_lost: bool = False  # the create's answer was
    delete_fault: Fault | None = None
    are_tags_kept: bool | None = None  # None: the answer shows no tags at all
    tag_filter: TagFilter = TagFilter.NOT_KNOWN
    list_lag_s: float | None = None  # None: not measured
    is_cut_short: bool = False
    looked_s: float = 0.0
