"""Which run makes up a night, and what was in flight when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from batch_register.ledger.line import Line
from batch_register.model import EntryKey
from batch_register.report.timeline import (
    SAME_NIGHT_S,
    Attempt,
    End,
    Night,
    merged,
    moment_s,
    overlaid,
    pauses_of,
)

_DAY = datetime(2026, 11, 24, tzinfo=UTC)
_DAY_S = _DAY.timestamp()
_NAMES = (
    *("image.create_intended", "image.created", "image.create_refused"),
    *("image.adopted", "image.register_intended", "image.registered"),
    *("image.register_refused", "image.active", "image.failed", "image.unknown"),
    *("image.deferred", "image.retry_started", "image.shell_deleted"),
    *("image.duplicate_seen", "image.of_a_newer_tool", "entry.declared"),
    *("source.seen", "source.refused", "source.upload_begun"),
    *("source.upload_progressed", "source.uploaded"),
)


def stamp(at_s: float) -> str:
    text = (_DAY + timedelta(seconds=at_s)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def line(at_s: float, event: str, key: str | None = None, run: str = "r", **more):
    return Line(
        seq=1, run_id=run, at=stamp(at_s), event=event, key=key, fields={**more}
    )


def night_of(*lines: Line, run_id: str | None = "r") -> Night:
    night = Night(run_id=run_id)
    for one in lines:
        night.take(one)
    return night


def images(*steps: tuple[float, str]) -> Night:
    """Return the night of one run that begins at 0 s and did this to one entry."""
    told = [line(at_s, f"image.{event}", "a") for at_s, event in steps]
    return night_of(line(0, "run.started"), *told)


def shape(attempt: Attempt) -> tuple[float, float | None, float | None, End]:
    """Return an attempt in seconds of the night."""
    places = (attempt.begins_s, attempt.waits_s, attempt.ends_s)
    begins, waits, ends = (None if p is None else p - _DAY_S for p in places)
    assert begins is not None
    return begins, waits, ends, attempt.end


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (
            ((1, "create_intended"), (2, "created"), (3, "registered"), (9, "active")),
            [(1, 3, 9, End.ACTIVE)],
        ),
        (
            ((1, "create_intended"), (3, "registered"), (9, "failed")),
            [(1, 3, 9, End.FAILED)],
        ),
        (
            ((1, "create_intended"), (3, "registered"), (9, "unknown")),
            [(1, 3, 9, End.UNKNOWN)],
        ),
        (((1, "create_intended"), (2, "created")), [(1, None, None, End.IN_FLIGHT)]),
        (((1, "create_intended"), (2, "create_refused")), [(1, None, 2, End.FAILED)]),
        (
            ((1, "create_intended"), (2, "create_refused"), (5, "create_intended")),
            [(1, None, 2, End.FAILED), (5, None, None, End.IN_FLIGHT)],
        ),
        (
            ((1, "create_intended"), (2, "create_refused"), (3, "deferred")),
            [(1, None, 3, End.DEFERRED)],
        ),
        (
            ((1, "create_intended"), (2, "create_refused"), (2, "failed")),
            [(1, None, 2, End.FAILED)],
        ),
        (((1, "deferred"),), []),
        (((1, "failed"),), [(1, None, 1, End.FAILED)]),
        (((1, "adopted"), (2, "active")), [(1, None, 2, End.ACTIVE)]),
        (
            ((1, "create_intended"), (9, "failed"), (9, "retry_started")),
            [(1, None, 9, End.FAILED)],
        ),
        (
            ((1, "create_intended"), (2, "failed"), (4, "create_intended")),
            [(1, None, 2, End.FAILED), (4, None, None, End.IN_FLIGHT)],
        ),
    ],
)
def test_an_attempt_goes_from_its_intent_to_its_end(steps, expected) -> None:
    assert [shape(one) for one in images(*steps).attempts] == expected


@pytest.mark.parametrize(
    ("kind", "end"), [("busy", End.REFUSED), ("rejected", End.FAILED)]
)
@pytest.mark.parametrize("event", ["image.create_refused", "image.register_refused"])
def test_what_is_refused_for_now_has_not_failed(
    event: str, kind: str, end: End
) -> None:
    error = {"kind": kind, "http_status": 400, "code": "c", "reason": "r"}
    error |= {"request_id": None, "action": "wait"}
    night = night_of(
        line(0, "run.started"), line(1, event, "a", error=error, image_id="i")
    )
    assert [attempt.end for attempt in night.attempts] == [end]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("busy", [(1, 5, 9, End.ACTIVE)]),
        ("rejected", [(1, None, 2, End.FAILED), (4, 5, 9, End.ACTIVE)]),
    ],
)
def test_only_what_was_refused_for_now_goes_on_as_the_same_attempt(
    kind: str, expected
) -> None:
    error = {"kind": kind, "http_status": 400, "code": "c", "reason": "r"}
    error |= {"request_id": None, "action": "wait"}
    night = night_of(
        line(0, "run.started"),
        line(1, "image.create_intended", "a"),
        line(2, "image.register_refused", "a", error=error, image_id="i"),
        line(4, "image.register_intended", "a"),
        line(5, "image.registered", "a"),
        line(9, "image.active", "a"),
    )
    assert [shape(one) for one in night.attempts] == expected


def told(*steps: tuple[float, str]) -> Night:
    """Return the night of one run that begins at 0 s, events by their whole names."""
    return night_of(line(0, "run.started"), *(line(at, e, "a") for at, e in steps))


_SENT = ((1, "source.upload_begun"), (5, "source.upload_progressed"))


@pytest.mark.parametrize(
    ("steps", "makes", "expected"),
    [
        (_SENT, None, (1, None, None, End.IN_FLIGHT)),
        (
            (*_SENT, (8, "source.uploaded"), (9, "image.create_intended")),
            8,
            (1, None, None, End.IN_FLIGHT),
        ),
        (
            (*_SENT, (8, "source.uploaded"), (9, "image.registered")),
            8,
            (1, 9, None, End.IN_FLIGHT),
        ),
        (
            (*_SENT, (8, "image.registered"), (9, "image.active")),
            8,
            (1, 8, 9, End.ACTIVE),
        ),
        ((*_SENT, (8, "image.deferred")), None, (1, None, 8, End.DEFERRED)),
        ((*_SENT, (8, "source.refused")), None, (1, None, 8, End.FAILED)),
        (((3, "source.uploaded"),), 3, (3, None, None, End.IN_FLIGHT)),
    ],
)
def test_an_upload_is_the_first_phase_of_its_image(steps, makes, expected) -> None:
    (attempt,) = told(*steps).attempts
    assert attempt.has_upload
    assert shape(attempt) == expected
    assert attempt.makes_s == (None if makes is None else _DAY_S + makes)


def test_an_upload_that_comes_after_a_create_is_no_beginning() -> None:
    (attempt,) = told((1, "image.create_intended"), *_SENT).attempts
    assert not attempt.has_upload
    assert attempt.made_from_s(_DAY_S + 9) == _DAY_S + 1


def test_a_source_that_is_refused_before_anything_was_sent_was_never_in_flight() -> (
    None
):
    assert told((1, "source.seen"), (2, "source.refused")).attempts == []


def test_an_upload_that_is_cut_off_and_gone_on_with_is_one_attempt() -> None:
    night = night_of(
        line(0, "run.started", run="r1"),
        line(1, "source.upload_begun", "a", "r1"),
        line(60, "run.started", run="r2"),
        line(70, "source.upload_progressed", "a", "r2"),
        line(90, "source.uploaded", "a", "r2"),
        run_id="r2",
    )
    (attempt,) = night.attempts
    assert (attempt.begins_s, attempt.makes_s) == (_DAY_S + 1, _DAY_S + 90)


@pytest.mark.parametrize(
    ("makes_s", "ends_s", "made_from_s"),
    [(None, 9.0, 9.0), (5.0, 9.0, 5.0), (2.0, 9.0, 3.0), (8.0, 6.0, 6.0)],
)
def test_an_upload_ends_within_its_attempt(
    makes_s: float | None, ends_s: float, made_from_s: float
) -> None:
    attempt = Attempt(key=EntryKey("a"), begins_s=3.0, has_upload=True, makes_s=makes_s)
    assert attempt.made_from_s(ends_s) == made_from_s


def test_a_refusal_that_tells_no_reason_is_a_failure() -> None:
    (attempt,) = images((1, "create_refused")).attempts
    assert attempt.end is End.FAILED
    night = Night(run_id="r")
    night.take(line(0, "run.started"))
    night.take(line(1, "image.create_refused", "a", error={"kind": "newer"}))
    assert [one.end for one in night.attempts] == [End.FAILED]


def test_an_image_that_was_in_flight_before_the_night_is_followed_on() -> None:
    (attempt,) = images((7, "active")).attempts
    assert shape(attempt) == (0, 0, 7, End.ACTIVE)
    assert attempt.is_followed_on


def test_an_end_before_its_beginning_is_an_attempt_of_no_length() -> None:
    """A clock that was set back must not draw a bar backwards."""
    (attempt,) = images((9, "create_intended"), (4, "active")).attempts
    assert shape(attempt) == (9, None, 9, End.ACTIVE)


def test_runs_with_less_than_an_hour_between_them_are_one_night() -> None:
    later = SAME_NIGHT_S + 100
    night = night_of(
        line(0, "run.started", run="r1"),
        line(1, "image.create_intended", "a", "r1"),
        line(100, "run.finished", run="r1", exit_code=4),
        line(later, "run.started", run="r2"),
        line(later + 5, "image.active", "a", "r2"),
        run_id="r2",
    )
    assert [(run.run_id, run.exit_code) for run in night.runs] == [
        ("r1", 4),
        ("r2", None),
    ]
    assert [shape(one) for one in night.attempts] == [(1, None, later + 5, End.ACTIVE)]
    assert list(overlaid([night]).gaps) == [(_DAY_S + 100, _DAY_S + later)]


def test_an_earlier_night_is_left_out() -> None:
    later = SAME_NIGHT_S + 101
    night = night_of(
        line(0, "run.started", run="r1"),
        line(1, "image.create_intended", "a", "r1"),
        line(100, "run.finished", run="r1", pauses=[[stamp(3), stamp(4)]]),
        line(later, "run.started", run="r2"),
        line(later + 5, "image.create_intended", "b", "r2"),
        run_id="r2",
    )
    assert [run.run_id for run in night.runs] == ["r2"]
    assert [one.key for one in night.attempts] == ["b"]
    assert night.pauses == []


def test_what_comes_after_the_reported_run_is_left_out() -> None:
    night = night_of(
        line(0, "run.started"),
        line(1, "image.create_intended", "a"),
        line(9, "run.started", run="r2"),
        line(10, "image.create_intended", "b", "r2"),
    )
    assert [run.run_id for run in night.runs] == ["r"]
    assert [one.key for one in night.attempts] == ["a"]


def test_a_line_of_no_run_and_one_without_a_moment_are_passed_over() -> None:
    broken = Line(
        seq=1, run_id="r", at="soon", event="image.active", key="a", fields={}
    )
    night = night_of(
        line(0, "run.started"),
        line(1, "image.active", "a", "reconcile-1"),
        broken,
    )
    assert night.attempts == []


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (None, []),
        ("often", []),
        ([[stamp(1), stamp(2)], [stamp(5), stamp(5)]], [(1, 2), (5, 5)]),
        ([[stamp(2), stamp(1)], [stamp(1)], "x", [1, 2], ["x", stamp(2)]], []),
        ([[stamp(1), stamp(2), stamp(3)]], []),
    ],
)
def test_pauses_are_read_where_they_are_sound(told: object, found) -> None:
    pauses = [(a - _DAY_S, b - _DAY_S) for a, b in pauses_of({"pauses": told})]
    assert pauses == found


def test_the_pauses_of_a_run_are_those_of_its_last_line() -> None:
    night = night_of(
        line(0, "run.started"),
        line(9, "run.finished", exit_code=0, pauses=[[stamp(1), stamp(2)]]),
    )
    assert overlaid([night]).pauses == ((_DAY_S + 1, _DAY_S + 2),)


def test_shards_of_one_night_are_laid_over_one_another() -> None:
    one = night_of(line(0, "run.started"), line(5, "image.create_intended", "a"))
    other = night_of(line(2, "run.started"), line(3, "image.create_intended", "b"))
    long_ago = night_of(line(-9 * SAME_NIGHT_S, "run.started"))
    timeline = overlaid([one, long_ago, other, Night(run_id=None)])
    assert [attempt.key for attempt in timeline.attempts] == ["b", "a"]
    assert (timeline.begins_s, timeline.ends_s) == (_DAY_S, _DAY_S + 5)
    assert timeline.left_out == 1


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "2026-11-24T00:00:00"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_a_stamp_without_a_zone_or_beyond_the_calendar_is_no_moment(text: str) -> None:
    assert moment_s(text) is None


_MOMENTS = st.integers(0, 40_000).map(float)


@given(
    st.lists(
        st.tuples(
            _MOMENTS,
            st.sampled_from((*_NAMES, "run.started", "run.finished")),
            st.sampled_from(["a", "b", None]),
            st.sampled_from(["r", "s"]),
        )
    )
)
def test_whatever_a_ledger_says_every_attempt_lies_within_its_night(steps) -> None:
    night = night_of(*(line(*step) for step in steps), run_id="s")
    timeline = overlaid([night])
    for attempt in timeline.attempts:
        ends_s = timeline.ends_s if attempt.ends_s is None else attempt.ends_s
        assert timeline.begins_s <= attempt.begins_s <= timeline.ends_s
        assert attempt.begins_s <= ends_s <= timeline.ends_s
        assert attempt.begins_s <= attempt.made_from_s(ends_s) <= ends_s
    for begins_s, ends_s in timeline.gaps:
        assert 0 < ends_s - begins_s <= SAME_NIGHT_S


@given(st.lists(st.tuples(_MOMENTS, _MOMENTS).map(sorted).map(tuple)))
def test_merged_intervals_hold_the_same_moments_and_meet_nowhere(intervals) -> None:
    whole = merged(intervals)
    assert all(a[1] < b[0] for a, b in pairwise(whole))

    def holds(among: Iterable[tuple[float, float]], moment_s: float) -> bool:
        return any(a <= moment_s <= b for a, b in among)

    for edge_s in {edge for interval in intervals for edge in interval}:
        for moment_s_ in (edge_s - 0.5, edge_s, edge_s + 0.5):
            assert holds(whole, moment_s_) == holds(intervals, moment_s_)
