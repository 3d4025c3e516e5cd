"""Uploads under way: bytes, pace and what is left, in as much room as there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from batch_register.cli.transfers import Sending, Transfers
from batch_register.event import (
    Event,
    SourceRefused,
    SourceUploaded,
    UploadBegun,
    UploadProgressed,
)
from batch_register.model import Action, EntryKey, Fault, FaultKind

START = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)
MIB = 1 << 20
A, B = EntryKey("a"), EntryKey("b")
BEGUN = UploadBegun(
    upload_id="u", part_bytes=8 * MIB, size_bytes=100 * MIB, modified_ns=1
)
COMPLETE = SourceUploaded(etag="e", size_bytes=100 * MIB, sent_bytes=100 * MIB)
REFUSED = SourceRefused(
    error=Fault(kind=FaultKind.LOST, code="c", reason="r", action=Action.RUN_AGAIN)
)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_nothing_is_said_before_and_after_the_uploads() -> None:
    transfers = Transfers()
    assert transfers.sending(START) is None
    transfers.take(A, BEGUN, START)
    assert A in transfers
    transfers.take(A, COMPLETE, after(9))
    assert A not in transfers
    assert transfers.sending(after(9)) is None


def test_pace_and_what_is_left_come_from_what_was_sent() -> None:
    transfers = Transfers()
    transfers.take(A, BEGUN, START)
    transfers.progress(A, 40 * MIB, 100 * MIB, after(8))
    transfers.take(A, UploadProgressed(sent_bytes=60 * MIB), after(10))
    assert transfers.sending(after(10)) == Sending(
        uploads=1,
        sent_bytes=60 * MIB,
        total_bytes=100 * MIB,
        bytes_per_s=6 * MIB,
        time_left=timedelta(seconds=40 / 6),
    )


def test_what_an_earlier_run_has_sent_is_no_pace_of_this_one() -> None:
    transfers = Transfers()
    transfers.progress(A, 90 * MIB, 100 * MIB, START)
    transfers.progress(A, 91 * MIB, 100 * MIB, after(2))
    sending = transfers.sending(after(2))
    assert sending is not None
    assert (sending.sent_bytes, sending.bytes_per_s) == (91 * MIB, MIB / 2)


def test_the_pace_is_that_of_the_last_two_minutes() -> None:
    transfers = Transfers()
    transfers.take(A, BEGUN, START)
    transfers.progress(A, 50 * MIB, 100 * MIB, after(1))
    transfers.progress(A, 51 * MIB, 100 * MIB, after(1000))
    sending = transfers.sending(after(1000))
    assert sending is not None
    assert sending.bytes_per_s == MIB / 128


def test_an_upload_that_stands_still_has_no_end() -> None:
    transfers = Transfers()
    transfers.take(A, BEGUN, START)
    transfers.progress(A, 50 * MIB, 100 * MIB, after(1))
    sending = transfers.sending(after(500))
    assert sending is not None
    assert sending.words() == "uploading 1 file: 50.0 MiB of 100.0 MiB, 0 B/s"


def test_several_uploads_are_one_sum() -> None:
    transfers = Transfers()
    transfers.take(A, BEGUN, START)
    transfers.take(B, BEGUN, START)
    transfers.progress(A, 20 * MIB, 100 * MIB, after(1))
    transfers.progress(B, 5 * MIB, 100 * MIB, after(5))
    sending = transfers.sending(after(5))
    assert sending is not None
    assert sending.words() == (
        "uploading 2 files: 25.0 MiB of 200.0 MiB, 5.0 MiB/s, about 1 min left"
    )


@pytest.mark.parametrize(("end", "is_open"), [(COMPLETE, False), (REFUSED, True)])
def test_a_late_word_opens_only_what_is_not_complete(end: Event, is_open: bool) -> None:
    transfers = Transfers()
    transfers.take(A, BEGUN, START)
    transfers.take(A, end, after(1))
    transfers.progress(A, 99 * MIB, 100 * MIB, after(1))
    assert (A in transfers) is is_open


def test_parts_that_were_lost_are_no_negative_pace() -> None:
    transfers = Transfers()
    transfers.take(A, BEGUN, START)
    transfers.progress(A, 50 * MIB, 100 * MIB, after(1))
    transfers.progress(A, 10 * MIB, 100 * MIB, after(2))
    sending = transfers.sending(after(2))
    assert sending is not None
    assert (sending.sent_bytes, sending.bytes_per_s) == (10 * MIB, 25 * MIB)


@pytest.mark.fault(22)
def test_a_clock_that_goes_back_breaks_nothing() -> None:
    transfers = Transfers()
    transfers.take(A, BEGUN, after(3600))
    transfers.progress(A, 50 * MIB, 100 * MIB, after(3601))
    transfers.progress(A, 51 * MIB, 100 * MIB, START)
    sending = transfers.sending(START)
    assert sending is not None
    assert sending.bytes_per_s == 51 * MIB


NIGHT = Sending(
    uploads=12,
    sent_bytes=12 << 30,
    total_bytes=600 << 30,
    bytes_per_s=85.3 * MIB,
    time_left=timedelta(hours=1, minutes=58, seconds=30),
)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            77,
            "uploading 12 files: 12.0 GiB of 600.0 GiB, 85.3 MiB/s, about 1 h 59 min left",
        ),
        (60, "upload 12.0/600.0 GiB 85.3 MiB/s 1 h 59 min"),
        (40, "up 12.0/600.0 GiB 85.3 MiB/s 1 h 59 min"),
        (37, "12.0/600.0 GiB 85.3 MiB/s 1 h 59 min"),
        (30, "up 12.0/600.0 GiB 1 h 59 min"),
        (5, "12.0/600.0 GiB"),
    ],
)
def test_where_there_is_little_room_fewer_words_say_it(
    columns: int, words: str
) -> None:
    assert NIGHT.words(columns) == words


@given(
    st.builds(
        Sending,
        uploads=st.integers(1, 64),
        sent_bytes=st.integers(0, 1 << 44),
        total_bytes=st.integers(0, 1 << 44),
        bytes_per_s=st.floats(0, 1e11),
        time_left=st.none() | st.timedeltas(timedelta(0), timedelta(hours=99)),
    )
)
def test_a_terminal_of_40_columns_always_shows_bytes_and_what_is_left(
    sending: Sending,
) -> None:
    words = sending.words(37)
    assert len(words) <= 37
    assert "/" in words
    assert sending.time_left is None or words.endswith("min")
