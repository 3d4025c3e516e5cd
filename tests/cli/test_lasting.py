"""How long something lasts, in rough words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_register.cli.lasting import format_age, format_left


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 min"),
        (60, "1 min"),
        (61, "2 min"),
        (3599, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_what_is_left_is_rounded_up_to_minutes(seconds: float, text: str) -> None:
    assert format_left(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59.9, "59 s"), (61, "1 min"), (7500, "2 h 05 min")],
)
def test_what_has_passed_is_rounded_down(seconds: float, text: str) -> None:
    assert format_age(timedelta(seconds=seconds)) == text
