"""Pauses that add up to few."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, strategies as st

from batch_register.usage import MOST_PAUSES, Pause, add_pause, cut_off

NIGHT = datetime(2026, 3, 4, 1, tzinfo=UTC)


def pause(begins_s: float, ends_s: float) -> Pause:
    return NIGHT + timedelta(seconds=begins_s), NIGHT + timedelta(seconds=ends_s)


def added(*pauses: Pause, most: int = MOST_PAUSES) -> tuple[Pause, ...]:
    known: tuple[Pause, ...] = ()
    for each in pauses:
        known = add_pause(known, each, most=most)
    return known


def test_pauses_that_touch_or_overlap_are_one() -> None:
    assert added(pause(0, 4), pause(4, 6), pause(5, 9)) == (pause(0, 9),)


def test_a_pause_within_another_does_not_shorten_it() -> None:
    assert added(pause(0, 60), pause(1, 2)) == (pause(0, 60),)


def test_pauses_apart_stay_apart_and_in_order() -> None:
    """Also where the wall clock was set back meanwhile."""
    later, earlier = pause(10, 12), pause(0, 2)
    assert added(later, earlier) == (earlier, later)


def test_of_too_many_the_nearest_are_merged() -> None:
    found = added(pause(0, 1), pause(10, 11), pause(12, 13), pause(30, 31), most=3)
    assert found == (pause(0, 1), pause(10, 13), pause(30, 31))


def test_a_pause_ends_with_the_run() -> None:
    pauses = (pause(0, 5), pause(8, 60), pause(70, 80))
    assert cut_off(pauses, NIGHT + timedelta(seconds=10)) == (pause(0, 5), pause(8, 10))


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 9)), max_size=60))
def test_whatever_comes_pauses_are_few_in_order_and_cover_all(
    drawn: list[tuple[int, int]],
) -> None:
    given_pauses = [pause(begins, begins + length) for begins, length in drawn]
    found = added(*given_pauses, most=8)
    assert len(found) <= 8
    assert all(one[1] < other[0] for one, other in pairwise(found))
    for begins, ends in given_pauses:
        assert any(first <= begins and ends <= last for first, last in found)
