"""The first login of a run, tried again while its fault can pass.

Decides: which faults of a login are worth another try, how long until then, and when it
is enough. Must not know: how a login is worded or sent.

A refusal is never repeated: it would only be refused again, and a handful of wrong
passwords locks an account. For the same reason the tries are few even where the answers
were lost, since Keystone may have judged the password all the same.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.model import Action, FaultKind
from batch_register.pacing import Backoff
from batch_register.ports import Observer
from batch_register.stopping import Stop

_T = TypeVar("_T")

_PASSING = frozenset(
    {
        FaultKind.UNREACHABLE,
        FaultKind.LOST,
        FaultKind.SERVER,
        FaultKind.THROTTLED,
    }
)
_BACKOFF = Backoff(base_s=2.0, cap_s=20.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPatience:
    """How patient a run is with its first login; times in seconds."""

    tries: int = 6
    total_s: float = 60.0  # no try begins later than this after the first
    backoff: Backoff = _BACKOFF

    def wait_s(
        self, error: ServiceError, *, tries: int, elapsed_s: float, draw: float
    ) -> float | None:
        """Return how long to wait for the next try; None: the error is the last word.

        `tries` counts those that were made, `draw` is a number from 0.0 to 1.0.
        """
        if not _can_pass(error) or tries >= self.tries:
            return None
        # at least half the ceiling: an outage is a fact, not a collision
        wait_s = self.backoff.delay_s(tries, 0.5 + draw / 2)
        wait_s = max(wait_s, error.retry_after_s or 0.0)
        return wait_s if elapsed_s + wait_s <= self.total_s else None


async def patiently(
    log_in: Callable[[], Awaitable[_T]],
    patience: LoginPatience,
    *,
    stop: Stop,
    observer: Observer,
    rng: random.Random,
) -> _T:
    """Return what a login gives, trying again while its fault can pass.

    Raises:
        ServiceError: the last try's, where it failed for good or for too long.
        StoppedError: the run was told to stop while it waited.
    """
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    tries = 0
    while True:
        try:
            return await log_in()
        except ServiceError as error:
            tries += 1
            wait_s = patience.wait_s(
                error,
                tries=tries,
                elapsed_s=loop.time() - began_s,
                draw=rng.random(),
            )
            if wait_s is None:
                raise
            failed = error
        observer.noticed(
            "login.failed",
            error=failed.fault.sentence(),
            tries=tries,
            wait_s=round(wait_s, 3),
        )
        await stop.pause(wait_s)


def _can_pass(error: ServiceError) -> bool:
    """Return whether time alone may mend it: a bad certificate or a refusal stays."""
    is_refusal = isinstance(error, AuthenticationError)
    return (
        not is_refusal
        and error.kind in _PASSING
        and error.fault.action is Action.RUN_AGAIN
    )
