"""What one look at a source has shown.

Decides: which of object and file counts, and whether an object's content can be read.
Must not know: how it is read, what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from batch_register.model import Fault
from batch_register.source import BucketView, FileStamp, Inspection, ObjectView

# Readable only after they were restored (OBS API reference, "Restoring Archive
# Objects"); the last two are the S3 dialect's names.
ARCHIVED: Final = frozenset({"COLD", "DEEP_ARCHIVE", "GLACIER", "GLACIER_IR"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One source; a Fault where something could not be seen.

    `bucket` and `stored` are None where there is none. `file` is None where there is
    none or where none was asked for; `content` where nothing was to be read.
    """

    bucket: BucketView | Fault | None
    stored: ObjectView | Fault | None = None
    file: FileStamp | Fault | None = None
    content: Inspection | Fault | None = None

    @property
    def will_be_uploaded(self) -> bool:
        """Return whether the file counts: the object is not there, or another one."""
        if not isinstance(self.file, FileStamp):
            return False
        if isinstance(self.stored, ObjectView):
            return self.stored.pin.size_bytes != self.file.size_bytes
        return self.stored is None

    @property
    def can_be_read(self) -> bool:
        """Return whether a request for the object's content makes sense."""
        return (
            isinstance(self.stored, ObjectView)
            and self.stored.pin.size_bytes > 0
            and self.stored.storage_class not in ARCHIVED
            and not self.stored.has_customer_key
        )
