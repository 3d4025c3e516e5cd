"""A Keystone that is scripted, and a clock that stands until it is moved."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from batch_register.transport import Reply, Request

START = datetime(2026, 9, 1, 1, 0, tzinfo=UTC)


class HandClock:
    """Stands still until somebody moves it."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


Answer = Reply | Exception | Callable[[Request], Reply]


class ScriptedSender:
    """Answers from a list, the last one for ever; notes what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []
        self.gate: asyncio.Event | None = None  # where set: nobody is answered before

    async def send(self, request: Request) -> Reply:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await asyncio.sleep(0)  # as a socket would: others run meanwhile
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else answer(request)


class Keystone:
    """Issues tokens `token-1`, `token-2`, ... that live `life_s` on its own clock."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.life_s = 86400.0
        self.skew_s = 0.0
        self.issued = 0
        self.sends_date = True
        self.catalog: list[object] = []

    def __call__(self, request: Request) -> Reply:
        self.issued += 1
        now = self.clock.now() + timedelta(seconds=self.skew_s)
        token = {
            "issued_at": now.isoformat().replace("+00:00", "Z"),
            "expires_at": (now + timedelta(seconds=self.life_s)).isoformat(),
            "project": {"id": "p1", "name": "eu-de"},
            "catalog": self.catalog,
        }
        headers = {"x-subject-token": f"token-{self.issued}"}
        if self.sends_date:
            headers["date"] = now.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return Reply(
            status=201, headers=headers, body=json.dumps({"token": token}).encode()
        )


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def keystone(clock) -> Keystone:
    return Keystone(clock)


@pytest.fixture
def scripted():
    return ScriptedSender
