"""How durations are put into bins, and what sums them up."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from batch_register.report.durations import quantile, spread


def test_of_nothing_there_is_no_spread() -> None:
    assert spread([]) is None


def test_a_long_tail_goes_into_one_last_bin() -> None:
    found = spread([60.0 + number for number in range(99)] + [9000.0])
    assert found is not None
    assert [(one.from_s, one.to_s, one.count) for one in found.bins] == [
        *((first, first + 10, 10) for first in range(60, 150, 10)),
        (150, 160, 9),
        (160, None, 1),
    ]
    assert (found.least_s, found.median_s, found.ninety_s, found.most_s) == (
        60,
        109,
        149,
        9000,
    )


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1), (0.25, 1), (0.5, 2), (0.51, 3), (1.0, 4)]
)
def test_a_quantile_is_the_nearest_rank(share: float, expected: int) -> None:
    assert quantile([1, 2, 3, 4], share) == expected


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=200))
def test_every_duration_is_in_one_bin(durations_s: list[float]) -> None:
    found = spread(durations_s)
    assert found is not None
    assert sum(one.count for one in found.bins) == found.count == len(durations_s)
    assert len(found.bins) <= 14
    assert all(a.to_s == b.from_s for a, b in pairwise(found.bins))
    for one in found.bins[1:]:
        held = [
            duration_s
            for duration_s in durations_s
            if one.from_s <= duration_s and (one.to_s is None or duration_s < one.to_s)
        ]
        assert len(held) == one.count
