"""What is known of one entry: its declaration, its stage and its story so far.

Decides: how ledger events add up to one entry's record, and the state that a report
shows for it. Must not know: files, clocks, other entries.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum

from batch_register.event import (
    CreateIntended,
    DuplicateSeen,
    Event,
    FileSeen,
    ImageActive,
    ImageAdopted,
    ImageCreated,
    ImageFailed,
    RegisterIntended,
    RetryStarted,
    ShellFate,
    SourceSeen,
    SourceUnseen,
    SourceUploaded,
    UploadBegun,
    UploadProgressed,
)
from batch_register.machine import Step, advance
from batch_register.model import (
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    JobId,
    Pairs,
    RunCounts,
    SpecDigest,
)
from batch_register.source import Brought, FileStamp, SourcePin, UploadMark
from batch_register.stage import (
    Active,
    Created,
    Creating,
    Deferred,
    Failed,
    Planned,
    Registered,
    Registering,
    Replacing,
    Stage,
    Unknown,
)

# Where a run leaves an entry for good, or until the next run.
_ENDS = (Active, Failed, Unknown, Deferred)


class EntryState(StrEnum):
    """How a report words where an entry stands."""

    ACTIVE = "active"
    FAILED = "failed"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"
    UNFINISHED = "unfinished"
    DEFERRED = "deferred"
    PENDING = "pending"


@dataclass(slots=True, kw_only=True)
class EntryRecord:
    """One entry as the ledger tells it; stamps are the ledger's own text, UTC."""

    key: EntryKey
    name: str = ""
    image_url: str = ""
    labels: Pairs = ()
    declared_spec: SpecDigest | None = None  # what the manifest last said
    made_spec: SpecDigest | None = None  # what the image was made from
    made_name: str = ""  # what it is called in the cloud
    made_url: str = ""  # its source; empty where the ledger cannot tell
    stage: Stage = field(default_factory=Planned)
    attempts: int = 0  # creates that were started
    started_at: str | None = None
    finished_at: str | None = None
    size_bytes: int | None = None
    image_created_at: str = ""  # the cloud's own text
    dead_images: frozenset[ImageId] = frozenset()
    duplicates: frozenset[ImageId] = frozenset()
    is_removed: bool = False  # the manifest no longer names it
    source: SourcePin | None = None  # what its object was when last looked at
    made_source: SourcePin | None = None  # what it was when the image was made of it
    virtual_size_bytes: int | None = None  # of the disk in it
    upload: UploadMark | None = None  # begun, and not known to be complete
    brought: Brought | None = None  # when its file was last seen to be its object
    other_file: FileStamp | None = None  # that is in the place of the one brought
    uploaded_bytes: int = 0  # of that upload, or of the one that was completed

    def declare(
        self, name: str, image_url: str, spec: SpecDigest, labels: Pairs
    ) -> None:
        """Take over what the manifest says of this entry now."""
        self.name, self.image_url, self.labels = name, image_url, labels
        self.declared_spec = spec
        self.is_removed = False

    def apply(self, event: Event, at: str) -> Step:
        """Move by one event that happened at `at`, and return the step.

        Raises:
            InvalidTransitionError: the event cannot happen where the entry stands.
        """
        step = advance(self.stage, event)
        self._note(event, at)
        if step.stage is not self.stage:
            self.finished_at = at if isinstance(step.stage, _ENDS) else None
            self.stage = step.stage
        return step

    def _note(self, event: Event, at: str) -> None:
        """Remember what the stage itself does not hold."""
        match event:
            case CreateIntended(spec=spec, name=name):
                self.attempts += 1
                self.made_spec, self.made_name = spec, name
                self.made_url = self.image_url
                self.started_at = self.started_at or at
            case ImageCreated(created_at=created_at):
                self.image_created_at = created_at
            case ImageAdopted(image_id=image_id, spec=spec, created_at=created_at):
                self.duplicates -= {image_id}
                self._adopt(spec, created_at)
                self.started_at = self.started_at or at
            case ImageActive(size_bytes=size_bytes):
                self.size_bytes = size_bytes
                # Of one that another ledger's run has registered it is not known.
                self.made_source = self.made_source or self.source
            case ImageFailed(image_id=image_id) if image_id is not None:
                self.dead_images |= {image_id}
            case RetryStarted(shell=shell):
                self._bury(shell)
                self.started_at = at
            case DuplicateSeen(image_id=image_id):
                self.duplicates |= {image_id}
            case _:
                self._note_source(event)

    def _note_source(self, event: Event) -> None:
        """Remember what the object and its upload have come to."""
        match event:
            case SourceSeen(etag=etag, size_bytes=size_bytes):
                self._see(SourcePin(etag=etag, size_bytes=size_bytes))
                self.virtual_size_bytes = event.virtual_size_bytes
            case SourceUnseen():
                self.source = None
            case FileSeen():
                self._see_file(event)
            case UploadBegun():
                self.upload, self.uploaded_bytes = _mark(event), 0
            case RegisterIntended():
                self.made_source = self.source
            case UploadProgressed(sent_bytes=sent_bytes):
                self.uploaded_bytes = sent_bytes
            case SourceUploaded(size_bytes=size_bytes):
                self._bring(event)
                self.upload, self.uploaded_bytes = None, size_bytes
            case _:
                pass

    def _see(self, pin: SourcePin) -> None:
        """Take over what the object is now; what an active one was is then known, too.

        Not where the manifest names another object by now.
        """
        self.source = pin
        is_first = self.made_source is None and not self.has_other_spec
        if isinstance(self.stage, Active) and is_first:
            self.made_source = pin

    def _see_file(self, event: FileSeen) -> None:
        """Take over what the file is now that was brought."""
        file = FileStamp(size_bytes=event.size_bytes, modified_ns=event.modified_ns)
        self.other_file = None if event.etag else file
        if event.etag and self.brought is not None:
            self.brought = replace(self.brought, file=file)

    def _bring(self, event: SourceUploaded) -> None:
        """Take over that the object is the file; whose it is may show by what went before."""
        pin = SourcePin(etag=event.etag, size_bytes=event.size_bytes)
        self._see(pin)
        # Of an upload that was killed at its end nothing is left to send.
        is_made = event.sent_bytes > 0 or self.upload is not None
        is_own = is_made or (self.brought is not None and self.brought.may_replace(pin))
        file = FileStamp(
            size_bytes=event.size_bytes, modified_ns=event.modified_ns or 0
        )
        self.brought = Brought(pin=pin, file=file, is_own=is_own)
        self.other_file = None

    def _adopt(self, spec: SpecDigest, created_at: str) -> None:
        """Count an image as the entry's own that a look has found."""
        if spec != self.made_spec:  # not of the create that this ledger knows
            self.made_url = ""
        if not isinstance(self.certain_stage, Replacing):  # nor of its last register
            self.made_source = None
        self.made_spec = spec
        self.image_created_at = created_at

    def _bury(self, shell: ShellFate) -> None:
        """Count the failed attempt's image as dead, unless it is used again."""
        image_id = self.image_id
        if image_id is not None and shell is not ShellFate.REUSE:
            self.dead_images |= {image_id}

    @property
    def certain_stage(self) -> Stage:
        """Return where the entry last stood for certain."""
        return self.stage.was if isinstance(self.stage, Unknown) else self.stage

    # Asked of every entry in every list and report: a look-up, not a match by class.
    # Every stage that holds the fact calls it so, and no other has the attribute.

    @property
    def fault(self) -> Fault | None:
        """Return what last went wrong, if the entry still suffers from it."""
        fault: Fault | None = getattr(self.stage, "fault", None)
        return fault

    @property
    def image_id(self) -> ImageId | None:
        """Return the image that the entry stands for now, if there is one."""
        image_id: ImageId | None = getattr(self.certain_stage, "image_id", None)
        return image_id

    @property
    def job_id(self) -> JobId | None:
        """Return the job that the entry waits for or waited for, if it is known."""
        job_id: JobId | None = getattr(self.certain_stage, "job_id", None)
        return job_id

    @property
    def has_other_spec(self) -> bool:
        """Return whether the manifest now differs from what the image was made of."""
        return (
            self.made_spec is not None
            and self.declared_spec is not None
            and self.made_spec != self.declared_spec
        )

    @property
    def has_other_source(self) -> bool:
        """Return whether object or file has changed since the image was made of it."""
        return self.other_file is not None or (
            self.made_source is not None
            and self.source is not None
            and self.made_source != self.source
        )

    @property
    def state(self) -> EntryState:
        """Return where the entry stands, in the report's words."""
        stage = self.stage
        if isinstance(stage, Active):
            has_changed = self.has_other_spec or self.has_other_source
            return EntryState.CONFLICT if has_changed else EntryState.ACTIVE
        if isinstance(stage, Failed) and stage.fault.kind is FaultKind.SPEC_CONFLICT:
            return EntryState.CONFLICT
        if isinstance(stage, Planned) and self.upload is not None:
            return EntryState.UNFINISHED
        return _STATES[type(stage)]


