"""Temporary access keys: one request for many callers, replaced in time."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.identity.keys import FixedToken
from batch_register.identity.temporary import TemporaryKeys
from batch_register.model import Action, Fault, FaultKind
from batch_register.transport import Reply, Request

URL = "https://iam.example/v3"


class Iam:
    """Makes keys `AK1`, `AK2`, ... that live `life_s` on its own clock."""

    def __init__(self, clock, *, life_s: float = 6 * 3600, skew_s: float = 0) -> None:
        self.clock = clock
        self.life_s = life_s
        self.skew_s = skew_s
        self.made = 0

    def __call__(self, request: Request) -> Reply:
        self.made += 1
        now = self.clock.now() + timedelta(seconds=self.skew_s)
        ends = (now + timedelta(seconds=self.life_s)).isoformat()
        told = {
            "access": f"AK{self.made}",
            "secret": f"canary-secret-{self.made}",
            "securitytoken": f"canary-token-{self.made}",
            "expires_at": ends.replace("+00:00", "Z"),
        }
        body = json.dumps({"credential": told}).encode()
        date = now.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return Reply(status=201, headers={"date": date}, body=body)


def keys_of(sender, clock) -> TemporaryKeys:
    return TemporaryKeys(sender, FixedToken("canary-bearer"), clock, auth_url=URL)


async def access_of(keys: TemporaryKeys) -> str:
    return (await keys.current()).access_key


async def test_keys_are_asked_for_with_the_token(scripted, clock) -> None:
    sender = scripted(Iam(clock))
    found = await keys_of(sender, clock).current()
    (request,) = sender.asked
    assert request.method == "POST"
    assert request.url == "https://iam.example/v3.0/OS-CREDENTIAL/securitytokens"
    assert request.headers["X-Auth-Token"] == "canary-bearer"
    token = json.loads(request.body)["auth"]["identity"]["token"]
    assert 900 <= token["duration_seconds"] <= 86400
    assert found.security_token == "canary-token-1"


async def test_many_callers_cause_one_request(scripted, clock) -> None:
    sender = scripted(Iam(clock))
    keys = keys_of(sender, clock)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(access_of(keys)) for _ in range(20)]
    assert {task.result() for task in asked} == {"AK1"}
    assert len(sender.asked) == 1


@pytest.mark.parametrize("skew_s", [0, -7200, 7200])
async def test_keys_always_have_ninety_minutes_left(scripted, clock, skew_s) -> None:
    """Whatever IAM's clock says of ours."""
    keys = keys_of(scripted(Iam(clock, skew_s=skew_s)), clock)
    assert await access_of(keys) == "AK1"
    clock.forward(4.5 * 3600 - 1)
    assert await access_of(keys) == "AK1"
    clock.forward(2)
    assert await access_of(keys) == "AK2"


@pytest.mark.parametrize("ends", ["9999-12-31T23:59:59Z", "2001-01-01T00:00:00Z"])
async def test_an_absurd_end_neither_breaks_nor_floods(scripted, clock, ends) -> None:
    iam = Iam(clock, skew_s=-60)

    def absurd(request: Request) -> Reply:
        made = iam(request)
        told = json.loads(made.body)
        told["credential"]["expires_at"] = ends
        return replace(made, body=json.dumps(told).encode())

    keys = keys_of(scripted(absurd), clock)
    assert [await access_of(keys) for _ in range(5)] == ["AK1"] * 5
    clock.forward(24 * 3600)
    assert await access_of(keys) == "AK2"


async def test_short_lived_keys_are_not_asked_for_at_every_call(
    scripted, clock
) -> None:
    keys = keys_of(scripted(Iam(clock, life_s=900)), clock)
    assert await access_of(keys) == "AK1"
    clock.forward(449)
    assert await access_of(keys) == "AK1"
    clock.forward(2)
    assert await access_of(keys) == "AK2"


