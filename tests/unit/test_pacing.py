"""Waiting times: bounds, caps and the settle rule."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from batch_register.pacing import (
    Backoff,
    CheckSchedule,
    SettleTime,
    Window,
    settled_at_s,
)

SECONDS = st.floats(0.001, 1e6)


@given(
    base_s=SECONDS, cap_s=SECONDS, attempt=st.integers(1, 10_000), draw=st.floats(0, 1)
)
def test_a_delay_stays_between_zero_and_its_ceiling_and_the_ceiling_under_the_cap(
    base_s: float, cap_s: float, attempt: int, draw: float
) -> None:
    backoff = Backoff(base_s=base_s, cap_s=cap_s)
    assert 0.0 <= backoff.delay_s(attempt, draw) <= backoff.ceiling_s(attempt) <= cap_s
    assert backoff.ceiling_s(attempt) <= backoff.ceiling_s(attempt + 1)


def test_ceilings_double_until_the_cap() -> None:
    backoff = Backoff(base_s=1.0, cap_s=5.0)
    assert [backoff.ceiling_s(n) for n in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 5.0]


def test_a_look_settles_after_the_later_of_call_and_start_of_the_run() -> None:
    def settled(call_ended_s: float | None) -> float:
        return settled_at_s(
            call_ended_s=call_ended_s, run_started_s=100.0, settle_s=30.0
        )

    assert settled(150.0) == 180.0
    assert settled(None) == 130.0  # an earlier run's call: all we know is "before"


def test_checks_of_one_image_become_rarer_up_to_the_longest() -> None:
    schedule = CheckSchedule(first_s=10.0, longest_s=60.0)
    waits = [schedule.wait_s(n) for n in (0, 1, 2, 3, 1000)]
    assert waits == [10.0, 20.0, 40.0, 60.0, 60.0]


def test_a_window_admits_only_what_would_typically_end_inside() -> None:
    window = Window(length_s=100.0)
    assert window.admits(60.0, 39.0)
    assert not window.admits(60.0, 40.0)
    assert Window(length_s=None).admits(1e9, 1e9)


# ------------------------------------------------------------ the settle time


def test_a_settle_time_that_nothing_was_measured_for_is_the_least() -> None:
    settle = SettleTime(least_s=30.0)
    settle.note_listed({"a"}, 10.0)
    assert (settle.seconds, settle.measured_lag_s) == (30.0, None)


def test_a_remembered_lag_can_only_raise_it() -> None:
    assert SettleTime(least_s=30.0, remembered_lag_s=9.0).seconds == 30.0
    assert SettleTime(least_s=30.0, remembered_lag_s=11.0).seconds == 33.0


@pytest.mark.parametrize(
    ("lists", "lag_s"),
    [
        ([(1.0, True)], 0.0),  # the first list shows it: no lag that could be seen
        ([(5.0, False), (10.0, True)], 10.0),
        ([(5.0, False), (7.0, True)], 7.0),
        # lists failed in between: they tell nothing of when it would have shown
        ([(5.0, False), (90.0, True)], 10.0),
        ([(5.0, False)], None),
        ([(-1.0, True), (5.0, False), (10.0, True)], 10.0),  # asked before it was made
        ([(599.0, False), (600.0, False), (601.0, True)], 601.0),
        ([(601.0, False), (602.0, True)], None),  # a cloud that never shows it
    ],
)
def test_a_lag_is_what_a_list_has_missed_and_at_most_until_the_next(
    lists: list[tuple[float, bool]], lag_s: float | None
) -> None:
    settle = SettleTime(least_s=30.0, list_every_s=5.0)
    settle.note_made("image-1", 100.0)
    for after_s, is_shown in lists:
        settle.note_listed({"image-1"} if is_shown else set(), 100.0 + after_s)
    assert settle.measured_lag_s == lag_s


def test_the_longest_lag_of_a_run_counts() -> None:
    settle = SettleTime(least_s=30.0)
    settle.note_made("slow", 0.0)
    settle.note_made("quick", 0.0)
    settle.note_listed({"quick"}, 20.0)
    settle.note_listed({"slow", "quick"}, 25.0)
    assert settle.measured_lag_s == 20.0
    assert settle.seconds == 60.0


def test_a_later_quicker_one_does_not_lower_what_was_measured() -> None:
    settle = SettleTime(least_s=30.0)
    settle.note_made("slow", 0.0)
    settle.note_listed(set(), 20.0)
    settle.note_listed({"slow"}, 25.0)
    settle.note_made("quick", 30.0)
    settle.note_listed({"quick"}, 31.0)
    assert settle.measured_lag_s == 20.0


@pytest.mark.parametrize("after_s", [0.0, 0.5])
def test_a_list_asked_for_at_once_counts(after_s: float) -> None:
    settle = SettleTime(least_s=30.0)
    settle.note_made("image-1", 100.0)
    settle.note_listed({"image-1"}, 100.0 + after_s)
    assert settle.measured_lag_s == 0.0


def test_a_list_that_was_asked_for_too_early_for_one_tells_of_the_others() -> None:
    settle = SettleTime(least_s=30.0)
    settle.note_made("later", 100.0)
    settle.note_made("earlier", 10.0)
    settle.note_listed({"earlier"}, 50.0)
    assert settle.measured_lag_s == 0.0


def test_what_a_list_missed_for_half_a_second_counts_until_it_is_shown() -> None:
    settle = SettleTime(least_s=30.0, list_every_s=5.0)
    settle.note_made("image-1", 100.0)
    settle.note_listed(set(), 100.5)
    settle.note_listed({"image-1"}, 103.0)
    assert settle.measured_lag_s == 3.0


def test_what_was_shown_once_is_not_measured_again() -> None:
    """A page that shifts later on is no lag."""
    settle = SettleTime(least_s=30.0)
    settle.note_made("image-1", 100.0)
    for after_s, names in ((1.0, {"image-1"}), (5.0, set()), (10.0, {"image-1"})):
        settle.note_listed(names, 100.0 + after_s)
    assert settle.measured_lag_s == 0.0
