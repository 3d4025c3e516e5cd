"""The cap on unfinished jobs: slow start, what a refusal teaches, recovery."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, strategies as st

from batch_register.throttle.tasks import TaskCap, TaskPolicy

POLICY = TaskPolicy(
    clean_s=60.0, longest_clean_s=1800.0, linger_step_s=1.0, longest_linger_s=15.0
)


def fill(cap: TaskCap, jobs: int, first: int = 0, now_s: float = 0.0) -> None:
    for number in range(first, first + jobs):
        cap.begin(number)
        cap.note_accepted(number, now_s)


def begun(cap: TaskCap, now_s: float = 0.0) -> int:
    """Begin as many as are admitted; return how many."""
    count = 0
    while cap.admits(now_s) and count < 1000:
        cap.begin(("new", count))
        count += 1
    return count


@pytest.mark.parametrize(
    ("accepted", "more"), [(0, 4), (4, 2), (8, 3), (20, 6), (40, 11)]
)
def test_while_no_limit_is_known_a_quarter_more_is_tried(
    accepted: int, more: int
) -> None:
    cap = TaskCap(POLICY)
    fill(cap, accepted)
    assert begun(cap) == more


def test_what_was_once_accepted_at_once_is_begun_at_once_again() -> None:
    cap = TaskCap(POLICY)
    fill(cap, 20)
    for number in range(20):
        cap.leave(number, 5.0)
    assert begun(cap, 5.0) == 26


def test_a_refusal_sets_the_limit_to_our_unfinished_jobs() -> None:
    cap = TaskCap(POLICY)
    fill(cap, 10)
    cap.begin("refused")
    cap.note_refused(0.0)
    assert cap.limit == 10
    assert not cap.may_register(59.0)
    cap.leave(0, 30.0)
    assert cap.may_register(30.0)
    assert not cap.admits(30.0)  # the refused one still has its shell


def test_acceptances_under_way_raise_it_again() -> None:
    cap = TaskCap(POLICY)
    fill(cap, 9)
    for name in ("slow", "refused"):
        cap.begin(name)
    cap.note_refused(0.0)
    assert cap.limit == 9
    assert cap.note_accepted("slow", 1.0)
    assert cap.limit == 10


def test_a_cloud_that_others_fill_still_leaves_us_one() -> None:
    cap = TaskCap(POLICY)
    cap.begin("refused")
    cap.note_refused(0.0)
    assert cap.limit == 1
    assert cap.may_register(0.0)


def test_after_a_clean_while_one_more_is_tried_and_then_the_next() -> None:
    cap = TaskCap(POLICY)
    fill(cap, 10)
    cap.note_refused(0.0)
    assert cap.next_change_s(0.0) == 60.0
    assert not cap.admits(59.9)
    for jobs in range(10, 40):
        assert cap.limit == jobs
        assert cap.admits(60.0 + jobs)
        fill(cap, 1, first=jobs, now_s=60.0 + jobs)
        assert begun(cap, 60.0 + jobs) == 1  # never more than one beyond what is known
        cap.leave(("new", 0), 60.0 + jobs)


def test_each_vain_trial_triples_the_wait_for_the_next() -> None:
    cap = TaskCap(POLICY)
    fill(cap, 10)
    cap.note_refused(0.0)
    waits, now_s = [], 0.0
    for _ in range(6):
        again_s = cap.next_change_s(now_s)
        assert again_s is not None
        assert cap.may_register(again_s)
        cap.note_refused(again_s)
        waits.append(again_s - now_s)
        now_s = again_s
    assert waits == [60.0, 180.0, 540.0, 1620.0, 1800.0, 1800.0]
    assert cap.limit == 10


def test_a_refusal_below_the_limit_lowers_it_and_trials_come_soon_again() -> None:
    cap = TaskCap(POLICY)
    fill(cap, 10)
    for at_s in (0.0, 60.0, 240.0):
        cap.note_refused(at_s)
    for number in range(4):
        cap.leave(number, 300.0)
    cap.note_refused(400.0)
    assert cap.limit == 6
    assert cap.next_change_s(400.0) == 460.0


def test_a_job_that_outlives_its_image_lowers_nothing_but_is_waited_for() -> None:
    cap = TaskCap(POLICY)
    fill(cap, 10)
    cap.note_refused(0.0)
    cap.leave(0, 30.0)
    assert cap.may_register(30.0)
    cap.note_refused(32.0)
    assert (cap.limit, cap.linger_s) == (10, 3.0)
    fill(cap, 1, first=100, now_s=40.0)  # the one that had been refused
    cap.leave(1, 50.0)
    assert not cap.admits(52.9)
    assert cap.next_change_s(50.0) == 53.0
    assert cap.admits(53.0)


def test_lingering_is_bounded() -> None:
    cap = TaskCap(POLICY, limit=10)
    fill(cap, 9)
    for number in range(8):
        now_s = 100.0 * number
        fill(cap, 1, first=50 + number, now_s=now_s)
        cap.leave(50 + number, now_s)
        cap.note_refused(now_s + cap.linger_s)
    assert cap.linger_s == 15.0
    assert cap.limit == 9  # at the end nothing can linger: there are fewer places


def after_a_trial(accepted: int) -> TaskCap:
    """Return a cap of 10 with so many more accepted a minute later, and then refused."""
    cap = TaskCap(POLICY)
    fill(cap, 10)
    cap.note_refused(0.0)
    fill(cap, accepted, first=10, now_s=60.0)
    cap.begin("refused")
    cap.note_refused(61.0)
    cap.leave("refused", 61.0)
    return cap


@pytest.mark.fault(8)
def test_what_took_the_place_of_an_end_that_we_had_not_seen_raises_nothing() -> None:
    cap = after_a_trial(1)
    assert (cap.limit, cap.certain_limit) == (11, 10)
    cap.leave(0, 64.0)
    assert not cap.may_register(64.0)  # whether ten or eleven is not known yet
    assert cap.next_change_s(64.0) == 71.0
    assert cap.may_register(71.0) is False
    assert cap.limit == 10
    assert not cap.may_register(61.0 + 179.0)  # the trial was in vain


@pytest.mark.fault(8)
def test_what_still_runs_when_an_end_would_have_been_seen_has_raised_the_limit() -> (
    None
):
    cap = after_a_trial(1)
    assert not cap.may_register(71.0)
    cap.leave(0, 72.0)
    assert cap.may_register(72.0)
    assert cap.limit == 11
    cap.begin("next")
    cap.note_accepted("next", 73.0)
    assert cap.may_register(121.0)  # a trial that told something is followed soon


@pytest.mark.fault(8)
def test_more_than_can_be_overlooked_raises_the_limit_at_once() -> None:
    cap = after_a_trial(3)
    cap.leave(0, 62.0)
    assert cap.limit == 13
    assert cap.may_register(62.0)


@pytest.mark.fault(8)
def test_a_large_rise_makes_the_next_trial_come_soon() -> None:
    cap = after_a_trial(3)
    assert cap.certain_limit == 13
    cap.leave(0, 90.0)
    assert begun(cap, 61.0 + 59.0) == 1
    assert cap.admits(61.0 + 60.0)  # one more, as a trial


@pytest.mark.fault(8)
def test_a_refusal_during_a_doubt_makes_nothing_certain() -> None:
    cap = after_a_trial(1)
    cap.leave(0, 62.0)
    cap.leave(1, 62.0)
    cap.note_refused(63.0)
    assert (cap.limit, cap.certain_limit) == (10, 10)


@pytest.mark.fault(8)
def test_jobs_that_linger_count_when_a_doubt_ends() -> None:
    cap = after_a_trial(1)
    cap.linger_s = 20.0
    cap.leave(0, 62.0)
    assert not cap.may_register(71.0)
    assert cap.limit == 11


def test_a_remembered_limit_is_tried_again_like_any_other() -> None:
    cap = TaskCap(POLICY, limit=10)
    assert cap.next_change_s(0.0) is None
    assert begun(cap) == 11


def test_who_leaves_without_a_job_leaves_no_trace() -> None:
    cap = TaskCap(POLICY)
    cap.begin("a")
    assert cap.holds("a")
    cap.leave("a", 0.0)
    cap.leave("a", 0.0)
    assert not cap.holds("a")
    assert begun(cap) == 4


def test_a_second_job_of_the_same_holder_is_no_second_place() -> None:
    cap = TaskCap(POLICY)
    fill(cap, 1)
    cap.begin(0)
    cap.note_accepted(0, 0.0)
    assert cap.running == 1


@pytest.mark.fault(8)
@given(
    limits=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    seed=st.integers(0, 10_000),
    slots=st.integers(1, 60),
)
def test_the_cap_follows_the_cloud_down_and_up_and_costs_few_refusals(
    limits: list[int], seed: int, slots: int
) -> None:
    """Whatever the cloud allows for an hour each, we end close to it."""
    rng, cap = random.Random(seed), TaskCap(POLICY)
    running: dict[object, float] = {}
    sent = refused = 0
    for hour, allowed in enumerate([*limits, 60]):
        for step in range(360):
            now_s = 3600.0 * hour + 10.0 * step
            for holder in [one for one, end_s in running.items() if end_s <= now_s]:
                del running[holder]
                cap.leave(holder, now_s)
            while len(running) < slots and cap.admits(now_s):
                holder = object()
                cap.begin(holder)
                sent += 1
                if len(running) >= allowed:
                    refused += 1
                    cap.note_refused(now_s)
                    cap.leave(holder, now_s)
                    break
                cap.note_accepted(holder, now_s)
                running[holder] = now_s + rng.uniform(60.0, 300.0)
        # of few jobs, a rise by two may have to wait for a trial during which none ends
        short = 2 if allowed <= 22 else 1
        assert cap.limit is None or cap.limit >= min(allowed, slots) - short
    assert refused <= 12 * (len(limits) + 1) + sent // 25
