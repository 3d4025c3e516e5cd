"""Learned request limits: whom they bind, and that they are never exceeded."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given, strategies as st

from batch_register.model import RequestLimit
from batch_register.throttle.window import Call, Traffic

RULE = RequestLimit(limit=10, window_s=60.0)
OF_ALL = {"all": RULE}


def traffic(**sent: int) -> Traffic:
    """Return traffic of so many answered calls of each kind at the moment 0."""
    one = Traffic(poll_gap_s=12.5)
    for name, count in sent.items():
        for _ in range(count):
            one.note_sent(Call[name], 0.0)
            one.note_answered(Call[name], 0.0, is_counted=True)
    return one


@pytest.mark.parametrize(
    ("sent", "limits"),
    [
        ({"CREATE": 10}, {"create_image": RULE}),
        ({"CREATE": 9}, {"create_image": RULE}),
        ({"CREATE": 10, "REGISTER": 10}, {"create_image": RULE}),
        ({"CREATE": 5, "REGISTER": 5}, OF_ALL),
        ({"CREATE": 0, "LIST": 9}, OF_ALL),
        ({"CREATE": 4, "REGISTER": 4}, {}),
        ({}, {}),
    ],
)
def test_what_was_sent_shows_whom_a_limit_binds(
    sent: dict[str, int], limits: dict[str, RequestLimit]
) -> None:
    one = traffic(**sent)
    assert one.learn(Call.CREATE, RULE, 1.0) == bool(limits)
    assert one.limits() == limits


def test_what_was_sent_before_the_window_is_no_evidence() -> None:
    one = traffic(CREATE=10)
    assert not one.learn(Call.CREATE, RULE, 60.0)


def test_what_was_answered_after_a_call_was_sent_is_no_evidence_about_it() -> None:
    one = Traffic(poll_gap_s=12.5)
    one.note_sent(Call.REGISTER, 0.0)
    for _ in range(10):
        one.note_sent(Call.CREATE, 30.0)
        one.note_answered(Call.CREATE, 31.0, is_counted=True)
    one.note_answered(Call.REGISTER, 55.0, is_counted=False)
    assert not one.learn(Call.REGISTER, RULE, 55.0, sent_s=0.0)


def test_a_refusal_that_was_long_on_its_way_is_judged_by_when_it_was_sent() -> None:
    one = traffic(CREATE=10)
    assert one.learn(Call.CREATE, RULE, 61.0, sent_s=59.0)


def test_calls_under_way_are_evidence_and_count_until_they_are_answered() -> None:
    one = traffic(CREATE=5)
    for _ in range(5):
        one.note_sent(Call.CREATE, 1.0)
    assert one.learn(Call.CREATE, RULE, 2.0)
    assert one.wait_s(Call.CREATE, 2.0) == 58.0
    for _ in range(5):
        one.note_answered(Call.CREATE, 30.0, is_counted=True)
    assert [one.wait_s(Call.CREATE, at_s) for at_s in (30.0, 59.0, 60.0)] == [30, 1, 0]


def test_where_all_are_under_way_none_is_free_within_a_window() -> None:
    one = Traffic(poll_gap_s=12.5)
    for _ in range(10):
        one.note_sent(Call.CREATE, 0.0)
    assert one.learn(Call.CREATE, RULE, 0.0)
    assert one.wait_s(Call.CREATE, 5.0) == 60.0


def test_a_call_that_never_passed_the_gateway_does_not_count() -> None:
    one = traffic(CREATE=9)
    one.learn(Call.CREATE, RULE, 0.0)
    one.note_sent(Call.CREATE, 1.0)
    one.note_answered(Call.CREATE, 1.0, is_counted=False)
    assert one.wait_s(Call.CREATE, 1.0) == 0.0


def test_a_limit_of_one_api_leaves_the_others_alone() -> None:
    one = traffic(CREATE=10)
    one.learn(Call.CREATE, RULE, 0.0)
    assert one.wait_s(Call.CREATE, 0.0) == 60.0
    assert one.wait_s(Call.REGISTER, 0.0) == one.wait_s(Call.LIST, 0.0) == 0.0


def test_what_others_have_used_up_counts_when_the_service_says_so() -> None:
    one = traffic(CREATE=9)
    one.learn(Call.CREATE, RULE, 1.0)
    one.exhaust(Call.CREATE, RULE, 1.0)
    assert one.wait_s(Call.CREATE, 1.0) == 59.0
    assert one.wait_s(Call.CREATE, 60.0) == 0.0


def test_only_the_limit_that_was_met_is_used_up() -> None:
    brief = RequestLimit(limit=5, window_s=1.0)
    one = traffic(CREATE=10)
    one.learn(Call.CREATE, RULE, 0.0)
    one.learn(Call.CREATE, brief, 0.0)
    for at_s in (70.0, 70.1, 70.2, 70.3):
        one.note_sent(Call.CREATE, at_s)
        one.note_answered(Call.CREATE, at_s, is_counted=True)
    one.exhaust(Call.CREATE, brief, 70.3)
    assert 0.0 < one.wait_s(Call.CREATE, 70.3) <= 1.0
    assert one.wait_s(Call.CREATE, 71.4) == 0.0


def test_a_later_rule_for_the_same_window_replaces_the_former() -> None:
    one = traffic(CREATE=10)
    one.learn(Call.CREATE, RULE, 0.0)
    fewer = RequestLimit(limit=5, window_s=60.0)
    one.learn(Call.CREATE, fewer, 0.0)
    assert one.limits() == {"create_image": fewer}


def test_polling_gives_way_to_writes_that_wait_but_not_for_ever() -> None:
    one = traffic(CREATE=5, REGISTER=4)
    one.learn(Call.CREATE, RULE, 0.0)
    one.note_sent(Call.LIST, 50.0)
    one.note_answered(Call.LIST, 50.0, is_counted=True)
    with one.holding(Call.CREATE):
        assert one.wait_s(Call.LIST, 55.0) == 7.5  # until 12.5 after the last
        assert one.wait_s(Call.LIST, 61.0) == 0.0  # no longer short
    assert one.wait_s(Call.LIST, 55.0) == 0.0 or one.wait_s(Call.LIST, 55.0) == 5.0


def test_polling_that_is_due_gets_the_next_place() -> None:
    """Writes that nobody watches would each ask for a list of their own."""
    one = traffic(CREATE=1)
    for _ in range(9):
        one.note_sent(Call.REGISTER, 20.0)
        one.note_answered(Call.REGISTER, 20.0, is_counted=True)
    one.learn(Call.CREATE, RULE, 30.0)
    with one.holding(Call.CREATE):
        assert one.wait_s(Call.LIST, 30.0) == 30.0
        assert one.wait_s(Call.CREATE, 60.0) == 20.0  # the second place that is free
        assert one.wait_s(Call.LIST, 60.0) == 0.0
        one.note_sent(Call.LIST, 60.0)
        one.note_answered(Call.LIST, 60.0, is_counted=True)
        assert one.wait_s(Call.CREATE, 80.0) == 0.0


def test_polling_never_takes_the_only_place_of_a_limit_of_one() -> None:
    rule = RequestLimit(limit=1, window_s=1.0)
    one = traffic(CREATE=1)
    one.note_sent(Call.REGISTER, 0.0)
    one.note_answered(Call.REGISTER, 0.0, is_counted=True)
    assert one.learn(Call.LIST, rule, 0.0)  # of all: no list was sent
    assert one.wait_s(Call.LIST, 0.5) == 0.5
    assert one.wait_s(Call.CREATE, 1.0) == 0.0


class Gateway:
    """A sliding window that counts a call at some moment before its answer."""

    def __init__(self, rule: RequestLimit) -> None:
        self.rule, self.passed = rule, deque[float]()
        self.refused_s: list[float] = []

    def admits(self, at_s: float) -> bool:
        while self.passed and self.passed[0] <= at_s - self.rule.window_s:
            self.passed.popleft()
        if len(self.passed) >= self.rule.limit:
            self.refused_s.append(at_s)
            return False
        self.passed.append(at_s)
        return True


@pytest.mark.fault(6)
@given(
    limit=st.integers(2, 12),  # of a limit of one nobody can tell whom it binds
    window_s=st.sampled_from([1.0, 10.0, 300.0]),
    is_shared=st.booleans(),
    calls=st.lists(
        st.tuples(
            st.sampled_from([Call.CREATE, Call.REGISTER]),
            st.floats(0.0, 20.0),  # until the next one
            st.floats(0.0, 1.0),  # when the gateway counts it: part of its time
            st.floats(0.0, 3.0),  # how long it takes
        ),
        max_size=120,
    ),
)
def test_once_learned_a_limit_is_never_met_again(
    limit: int,
    window_s: float,
    is_shared: bool,
    calls: list[tuple[Call, float, float, float]],
) -> None:
    """One refusal per rule at the most: calls go one after the other here."""
    rule = RequestLimit(limit=limit, window_s=window_s)
    gateways = {call: Gateway(rule) for call in Call}
    if is_shared:
        gateways = dict.fromkeys(Call, Gateway(rule))
    one, now_s = Traffic(poll_gap_s=12.5), 0.0
    for call, pause_s, part, takes_s in calls:
        now_s += pause_s
        for _ in range(4):
            now_s += one.wait_s(call, now_s) + 0.001
            sent_s = now_s
            one.note_sent(call, sent_s)
            passes = gateways[call].admits(sent_s + part * takes_s)
            now_s += takes_s
            one.note_answered(call, now_s, is_counted=passes)
            if passes:
                break
            one.learn(call, rule, now_s, sent_s=sent_s)
            one.exhaust(call, rule, now_s)
    refused = {id(gate): len(gate.refused_s) for gate in gateways.values()}
    # one rule for each kind may be learned, and in the end that it is one for both
    assert sum(refused.values()) <= 3


@given(
    st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(0.0, 5.0)), max_size=60),
    st.integers(1, 10),
)
def test_a_wait_is_never_longer_than_a_window(
    calls: list[tuple[float, float]], limit: int
) -> None:
    rule = RequestLimit(limit=limit, window_s=7.0)
    one, now_s = traffic(CREATE=limit), 0.0
    assert one.learn(Call.CREATE, rule, now_s)
    for pause_s, takes_s in calls:
        now_s += pause_s
        wait_s = one.wait_s(Call.CREATE, now_s)
        assert 0.0 <= wait_s <= 7.001
        now_s += wait_s
        one.note_sent(Call.CREATE, now_s)
        now_s += takes_s
        one.note_answered(Call.CREATE, now_s, is_counted=True)
