"""How often failed calls may be sent again."""

from __future__ import annotations

from hypothesis import given, strategies as st

from batch_register.throttle.budget import RetryBudget


def test_an_outage_is_answered_by_so_many_repeats_and_no_more() -> None:
    budget = RetryBudget()
    assert [budget.pay() for _ in range(36)] == [True] * 35 + [False]


def test_answers_refill_it() -> None:
    budget = RetryBudget(tokens=0)
    for _ in range(7):
        assert not budget.pay()
        budget.note_answer()
    assert budget.pay()


def test_refusals_are_paid_for_but_never_denied() -> None:
    budget = RetryBudget(tokens=7)
    budget.note_refused()
    budget.note_refused()
    assert budget.tokens == 0


@given(st.lists(st.sampled_from(["pay", "note_refused", "note_answer"])))
def test_it_stays_within_its_bounds(steps: list[str]) -> None:
    budget = RetryBudget()
    for step in steps:
        getattr(budget, step)()
        assert 0 <= budget.tokens <= 500
