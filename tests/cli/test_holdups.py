"""Why nothing moves: what a run noticed, for as long as it explains anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from batch_register.cli.holdups import Holdups

NOW = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)


def sentences(
    holdups: Holdups, after_s: float = 0, open_calls: int = 0, pending: int = 1
) -> tuple[str, ...]:
    now = NOW + timedelta(seconds=after_s)
    return holdups.sentences(now, open_calls=open_calls, pending=pending)


def test_a_run_that_noticed_nothing_is_not_held_up() -> None:
    holdups = Holdups()
    holdups.notice("settle.raised", {"settle_s": 40}, NOW)
    assert sentences(holdups) == ()


def test_a_throttle_counts_down_and_ends() -> None:
    holdups = Holdups()
    holdups.notice("service.throttled", {"code": "APIGW.0308", "wait_s": 11.5}, NOW)
    assert sentences(holdups) == ("next call in 12 s: throttled (APIGW.0308)",)
    assert sentences(holdups, 11) == ("next call in 1 s: throttled (APIGW.0308)",)
    assert sentences(holdups, 12) == ()


def test_a_shorter_wait_does_not_hide_a_longer_one() -> None:
    holdups = Holdups()
    holdups.notice("service.throttled", {"code": "long", "wait_s": 60}, NOW)
    holdups.notice("service.throttled", {"code": "short", "wait_s": 1}, NOW)
    assert sentences(holdups) == ("next call in 60 s: throttled (long)",)


@pytest.mark.parametrize("name", ["service.call_failed", "watch.list_failed"])
def test_an_outage_is_told_until_something_moves(name: str) -> None:
    holdups = Holdups()
    holdups.notice(name, {"error": "HTTP 502: bad gateway"}, NOW)
    assert sentences(holdups, 3600) == ("the service fails: HTTP 502: bad gateway",)
    holdups.note_move()
    assert sentences(holdups, 3600) == ()


def test_a_task_cap_explains_only_what_has_not_begun() -> None:
    holdups = Holdups()
    holdups.notice("throttle.tasks_capped", {"limit": 4, "running": 4}, NOW)
    holdups.notice("throttle.tasks_raised", {"limit": 5}, NOW)
    assert sentences(holdups) == ("task cap: the service takes 5 at once",)
    assert sentences(holdups, pending=0) == ()
    holdups.notice("throttle.tasks_capped", {"limit": None}, NOW)
    assert sentences(holdups) == ()


def test_the_weightiest_comes_first() -> None:
    holdups = Holdups()
    holdups.notice("throttle.tasks_capped", {"limit": 4}, NOW)
    holdups.notice("quota.reached", {"deferred": 7}, NOW)
    holdups.notice("run.window_closed", {"first_left_out": "web-09"}, NOW)
    holdups.notice("look.waits_for_lists", {"seconds": 30.0}, NOW)
    holdups.notice("service.throttled", {"code": "c", "wait_s": 5}, NOW)
    assert sentences(holdups) == (
        "next call in 5 s: throttled (c)",
        "next call in 30 s: lists may lag behind an earlier run",
        "window closed: nothing new begins",
        "image quota reached: 7 wait",
        "task cap: the service takes 4 at once",
    )


@pytest.mark.parametrize(
    ("reason", "open_calls", "sentence"),
    [
        ("sigint", 12, "stopping: 12 open calls finish; again to stop at once"),
        ("sigterm", 1, "stopping: 1 open call finishes; again to stop at once"),
        ("window", 0, "stopping: 0 open calls finish; the window is over"),
        ("other", 2, "stopping: 2 open calls finish; other"),
    ],
)
def test_a_stop_explains_everything_else(
    reason: str, open_calls: int, sentence: str
) -> None:
    holdups = Holdups()
    holdups.notice("service.throttled", {"code": "c", "wait_s": 5}, NOW)
    holdups.notice("run.stopping", {"reason": reason}, NOW)
    assert sentences(holdups, open_calls=open_calls) == (sentence,)


def test_facts_of_another_kind_break_nothing() -> None:
    holdups = Holdups()
    holdups.notice("service.throttled", {"wait_s": "soon"}, NOW)
    holdups.notice("quota.reached", {}, NOW)
    assert sentences(holdups) == ()
