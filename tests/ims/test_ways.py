"""Which of two calls is asked, also where several ask at the same time."""

from __future__ import annotations

import asyncio

import pytest

from batch_register.errors import ServiceError
from batch_register.ims.ways import Ways
from batch_register.model import Action, Fault, FaultKind
from tests.virtual_time import run_virtually


def missing(code: str = "http.404") -> ServiceError:
    fault = Fault(
        kind=FaultKind.REJECTED,
        code=code,
        reason="no such call",
        action=Action.CONTACT_PROVIDER,
        http_status=404,
    )
    return ServiceError("ask", fault)


class Asked:
    """Two calls, "a" and "b", that answer after some time, in the order of asking."""

    def __init__(self, **answers: list[tuple[float, str | ServiceError]]) -> None:
        self.answers = answers
        self.told: list[tuple[str, str]] = []
        self.ways = Ways("a", "b", when_lacking=lambda *both: self.told.append(both))

    async def by(self, call: str) -> str:
        after_s, answer = self.answers[call].pop(0)
        await asyncio.sleep(after_s)
        if isinstance(answer, ServiceError):
            raise answer
        return answer

    async def at_once(self, times: int) -> list[str]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.ways.ask(self.by)) for _ in range(times)]
        return [task.result() for task in tasks]


def test_one_stray_answer_does_not_take_away_a_call_that_others_have_proven() -> None:
    """A proxy says 404 once; meanwhile the same call tells somebody else something."""
    asked = Asked(a=[(1.0, missing()), (2.0, "one")], b=[(5.0, "two")])
    assert run_virtually(asked.at_once(2)) == ["two", "one"]
    assert (asked.ways.call, asked.told) == ("a", [])


def test_a_late_answer_does_not_take_the_choice_back() -> None:
    asked = Asked(a=[(1.0, missing()), (9.0, "one")], b=[(1.0, "two")])
    assert run_virtually(asked.at_once(2)) == ["two", "one"]
    assert (asked.ways.call, asked.told) == ("b", [("a", "b")])


def test_all_that_ask_at_once_go_by_the_call_that_is_there() -> None:
    gone = missing("APIGW.0101")
    asked = Asked(a=[(1.0, gone), (1.5, gone)], b=[(1.0, "two"), (1.0, "two")])
    assert run_virtually(asked.at_once(2)) == ["two", "two"]
    assert (asked.ways.call, asked.told) == ("b", [("a", "b")])


def test_where_neither_is_there_the_first_error_tells() -> None:
    first, second = missing("APIGW.0101"), missing("APIGW.0101")
    asked = Asked(a=[(0.0, first)], b=[(0.0, second)])
    with pytest.raises(ServiceError) as caught:
        run_virtually(asked.ways.ask(asked.by))
    assert caught.value is first
