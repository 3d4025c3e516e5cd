"""Where moments lie on the line, and which of them are marked."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from batch_register.report.html.scale import Scale, clock

DAY_S = datetime(2026, 11, 24, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("begins_s", "ends_s", "words"),
    [
        (3601, 3606, ["01:00:01", "01:00:02", "01:00:03", "01:00:04", "01:00:05"]),
        (3600, 6900, ["01:00", "01:10", "01:20", "01:30", "01:40", "01:50"]),
        (-3600, 10_800, ["23:00", "11-24", "01:00", "02:00", "03:00"]),
        (0, 30 * 86_400, ["11-26", "12-03", "12-10", "12-17", "12-24"]),
    ],
)
def test_round_moments_are_marked_and_midnight_is_its_day(
    begins_s: float, ends_s: float, words: list[str]
) -> None:
    found = Scale(DAY_S + begins_s, DAY_S + ends_s).ticks()
    assert [tick.text for tick in found][: len(words)] == words


def test_two_of_three_ticks_can_be_spared() -> None:
    ticks = Scale(DAY_S, DAY_S + 18_000).ticks()
    assert [tick.is_spare for tick in ticks] == [False, True, True, False, True, True]


def test_a_tick_whose_text_would_reach_beyond_the_line_can_be_spared() -> None:
    ticks = Scale(DAY_S + 1.85, DAY_S + 5.15).ticks()
    assert [(tick.text, tick.is_spare) for tick in ticks] == [
        ("00:00:02", False),
        ("00:00:03", True),
        ("00:00:04", True),
        ("00:00:05", True),
    ]


def test_what_lies_outside_is_drawn_on_the_edge() -> None:
    scale = Scale(DAY_S, DAY_S + 10)
    places = [scale.percent(DAY_S + at_s) for at_s in (-5, 0, 2.5, 10, 11)]
    assert places == [0, 0, 25, 100, 100]


def test_a_moment_is_told_in_utc() -> None:
    assert clock(DAY_S + 3661) == "2026-11-24 01:01:01"


@given(st.floats(0, 4e9), st.floats(0, 1e9))
def test_every_night_has_a_few_ticks_in_order(begins_s: float, length_s: float) -> None:
    ticks = Scale(begins_s, begins_s + length_s).ticks()
    assert len(ticks) <= 9
    assert all(a.at < b.at for a, b in pairwise(ticks))
    assert all(0 <= tick.at <= 100 for tick in ticks)
