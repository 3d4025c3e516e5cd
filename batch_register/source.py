"""The files behind the images: what a store, a disk and a header show of them.

Decides: which facts a source has and what a look at it may come to. Must not know:
how they are read, which of them a cloud refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from batch_register.model import Fault

STANDARD_CLASS = "STANDARD"


class DiskFormat(StrEnum):
    """What a file is, by its content; the last ones are no disks that a cloud takes."""

    QCOW2 = "qcow2"
    QCOW = "qcow"
    QED = "qed"
    RAW = "raw"
    VMDK = "vmdk"
    VHD = "vhd"
    VHDX = "vhdx"
    VDI = "vdi"
    ZVHD = "zvhd"
    ZVHD2 = "zvhd2"
    ISO = "iso"
    LUKS = "luks"
    PARALLELS = "parallels"
    ARCHIVE = "archive"  # gzip, xz, zip and their like: a disk inside at best
    TEXT = "text"  # a descriptor, an error page


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a file's own bytes tell; `problem` is empty where it can be registered.

    `virtual_size_bytes` is what a server's disk needs at least, None where the header
    does not tell; `problem` is a clause such as "it needs the backing file base.qcow2".
    """

    disk_format: DiskFormat | None  # None: too damaged to say
    virtual_size_bytes: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePin:
    """Which content an object had when somebody looked; `etag` without quotes."""

    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectView:
    """What an object store shows of one object, without its content."""

    pin: SourcePin
    storage_class: str = STANDARD_CLASS  # upper case, by OBS's names: WARM, COLD
    encryption: str = ""  # "kms", "AES256" or the like; empty: none
    has_customer_key: bool = False  # encrypted by a key that only its owner has
    modified_at: str = ""  # the store's own text


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketView:
    """What an object store shows of one bucket; None where it does not tell."""

    name: str
    region: str | None = None
    storage_class: str | None = None  # upper case, by OBS's names
    is_file_system: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedObject:
    """One object of a bucket's listing."""

    key: str
    pin: SourcePin
    storage_class: str = STANDARD_CLASS


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """One part of a multipart upload that the store has taken; numbers from 1."""

    number: int
    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUpload:
    """A multipart upload that was begun and neither completed nor given up."""

    key: str
    upload_id: str
    begun_at: str  # ISO 8601, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStamp:
    """How a file on a disk is told from a later one of the same name."""

    size_bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadMark:
    """An upload that a ledger knows: begun, and not known to be complete."""

    upload_id: str
    part_bytes: int
    file: FileStamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What an object and its file were when the one was last seen to be the other.

    `is_own`: an upload of the entry itself has made the object, and nothing else was
    made of it.
    """

    pin: SourcePin
    file: FileStamp
    is_own: bool = False

    def may_replace(self, pin: SourcePin) -> bool:
        """Return whether a newer file may take the place of this object."""
        return self.is_own and pin == self.pin


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceVerdict:
    """What the pre-flight makes of one entry's source.

    `pin` and `inspection` are None where they could not be had; `fault` says why the
    entry must not be registered as it is; `min_disk_gb` is what `min_disk: auto` comes
    to. `file` is the local file behind the object of an active entry, as it is now; one
    that is gone is as it was.
    """

    pin: SourcePin | None = None
    inspection: Inspection | None = None
    min_disk_gb: int | None = None
    fault: Fault | None = None
    file: FileStamp | None = None
