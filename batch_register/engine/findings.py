"""What images that a look has shown mean for an entry.

Decides: which one is the entry's own, whether it may be adopted, whether it took a file
on. Must not know: how images are listed, clocks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from batch_register.entry import EntryRecord
from batch_register.event import (
    DuplicateSeen,
    Event,
    ImageAdopted,
    ImageFailed,
    OutcomeUnknown,
    RegisterAccepted,
    StillQueued,
)
from batch_register.model import (
    SPEC_TAG,
    Action,
    Fault,
    FaultKind,
    ImageId,
    ImageSpec,
    ImageStatus,
    ImageView,
    SpecDigest,
    spec_digest,
)
from batch_register.stage import Failed

# How far along an image is: of several, the furthest is kept. A word that we do not
# know may stand for a live image, so it never counts as none.
LIVE = (
    ImageStatus.ACTIVE,
    ImageStatus.SAVING,
    ImageStatus.UNRECOGNISED,
    ImageStatus.QUEUED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a look found for one entry: its image, and any further ones."""

    image: ImageView
    others: tuple[ImageView, ...] = ()

    @property
    def spec(self) -> SpecDigest:
        """Return the spec that the image was made from, by its tag."""
        return SpecDigest(self.image.tag(SPEC_TAG) or "")


def precedence(view: ImageView) -> tuple[int, str, str]:
    """Return what orders the live images of one entry: furthest, then oldest, then id.

    It is the same for whoever looks, which is how two runs agree on one of them.
    """
    return LIVE.index(view.status), view.created_at, view.image_id


def is_alive(view: ImageView, dead: Collection[ImageId]) -> bool:
    """Return whether an image could be taken for its entry's own."""
    is_dead = view.image_id in dead and view.status is not ImageStatus.ACTIVE
    return view.status in LIVE and not is_dead


def choose(views: Iterable[ImageView], dead: Collection[ImageId]) -> Finding | None:
    """Return the entry's own image among those with its tag: furthest, then oldest.

    Images that are killed, deleted or known as dead are passed over; but not one that
    is active whatever the ledger says.
    """
    alive = [view for view in views if is_alive(view, dead)]
    if not alive:
        return None
    alive.sort(key=precedence)
    return Finding(image=alive[0], others=tuple(alive[1:]))


def adoption(
    finding: Finding, record: EntryRecord, spec: ImageSpec | None
) -> list[Event]:
    """Return the events by which an entry takes its found image over, or refuses to."""
    events: list[Event] = [
        DuplicateSeen(image_id=other.image_id, status=other.status)
        for other in finding.others
        if other.image_id not in record.duplicates
    ]
    expected = {record.made_spec}
    if spec is not None:
        expected.add(spec_digest(spec))
    image = finding.image
    if finding.spec not in expected:
        reason = (
            f"image {image.image_id} ({image.status}) carries this entry's tag but was "
            "made from another spec; delete it or restore the manifest"
        )
        conflict = Fault(
            kind=FaultKind.SPEC_CONFLICT,
            code="spec-conflict",
            reason=reason,
            action=Action.FIX_MANIFEST,
        )
        events.append(ImageFailed(error=conflict, stage="create"))
        return events
    if image.image_id in record.dead_images:
        events.append(OutcomeUnknown(error=risen(image)))
        return events
    events.append(
        ImageAdopted(
            image_id=image.image_id,
            status=image.status,
            spec=finding.spec,
            created_at=image.created_at,
        )
    )
    return events


def is_in_the_way(view: ImageView, old: EntryRecord) -> bool:
    """Return whether the image of a former key keeps its entry from being made anew.

    A failed one that waits for a file or was killed will never hold data again.
    """
    match old.stage:
        case Failed(image_id=view.image_id, shell_reusable=False):
            is_dead = view.status is ImageStatus.QUEUED
        case _:
            is_dead = False
    return view.status in LIVE and not is_dead


def is_ownerless(view: ImageView, record: EntryRecord | None) -> bool:
    """Return whether no entry that the manifest names stands by this image.

    `record` is the one that its tag belongs to; None: there is none. One that is gone
    from the manifest and knows of the image is asked about it instead.
    """
    if record is None:
        return True
    is_known = view.image_id == record.image_id or view.image_id in record.dead_images
    return record.is_removed and not is_known


def made_under_other_key(view: ImageView) -> Fault:
    """Return why an entry is not made whose very image is there under another key."""
    reason = (
        f"image {view.image_id} ({view.status}) was made from the same name, source and "
        "fields under a key that neither manifest nor ledger names: restore that key, "
        "or delete the image"
    )
    return Fault(
        kind=FaultKind.SPEC_CONFLICT,
        code="renamed-key",
        reason=reason,
        action=Action.FIX_MANIFEST,
    )


def renamed_from(old: EntryRecord) -> Fault:
    """Return why an entry is not made that seems to be another one under a new key."""
    image = "an image" if old.image_id is None else f"image {old.image_id}"
    reason = (
        f"{image} of the same name and source was made for {old.key!r}, which the "
        "manifest no longer names: restore that key, or delete the image"
    )
    return Fault(
        kind=FaultKind.SPEC_CONFLICT,
        code="renamed-key",
        reason=reason,
        action=Action.FIX_MANIFEST,
    )


def risen(image: ImageView) -> Fault:
    """Return why an active image is not taken over: its import was told to have failed."""
    reason = (
        f"image {image.image_id} is active, although its import for this entry was told "
        "to have failed: find out whether it is good, and delete it to have the entry "
        "made afresh"
    )
    return Fault(
        kind=FaultKind.CONTRADICTION,
        code="image.risen",
        reason=reason,
        action=Action.CONTACT_PROVIDER,
    )


def judge_registered(
    image_id: ImageId, view: ImageView | None, *, is_settled: bool
) -> Event | None:
    """Return what the image's status says about a register that may have arrived."""
    if view is not None:
        if view.status in (ImageStatus.SAVING, ImageStatus.ACTIVE):
            return RegisterAccepted(image_id=image_id, job_id=None)
        if view.status is ImageStatus.QUEUED:
            return StillQueued() if is_settled else None
        if view.status is ImageStatus.KILLED:
            killed = Fault(
                kind=FaultKind.JOB_FAILED,
                code="image.killed",
                reason="the service gave the image up; the job that could say why is not known",
                action=Action.RUN_AGAIN,
            )
            return ImageFailed(error=killed, stage="register", image_id=image_id)
        if not view.is_gone:
            return None
    if not is_settled:
        return None
    vanished = Fault(
        kind=FaultKind.NOT_FOUND,
        code="image.vanished",
        reason="the image is gone; somebody may have deleted it",
        action=Action.RUN_AGAIN,
    )
    return ImageFailed(error=vanished, stage="register", image_id=image_id)
