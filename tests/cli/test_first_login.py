"""The first login: tried again while its fault can pass, never once it was refused."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from batch_register.cli.first_login import LoginPatience, patiently
from batch_register.errors import AuthenticationError, ServiceError, StoppedError
from batch_register.model import Action, FaultKind, StopReason
from batch_register.stopping import Stop
from tests.fakes import fault, service_error
from tests.virtual_time import run_virtually

SESSION = "session"
PASSING = (
    FaultKind.UNREACHABLE,
    FaultKind.LOST,
    FaultKind.SERVER,
    FaultKind.THROTTLED,
)


class Noticing:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.noticed_facts: list[dict[str, object]] = []

    def entry_moved(self, record: object, event: object) -> None:
        raise AssertionError  # pragma: no cover - a login moves no entry

    def noticed(self, name: str, **facts: object) -> None:
        self.noticed_facts.append({"name": name, **facts})


class Keystone:
    """Fails as scripted, then lets everybody in; `at_s` is when it was asked."""

    def __init__(self, *failures: ServiceError) -> None:
        self.failures = list(failures)
        self.at_s: list[float] = []

    async def log_in(self) -> str:
        self.at_s.append(asyncio.get_running_loop().time())
        if self.failures:
            raise self.failures.pop(0)
        return SESSION


def attempt(
    keystone: Keystone,
    *,
    patience: LoginPatience | None = None,
    during: Callable[[Stop], None] = lambda _: None,
) -> tuple[object, Noticing]:
    """Return what the login gave or raised, and what was noticed."""
    watcher = Noticing()

    async def scene() -> object:
        stop = Stop()
        during(stop)
        try:
            return await patiently(
                keystone.log_in,
                patience or LoginPatience(),
                stop=stop,
                observer=watcher,
                rng=random.Random(7),
            )
        except (ServiceError, StoppedError) as error:
            return error

    return run_virtually(scene()), watcher


@pytest.mark.fault(9)
@pytest.mark.parametrize("kind", PASSING)
def test_one_passing_fault_does_not_end_the_run(kind: FaultKind) -> None:
    keystone = Keystone(service_error(kind))
    result, watcher = attempt(keystone)
    assert result == SESSION
    assert 1.0 <= keystone.at_s[1] <= 2.0
    (told,) = watcher.noticed_facts
    assert (told["name"], told["tries"]) == ("login.failed", 1)
    assert "as scripted" in str(told["error"])


@pytest.mark.parametrize("kind", PASSING)
def test_an_outage_without_end_is_given_up_within_a_minute(kind: FaultKind) -> None:
    keystone = Keystone(*(service_error(kind) for _ in range(100)))
    result, _ = attempt(keystone)
    assert isinstance(result, ServiceError)
    assert result.kind is kind
    assert len(keystone.at_s) == LoginPatience().tries
    assert 20.0 <= keystone.at_s[-1] <= 60.0


REFUSALS = {
    "wrong password": AuthenticationError("log in", fault(FaultKind.UNAUTHENTICATED)),
    "refused with a passing kind": AuthenticationError(
        "log in", fault(FaultKind.SERVER)
    ),
    "no Keystone there": service_error(FaultKind.NOT_FOUND),
    "not Keystone's answer": service_error(FaultKind.MISREAD),
    "must not be sent": service_error(FaultKind.REJECTED),
    "a certificate that is not trusted": ServiceError(
        "log in", fault(FaultKind.UNREACHABLE, action=Action.CONTACT_PROVIDER)
    ),
    "a proxy that refuses": ServiceError(
        "log in", fault(FaultKind.UNREACHABLE, action=Action.ASK_PERMISSION)
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_what_waiting_cannot_mend_is_tried_once(refusal: ServiceError) -> None:
    """Above all a wrong password: a handful of them locks the account."""
    keystone = Keystone(refusal)
    result, watcher = attempt(keystone)
    assert result is refusal
    assert (len(keystone.at_s), watcher.noticed_facts) == (1, [])


def test_a_wrong_password_after_an_outage_is_tried_once() -> None:
    refusal = REFUSALS["wrong password"]
    keystone = Keystone(service_error(FaultKind.SERVER), refusal)
    result, _ = attempt(keystone)
    assert result is refusal
    assert len(keystone.at_s) == 2


@pytest.mark.fault(6)
@pytest.mark.parametrize(
    ("asked_s", "tries"), [(0.0, 2), (45.0, 2), (61.0, 1), (3600.0, 1)]
)
def test_a_time_that_keystone_asks_for_is_kept_or_given_up_at_once(
    asked_s: float, tries: int
) -> None:
    keystone = Keystone(service_error(FaultKind.THROTTLED, retry_after_s=asked_s))
    result, _ = attempt(keystone)
    assert len(keystone.at_s) == tries
    if tries == 2:
        assert result == SESSION
        assert keystone.at_s[1] >= asked_s


def test_no_try_begins_after_the_runs_window() -> None:
    keystone = Keystone(*(service_error(FaultKind.SERVER) for _ in range(100)))
    result, _ = attempt(keystone, patience=replace(LoginPatience(), total_s=5.0))
    assert isinstance(result, ServiceError)
    assert keystone.at_s[-1] <= 5.0
    assert 1 < len(keystone.at_s) < LoginPatience().tries


def test_a_stop_cuts_the_wait_short_and_logs_in_no_more() -> None:
    keystone = Keystone(service_error(FaultKind.SERVER))

    def stop_soon(stop: Stop) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, stop.request, StopReason.SIGTERM)

    result, _ = attempt(keystone, during=stop_soon)
    assert isinstance(result, StoppedError)
    assert keystone.at_s == [0.0]
