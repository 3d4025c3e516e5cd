"""A shared rate: the sum of what goes out keeps to it, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from batch_register.workers.pace import LARGEST_BLOCK_BYTES, Pace

RATE = 1000.0


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=60),
    st.lists(st.floats(0.0, 2.0), min_size=60, max_size=60),
)
def test_no_second_sees_more_than_the_rate(
    blocks: list[int], rests_s: list[float]
) -> None:
    pace = Pace(bytes_per_s=RATE)
    now_s, starts = 100.0, []
    for length, rest_s in zip(blocks, rests_s, strict=False):
        wait_s = pace.wait_s(length, now_s)
        starts.append((now_s + wait_s, length))
        now_s += rest_s
    for first, (from_s, _) in enumerate(starts):
        window = [one for one in starts[first:] if one[0] < from_s + 1.0]
        # a block is paid for after it: the last one is on top, and a quarter second
        assert sum(length for _, length in window[:-1]) <= RATE * 1.25 + 1e-6


def test_a_steady_sender_gets_the_whole_rate() -> None:
    pace = Pace(bytes_per_s=RATE)
    now_s = 0.0
    for _ in range(100):
        now_s += pace.wait_s(100, now_s)
    assert now_s == pytest.approx(100 * 100 / RATE, rel=0.05)


def test_a_rest_is_not_caught_up_with() -> None:
    pace = Pace(bytes_per_s=RATE)
    pace.wait_s(100, 0.0)
    waits = [pace.wait_s(100, 1000.0) for _ in range(4)]
    assert waits == pytest.approx([0.0, 0.0, 0.0, 0.05])


@pytest.mark.parametrize(
    ("rate", "block"), [(1.0, 4096), (800_000.0, 100_000), (1e9, LARGEST_BLOCK_BYTES)]
)
def test_slow_lines_take_small_blocks(rate: float, block: int) -> None:
    assert Pace(bytes_per_s=rate).block_bytes == block
