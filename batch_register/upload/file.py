"""One file on its way: where it lies, where it goes, how much of it has arrived.

Decides: what an upload consists of. Must not know: how anything is read or sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from batch_register.model import EntryKey, FilePlace
from batch_register.source import FileStamp, ObjectView, SourcePin
from batch_register.upload.parts import (
    Part,
    combined_etags,
    cut,
    is_in_doubt,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToBring:
    """A file, as it was when its entry's turn came, and the object it becomes."""

    key: EntryKey
    place: FilePlace
    stamp: FileStamp
    bucket: str
    name: str  # the object's key
    replaces: SourcePin | None = None  # what the object was then; None: there was none


@dataclass(slots=True, kw_only=True)
class Upload:
    """An upload that the store knows, and what it has of the file by now."""

    file: FileToBring
    upload_id: str
    part_bytes: int
    sent_bytes: int = 0  # by this run
    stored_bytes: int = 0
    parts: tuple[Part, ...] = field(init=False)  # all of them, in order
    _digests: dict[int, str] = field(default_factory=dict)  # MD5s by part number

    def __post_init__(self) -> None:
        self.parts = cut(self.file.stamp.size_bytes, self.part_bytes)

    def keep(self, part: Part, digest: str) -> None:
        """Take note that the store has a part."""
        self._digests[part.number] = digest
        self.stored_bytes += part.length

    @property
    def missing(self) -> list[Part]:
        """Return the parts that are still to be sent."""
        return [part for part in self.parts if part.number not in self._digests]

    @property
    def digests(self) -> list[str]:
        """Return the MD5s of all parts in their order, once all are there."""
        return [self._digests[part.number] for part in self.parts]

    def may_be(self, view: ObjectView) -> bool:
        """Return whether an object just completed is this upload's, if the store tells.

        An ETag that is no MD5 (encryption by KMS) leaves the size alone to compare.
        """
        is_as_large = view.pin.size_bytes == self.file.stamp.size_bytes
        in_doubt = is_in_doubt(view.pin.etag, view.encryption)
        return is_as_large if in_doubt else self.is_surely(view)

    def is_surely(self, view: ObjectView) -> bool:
        """Return whether an object has this content for certain."""
        return (
            view.pin.size_bytes == self.file.stamp.size_bytes
            and not is_in_doubt(view.pin.etag, view.encryption)
            and view.pin.etag in combined_etags(self.digests)
        )
