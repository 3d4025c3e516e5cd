"""One attempt as a bar, and who gets one."""

from __future__ import annotations

import pytest

from batch_register.model import EntryKey
from batch_register.report.html.bars import MOST_BARS, SOME_BARS, bar, chosen
from batch_register.report.html.scale import Scale
from batch_register.report.timeline import Attempt, End

NIGHT = Scale(0.0, 100.0)


def _attempt(number: int, length_s: float, end: End = End.ACTIVE) -> Attempt:
    return Attempt(
        key=EntryKey(str(number)),
        begins_s=float(number),
        waits_s=float(number),
        ends_s=number + length_s,
        end=end,
    )


def test_as_many_as_can_be_read_are_all_drawn() -> None:
    attempts = [_attempt(number, 1) for number in range(MOST_BARS)]
    assert chosen(attempts, 100.0) == tuple(attempts)


def test_of_more_the_longest_of_either_kind_are_drawn_in_their_order() -> None:
    attempts = [_attempt(number, number % 100) for number in range(1000)]
    for number in range(0, 500, 5):
        attempts[number].end = End.FAILED
    found = [int(one.key) for one in chosen(attempts, 2000.0)]
    assert found == sorted(found)
    failed = [number for number in found if attempts[number].end is End.FAILED]
    others = [number for number in found if number not in failed]
    assert len(failed) == len(others) == SOME_BARS // 2
    assert min(number % 100 for number in failed) == 70
    assert min(number % 100 for number in others) == 97


@pytest.mark.parametrize(
    ("attempt", "places", "lasted", "words"),
    [
        (
            Attempt(key=EntryKey("a"), begins_s=10, waits_s=20, ends_s=50),
            (10, 20, 50),
            "40.0s",
            "begun 1970-01-01 00:00:10, create and register 10.0s, wait 30.0s, ",
        ),
        (
            Attempt(key=EntryKey("a"), begins_s=10, ends_s=10.5, end=End.FAILED),
            (10, None, 10.5),
            "0.5s",
            "begun 1970-01-01 00:00:10, create and register 0.5s, failed "
            "1970-01-01 00:00:10",
        ),
        (
            Attempt(key=EntryKey("a"), begins_s=10, waits_s=20),
            (10, 20, 100),
            "1m30s",
            "begun 1970-01-01 00:00:10, create and register 10.0s, wait 1m20s, "
            "still in flight",
        ),
        (
            Attempt(
                key=EntryKey("a"),
                begins_s=0,
                waits_s=0,
                ends_s=60,
                end=End.ACTIVE,
                is_followed_on=True,
            ),
            (0, 0, 60),
            "1m00s",
            "begun before this night, active 1970-01-01 00:01:00",
        ),
    ],
)
def test_a_bar_says_when_and_how_long(attempt, places, lasted, words: str) -> None:
    found = bar(attempt, NIGHT)
    assert (found.begins, found.waits, found.ends) == places
    assert found.makes == found.begins
    assert (found.lasted, found.end) == (lasted, attempt.end)
    assert found.words.startswith(words)


@pytest.mark.parametrize(
    ("attempt", "makes", "words"),
    [
        (
            Attempt(key=EntryKey("a"), begins_s=10, has_upload=True),
            100,
            "upload 1m30s, still in flight",
        ),
        (
            Attempt(
                key=EntryKey("a"),
                begins_s=10,
                has_upload=True,
                makes_s=40,
                waits_s=42,
                ends_s=50,
                end=End.ACTIVE,
            ),
            40,
            "upload 30.0s, create and register 2.0s, wait 8.0s, "
            "active 1970-01-01 00:00:50",
        ),
    ],
)
def test_an_upload_is_told_first(attempt, makes: float, words: str) -> None:
    found = bar(attempt, NIGHT)
    assert (found.begins, found.makes) == (10, makes)
    assert found.words == f"begun 1970-01-01 00:00:10, {words}"
