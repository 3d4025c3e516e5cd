"""What is overheard of services: who answered, how slowly, and what time they say."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from batch_register.doctor.witness import Witness
from batch_register.transport import Reply, Request
from tests.virtual_time import run_virtually

OURS = datetime(2026, 9, 1, 12, 0, 0, tzinfo=UTC)
LIST = Request(operation="list", method="GET", url="https://ims.example:443/v2/images")


class Still:
    """A clock that stands."""

    def now(self) -> datetime:
        return OURS


class Service:
    """Answers after some seconds, in a time of its own."""

    def __init__(self, *took_s: float, date: str = "") -> None:
        self._took_s = list(took_s)
        self._headers = {"date": date} if date else {}

    async def send(self, _request: Request) -> Reply:
        await asyncio.sleep(self._took_s.pop(0))
        return Reply(status=200, headers=self._headers, body=b"")


def heard(service: Service, calls: int = 1) -> Witness:
    async def listen() -> Witness:
        witness = Witness(service, Still())
        for _ in range(calls):
            await witness.send(LIST)
        return witness

    return run_virtually(listen())


def test_the_slowest_answer_of_a_service_is_kept() -> None:
    witness = heard(Service(1.0, 7.0, 2.0), calls=3)
    assert witness.slowest_of("https://ims.example:443") == 7.0
    assert witness.slowest_of("https://iam.example") is None
    assert witness.has_heard(LIST.url)


def test_whose_answer_is_waited_for_is_known_only_meanwhile() -> None:
    async def asked() -> tuple[str, str]:
        witness = Witness(Service(5.0), Still())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(witness.send(LIST))
            await asyncio.sleep(1.0)
            meanwhile = witness.asked
        return meanwhile, witness.asked

    assert run_virtually(asked()) == ("ims.example:443", "")


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Tue, 01 Sep 2026 12:10:00 GMT", timedelta(minutes=10, seconds=0.5)),
        ("Tue, 01 Sep 2026 10:00:00 GMT", timedelta(hours=-2, seconds=0.5)),
        # far ahead: images would look older than they are
        ("Tue, 01 Sep 2026 20:00:00 GMT", timedelta(hours=1)),
    ],
)
def test_the_services_time_counts_at_most_an_hour_ahead_of_ours(
    date: str, ahead: timedelta
) -> None:
    assert heard(Service(0.0, date=date)).service_now() == OURS + ahead


def test_a_service_that_tells_no_time_has_none() -> None:
    assert heard(Service(0.0)).service_now() is None