def _mark(begun: UploadBegun) -> UploadMark:
    file = FileStamp(size_bytes=begun.size_bytes, modified_ns=begun.modified_ns)
    return UploadMark(upload_id=begun.upload_id, part_bytes=begun.part_bytes, file=file)


_STATES: dict[type[Stage], EntryState] = {
    Planned: EntryState.PENDING,
    Creating: EntryState.UNFINISHED,
    Created: EntryState.UNFINISHED,
    Registering: EntryState.UNFINISHED,
    Registered: EntryState.UNFINISHED,
    Replacing: EntryState.UNFINISHED,
    Failed: EntryState.FAILED,
    Unknown: EntryState.UNKNOWN,
    Deferred: EntryState.DEFERRED,
}


def count_states(of: Counter[EntryState], *, skipped: int) -> RunCounts:
    """Return how many entries stand where; `skipped` were active before the run."""
    return RunCounts(
        total=of.total(),
        active=of[EntryState.ACTIVE],
        failed=of[EntryState.FAILED],
        conflict=of[EntryState.CONFLICT],
        unknown=of[EntryState.UNKNOWN],
        unfinished=of[EntryState.UNFINISHED],
        deferred=of[EntryState.DEFERRED],
        pending=of[EntryState.PENDING],
        skipped=skipped,
    )
