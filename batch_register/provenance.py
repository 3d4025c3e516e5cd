"""What one entry's image was made of, and what has become of that since. No I/O.

Decides: when object and file count as others than those that the image was made of. Must
not know: stages, manifests, how anything was looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from batch_register.event import (
    Event,
    FileSeen,
    RegisterIntended,
    SourceAccepted,
    SourceSeen,
    SourceUnseen,
    SourceUploaded,
    UploadBegun,
    UploadProgressed,
)
from batch_register.source import Brought, FileStamp, SourcePin, UploadMark


@dataclass(slots=True, kw_only=True)
class Provenance:
    """The object and the file behind an entry, as the ledger tells of them."""

    source: SourcePin | None = None  # what its object was when last looked at
    made_source: SourcePin | None = None  # what it was when the image was made of it
    virtual_size_bytes: int | None = None  # of the disk in it
    upload: UploadMark | None = None  # begun, and not known to be complete
    brought: Brought | None = None  # when its file was last seen to be its object
    other_file: FileStamp | None = None  # that is in the place of the one brought
    accepted_source: SourcePin | None = None  # another object that is no conflict
    accepted_file: FileStamp | None = None  # another file that is none
    uploaded_bytes: int = 0  # of that upload, or of the one that was completed

    @property
    def has_other_source(self) -> bool:
        """Return whether object or file has changed since the image was made of it."""
        is_other_file = self.other_file not in (None, self.accepted_file)
        return is_other_file or self.has_other_object

    @property
    def has_other_object(self) -> bool:
        """Return whether the object is another one than the image was made of."""
        usual = (None, self.made_source, self.accepted_source)
        return self.made_source is not None and self.source not in usual

    def note_source(self, event: Event, *, is_made: bool) -> None:
        """Remember what an event tells.

        `is_made`: the entry is active, and names the object that it was made of.
        """
        match event:
            case SourceSeen(etag=etag, size_bytes=size_bytes):
                self._see(SourcePin(etag=etag, size_bytes=size_bytes), is_made=is_made)
                self.virtual_size_bytes = event.virtual_size_bytes
            case SourceUnseen():
                self.source = None
            case SourceAccepted():
                self.accepted_source = self.source
                self.accepted_file = self.other_file
            case FileSeen():
                self._see_file(event)
            case SourceUploaded():
                self._bring(event, is_made=is_made)
            case UploadBegun() | UploadProgressed():
                self._follow(event)
            case RegisterIntended():
                self.made_source = self.source
            case _:
                pass

    def forget_what_it_was_made_of(self) -> None:
        """Count the image as one of which nobody here knows what it was made of."""
        self.made_source = self.accepted_source = self.accepted_file = None

    def _see(self, pin: SourcePin, *, is_made: bool) -> None:
        """Take over what the object is now; what an image was made of is then known, too."""
        self.source = pin
        if is_made and self.made_source is None:
            self.made_source = pin

    def _see_file(self, event: FileSeen) -> None:
        """Take over what the file is now that was brought."""
        file = FileStamp(size_bytes=event.size_bytes, modified_ns=event.modified_ns)
        self.other_file = None if event.etag else file
        if event.etag and self.brought is not None:
            self.brought = replace(self.brought, file=file)

    def _bring(self, event: SourceUploaded, *, is_made: bool) -> None:
        """Take over that the object is the file; whose it is may show by what went before."""
        pin = SourcePin(etag=event.etag, size_bytes=event.size_bytes)
        self._see(pin, is_made=is_made)
        # Of an upload that was killed at its end nothing is left to send.
        is_sent = event.sent_bytes > 0 or self.upload is not None
        is_own = is_sent or (self.brought is not None and self.brought.may_replace(pin))
        file = FileStamp(
            size_bytes=event.size_bytes, modified_ns=event.modified_ns or 0
        )
        self.brought = Brought(pin=pin, file=file, is_own=is_own)
        self.other_file = self.accepted_file = None
        self.upload, self.uploaded_bytes = None, event.size_bytes

    def _follow(self, event: UploadBegun | UploadProgressed) -> None:
        """Take over how far an upload is."""
        if isinstance(event, UploadProgressed):
            self.uploaded_bytes = event.sent_bytes
            return
        self.upload, self.uploaded_bytes = _mark(event), 0


def _mark(begun: UploadBegun) -> UploadMark:
    file = FileStamp(size_bytes=begun.size_bytes, modified_ns=begun.modified_ns)
    return UploadMark(upload_id=begun.upload_id, part_bytes=begun.part_bytes, file=file)
