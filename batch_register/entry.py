"""What is known of one entry: its declaration, its stage and its story so far.

Decides: how ledger events add up to one entry's record, and the state that a report
shows for it. Must not know: files, clocks, other entries.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from batch_register.event import (
    CreateIntended,
    DuplicateSeen,
    Event,
    ImageActive,
    ImageAdopted,
    ImageCreated,
    ImageFailed,
    RetryStarted,
    ShellFate,
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
from batch_register.provenance import Provenance
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
class EntryRecord(Provenance):
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
                # Not where the manifest names another object by now.
                is_made = isinstance(self.stage, Active) and not self.has_other_spec
                self.note_source(event, is_made=is_made)

    def _adopt(self, spec: SpecDigest, created_at: str) -> None:
        """Count an image as the entry's own that a look has found."""
        if spec != self.made_spec:  # not of the create that this ledger knows
            self.made_url = ""
        if not isinstance(self.certain_stage, Replacing):  # nor of its last register
            self.forget_what_it_was_made_of()
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
