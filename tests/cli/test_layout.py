"""The live view's lines: what is shown where, and what gives way."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from batch_register.cli.layout import Mark, Screen, lay_out
from batch_register.cli.tally import Phase, Slow, Standing, Trouble
from batch_register.cli.transfers import Sending
from batch_register.model import EntryKey
from batch_register.report.plain import width_of

END = datetime(2026, 3, 2, 4, 31, tzinfo=UTC)
COUNTS = {
    Phase.ACTIVE: 300,
    Phase.FAILED: 4,
    Phase.UNKNOWN: 1,
    Phase.DEFERRED: 7,
    Phase.WAITING: 18,
    Phase.CREATING: 1,
    Phase.REGISTERING: 1,
    Phase.PENDING: 168,
}
STANDING = Standing(
    total=500,
    counts={**dict.fromkeys(Phase, 0), **COUNTS},
    settled=312,
    images_per_hour=370.4,
    elapsed=timedelta(minutes=50, seconds=31),
    time_left=timedelta(minutes=28),
    ends_at=END,
    window_ends_at=END + timedelta(minutes=29),
    slowest=tuple(
        Slow(key=EntryKey(key), phase=Phase.WAITING, age=timedelta(minutes=minutes))
        for key, minutes in (("db-01", 12), ("web-02", 11), ("web-03", 9))
    ),
    troubles=tuple(
        Trouble(key=EntryKey(key), phase=phase, reason=reason)
        for key, phase, reason in (
            ("erp-11", Phase.FAILED, "IMG.1075: The image could not be registered."),
            ("jump-11", Phase.UNKNOWN, "import.stalled: no sign of life"),
            ("db-09", Phase.FAILED, "IMG.0057: The image file does not exist."),
        )
    ),
    holdups=(
        "next call in 12 s: throttled (APIGW.0308)",
        "image quota reached: 7 wait",
    ),
)
UNTIL, WINDOW = (
    f"{moment.astimezone():%H:%M}" for moment in (END, END + timedelta(minutes=29))
)


def rows(standing: Standing, width: int, height: int) -> list[str]:
    screen = Screen(width=width, height=height)
    return ["".join(text for text, _ in line) for line in lay_out(standing, screen)]


def test_a_usual_terminal_shows_everything() -> None:
    assert rows(STANDING, 80, 24) == [
        f"{'━' * 38}{'─' * 24}  312/500  62 %",
        "300 active, 4 failed, 1 unknown, 7 deferred, 18 waiting, 1 registering",
        "1 creating, 168 pending",
        f"about 28 min left, until {UNTIL}, 370 images/h, window ends {WINDOW}",
        "50 min elapsed",
        "next call in 12 s: throttled (APIGW.0308)",
        "image quota reached: 7 wait",
        "slowest  waiting 12 min  db-01",
        "         waiting 11 min  web-02",
        "failed   erp-11: IMG.1075: The image could not be registered.",
        "unknown  jump-11: import.stalled: no sign of life",
        "failed   db-09: IMG.0057: The image file does not exist.",
    ]


def test_a_small_terminal_keeps_what_matters_most() -> None:
    assert rows(STANDING, 40, 14) == [
        f"{'━' * 13}{'─' * 9}  312/500  62 %",
        "300 active, 4 failed, 1 unknown",
        "7 deferred, 18 waiting, 1 registering",
        "1 creating, 168 pending",
        f"about 28 min left, until {UNTIL}",
        "next call in 12 s: throttled",
        "(APIGW.0308)",
    ]


@pytest.mark.parametrize("height", [0, 1, 2, 3])
def test_the_last_line_to_go_is_the_bar(height: int) -> None:
    assert rows(STANDING, 60, height) == [f"{'━' * 26}{'─' * 16}  312/500  62 %"]


def test_where_no_bar_fits_its_figures_stay() -> None:
    assert rows(STANDING, 20, 2) == ["312/500  62 %"]


@pytest.mark.parametrize(
    ("height", "labels"),
    [
        (8, ["about", "failed"]),
        (10, ["about", "slowest", "failed"]),
        (12, ["about", "slowest", "failed", "unknown"]),
        (14, ["about", "slowest", "waiting", "failed", "unknown"]),
    ],
)
def test_a_failure_outweighs_a_slow_image(height: int, labels: list[str]) -> None:
    calm = dataclasses.replace(STANDING, holdups=())
    assert [row.split()[0] for row in rows(calm, 200, height)[2:]] == labels


def test_an_empty_run_has_a_bar_and_a_clock() -> None:
    nothing = Standing(
        total=0,
        counts=dict.fromkeys(Phase, 0),
        settled=0,
        images_per_hour=0.0,
        elapsed=timedelta(0),
        time_left=None,
        ends_at=None,
    )
    assert rows(nothing, 30, 24) == [f"{'─' * 17}  0/0  0 %", "0 s elapsed"]


def test_ascii_terminals_get_ascii_alone() -> None:
    screen = Screen(width=60, height=40, is_ascii=True)
    lines = lay_out(dataclasses.replace(STANDING, holdups=("héld up " * 20,)), screen)
    assert lines[0][0] == ("#" * 26, Mark.GOOD)
    assert all(text.isascii() for line in lines for text, _ in line)


SENDING = Sending(
    uploads=3,
    sent_bytes=12 << 28,
    total_bytes=60 << 28,
    bytes_per_s=85.3 * (1 << 20),
    time_left=timedelta(minutes=2),
)


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (80, "uploading 3 files: 3.0 GiB of 15.0 GiB, 85.3 MiB/s, about 2 min left"),
        (40, "upload 3.0/15.0 GiB 85.3 MiB/s 2 min"),
    ],
)
def test_the_uploads_are_one_line_between_counts_and_pace(
    width: int, words: str
) -> None:
    found = rows(dataclasses.replace(STANDING, sending=SENDING), width, 24)
    place = found.index(words)
    assert found[place - 1] == "1 creating, 168 pending"
    assert found[place + 1].startswith("about 28 min left")


def test_the_look_at_the_sources_has_a_line_until_it_is_over() -> None:
    looking = dataclasses.replace(STANDING, looking="sources looked at 120/1000")
    assert "sources looked at 120/1000" in rows(looking, 40, 24)


WORDS = st.text(max_size=60)


@given(st.integers(0, 250), st.integers(0, 60), WORDS, WORDS, WORDS)
def test_nothing_is_ever_wider_or_higher_than_allowed(
    width: int, height: int, key: str, reason: str, holdup: str
) -> None:
    hostile = dataclasses.replace(
        STANDING,
        slowest=(Slow(key=EntryKey(key), phase=Phase.WAITING, age=timedelta(0)),),
        troubles=(Trouble(key=EntryKey(key), phase=Phase.FAILED, reason=reason),),
        holdups=(f"the service fails: {holdup}", reason),
        sending=SENDING,
        looking="sources looked at 120/1000",
    )
    screen = Screen(width=width, height=height)
    found = rows(hostile, width, height)
    assert 1 <= len(found) <= screen.rows
    assert all(width_of(row) <= screen.columns for row in found)
    assert not any("\x1b" in row or "\n" in row or "\x9b" in row for row in found)


def test_no_mark_says_what_words_do_not() -> None:
    """Every marked word names its phase, or stands beside figures that do."""
    lines = lay_out(STANDING, Screen(width=80, height=40))
    marked = {text.strip() for line in lines for text, mark in line if mark is Mark.BAD}
    assert marked == {"4 failed", "failed", "unknown"}
