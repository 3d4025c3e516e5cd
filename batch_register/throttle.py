"""Every call to the image service passes here: gates, retries, giving up.

Decides: when a request may go out, whether a failed one goes out again, and when the
service counts as lost. Must not know: entries, stages, HTTP.

A write is repeated only where the service certainly did not act on it. A wait holds no
connection. A service that says "too many" is obeyed for as long as it says so; that
never counts as a failed attempt.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from batch_register.errors import AuthenticationError, ServiceError, StoppedError
from batch_register.model import (
    Applied,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageView,
    JobId,
    JobView,
    Pairs,
    Quota,
    StopReason,
)
from batch_register.pacing import Backoff
from batch_register.ports import ImageService, Observer
from batch_register.stopping import Stop

_T = TypeVar("_T")

_OUTAGE = frozenset({FaultKind.UNREACHABLE, FaultKind.LOST, FaultKind.SERVER})
_OUTAGE_BACKOFF = Backoff(base_s=0.5, cap_s=20.0)
_THROTTLED_BACKOFF = Backoff(base_s=2.0, cap_s=60.0)
_BUSY_BACKOFF = Backoff(base_s=5.0, cap_s=60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottlePolicy:
    """How patient the throttle is; times in seconds."""

    attempts: int = 5  # of one call that meets an outage
    outage: Backoff = _OUTAGE_BACKOFF
    throttled: Backoff = _THROTTLED_BACKOFF  # where no hint is given
    busy: Backoff = _BUSY_BACKOFF
    first_word_s: float = 30.0  # without any answer since the start: lost
    silence_s: float = 300.0  # without any answer since the last one: lost
    max_rate_per_s: float | None = None


class Gate:
    """A moment before which nobody goes on; shared by all tasks."""

    def __init__(self) -> None:
        self._not_before_s = 0.0

    def close_for(self, seconds: float) -> None:
        """Keep everybody waiting for at least this long from now."""
        until_s = asyncio.get_running_loop().time() + seconds
        self._not_before_s = max(self._not_before_s, until_s)

    async def passage(self, stop: Stop) -> None:
        """Wait until the gate is open."""
        while (left_s := self.left_s()) > 0:
            await stop.pause(left_s)

    def left_s(self) -> float:
        """Return how long the gate stays closed."""
        return self._not_before_s - asyncio.get_running_loop().time()


class Throttle:
    """An ImageService in front of another one, with patience and manners."""

    def __init__(
        self,
        service: ImageService,
        policy: ThrottlePolicy,
        *,
        stop: Stop,
        observer: Observer,
        rng: random.Random,
    ) -> None:
        self._service = service
        self._policy = policy
        self._stop = stop
        self._observer = observer
        self._rng = rng
        self._all_calls = Gate()
        self._registers = Gate()
        self._heard_s: float | None = None  # when the service last answered
        self._silent_since_s: float | None = None
        self._next_slot_s = 0.0

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        """See ports.ImageService."""
        return await self._write(lambda: self._service.create_image(spec, tags))

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        """See ports.ImageService."""
        return await self._write(
            lambda: self._service.register_image(image_id, spec), self._registers
        )

    async def delete_image(self, image_id: ImageId) -> None:
        """See ports.ImageService."""
        await self._write(lambda: self._service.delete_image(image_id))

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        """See ports.ImageService."""
        return await self._read(lambda: self._service.get_image(image_id))

    async def get_job(self, job_id: JobId) -> JobView | None:
        """See ports.ImageService."""
        return await self._read(lambda: self._service.get_job(job_id))

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        """See ports.ImageService."""
        return await self._read(lambda: self._service.list_images(query))

    async def get_quota(self) -> Quota:
        """See ports.ImageService."""
        return await self._read(self._service.get_quota)

    async def _write(self, call: Callable[[], Awaitable[_T]], *gates: Gate) -> _T:
        return await self._patiently(call, *gates, may_repeat=_was_not_applied)

    async def _read(self, call: Callable[[], Awaitable[_T]]) -> _T:
        return await self._patiently(call, may_repeat=lambda _: True)

    async def _patiently(
        self,
        call: Callable[[], Awaitable[_T]],
        *gates: Gate,
        may_repeat: Callable[[ServiceError], bool],
    ) -> _T:
        failures = 0  # outages in a row
        refusals = 0  # "too many" in a row
        while True:
            await self._clearance(self._all_calls, *gates)
            try:
                answer = await call()
            except ServiceError as error:
                self._note(error)
                is_refusal = error.kind in (FaultKind.THROTTLED, FaultKind.BUSY)
                if is_refusal or error.retry_after_s is not None:
                    refusals += 1
                    self._obey(error, refusals)
                if not may_repeat(error):
                    raise
                if is_refusal:
                    continue
                failures += 1
                if error.kind not in _OUTAGE or failures >= self._policy.attempts:
                    raise
                delay_s = self._policy.outage.delay_s(failures, self._rng.random())
            else:
                self._hear()
                return answer
            await self._stop.pause(delay_s)

    def _obey(self, error: ServiceError, refusals: int) -> None:
        """Close the gate that the refusal speaks of, as long as it asks for."""
        busy = error.kind is FaultKind.BUSY
        backoff = self._policy.busy if busy else self._policy.throttled
        wait_s = error.retry_after_s
        if wait_s is None:
            # at least half the ceiling: a refusal is a fact, not a collision
            wait_s = backoff.delay_s(refusals, 0.5 + self._rng.random() / 2)
        (self._registers if busy else self._all_calls).close_for(wait_s)
        self._observer.noticed(
            "service.throttled",
            operation=error.operation,
            code=error.fault.code,
            wait_s=round(wait_s, 3),
        )

    async def _clearance(self, *gates: Gate) -> None:
        """Wait until every gate is open at once and it is our turn.

        Raises:
            StoppedError: the run was told to stop; nothing goes out after that.
        """
        while True:
            for gate in gates:
                await gate.passage(self._stop)
            await self._take_turn()
            if self._stop.is_requested:
                raise StoppedError
            if all(gate.left_s() <= 0 for gate in gates):
                return

    async def _take_turn(self) -> None:
        """Keep the distance that the highest allowed rate asks for."""
        if self._policy.max_rate_per_s is None:
            return
        now_s = asyncio.get_running_loop().time()
        turn_s = max(self._next_slot_s, now_s)
        self._next_slot_s = turn_s + 1 / self._policy.max_rate_per_s
        if turn_s > now_s:
            await self._stop.pause(turn_s - now_s)

    def _hear(self) -> None:
        self._heard_s = asyncio.get_running_loop().time()
        self._silent_since_s = None

    def _note(self, error: ServiceError) -> None:
        """Keep track of the service's health, and stop the run where it is lost."""
        if isinstance(error, AuthenticationError):
            self._stop.request(StopReason.UNAUTHENTICATED)
        if error.kind not in _OUTAGE:
            self._hear()
            return
        now_s = asyncio.get_running_loop().time()
        if self._silent_since_s is None:
            self._silent_since_s = now_s
        never = self._heard_s is None
        patience_s = self._policy.first_word_s if never else self._policy.silence_s
        self._observer.noticed(
            "service.call_failed",
            operation=error.operation,
            error=error.fault.sentence(),
        )
        if now_s - self._silent_since_s >= patience_s:
            self._stop.request(StopReason.UNREACHABLE)


def _was_not_applied(error: ServiceError) -> bool:
    return error.applied is Applied.NO
