"""What has become of the files behind active entries.

Decides: when size and age tell it, and when a file has to be read. Must not know: how.
"""

from __future__ import annotations

from batch_register.entry import EntryRecord
from batch_register.event import FileSeen
from batch_register.source import Brought, FileStamp


def told_by_stamp(record: EntryRecord, now: FileStamp | None) -> FileSeen | None:
    """Return what size and age tell of a file that was brought, if it is news."""
    brought = record.brought
    if brought is None or now is None or now == _last(record, brought):
        return None
    if now == brought.file:
        return file_seen(now, brought, is_same=True)
    if now.size_bytes != brought.file.size_bytes:
        return file_seen(now, brought, is_same=False)
    return None


def must_be_read(record: EntryRecord, now: FileStamp | None) -> Brought | None:
    """Return what a file has to be compared with, as only its age is another one."""
    brought = record.brought
    if brought is None or now is None or now in (brought.file, record.other_file):
        return None
    return brought if now.size_bytes == brought.file.size_bytes else None


def file_seen(now: FileStamp, brought: Brought, *, is_same: bool) -> FileSeen:
    """Return the event that keeps what a file is now."""
    return FileSeen(
        size_bytes=now.size_bytes,
        modified_ns=now.modified_ns,
        etag=brought.pin.etag if is_same else "",
    )


def _last(record: EntryRecord, brought: Brought) -> FileStamp:
    return record.other_file or brought.file
