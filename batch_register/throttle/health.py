"""Whether the service still answers, and when the run gives it up.

Decides: what counts as an answer, and how long silence is borne. Must not know: which
call it was, whether it goes out again.
"""

from __future__ import annotations

import asyncio
import random

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.model import Action, FaultKind, StopReason
from batch_register.ports import Observer
from batch_register.stopping import Stop
from batch_register.throttle.gate import Gate
from batch_register.throttle.policy import ThrottlePolicy

OUTAGE = frozenset({FaultKind.UNREACHABLE, FaultKind.LOST, FaultKind.SERVER})


class Health:
    """The service's health as all calls together show it."""

    def __init__(
        self,
        policy: ThrottlePolicy,
        gate: Gate,
        *,
        stop: Stop,
        observer: Observer,
        rng: random.Random,
    ) -> None:
        self._policy = policy
        self._gate = gate
        self._stop = stop
        self._observer = observer
        self._rng = rng
        self._heard_s: float | None = None  # when the service last answered
        self._silent_since_s: float | None = None
        self._outages = 0  # gates closed in a row because nothing could be sent
        self.last_error: ServiceError | None = None

    def hear(self) -> None:
        """Take note of an answer, whatever it says."""
        self._heard_s = _now_s()
        self._silent_since_s = None
        self._outages = 0

    def note(self, error: ServiceError) -> None:
        """Take note of a failed call, and stop the run where the service is lost."""
        if not self._stop.is_requested:  # what comes after a stop does not explain it
            self.last_error = error
        if isinstance(error, AuthenticationError):
            self._stop.request(StopReason.UNAUTHENTICATED)
        if error.kind not in OUTAGE:
            self.hear()
            return
        now_s = _now_s()
        if self._silent_since_s is None:
            self._silent_since_s = now_s
        self._observer.noticed(
            "service.call_failed",
            operation=error.operation,
            error=error.fault.sentence(),
        )
        waited_s = now_s - self._silent_since_s
        if waited_s >= self._patience_s or self._is_hopeless(error):
            self._stop.request(StopReason.UNREACHABLE)
        elif error.kind is FaultKind.UNREACHABLE and self._gate.left_s() <= 0:
            # one gate for all: an outage is not each entry's own bad luck
            self._outages += 1
            draw = 0.5 + self._rng.random() / 2
            self._gate.close_for(self._policy.outage.delay_s(self._outages, draw))

    def _is_hopeless(self, error: ServiceError) -> bool:
        """Return whether a service that never answered will not do so by waiting.

        A certificate or a proxy's refusal stays what it is. Where the service has
        answered before, it is one of its nodes that is wrong: an outage.
        """
        never = self._heard_s is None
        no_answer = error.kind in (FaultKind.UNREACHABLE, FaultKind.LOST)
        return never and no_answer and error.fault.action is not Action.RUN_AGAIN

    @property
    def _patience_s(self) -> float:
        """Return how long the service may stay silent until it counts as lost."""
        never = self._heard_s is None
        return self._policy.first_word_s if never else self._policy.silence_s


def _now_s() -> float:
    return asyncio.get_running_loop().time()
