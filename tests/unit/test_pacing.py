"""Waiting times: bounds, caps and the settle rule."""

from __future__ import annotations

from hypothesis import given, strategies as st

from batch_register.pacing import Backoff, CheckSchedule, Window, settled_at_s

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
