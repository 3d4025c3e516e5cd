"""What an uploader may be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from batch_register.pacing import Backoff
from batch_register.upload.parts import PART_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOptions:
    """Bounds of all uploads of a run; sizes in bytes, times in seconds.

    `streams`: parts under way, all files together. `per_file`: those of one file; one of
    them is on the wire, the others are hashed or wait for their answers (see
    `workers.lines`), so that more of them make no file faster. `attempts`: how often a
    part, or the end of an upload, is tried for a passing reason. `note_every_s`: how
    often a file's progress is made durable.
    """

    streams: int = 12
    per_file: int = 3
    part_bytes: int = PART_BYTES
    attempts: int = 6
    backoff: Backoff = field(default_factory=lambda: Backoff(base_s=1.0, cap_s=30.0))
    note_every_s: float = 30.0
