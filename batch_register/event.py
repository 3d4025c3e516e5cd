"""What can happen to one image: the events that move it, and the ledger's words for them.

Decides: which facts each event carries; an event with a `ledger_name` is durable, the
others live only inside a run. Must not know: what follows from an event.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from batch_register.model import Fault, ImageId, ImageStatus, JobId, SpecDigest


class ShellFate(StrEnum):
    """What a retry does with the image that the failed attempt left behind."""

    NONE = "none"  # there is none
    REUSE = "reuse"  # register it again
    REPLACE = "replace"  # delete it, then make a fresh one
    KEEP = "keep"  # leave it, make a fresh one beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateIntended:
    """A create is about to be sent."""

    ledger_name: ClassVar[str] = "image.create_intended"
    spec: SpecDigest
    name: str = ""  # the image's name in the cloud, which the manifest may change


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCreated:
    """The service answered the create with an id."""

    ledger_name: ClassVar[str] = "image.created"
    image_id: ImageId
    created_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRefused:
    """The create was certainly not carried out."""

    ledger_name: ClassVar[str] = "image.create_refused"
    error: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateUnclear:
    """The create may have been carried out."""

    ledger_name: ClassVar[None] = None
    error: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneFound:
    """A settled look found no image of this entry."""

    ledger_name: ClassVar[None] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageAdopted:
    """A look found this entry's image."""

    ledger_name: ClassVar[str] = "image.adopted"
    image_id: ImageId
    status: ImageStatus
    spec: SpecDigest
    created_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterIntended:
    """A register is about to be sent."""

    ledger_name: ClassVar[str] = "image.register_intended"
    image_id: ImageId


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterAccepted:
    """The service took the file on."""

    ledger_name: ClassVar[str] = "image.registered"
    image_id: ImageId
    job_id: JobId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRefused:
    """The register was certainly not carried out."""

    ledger_name: ClassVar[str] = "image.register_refused"
    image_id: ImageId
    error: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterUnclear:
    """The register may have been carried out."""

    ledger_name: ClassVar[None] = None
    error: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class StillQueued:
    """A settled look found the image still waiting for a file."""

    ledger_name: ClassVar[None] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageActive:
    """The image is active and holds data."""

    ledger_name: ClassVar[str] = "image.active"
    image_id: ImageId
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFailed:
    """The service proved that this image will not become active."""

    ledger_name: ClassVar[str] = "image.failed"
    error: Fault
    stage: str  # create, register or job: where it failed
    image_id: ImageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeUnknown:
    """Neither success nor failure could be proven in this run."""

    ledger_name: ClassVar[str] = "image.unknown"
    error: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDeferred:
    """The image quota has no room for this entry."""

    ledger_name: ClassVar[str] = "image.deferred"
    error: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryStarted:
    """A failed entry is taken up again."""

    ledger_name: ClassVar[str] = "image.retry_started"
    shell: ShellFate


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellDeleted:
    """The dead shell is gone."""

    ledger_name: ClassVar[str] = "image.shell_deleted"
    image_id: ImageId


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellKept:
    """The dead shell could not be deleted and stays."""

    ledger_name: ClassVar[str] = "image.shell_kept"
    image_id: ImageId
    error: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateSeen:
    """A further image carries this entry's tag; it is reported and left alone."""

    ledger_name: ClassVar[str] = "image.duplicate_seen"
    image_id: ImageId
    status: ImageStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSeen:
    """A look at the source has shown this content."""

    ledger_name: ClassVar[str] = "source.seen"
    etag: str
    size_bytes: int
    disk_format: str = ""  # empty: its header was not read
    virtual_size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceUnseen:
    """This run registers without a look: what was known of the source may be old."""

    ledger_name: ClassVar[str] = "source.unseen"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSeen:
    """The file that was uploaded is of another size or age; `etag`: of the same content.

    `etag` is that of its object, and empty where the content is another one.
    """

    ledger_name: ClassVar[str] = "source.file_seen"
    size_bytes: int
    modified_ns: int
    etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAccepted:
    """Somebody wants the image as it is, whatever has become of object and file since."""

    ledger_name: ClassVar[str] = "source.accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRefused:
    """The source is not fit, or not there: nothing is sent for this entry."""

    ledger_name: ClassVar[str] = "source.refused"
    error: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadBegun:
    """The store has opened a multipart upload; the file is told by size and age."""

    ledger_name: ClassVar[str] = "source.upload_begun"
    upload_id: str
    part_bytes: int
    size_bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadProgressed:
    """So much of the file is in the store."""

    ledger_name: ClassVar[str] = "source.upload_progressed"
    sent_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceUploaded:
    """The object is the file; `sent_bytes` went out for it in this run."""

    ledger_name: ClassVar[str] = "source.uploaded"
    etag: str
    size_bytes: int
    sent_bytes: int
    modified_ns: int | None = None  # of the file


Event = (
    CreateIntended
    | ImageCreated
    | CreateRefused
    | CreateUnclear
    | NoneFound
    | ImageAdopted
    | RegisterIntended
    | RegisterAccepted
    | RegisterRefused
    | RegisterUnclear
    | StillQueued
    | ImageActive
    | ImageFailed
    | OutcomeUnknown
    | EntryDeferred
    | RetryStarted
    | ShellDeleted
    | ShellKept
    | DuplicateSeen
    | SourceSeen
    | SourceUnseen
    | FileSeen
    | SourceAccepted
    | SourceRefused
    | UploadBegun
    | UploadProgressed
    | SourceUploaded
)

DURABLE_EVENTS: tuple[type[Event], ...] = (
    CreateIntended,
    ImageCreated,
    CreateRefused,
    ImageAdopted,
    RegisterIntended,
    RegisterAccepted,
    RegisterRefused,
    ImageActive,
    ImageFailed,
    OutcomeUnknown,
    EntryDeferred,
    RetryStarted,
    ShellDeleted,
    ShellKept,
    DuplicateSeen,
    SourceSeen,
    SourceUnseen,
    FileSeen,
    SourceAccepted,
    SourceRefused,
    UploadBegun,
    UploadProgressed,
    SourceUploaded,
)

# What is noted beside the image's own way, and moves it nowhere.
Aside = (
    DuplicateSeen
    | SourceSeen
    | SourceUnseen
    | FileSeen
    | SourceAccepted
    | UploadBegun
    | UploadProgressed
    | SourceUploaded
)
