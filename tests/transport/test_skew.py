"""Clocks that disagree: noticed by the Date header, told in minutes and direction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from batch_register.transport import Reply
from batch_register.transport.skew import clock_words

NOW = datetime(2026, 9, 1, 1, 0, tzinfo=UTC)


def dated(date: str) -> Reply:
    return Reply(status=401, headers={"date": date}, body=b"")


@pytest.mark.parametrize(
    ("ahead_s", "words"),
    [
        (0, ""),
        (449, ""),
        (-449, ""),
        (
            451,
            "this machine's clock is 8 minutes ahead of the service's: set it",
        ),
        (
            -7200,
            "this machine's clock is 120 minutes behind the service's: set it",
        ),
    ],
)
def test_a_gap_that_matters_is_told(ahead_s: int, words: str) -> None:
    theirs = NOW - timedelta(seconds=ahead_s)
    assert clock_words(dated(format_datetime(theirs, usegmt=True)), NOW) == words


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 99 Sep 2026 01:00:00 GMT"])
def test_without_a_date_nothing_is_said(date: str) -> None:
    assert clock_words(dated(date), NOW) == ""


def test_a_date_without_a_zone_is_universal_time() -> None:
    assert clock_words(dated("Tue, 01 Sep 2026 01:00:00 -0000"), NOW) == ""
