"""The values that travel through a run: specs, identities, what the cloud shows, faults.

Decides: how an entry is identified in the cloud, what a fault means for an entry.
Must not know: files, sockets, clocks, the service's field names.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NewType

EntryKey = NewType("EntryKey", str)
ImageId = NewType("ImageId", str)
JobId = NewType("JobId", str)
SpecDigest = NewType("SpecDigest", str)

Pairs = tuple[tuple[str, str], ...]

MANIFEST_TAG = "br-manifest"
ENTRY_TAG = "br-entry"
SPEC_TAG = "br-spec"
OWN_TAG_PREFIX = "br-"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlace:
    """Where a file lies that is to be uploaded.

    `host` and `resource` say which workers can reach it; both None: this machine, or
    any worker.
    """

    path: str
    host: str | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpec:
    """One manifest entry, checked and with the defaults merged in."""

    key: EntryKey
    name: str
    image_url: str  # "<bucket>:<object>", or an address in the web
    os_version: str  # empty where none is asked for
    min_disk_gb: int  # 0 where none is asked for
    min_ram_mb: int = 0
    disk_format: str | None = None  # None: the service's own default
    protected: bool = False
    tags: Pairs = ()  # sent to the cloud, beside our own three
    labels: Pairs = ()  # for the report only, never sent
    priority: int = 0  # higher goes first
    size_bytes: int | None = None  # hint for the order of admission
    line: int = 0  # where the manifest declares it, from 1
    # `min_disk: auto`; `min_disk_gb` is what the pre-flight made of it, 0 before.
    min_disk_is_auto: bool = False
    source: FilePlace | None = None  # uploaded to `image_url` first

    @property
    def is_from_web(self) -> bool:
        """Return whether the service fetches the source from an address in the web."""
        return self.image_url.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A whole batch, or a shard of one: its lasting name, its entries in file order."""

    name: str
    images: tuple[ImageSpec, ...]
    elsewhere: frozenset[str] = frozenset()  # `br-entry` of entries in other shards


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which project of which cloud a ledger belongs to."""

    endpoint: str
    project_id: str
    region: str


def _short_digest(*parts: str) -> str:
    """Return 26 lower-case base32 characters over the parts, separated by NUL.

    Fits the 43 characters of [A-Za-z0-9_-] that every cloud takes as a tag value
    (IMS API reference, "Image Tag Format").
    """
    data = "\0".join(parts).encode()
    digest = hashlib.blake2b(data, digest_size=16).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def entry_digest(manifest_name: str, key: EntryKey) -> str:
    """Return the value of the `br-entry` tag: one entry of one manifest, for ever."""
    return _short_digest(manifest_name, key)


def spec_digest(spec: ImageSpec) -> SpecDigest:
    """Return the value of the `br-spec` tag: the source and every field sent.

    `min_disk: auto` counts as that word: what it comes to is the file's own affair.
    """
    sent = [
        spec.image_url,
        spec.name,
        spec.os_version,
        "auto" if spec.min_disk_is_auto else spec.min_disk_gb,
        spec.min_ram_mb,
        spec.disk_format,
        spec.protected,
        sorted(spec.tags),
    ]
    return SpecDigest(_short_digest(json.dumps(sent, ensure_ascii=True)))


def identity_tags(manifest_name: str, spec: ImageSpec) -> Pairs:
    """Return the three tags by which an image of ours is found again."""
    return (
        (MANIFEST_TAG, manifest_name),
        (ENTRY_TAG, entry_digest(manifest_name, spec.key)),
        (SPEC_TAG, spec_digest(spec)),
    )


class ImageStatus(StrEnum):
    """Status of an image as the cloud words it, plus one for words we do not know."""

    QUEUED = "queued"
    SAVING = "saving"
    ACTIVE = "active"
    KILLED = "killed"
    DELETED = "deleted"
    PENDING_DELETE = "pending_delete"
    UNRECOGNISED = "unrecognised"


class JobStatus(StrEnum):
    """Status of a job as the cloud words it, plus one for words we do not know."""

    INIT = "INIT"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAIL = "FAIL"
    UNRECOGNISED = "UNRECOGNISED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageView:
    """What the cloud shows of one image at one moment."""

    image_id: ImageId
    name: str
    status: ImageStatus
    size_bytes: int = 0  # 0 until the file is in
    tags: Pairs = ()
    created_at: str = ""  # the cloud's own text, UTC
    raw_status: str = ""
    min_disk_gb: int | None = None  # None here and below: the cloud does not show it
    min_ram_mb: int | None = None
    is_protected: bool | None = None

    def tag(self, name: str) -> str | None:
        """Return the value of one tag, or None where it is not set."""
        return next((value for key, value in self.tags if key == name), None)

    @property
    def is_usable(self) -> bool:
        """Return whether the image is active and really holds data."""
        return self.status is ImageStatus.ACTIVE and self.size_bytes > 0

    @property
    def is_gone(self) -> bool:
        """Return whether the image is deleted or on its way to that."""
        return self.status in (ImageStatus.DELETED, ImageStatus.PENDING_DELETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """What the cloud shows of one job at one moment; `progress` is 0.0 to 1.0."""

    job_id: JobId
    status: JobStatus
    fault: Fault | None = None
    progress: float | None = None
    raw_status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageQuery:
    """Which images of our project to list; None or empty leaves a filter out."""

    tag: tuple[str, str] | None = None
    name: str | None = None
    created_since: str | None = None  # the cloud's own text, UTC, seconds
    image_id: ImageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many private images the project holds and may hold."""

    used: int
    limit: int


