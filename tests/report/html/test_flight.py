"""How many images were in flight when."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from batch_register.model import EntryKey
from batch_register.report.html.flight import flight, occupancy, peak
from batch_register.report.timeline import Attempt, End, RunSpan, Timeline

INTERVALS = st.lists(
    st.tuples(st.floats(0, 1000), st.floats(0, 1000)).map(
        lambda pair: (min(pair), max(pair))
    ),
    max_size=30,
)


def test_each_phase_and_each_failure_is_in_its_bin() -> None:
    attempts = (
        Attempt(key=EntryKey("a"), begins_s=0, waits_s=5, ends_s=20, end=End.FAILED),
        Attempt(key=EntryKey("b"), begins_s=10, waits_s=20, ends_s=40, end=End.ACTIVE),
        Attempt(key=EntryKey("c"), begins_s=30),
        Attempt(key=EntryKey("d"), begins_s=0, has_upload=True, makes_s=15, waits_s=20),
    )
    run = RunSpan(run_id="r", begins_s=0, ends_s=40)
    found = flight(Timeline(runs=(run,), attempts=attempts), bins=4)
    assert list(found.uploading) == [1, 0.5, 0, 0]
    assert list(found.making) == [0.5, 1.5, 0, 1]
    assert list(found.waiting) == [0.5, 1, 2, 2]
    assert list(found.failed) == [0, 0, 1, 0]
    assert found.peak == 3


def test_what_ends_and_begins_in_one_moment_is_not_two() -> None:
    assert peak([(0, 5), (5, 9)]) == 1
    assert peak([]) == 0


@given(INTERVALS, st.integers(1, 50))
def test_the_bins_hold_all_the_time_that_the_intervals_hold(intervals, bins) -> None:
    found = occupancy(intervals, (0.0, 1000.0), bins)
    expected_s = sum(ends_s - begins_s for begins_s, ends_s in intervals)
    assert sum(found) * 1000 / bins == pytest.approx(expected_s, abs=1)
    assert max(found) <= peak(intervals) + 0.001