async def test_a_failed_renewal_does_no_harm_while_the_keys_work(
    scripted, clock
) -> None:
    busy = Reply(status=503, headers={}, body=b"")
    keys = keys_of(scripted(Iam(clock), busy), clock)
    assert await access_of(keys) == "AK1"
    clock.forward(5 * 3600)
    assert await access_of(keys) == "AK1"
    clock.forward(3600)
    with pytest.raises(ServiceError) as caught:
        await keys.current()
    assert caught.value.kind is FaultKind.SERVER


async def test_refused_keys_are_replaced_once_for_all(scripted, clock) -> None:
    sender = scripted(Iam(clock))
    keys = keys_of(sender, clock)
    old = await keys.current()
    assert not await keys.renew(old)  # they are not refused for their age
    clock.forward(120)
    async with asyncio.TaskGroup() as group:
        renewed = [group.create_task(keys.renew(old)) for _ in range(9)]
    assert all(task.result() for task in renewed)
    assert await access_of(keys) == "AK2"
    assert len(sender.asked) == 2


async def test_a_token_that_ended_is_replaced_once(scripted, clock) -> None:
    class Tokens:
        def __init__(self) -> None:
            self.number = 1

        async def authorise(self, request: Request) -> Request:
            return await FixedToken(f"token-{self.number}").authorise(request)

        def accepted(self, sent: Request) -> None:
            pass

        async def renew(self, refused: Request) -> bool:
            self.number += 1
            return True

    ended = Reply(status=401, headers={}, body=b"")
    sender = scripted(ended, Iam(clock))
    keys = TemporaryKeys(sender, Tokens(), clock, auth_url=URL)
    assert await access_of(keys) == "AK1"
    assert [r.headers["X-Auth-Token"] for r in sender.asked] == ["token-1", "token-2"]


@pytest.mark.parametrize("status", [300, 404, 405])
async def test_plain_keystone_makes_no_keys(scripted, clock, status) -> None:
    keys = keys_of(scripted(Reply(status=status, headers={}, body=b"")), clock)
    with pytest.raises(ServiceError, match="makes no temporary access keys") as caught:
        await keys.current()
    assert caught.value.kind is FaultKind.NOT_FOUND


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"credential": {"access": "AK"}}',
        b'{"credential": {"access": "", "secret": "s", "securitytoken": "t",'
        b' "expires_at": "2026-09-02T01:00:00Z"}}',
        b'{"credential": {"access": "a", "secret": "s", "securitytoken": "t",'
        b' "expires_at": "2026-09-02T01:00:00"}}',
        b'{"credential": {"access": "a", "secret": "s", "securitytoken": "t",'
        b' "expires_at": "soon"}}',
    ],
)
async def test_an_odd_answer_is_said_to_be_one(scripted, clock, body) -> None:
    keys = keys_of(scripted(Reply(status=201, headers={}, body=body)), clock)
    with pytest.raises(ServiceError) as caught:
        await keys.current()
    assert caught.value.kind is FaultKind.MISREAD


async def test_no_secret_shows(scripted, clock) -> None:
    echo = {"error": {"message": "bearer canary-bearer may not"}}
    body = json.dumps(echo).encode()
    sender = scripted(Iam(clock), Reply(status=403, headers={}, body=body))
    keys = keys_of(sender, clock)
    found = await keys.current()
    assert "canary" not in repr(found)
    assert set(keys.secrets) == {"canary-secret-1", "canary-token-1"}
    clock.forward(7 * 3600)
    with pytest.raises(AuthenticationError) as caught:
        await keys.current()
    assert "canary" not in str(caught.value)


async def test_no_answer_is_no_keys(scripted, clock) -> None:
    fault = Fault(kind=FaultKind.LOST, code="x", reason="gone", action=Action.RUN_AGAIN)
    keys = keys_of(scripted(ServiceError("send", fault)), clock)
    with pytest.raises(ServiceError) as caught:
        await keys.current()
    assert caught.value.kind is FaultKind.UNREACHABLE
