"""The service's time is what its answers say, plus what has passed since."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from batch_register.transport import Reply, Request
from batch_register.transport.dates import DatedSender
from tests.virtual_time import run_virtually

REQUEST = Request(operation="list images", method="GET", url="http://127.0.0.1/")
NINE = datetime(2026, 9, 1, 9, 0, 0, tzinfo=UTC)


class Answering:
    """Answers with these Date headers, one after another."""

    def __init__(self, *dates: str | None) -> None:
        self._dates = list(dates)

    async def send(self, request: Request) -> Reply:
        date = self._dates.pop(0)
        headers = {} if date is None else {"date": date}
        return Reply(status=200, headers=headers, body=b"{}")


def test_the_time_goes_on_after_the_answer() -> None:
    async def scenario() -> datetime | None:
        sender = DatedSender(Answering("Tue, 01 Sep 2026 08:59:00 GMT"))
        await sender.send(REQUEST)
        await asyncio.sleep(60)
        return sender.service_now()

    assert run_virtually(scenario()) == NINE


@pytest.mark.parametrize("date", [None, "", "soon", "2026-09-01T09:00:00Z"])
def test_an_answer_without_a_readable_date_says_nothing(date: str | None) -> None:
    async def scenario() -> datetime | None:
        sender = DatedSender(Answering(date))
        await sender.send(REQUEST)
        return sender.service_now()

    assert run_virtually(scenario()) is None


def test_the_latest_date_counts_and_one_without_a_zone_is_utc() -> None:
    async def scenario() -> datetime | None:
        answers = ("Tue, 01 Sep 2026 01:00:00 GMT", "Tue, 01 Sep 2026 09:00:00 -0000")
        sender = DatedSender(Answering(*answers, None))
        for _ in range(3):
            await sender.send(REQUEST)
        return sender.service_now()

    assert run_virtually(scenario()) == NINE
