"""What strangers mean: which image goes first, and whether another run is at work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from batch_register.engine.sightings import Sightings
from batch_register.entry import EntryRecord
from batch_register.model import (
    ENTRY_TAG,
    MANIFEST_TAG,
    SPEC_TAG,
    EntryKey,
    ImageId,
    ImageStatus,
    ImageView,
    SpecDigest,
    entry_digest,
)
from batch_register.pacing import SettleTime
from batch_register.stage import (
    Active,
    Created,
    Creating,
    Failed,
    Planned,
    Registered,
    Stage,
    Unknown,
)
from tests.unit.samples import FINAL, PASSING

KEY = EntryKey("web-01")
MINE, OTHER = ImageId("image-5"), ImageId("image-7")
MADE_AT, BEFORE, AFTER = "00:00:30", "00:00:29", "00:00:31"
SETTLE_S, DEADLINE_S = 30.0, 600.0


def seen(
    status: ImageStatus = ImageStatus.QUEUED,
    at: str = AFTER,
    image_id: ImageId = OTHER,
    manifest: str = "wave-07",
    key: str = KEY,
) -> ImageView:
    tags = (
        (MANIFEST_TAG, manifest),
        (ENTRY_TAG, entry_digest("wave-07", EntryKey(key))),
    )
    return ImageView(
        image_id=image_id,
        name="web-01",
        status=status,
        tags=tags,
        created_at=f"2026-09-01T{at}Z",
    )


def sightings(stage: Stage | None = None, **facts: object) -> Sightings:
    """Return sightings of one entry that stands at this stage."""
    record = EntryRecord(
        key=KEY,
        name="web-01",
        stage=stage or Created(image_id=MINE),
        image_created_at=f"2026-09-01T{MADE_AT}Z",
    )
    for name, value in facts.items():
        setattr(record, name, value)
    return Sightings(
        manifest_name="wave-07",
        records={KEY: record},
        settle=SettleTime(least_s=SETTLE_S),
        patience_s=DEADLINE_S,
    )


def shown(view: ImageView, stage: Stage | None = None, **facts: object) -> Sightings:
    one = sightings(stage, **facts)
    one.note_listed([view], 0.0)
    return one


# ------------------------------------------------------------ whose image it is


@pytest.mark.parametrize(
    "view",
    [
        seen(image_id=MINE),
        seen(manifest="wave-08"),
        seen(key="no-entry-of-ours"),
        replace(seen(), tags=((MANIFEST_TAG, "wave-07"),)),
        seen(ImageStatus.KILLED),
        seen(ImageStatus.DELETED),
    ],
)
def test_these_are_no_strangers_to_take_over(view: ImageView) -> None:
    assert shown(view).of(KEY) == []


def test_an_image_that_the_ledger_calls_dead_is_no_stranger() -> None:
    one = shown(seen(), dead_images=frozenset({OTHER}))
    assert one.of(KEY) == []
    assert not one.is_contended(0.0)


def test_the_latest_view_of_a_stranger_counts() -> None:
    one = shown(seen())
    one.note_listed([seen(ImageStatus.SAVING)], 5.0)
    assert one.of(KEY) == [seen(ImageStatus.SAVING)]


def test_a_look_that_finds_none_forgets_what_was_seen_before() -> None:
    one = shown(seen())
    one.forget(KEY)
    one.forget(KEY)
    assert one.of(KEY) == []
    assert one.ahead(KEY) is None


@pytest.mark.parametrize(
    ("view", "facts", "is_ownerless"),
    [
        (seen(key="gone"), {}, True),
        (seen(), {}, False),
        (seen(), {"is_removed": True}, True),
        (seen(image_id=MINE), {"is_removed": True}, False),
        (seen(), {"is_removed": True, "dead_images": frozenset({OTHER})}, False),
        (seen(ImageStatus.KILLED, key="gone"), {}, False),
    ],
)
def test_an_image_is_ownerless_when_no_entry_stands_by_it(
    view: ImageView, facts: dict[str, Any], is_ownerless: bool
) -> None:
    view = replace(view, tags=(*view.tags, (SPEC_TAG, "spec-1")))
    one = shown(view, **facts)
    assert (one.ownerless(SpecDigest("spec-1")) is not None) is is_ownerless
    assert one.ownerless(SpecDigest("spec-2")) is None


def test_an_image_of_another_shards_entry_is_neither_ownerless_nor_a_sign_of_life() -> (
    None
):
    view = replace(seen(key="web-02"), tags=(*seen(key="web-02").tags, (SPEC_TAG, "s")))
    one = sightings()
    one.elsewhere = frozenset({view.tag(ENTRY_TAG) or ""})
    one.note_listed([view], 0.0)
    assert one.ownerless(SpecDigest("s")) is None
    assert not one.is_contended(0.0)


def test_an_ownerless_image_that_is_gone_is_in_nobodys_way() -> None:
    view = replace(seen(key="gone"), tags=(*seen(key="gone").tags, (SPEC_TAG, "s")))
    one = shown(view)
    one.note_listed([replace(view, status=ImageStatus.DELETED)], 5.0)
    assert one.ownerless(SpecDigest("s")) is None


# ------------------------------------------------------------ which one goes first


@pytest.mark.parametrize(
    ("view", "goes_first"),
    [
        (seen(at=BEFORE), True),
        (seen(at=AFTER), False),
        (seen(at=MADE_AT, image_id=ImageId("image-4")), True),
        (seen(at=MADE_AT, image_id=ImageId("image-6")), False),
        (seen(ImageStatus.SAVING), True),
        (seen(ImageStatus.ACTIVE), True),
        (seen(ImageStatus.UNRECOGNISED), True),
        (seen(ImageStatus.KILLED, at=BEFORE), False),
    ],
)
def test_the_furthest_goes_first_then_the_oldest_then_the_lower_id(
    view: ImageView, goes_first: bool
) -> None:
    assert (shown(view).ahead(KEY) is not None) is goes_first


def test_two_runs_agree_on_one_of_two_shells() -> None:
    mine, other = seen(at=MADE_AT, image_id=MINE), seen(at=MADE_AT)
    here = shown(other)
    there = sightings(Created(image_id=OTHER))
    there.note_listed([mine], 0.0)
    assert here.ahead(KEY) is None
    assert there.ahead(KEY) == mine


# ------------------------------------------------------------ what is to be reported

WITH_FILE = (
    Registered(image_id=MINE, job_id=None),
    Active(image_id=MINE, job_id=None, size_bytes=1),
    Unknown(fault=PASSING, was=Registered(image_id=MINE, job_id=None)),
)


@pytest.mark.parametrize("stage", WITH_FILE)
@pytest.mark.parametrize("at", [BEFORE, AFTER])
def test_beside_an_image_with_a_file_every_twin_is_reported(
    stage: Stage, at: str
) -> None:
    one = shown(seen(at=at), stage)
    assert [view.image_id for _, view in one.unreported()] == [OTHER]


@pytest.mark.parametrize(("at", "is_reported"), [(BEFORE, False), (AFTER, True)])
def test_beside_a_shell_only_what_comes_after_it_is_a_twin(
    at: str, is_reported: bool
) -> None:
    assert (list(shown(seen(at=at)).unreported()) != []) is is_reported


@pytest.mark.parametrize(
    "stage",
    [
        Created(image_id=MINE),
        Unknown(fault=PASSING, was=Created(image_id=MINE)),
    ],
)
def test_what_no_run_has_taken_over_in_the_end_is_a_twin(stage: Stage) -> None:
    one = shown(seen(at=BEFORE), stage)
    assert [view.image_id for _, view in one.unreported(is_over=True)] == [OTHER]


@pytest.mark.parametrize("stage", [Planned(), Creating(), Failed(fault=FINAL)])
def test_without_an_image_of_our_own_there_is_no_twin(stage: Stage) -> None:
    assert list(shown(seen(), stage).unreported()) == []


def test_a_twin_is_reported_once() -> None:
    one = shown(seen(), duplicates=frozenset({OTHER}))
    assert list(one.unreported()) == []


# ------------------------------------------------------------ is another run at work?


def test_nothing_strange_means_that_nobody_else_is_at_work() -> None:
    assert not sightings().is_contended(0.0)
    assert not shown(seen(image_id=MINE)).is_contended(0.0)


@pytest.mark.parametrize(
    ("status", "contended_until_s"),
    [
        (ImageStatus.ACTIVE, 2 * SETTLE_S),
        (ImageStatus.QUEUED, DEADLINE_S),
        (ImageStatus.SAVING, DEADLINE_S),
    ],
)
def test_what_the_first_list_shows_counts_while_it_may_be_somebodys(
    status: ImageStatus, contended_until_s: float
) -> None:
    one = shown(seen(status), Planned())
    assert one.is_contended(contended_until_s)
    assert not one.is_contended(contended_until_s + 0.1)


def test_an_import_that_ends_counts_a_while_longer() -> None:
    """A run that lives makes its next image in just that moment."""
    one = shown(seen(ImageStatus.SAVING), Planned())
    one.note_listed([seen(ImageStatus.ACTIVE)], 400.0)
    assert one.is_contended(400.0 + 2 * SETTLE_S)
    assert not one.is_contended(400.1 + 2 * SETTLE_S)


def test_what_was_reported_before_is_no_sign_of_life() -> None:
    one = shown(seen(), duplicates=frozenset({OTHER}))
    assert not one.is_contended(0.0)


def test_what_will_be_taken_over_is_a_sign_of_life_though_it_was_reported() -> None:
    """Its register must wait for whoever made it, as if it had just come in sight."""
    one = shown(seen(at=BEFORE), duplicates=frozenset({OTHER}))
    assert one.is_contended(0.0)


@pytest.mark.parametrize(
    ("first", "then", "is_proof"),
    [
        ([], [seen()], True),
        ([], [seen(ImageStatus.SAVING)], True),
        ([], [seen(ImageStatus.ACTIVE)], False),
        ([seen()], [seen(ImageStatus.SAVING)], True),
        ([seen()], [seen()], False),
        ([seen(ImageStatus.SAVING)], [seen(ImageStatus.ACTIVE)], False),
    ],
)
def test_what_begins_while_we_look_was_begun_by_a_run_that_lives(
    first: list[ImageView], then: list[ImageView], is_proof: bool
) -> None:
    one = sightings(Planned())
    one.note_listed(first, 0.0)
    one.note_listed(then, SETTLE_S + 1)
    assert one.is_contended(1e6) is is_proof


def test_what_lists_may_only_have_lagged_behind_with_proves_nothing() -> None:
    one = sightings(Planned())
    one.note_listed([], 0.0)
    one.note_listed([seen()], SETTLE_S)
    assert not one.is_contended(1e6)


@pytest.mark.parametrize("stage", [Creating(), Unknown(fault=PASSING, was=Creating())])
def test_what_our_own_open_create_may_have_made_is_no_sign_of_another_run(
    stage: Stage,
) -> None:
    one = sightings(stage)
    one.note_listed([], 0.0)
    one.note_listed([seen()], 100.0)
    assert one.of(KEY) == [seen()]  # it can be taken over
    one.records[KEY].stage = Created(image_id=OTHER)
    one.note_listed([seen(ImageStatus.SAVING)], 110.0)
    assert not one.is_contended(110.0)
    assert one.of(KEY) == []


def test_a_shell_beside_the_one_that_our_create_made_is_another_runs() -> None:
    one = sightings(Creating())
    one.note_listed([seen(at=BEFORE)], 100.0)
    one.records[KEY].stage = Created(image_id=MINE)
    assert one.ahead(KEY) == seen(at=BEFORE)
    one.note_listed([seen(at=BEFORE)], 105.0)
    assert one.is_contended(105.0)


def test_an_image_that_was_taken_over_is_still_followed_as_another_runs() -> None:
    one = shown(seen(), Planned())
    one.records[KEY].stage = Registered(image_id=OTHER, job_id=None)
    one.note_listed([seen(ImageStatus.SAVING)], 100.0)
    assert one.is_contended(1e6)
    assert one.of(KEY) == []
