"""What a refusal makes us do: learn from it, and stay away for as long as it asks.

Decides: which gate closes for how long. Must not know: whether the refused call goes
out again.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from batch_register.errors import ServiceError
from batch_register.model import FaultKind, RequestLimit
from batch_register.ports import Observer
from batch_register.throttle.gate import Gate
from batch_register.throttle.lessons import Lessons
from batch_register.throttle.policy import ThrottlePolicy
from batch_register.throttle.tries import Tries
from batch_register.throttle.window import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """Who can be kept waiting."""

    all_calls: Gate
    registers: Gate


class Obedience:
    """Does what refusals ask for, and tells the observer of it."""

    def __init__(
        self,
        policy: ThrottlePolicy,
        lessons: Lessons,
        gates: Gates,
        *,
        observer: Observer,
        rng: random.Random,
    ) -> None:
        self._policy = policy
        self._lessons = lessons
        self._gates = gates
        self._observer = observer
        self._rng = rng

    def obey(self, error: ServiceError, tries: Tries) -> float:
        """Do what the refusal of a call asks for.

        Return how long the refused call waits by itself: only registers mind their gate.
        """
        is_busy = error.kind is FaultKind.BUSY
        if is_busy and tries.call is Call.REGISTER:
            self._learn_tasks()
        if error.limit is not None and self._learn_limit(error, error.limit, tries):
            return 0.0
        wait_s = error.retry_after_s
        if wait_s is None:
            backoff = self._policy.busy if is_busy else self._policy.throttled
            # at least half the ceiling: a refusal is a fact, not a collision
            wait_s = backoff.delay_s(tries.refusals, 0.5 + self._rng.random() / 2)
        if is_busy:
            self._gates.registers.close_for(wait_s)
        else:
            self._gates.all_calls.close_for(wait_s, opens_slowly=True)
        self._notice(error, wait_s)
        return wait_s if is_busy else 0.0

    def _learn_limit(
        self, error: ServiceError, rule: RequestLimit, tries: Tries
    ) -> bool:
        """Learn a rule of the gateway; return whether its window says how to go on."""
        now_s, call, traffic = _now_s(), tries.call, self._lessons.traffic
        known = traffic.limits()
        if not traffic.learn(call, rule, now_s, sent_s=tries.sent_s):
            return False
        if traffic.limits() != known:
            self._observer.noticed(
                "throttle.limit_learned",
                limits={
                    name: f"{one.limit} per {one.window_s:g}s"
                    for name, one in traffic.limits().items()
                },
            )
        if error.retry_after_s != rule.window_s:
            return False  # told otherwise how long to stay away
        traffic.exhaust(call, rule, now_s)
        self._notice(error, traffic.wait_s(call, now_s))
        return True

    def _learn_tasks(self) -> None:
        tasks = self._lessons.tasks
        before = tasks.certain_limit
        tasks.note_refused(_now_s())
        if tasks.certain_limit != before:
            self._observer.noticed(
                "throttle.tasks_capped",
                limit=tasks.certain_limit,
                running=tasks.running,
            )

    def _notice(self, error: ServiceError, wait_s: float) -> None:
        self._observer.noticed(
            "service.throttled",
            operation=error.operation,
            code=error.fault.code,
            wait_s=round(wait_s, 3),
        )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
