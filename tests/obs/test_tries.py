"""A few tries of a call, on a clock that costs nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.model import Action, Applied, Fault, FaultKind
from batch_register.obs.tries import Patience, tried
from tests.fakes import service_error
from tests.virtual_time import run_virtually

PATIENCE = Patience(tries=3, try_s=10, total_s=40, first_pause_s=1, longest_pause_s=8)


class Scripted:
    """Fails as it is told, then gives 7."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.at_s: list[float] = []

    async def __call__(self) -> int:
        self.at_s.append(asyncio.get_running_loop().time())
        if self.failures:
            raise self.failures.pop(0)
        return 7


def outcome(
    call: Callable[[], Awaitable[int]],
    patience: Patience = PATIENCE,
    *,
    is_write: bool = False,
) -> int:
    return run_virtually(
        tried(
            call,
            operation="look",
            patience=patience,
            rng=random.Random(1),
            is_write=is_write,
        )
    )


@pytest.mark.parametrize(
    "kind",
    [FaultKind.UNREACHABLE, FaultKind.LOST, FaultKind.SERVER, FaultKind.THROTTLED],
)
def test_passing_failures_are_tried_again(kind: FaultKind) -> None:
    call = Scripted(service_error(kind), service_error(kind))
    assert outcome(call) == 7
    first, second = call.at_s[1] - call.at_s[0], call.at_s[2] - call.at_s[1]
    assert 0.5 <= first <= 1
    assert 1 <= second <= 2


@pytest.mark.parametrize(
    "kind", [FaultKind.FORBIDDEN, FaultKind.NOT_FOUND, FaultKind.REJECTED]
)
def test_what_is_refused_for_good_is_not(kind: FaultKind) -> None:
    call = Scripted(service_error(kind))
    with pytest.raises(ServiceError):
        outcome(call)
    assert len(call.at_s) == 1


def test_wrong_keys_are_not_tried_again() -> None:
    fault = Fault(
        kind=FaultKind.UNAUTHENTICATED, code="x", reason="y", action=Action.RUN_AGAIN
    )
    call = Scripted(AuthenticationError("look", fault))
    with pytest.raises(AuthenticationError):
        outcome(call)
    assert len(call.at_s) == 1


def test_a_wrong_certificate_is_not_tried_again() -> None:
    fault = Fault(
        kind=FaultKind.UNREACHABLE,
        code="transport.tls",
        reason="expired",
        action=Action.CONTACT_PROVIDER,
    )
    call = Scripted(ServiceError("look", fault))
    with pytest.raises(ServiceError):
        outcome(call)
    assert len(call.at_s) == 1


def test_it_ends_after_so_many_tries() -> None:
    call = Scripted(*(service_error(FaultKind.SERVER) for _ in range(9)))
    with pytest.raises(ServiceError):
        outcome(call)
    assert len(call.at_s) == PATIENCE.tries


def test_a_write_that_may_have_been_done_is_not_sent_again() -> None:
    done = service_error(FaultKind.SERVER, applied=Applied.UNKNOWN)
    call = Scripted(service_error(FaultKind.THROTTLED), done)
    with pytest.raises(ServiceError) as caught:
        outcome(call, is_write=True)
    assert caught.value is done
    assert len(call.at_s) == 2


def test_the_store_s_own_wish_counts_where_it_is_longer() -> None:
    call = Scripted(service_error(FaultKind.THROTTLED, retry_after_s=5))
    assert outcome(call) == 7
    assert call.at_s[1] - call.at_s[0] == pytest.approx(5)


def test_nobody_waits_longer_than_the_whole_may_take() -> None:
    call = Scripted(service_error(FaultKind.THROTTLED, retry_after_s=60))
    with pytest.raises(ServiceError):
        outcome(call)
    assert len(call.at_s) == 1


@pytest.mark.parametrize(
    ("is_write", "applied"), [(False, Applied.NO), (True, Applied.UNKNOWN)]
)
def test_silence_ends_at_the_deadline(is_write: bool, applied: Applied) -> None:
    tries = 0

    async def silent() -> int:
        nonlocal tries
        tries += 1
        await asyncio.sleep(1000)
        return 0

    with pytest.raises(ServiceError) as caught:
        outcome(silent, is_write=is_write)
    assert caught.value.kind is FaultKind.LOST
    assert caught.value.applied is applied
    assert tries == (1 if is_write else 3)
