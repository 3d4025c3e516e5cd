"""Which found image is an entry's own, whether it is taken over, whether it took a file."""

from __future__ import annotations

from itertools import permutations

import pytest

from batch_register.engine.findings import (
    Finding,
    adoption,
    choose,
    judge_registered,
)
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
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageStatus,
    ImageView,
    SpecDigest,
    spec_digest,
)
from tests.fakes import spec

OWN = spec_digest(spec())
OTHER = SpecDigest("of-another-spec")


def view(
    name: str,
    status: ImageStatus = ImageStatus.QUEUED,
    minute: int = 0,
    made_of: SpecDigest | None = OWN,
) -> ImageView:
    return ImageView(
        image_id=ImageId(name),
        name="web-01",
        status=status,
        tags=() if made_of is None else ((SPEC_TAG, made_of),),
        created_at=f"2026-09-01T00:{minute:02}:00Z",
    )


RANKED = [
    view("active", ImageStatus.ACTIVE, 9),
    view("saving", ImageStatus.SAVING, 8),
    view("strange", ImageStatus.UNRECOGNISED, 7),
    view("old", ImageStatus.QUEUED, 1),
    view("twin-a", ImageStatus.QUEUED, 2),
    view("twin-b", ImageStatus.QUEUED, 2),
]


@pytest.mark.parametrize("first", range(len(RANKED)))
def test_the_furthest_then_the_oldest_is_kept(first: int) -> None:
    """In whatever order the list shows them."""
    ranked = RANKED[first:]
    best = Finding(image=ranked[0], others=tuple(ranked[1:]))
    assert all(choose(order, ()) == best for order in permutations(ranked))


@pytest.mark.parametrize(
    "status", [ImageStatus.KILLED, ImageStatus.DELETED, ImageStatus.PENDING_DELETE]
)
def test_an_image_that_is_dead_is_passed_over(status: ImageStatus) -> None:
    assert choose([view("a", status)], ()) is None


def test_an_image_that_the_ledger_calls_dead_is_passed_over() -> None:
    views = [view("a", ImageStatus.SAVING), view("b")]
    assert choose(views, {ImageId("a")}) == Finding(image=views[1])


def test_a_dead_image_that_is_active_after_all_leaves_the_outcome_unknown() -> None:
    """Found by simulation: another ledger had revived it, and a twin was made."""
    risen = view("a", ImageStatus.ACTIVE)
    found = choose([risen, view("b")], {ImageId("a")})
    assert found == Finding(image=risen, others=(view("b"),))
    known = record()
    known.dead_images = frozenset({ImageId("a")})
    *_, event = adoption(found, known, spec())
    assert isinstance(event, OutcomeUnknown)
    assert event.error.code == "image.risen"


def test_a_word_that_nobody_knows_does_not_prove_that_there_is_no_image() -> None:
    """A new status must not make the entry's image twice."""
    strange = view("a", ImageStatus.UNRECOGNISED)
    assert choose([strange], ()) == Finding(image=strange)


def test_nothing_is_chosen_from_nothing() -> None:
    assert choose([], ()) is None


def record(made: SpecDigest | None = None, *duplicates: str) -> EntryRecord:
    return EntryRecord(
        key=EntryKey("web-01"),
        made_spec=made,
        duplicates=frozenset(ImageId(one) for one in duplicates),
    )


def adopted(made_of: SpecDigest = OWN) -> Event:
    return ImageAdopted(
        image_id=ImageId("a"),
        status=ImageStatus.QUEUED,
        spec=made_of,
        created_at="2026-09-01T00:00:00Z",
    )


def test_an_image_of_the_same_spec_is_adopted() -> None:
    assert adoption(Finding(image=view("a")), record(), spec()) == [adopted()]


def test_an_image_of_the_spec_that_the_ledger_intended_is_adopted() -> None:
    """The manifest has changed since; whoever goes on sees that and replaces it."""
    finding = Finding(image=view("a", made_of=OTHER))
    assert adoption(finding, record(OTHER), spec()) == [adopted(OTHER)]


def test_an_entry_without_a_manifest_is_adopted_by_the_ledgers_word() -> None:
    assert adoption(Finding(image=view("a")), record(OWN), None) == [adopted()]


@pytest.mark.parametrize("made_of", [OTHER, None])
def test_an_image_of_another_spec_is_a_conflict(made_of: SpecDigest | None) -> None:
    conflict = Fault(
        kind=FaultKind.SPEC_CONFLICT,
        code="spec-conflict",
        reason="image a (queued) carries this entry's tag but was made from another "
        "spec; delete it or restore the manifest",
        action=Action.FIX_MANIFEST,
    )
    finding = Finding(image=view("a", made_of=made_of))
    failed = ImageFailed(error=conflict, stage="create")
    assert adoption(finding, record(), spec()) == [failed]


def test_further_images_are_reported_once_and_first() -> None:
    finding = Finding(image=view("a"), others=(view("b"), view("c")))
    seen = DuplicateSeen(image_id=ImageId("c"), status=ImageStatus.QUEUED)
    assert adoption(finding, record(None, "b"), spec()) == [seen, adopted()]


IMAGE = ImageId("a")
ACCEPTED = RegisterAccepted(image_id=IMAGE, job_id=None)
KILLED = ImageFailed(
    error=Fault(
        kind=FaultKind.JOB_FAILED,
        code="image.killed",
        reason="the service gave the image up; the job that could say why is not known",
        action=Action.RUN_AGAIN,
    ),
    stage="register",
    image_id=IMAGE,
)
VANISHED = ImageFailed(
    error=Fault(
        kind=FaultKind.NOT_FOUND,
        code="image.vanished",
        reason="the image is gone; somebody may have deleted it",
        action=Action.RUN_AGAIN,
    ),
    stage="register",
    image_id=IMAGE,
)


@pytest.mark.parametrize(
    ("status", "early", "settled"),
    [
        (ImageStatus.SAVING, ACCEPTED, ACCEPTED),
        (ImageStatus.ACTIVE, ACCEPTED, ACCEPTED),
        (ImageStatus.QUEUED, None, StillQueued()),
        (ImageStatus.KILLED, KILLED, KILLED),
        (ImageStatus.UNRECOGNISED, None, None),
        (ImageStatus.DELETED, None, VANISHED),
        (ImageStatus.PENDING_DELETE, None, VANISHED),
        (None, None, VANISHED),
    ],
)
def test_what_an_image_says_about_a_register_that_may_have_arrived(
    status: ImageStatus | None, early: Event | None, settled: Event | None
) -> None:
    image = None if status is None else view("a", status)
    assert judge_registered(IMAGE, image, is_settled=False) == early
    assert judge_registered(IMAGE, image, is_settled=True) == settled
