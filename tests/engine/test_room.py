"""Who may make an image, from what the service tells and what this run has made."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from batch_register.engine.room import Room
from batch_register.event import (
    CreateRefused,
    ImageAdopted,
    ImageCreated,
    NoneFound,
    ShellDeleted,
)
from batch_register.model import (
    EntryKey,
    FaultKind,
    ImageId,
    ImageStatus,
    Quota,
    SpecDigest,
)
from tests.fakes import fault

A, B, C, D = (EntryKey(key) for key in "abcd")
IMAGE = ImageId("image-1")
FULL = fault(FaultKind.QUOTA, "IMG.0015")
MADE = ImageCreated(image_id=IMAGE)
GONE = ShellDeleted(image_id=IMAGE)
REFUSED = CreateRefused(error=fault(FaultKind.REJECTED))
FOUND = ImageAdopted(image_id=IMAGE, status=ImageStatus.QUEUED, spec=SpecDigest("s"))


def room(limit: int, used: int = 0) -> Room:
    """Return a room as the service has just told it."""
    one = Room()
    one.tell(Quota(used=used, limit=limit), one.made())
    return one


def test_an_untold_quota_lets_everybody_try_until_one_is_refused() -> None:
    one = Room()
    assert one.spare is None
    assert one.take(A) is None
    one.refuse(A, FULL)
    assert not one.is_doubtful
    assert one.take(B) == FULL
    one.note(C, GONE)
    assert one.take(B) is None


def test_a_place_is_taken_once_and_its_holder_may_try_again() -> None:
    one = room(1)
    assert one.take(A) is None
    one.note(A, NoneFound())
    assert one.take(A) is None
    reason = "the image quota has no room for it (0 of 1 when it was read)"
    no_room = one.take(B)
    assert no_room is not None
    assert (no_room.code, no_room.reason) == ("quota.full", reason)


def test_a_promised_place_is_nobody_elses() -> None:
    one = room(2)
    one.promise(A)
    assert one.spare == 1
    assert one.take(B) is None
    assert one.take(C) is not None
    assert one.take(A) is None
    assert one.spare == 0


@pytest.mark.parametrize("end", ["leave", "refused", "adopted"])
def test_a_place_that_is_not_needed_is_free_again(end: str) -> None:
    one = room(1)
    one.promise(A)
    if end == "leave":
        one.leave(A)
    else:
        one.note(A, REFUSED if end == "refused" else FOUND)
    assert one.spare == 1


def test_a_refused_create_gives_its_place_back() -> None:
    one = room(1)
    one.take(A)
    one.note(A, REFUSED)
    assert one.spare == 1


def test_what_was_made_before_a_reading_is_counted_by_it_and_the_rest_is_not() -> None:
    one = room(4)
    for key in (A, B, C):
        one.take(key)
    one.note(A, MADE)
    made = one.made()
    one.note(B, MADE)  # while the reading is under way
    one.tell(Quota(used=1, limit=4), made)
    assert one.spare == 1  # B and C may be counted or not: never one too many
    one.tell(Quota(used=3, limit=4), one.made())
    assert one.spare == 0
    one.leave(C)  # nobody knows whether it was made, until the next reading
    one.tell(Quota(used=3, limit=4), one.made())
    assert one.spare == 1


def test_a_quota_that_shrinks_holds_those_back_that_were_promised_a_place() -> None:
    one = room(2)
    one.promise(A)
    one.promise(B)
    one.tell(Quota(used=0, limit=1), one.made())
    assert one.spare == 0
    assert one.take(A) is None
    assert one.take(B) is not None


def test_a_deleted_shell_leaves_its_place_to_its_own_entry() -> None:
    one = room(1, used=1)
    one.note(A, GONE)
    assert one.take(B) is not None
    assert one.take(A) is None
    assert one.spare == 0


def test_a_shell_of_this_run_that_is_deleted_frees_nothing_for_others() -> None:
    one = room(1)
    one.take(A)
    one.note(A, MADE)
    one.note(A, GONE)
    assert one.spare == 0
    assert one.take(A) is None
    one.tell(Quota(used=0, limit=1), one.made())
    assert one.spare == 0


def test_a_deletion_during_a_reading_keeps_its_entrys_place() -> None:
    one = room(2)
    one.take(A)
    one.note(A, MADE)
    made = one.made()
    one.note(A, GONE)
    one.tell(Quota(used=1, limit=2), made)
    assert one.take(A) is None
    assert one.spare == 0


def test_after_a_refusal_nobody_goes_on_before_the_quota_is_read_again() -> None:
    one = room(5)
    one.promise(B)
    one.take(A)
    one.refuse(A, FULL)
    assert one.is_doubtful
    assert (one.take(B), one.take(C)) == (FULL, FULL)
    assert one.spare == 0


def test_places_that_the_service_shows_but_does_not_give_do_not_count() -> None:
    one = room(5)
    one.take(A)
    one.refuse(A, FULL)
    for _ in range(2):
        one.tell(Quota(used=0, limit=5), one.made())
        assert not one.is_doubtful
        assert one.take(B) == FULL
    one.tell(Quota(used=0, limit=7), one.made())
    assert one.spare == 2
    assert one.take(B) is None


def test_a_refusal_by_a_full_quota_ends_once_there_is_room() -> None:
    one = room(5, used=4)
    one.take(A)
    one.refuse(A, FULL)
    one.tell(Quota(used=5, limit=5), one.made())
    assert one.take(A) == FULL
    one.tell(Quota(used=3, limit=5), one.made())
    assert (one.take(A), one.take(B)) == (None, None)
    own = one.take(C)
    assert own is not None
    assert own.code == "quota.full"


def test_a_quota_that_shrinks_and_grows_again_is_believed_again() -> None:
    one = room(5)
    one.take(A)
    one.refuse(A, FULL)
    for limit, spare in ((5, 0), (2, 0), (4, 2)):
        one.tell(Quota(used=0, limit=limit), one.made())
        assert one.spare == spare


@given(
    st.integers(0, 6),
    st.lists(
        st.tuples(
            st.sampled_from(["promise", "take", "made", "refused", "leave", "tell"]),
            st.sampled_from([A, B, C, D]),
        ),
        max_size=60,
    ),
)
def test_never_more_images_are_made_than_the_quota_has_room_for(
    limit: int, steps: list[tuple[str, EntryKey]]
) -> None:
    one, images, open_calls = room(limit), 0, set[EntryKey]()
    for what, key in steps:
        if what in ("promise", "leave") and key not in open_calls:
            getattr(one, what)(key)
        elif what == "take" and key not in open_calls:
            if one.take(key) is None:
                open_calls.add(key)
                images += 1  # as soon as it arrives
        elif what == "made" and key in open_calls:
            open_calls.discard(key)
            one.note(key, MADE)
        elif what == "refused" and key in open_calls:
            open_calls.discard(key)
            images -= 1
            one.note(key, REFUSED)
        elif what == "tell":
            one.tell(Quota(used=images, limit=limit), one.made())
        assert images <= limit
