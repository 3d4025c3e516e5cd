"""A webhook over real sockets: what arrives, what is tried again, what is given up."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from batch_register.notify.carrier import Letter, NotDeliveredError, Patience
from batch_register.notify.deliver import deliver
from batch_register.notify.webhook import Webhook
from batch_register.pacing import Backoff
from batch_register.settings import Address
from batch_register.transport import Reply, Request
from batch_register.transport.http import HttpOptions, HttpSender
from batch_register.transport.tls import Tls
from tests.notify.endings import FINISHED
from tests.notify.receiver import (
    Behaviour,
    Receiver,
    answer,
    close_in_the_middle,
    hang_up,
    never_answer,
    never_end,
    receiving,
    talk_nonsense,
)
from tests.virtual_time import run_virtually

pytestmark = pytest.mark.integration

SECRET = "c4n4ry-shared-secret"
LETTER = Letter(
    delivery_id="id-1", body=b'{"version": 1}', title="t", text="x", is_trouble=True
)
BRIEF = Patience(total_s=1.0, try_s=0.4, backoff=Backoff(base_s=0.02, cap_s=0.1))


class StoppedClock:
    def now(self):
        return FINISHED


@contextmanager
def posting(
    behave: Behaviour, path: str = "/hook", **changes: Any
) -> Iterator[tuple[Receiver, Callable[[], None]]]:
    """Give a receiver, and what posts the letter there."""
    with receiving(behave) as receiver:
        url = changes.pop("url", receiver.url + path)

        async def post() -> None:
            options = HttpOptions(
                connections=2, trust_env=False, tls=Tls(), reads_bodies=False
            )
            async with HttpSender(options) as sender:
                hook = Webhook(
                    address=Address.parse(url.replace("PORT", str(receiver.port))),
                    sender=sender,
                    clock=StoppedClock(),
                    secret=SECRET,
                    patience=BRIEF,
                    rng=random.Random(1),
                )
                await replace(hook, **changes).carry(LETTER)

        yield receiver, lambda: asyncio.run(post())


def test_a_letter_arrives_once_and_its_signature_verifies() -> None:
    with posting(answer("204 No Content"), "/hook/t0ken?k=v") as (receiver, post):
        post()
    (arrived,) = receiver.arrived
    assert (arrived.target, arrived.body) == ("/hook/t0ken?k=v", LETTER.body)
    assert arrived.headers["content-type"] == "application/json"
    assert arrived.headers["x-batch-register-delivery"] == "id-1"
    timestamp = arrived.headers["x-batch-register-timestamp"]
    assert int(timestamp) == FINISHED.timestamp()
    signed = timestamp.encode() + b"." + arrived.body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert arrived.headers["x-batch-register-signature"] == f"sha256={expected}"


def test_without_a_secret_nothing_is_signed() -> None:
    with posting(answer("200 OK"), secret=None) as (receiver, post):
        post()
    assert "x-batch-register-signature" not in receiver.arrived[0].headers


def test_a_login_in_the_address_goes_into_its_header() -> None:
    url = "http://me:p%40ss@127.0.0.1:PORT/hook"
    with posting(answer("200 OK"), url=url) as (receiver, post):
        post()
    (arrived,) = receiver.arrived
    _, _, login = arrived.headers["authorization"].partition(" ")
    assert base64.b64decode(login) == b"me:p@ss"
    assert arrived.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize(
    "behave",
    [answer("200 OK", b"{ not JSON"), answer("202 Accepted"), never_end],
    ids=["garbage", "accepted", "endless"],
)
def test_the_status_counts_whatever_the_body(behave: Behaviour) -> None:
    with posting(behave) as (receiver, post):
        post()
    assert len(receiver.arrived) == 1


class SlowRefusal:
    """A receiver that takes its time; keeps how long each try was given."""

    def __init__(self, takes_s: float) -> None:
        self._takes_s = takes_s
        self.given_s: list[float] = []

    async def send(self, request: Request) -> Reply:
        self.given_s.append(request.deadline_s)
        await asyncio.sleep(min(self._takes_s, request.deadline_s))
        return Reply(status=503, headers={}, body=b"")


@pytest.mark.parametrize("takes_s", [0.0, 1.3, 4.0, 9.9])
def test_no_try_fails_for_want_of_time_alone(takes_s: float) -> None:
    patience = Patience()
    for seed in range(20):
        slow = SlowRefusal(takes_s)
        hook = Webhook(
            address=Address.parse("http://127.0.0.1/hook"),
            sender=slow,
            clock=StoppedClock(),
            secret=None,
            patience=patience,
            rng=random.Random(seed),
        )
        with pytest.raises(NotDeliveredError, match="HTTP 503"):
            run_virtually(hook.carry(LETTER))
        assert len(slow.given_s) > 1
        assert min(slow.given_s) >= patience.least_try_s


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (answer("500 Internal Server Error"), "HTTP 500"),
        (answer("429 Too Many Requests"), "HTTP 429"),
        (never_answer, "it took too long"),
        (hang_up, "closed the connection without an answer"),
        (close_in_the_middle, "closed the connection without an answer"),
        (talk_nonsense, "is not readable as HTTP"),
    ],
    ids=["500", "429", "silent", "hangs up", "half", "nonsense"],
)
def test_what_may_pass_is_tried_again_with_the_same_id(
    behave: Behaviour, reason: str
) -> None:
    with posting(behave) as (receiver, post), pytest.raises(NotDeliveredError) as told:
        post()
    assert reason in str(told.value)
    assert str(told.value).endswith(f"({len(receiver.arrived)} tries)")
    assert len(receiver.arrived) > 1
    ids = {each.headers["x-batch-register-delivery"] for each in receiver.arrived}
    assert ids == {"id-1"}


def test_a_receiver_that_comes_back_gets_the_letter() -> None:
    def behave(receiver: Receiver, peer: Any) -> None:
        status = "200 OK" if len(receiver.arrived) == 3 else "503 Unavailable"
        answer(status)(receiver, peer)

    with posting(behave) as (receiver, post):
        post()
    assert len(receiver.arrived) == 3


@pytest.mark.parametrize(
    "status", ["302 Found", "307 Temporary", "400 Bad", "410 Gone"]
)
def test_what_cannot_pass_is_tried_once(status: str) -> None:
    elsewhere = answer("200 OK")
    with receiving(elsewhere) as other:
        behave = answer(f"{status}\r\nLocation: {other.url}/s3cret")
        with posting(behave) as (receiver, post):
            with pytest.raises(NotDeliveredError, match=f"HTTP {status[:3]}") as told:
                post()
            assert len(receiver.arrived) == 1
        assert other.arrived == []
    assert "s3cret" not in str(told.value)


def test_a_receiver_that_asks_for_more_time_than_there_is_is_given_up() -> None:
    behave = answer("503 Unavailable\r\nRetry-After: 60")
    with posting(behave) as (receiver, post), pytest.raises(NotDeliveredError):
        post()
    assert len(receiver.arrived) == 1


# ------------------------------------------------------------ all together


class Scripted:
    """A carrier that does what it is told."""

    def __init__(self, name: str, act: Callable[[], Any]) -> None:
        self.destination = name
        self._act = act

    async def carry(self, letter: Letter) -> None:
        await self._act()


async def _arrives() -> None:
    return


async def _hangs() -> None:
    await asyncio.Event().wait()


async def _breaks() -> None:
    raise ZeroDivisionError(SECRET)


async def _is_refused() -> None:
    message = "HTTP 500 (3 tries)"
    raise NotDeliveredError(message)


CARRIERS = [
    Scripted("a", _hangs),
    Scripted("b", _breaks),
    Scripted("c", _is_refused),
    Scripted("d", _arrives),
]


async def test_no_carrier_holds_up_or_breaks_another() -> None:
    told: dict[str, str | None] = {}
    began = asyncio.get_running_loop().time()
    await deliver(LETTER, CARRIERS, total_s=0.1, tell=told.__setitem__)
    assert asyncio.get_running_loop().time() - began < 1
    assert told == {
        "a": "not delivered within 0.1 s",
        "b": "internal error: ZeroDivisionError",
        "c": "HTTP 500 (3 tries)",
        "d": None,
    }


async def test_a_cancellation_ends_all_at_once_and_says_so() -> None:
    told: dict[str, str | None] = {}
    others_are_done = asyncio.Event()

    def tell(name: str, reason: str | None) -> None:
        told[name] = reason
        if len(told) == len(CARRIERS) - 1:
            others_are_done.set()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(deliver(LETTER, CARRIERS, total_s=60, tell=tell))
        await others_are_done.wait()
        task.cancel()
    assert told["a"] == "stopped by a signal"
