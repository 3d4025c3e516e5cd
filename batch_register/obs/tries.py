"""A few tries of one call, with pauses between them and an end to all of it.

Decides: which failures are worth another try, how long to wait. Must not know: what the
call does.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.model import Action, Applied, Fault, FaultKind

_T = TypeVar("_T")

_WORTH_REPEATING: Final = frozenset(
    {
        FaultKind.UNREACHABLE,
        FaultKind.LOST,
        FaultKind.SERVER,
        FaultKind.THROTTLED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long; times in seconds.

    `total_s` bounds the call with all its tries and pauses, `try_s` each try.
    """

    tries: int = 4
    try_s: float = 30.0
    total_s: float = 90.0
    first_pause_s: float = 0.25
    longest_pause_s: float = 8.0

    def pause_s(self, failed: int, share: float, asked_s: float | None) -> float:
        """Return how long to wait after so many failed tries, from 1.

        The pause doubles each time and is drawn from its upper half by `share`, 0 to 1;
        what the store asked for counts if it is longer.
        """
        whole_s = min(self.first_pause_s * 2.0 ** (failed - 1), self.longest_pause_s)
        return max(whole_s * (1 + share) / 2, asked_s or 0.0)


async def tried(
    call: Callable[[], Awaitable[_T]],
    *,
    operation: str,
    patience: Patience,
    rng: random.Random,
    is_write: bool = False,
) -> _T:
    """Return what one of a few tries gives.

    A write goes out again only where the store cannot have acted on it.

    Raises:
        ServiceError: the last failure; of kind LOST where the time was over.
    """
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + patience.total_s
    failed = 0
    while True:
        try:
            async with asyncio.timeout_at(min(loop.time() + patience.try_s, ends_at)):
                return await call()
        except TimeoutError:
            error = _too_slow(operation, is_write=is_write)
        except ServiceError as exc:
            error = exc
        failed += 1
        pause_s = patience.pause_s(failed, rng.random(), error.retry_after_s)
        is_late = loop.time() + pause_s >= ends_at
        if failed >= patience.tries or is_late or not _is_repeatable(error):
            raise error
        await asyncio.sleep(pause_s)


def _is_repeatable(error: ServiceError) -> bool:
    if isinstance(error, AuthenticationError) or error.applied is Applied.UNKNOWN:
        return False
    if (
        error.fault.action is Action.CONTACT_PROVIDER
    ):  # a certificate: waiting mends none
        return False
    return error.kind in _WORTH_REPEATING


def _too_slow(operation: str, *, is_write: bool) -> ServiceError:
    fault = Fault(
        kind=FaultKind.LOST,
        code="transport.timeout",
        reason="it took too long",
        action=Action.RUN_AGAIN,
    )
    applied = Applied.UNKNOWN if is_write else Applied.NO
    return ServiceError(operation, fault, applied=applied)
