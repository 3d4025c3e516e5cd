"""Tokens that end, are revoked or are never accepted: few logins, no loop, no loss."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.hostile.conftest import Stage
from tests.hostile.front import Call, Exchange, Misdeed, first
from tests.hostile.test_refusals import refusing, told

pytestmark = [pytest.mark.integration, pytest.mark.fault(10)]

EXPIRED = (
    b'{"error_code": "APIGW.0307", "error_msg": "The token must be updated.", '
    b'"request_id": "r-1"}'
)


@pytest.mark.parametrize("name", ["list", "create", "register"])
def test_a_service_that_refuses_every_token_gets_two_and_ends_the_run(
    stage: Stage, name: str
) -> None:
    stage.trouble(name, refusing(401, EXPIRED))

    ended = stage.run()

    assert ended.code == 77, ended.err
    assert ended.is_intelligible()
    assert stage.front.counts["token"] == 2
    assert stage.front.counts[name] <= 8  # four entries, each at most twice
    assert "APIGW.0307: The token must be updated." in ended.explanation
    assert "check the credentials" in ended.explanation
    assert "failed" not in ended.states.values()
    stage.peace()
    assert stage.run().code == 0
    assert stage.made() == [1, 1, 1, 1]


@pytest.mark.parametrize("name", ["create", "register"])
def test_a_401_that_is_not_about_the_token_fails_its_entry_without_a_login(
    stage: Stage, name: str
) -> None:
    """The gateway says 401 where a signed body is too large, too."""
    body = (
        b'{"error_code": "APIGW.0301", "error_msg": "Incorrect IAM authentication '
        b'information: calc aksk signature fail:body too large"}'
    )
    meant = refusing(401, body)
    stage.trouble(name, meant, when=lambda call: b"web-2" in call.body)

    ended = stage.run()

    assert ended.code == 3, ended.err
    assert stage.front.counts["token"] == 1
    assert ended.states["web-2"] == "failed"
    assert "body too large" in ended.rows["web-2"]["error"]["reason"]
    assert list(ended.states.values()).count("active") == 3


def test_a_token_of_an_account_that_is_locked_meanwhile_ends_the_run(
    stage: Stage,
) -> None:
    """The second login is refused; it is not tried again for each entry."""
    stage.trouble("create", refusing(401, EXPIRED), when=first(4))
    locked = refusing(401, told("", "The account is locked."))
    stage.trouble("token", locked, when=lambda call: call.number > 1)

    ended = stage.run()

    assert ended.code == 77, ended.err
    assert "The account is locked." in ended.explanation
    assert stage.front.counts["token"] == 2
    stage.peace()
    assert stage.run().code == 0
    assert stage.made() == [1, 1, 1, 1]


# ------------------------------------------------------------ many at once

WAITERS = 40


class Barrier:
    """Holds calls back until so many have come, so that all carry the same token."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._all_here = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        self._left -= 1
        if self._left == 0:
            self._all_here.set()
        await self._all_here.wait()
        await refusing(401, EXPIRED)(exchange)


def test_forty_calls_refused_at_once_cause_one_login(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a run starts with four images, and forty creates would never be there together
    monkeypatch.setattr("batch_register.throttle.tasks._FIRST", WAITERS)
    stage.manifest(WAITERS)
    stage.trouble("create", Barrier(WAITERS), when=first(WAITERS))

    ended = stage.run("--concurrency", str(WAITERS))

    assert ended.code == 0, ended.err
    assert stage.front.counts["token"] == 2  # the first one, and one for all forty
    tokens = {call.header("X-Auth-Token") for call in creates(stage)}
    assert len(tokens) == 2
    assert stage.front.counts["create"] == 2 * WAITERS
    assert stage.made() == [1] * WAITERS


def creates(stage: Stage) -> list[Call]:
    return [call for call in stage.front.calls if call.name == "create"]


def revoking(stage: Stage) -> Misdeed:
    """Revoke every token, then let the cloud answer, which it does with 401."""

    async def revoke(exchange: Exchange) -> None:
        stage.simulator.revoke_tokens()
        await exchange.write(await exchange.through())

    return revoke


@pytest.mark.parametrize("name", ["list", "create", "register"])
def test_tokens_that_are_revoked_in_mid_run_are_replaced(
    stage: Stage, name: str
) -> None:
    stage.trouble(name, revoking(stage), when=lambda call: call.number == 1)
    ended = stage.run()
    assert ended.code == 0, ended.err
    assert stage.front.counts["token"] == 2
    assert stage.made() == [1, 1, 1, 1]


@pytest.mark.fault(10)
@pytest.mark.parametrize(
    "names",
    [
        ("create", "create"),
        ("create", "list"),
        ("register", "create"),
        ("list", "register"),
    ],
)
def test_tokens_that_are_revoked_twice_within_seconds_are_replaced_twice(
    stage: Stage, names: tuple[str, str]
) -> None:
    """The first replacement has worked, so that its refusal is news about it alone."""
    stage.manifest(8)
    left = list(names)

    def is_next(call: Call) -> bool:
        # the second revocation strikes when the replacement has been accepted
        accepted = stage.front.counts["token"] == 3 - len(left)
        tokens = {c.header("X-Auth-Token") for c in stage.front.calls if c is not call}
        known = call.header("X-Auth-Token") in tokens or len(left) == 2
        if not (left and accepted and known and call.name == left[0]):
            return False
        left.pop(0)
        return True

    for name in set(names):
        stage.trouble(name, revoking(stage), when=is_next)

    ended = stage.run("--concurrency", "1")

    assert left == []
    assert ended.code == 0, ended.err
    assert stage.front.counts["token"] == 3
    assert stage.made() == [1] * 8


def test_a_password_that_is_changed_in_mid_run_ends_it_and_fails_nothing(
    stage: Stage,
) -> None:
    """Many are under way: one login is refused for all, and none is made after it."""
    stage.manifest(12)
    stage.trouble("register", revoking(stage), when=lambda call: call.number == 3)
    gone = refusing(401, told("", "The username or password is wrong."))
    stage.trouble("token", gone, when=lambda call: call.number > 1)

    ended = stage.run()

    assert ended.code == 77, ended.err
    assert stage.front.counts["token"] == 2
    assert "The username or password is wrong." in ended.explanation
    assert "check the credentials" in ended.explanation
    assert set(ended.states.values()) <= {"active", "unfinished", "pending", "unknown"}
    stage.peace()
    assert stage.run().code == 0
    assert stage.made() == [1] * 12


class TestShortLives:
    """A cloud in our own time, whose tokens live for two seconds."""

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {
            "token_lifetime_s": 2.0,
            "speed": 1.0,
            "job_init_range_s": (0.1, 0.2),
            "job_running_range_s": (2.3, 2.4),
            "active_offset_range_s": (0.0, 0.1),
        }

    def test_tokens_that_end_in_mid_run_are_replaced(self, stage: Stage) -> None:
        ended = stage.run()
        assert ended.code == 0, ended.err
        assert stage.front.counts["token"] >= 2
        assert stage.made() == [1, 1, 1, 1]
