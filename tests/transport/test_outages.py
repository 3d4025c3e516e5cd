"""A service is gone where its host refuses connections, and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from batch_register.errors import ServiceError
from batch_register.model import Action, Fault, FaultKind
from batch_register.outage import Outage
from batch_register.transport import Reply, Request
from batch_register.transport.outages import OutageSender

REQUEST = Request(operation="list images", method="GET", url="http://127.0.0.1/")
NINE = datetime(2026, 9, 1, 9, tzinfo=UTC)


class StoppedClock:
    def now(self) -> datetime:
        return NINE


class Failing:
    """Fails with this code, or answers where there is none."""

    def __init__(self, code: str | None) -> None:
        self._code = code

    async def send(self, request: Request) -> Reply:
        if self._code is None:
            return Reply(status=503, headers={}, body=b"")
        fault = Fault(
            kind=FaultKind.UNREACHABLE,
            code=self._code,
            reason="test",
            action=Action.RUN_AGAIN,
        )
        raise ServiceError(request.operation, fault)


@pytest.mark.parametrize(
    ("code", "seen_at"),
    [
        ("transport.refused", NINE),
        ("transport.unreachable", None),
        ("transport.dns", None),
        ("transport.timeout", None),
        ("transport.reset", None),
        ("transport.proxy", None),
    ],
)
async def test_only_a_refused_connection_shows_an_outage(
    code: str, seen_at: datetime | None
) -> None:
    outage = Outage()
    with pytest.raises(ServiceError):
        await OutageSender(Failing(code), outage, StoppedClock()).send(REQUEST)
    assert outage == Outage(seen_at=seen_at)


async def test_an_answer_is_passed_on_and_shows_none() -> None:
    outage = Outage()
    reply = await OutageSender(Failing(None), outage, StoppedClock()).send(REQUEST)
    assert (reply.status, outage) == (503, Outage())