class Applied(StrEnum):
    """Whether the service may have acted on a request that failed."""

    NO = "no"  # certain: it may be sent again
    UNKNOWN = "unknown"  # look before sending it again


class Action(StrEnum):
    """What a person must do about an entry."""

    NONE = "none"
    WAIT = "wait"
    RUN_AGAIN = "run_again"
    FIX_MANIFEST = "fix_manifest"
    FIX_SOURCE = "fix_source"
    RAISE_QUOTA = "raise_quota"
    ASK_PERMISSION = "ask_permission"
    CONTACT_PROVIDER = "contact_provider"


class FaultKind(StrEnum):
    """What went wrong, in the few words that decisions are made of."""

    UNREACHABLE = "unreachable"  # nothing was sent: DNS, refused, TLS
    LOST = "lost"  # sent, no usable answer: timeout, reset, cut off
    SERVER = "server"  # 5xx, or a code that means the same
    THROTTLED = "throttled"  # too many requests
    BUSY = "busy"  # too many unfinished tasks
    QUOTA = "quota"  # no room for another image
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"  # 409: the resource is in another state
    REJECTED = "rejected"  # the request can never succeed as it is
    MISREAD = "misread"  # an answer that no documentation describes
    JOB_FAILED = "job_failed"
    DEADLINE = "deadline"
    CONTRADICTION = "contradiction"  # the cloud says two things at once
    SPEC_CONFLICT = "spec_conflict"  # made from another spec than the manifest's
    UNPROVEN = "unproven"  # neither found nor provably absent


# Worth sending again later, as it is.
_PASSING = frozenset(
    {
        FaultKind.UNREACHABLE,
        FaultKind.LOST,
        FaultKind.SERVER,
        FaultKind.THROTTLED,
        FaultKind.BUSY,
        FaultKind.UNAUTHENTICATED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that went wrong, as the ledger and the report keep it.

    `code` and `reason` are never empty: the service's own, or ours.
    """

    kind: FaultKind
    code: str
    reason: str
    action: Action
    http_status: int | None = None
    request_id: str | None = None

    @property
    def is_passing(self) -> bool:
        """Return whether the same request may succeed later."""
        return self.kind in _PASSING

    def is_like(self, other: Fault | None) -> bool:
        """Return whether it is the same matter, whichever request has shown it."""
        return other is not None and replace(self, request_id=None) == replace(
            other, request_id=None
        )

    def sentence(self) -> str:
        """Return the fault for a person: code, reason and the ids to quote."""
        status = f"HTTP {self.http_status} " if self.http_status else ""
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{status}{self.code}: {self.reason}{request}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimit:
    """How many requests a gateway allows in any window of so many seconds."""

    limit: int
    window_s: float


class StopReason(StrEnum):
    """Why a run ends before its work is done."""

    SIGINT = "sigint"
    SIGTERM = "sigterm"
    WINDOW = "window"  # --max-duration is over
    UNAUTHENTICATED = "unauthenticated"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts:
    """How many entries stand where; the report's summary and `run.finished`."""

    total: int = 0
    active: int = 0
    failed: int = 0
    conflict: int = 0
    unknown: int = 0
    unfinished: int = 0
    deferred: int = 0
    pending: int = 0
    skipped: int = 0  # active before this run; included in `active`
