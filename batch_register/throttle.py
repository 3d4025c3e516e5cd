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
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
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

_REFUSALS = frozenset({FaultKind.THROTTLED, FaultKind.BUSY})
_OUTAGE = frozenset({FaultKind.UNREACHABLE, FaultKind.LOST, FaultKind.SERVER})
_OUTAGE_BACKOFF = Backoff(base_s=0.5, cap_s=20.0)
_THROTTLED_BACKOFF = Backoff(base_s=2.0, cap_s=60.0)
_BUSY_BACKOFF = Backoff(base_s=5.0, cap_s=60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottlePolicy:
    """How patient the throttle is; times in seconds."""

    attempts: int = 5  # of one read that meets an outage
    refused_s: float = 3600.0  # how long one call is told "too many" before it fails
    outage: Backoff = _OUTAGE_BACKOFF
    throttled: Backoff = _THROTTLED_BACKOFF  # where no hint is given
    busy: Backoff = _BUSY_BACKOFF
    first_word_s: float = 30.0  # without any answer since the start: lost
    silence_s: float = 300.0  # without any answer since the last one: lost
    max_rate_per_s: float | None = None


@dataclass(slots=True, kw_only=True)
class _Tries:
    """How one call has fared so far."""

    began_s: float
    failures: int = 0  # outages in a row
    refusals: int = 0  # "too many" in a row


class Gate:
    """A moment before which nobody goes on; shared by all tasks.

    Once it has been closed, `single_file` is how its calls go on: one at a time, so that
    a service that has just a place or two is not asked by everybody at once.
    """

    def __init__(self) -> None:
        self._not_before_s = 0.0
        self._is_narrow = False
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def single_file(self) -> AsyncIterator[None]:
        """Let one caller at a time through, once this gate has ever been closed."""
        if not self._is_narrow:
            yield
            return
        async with self._one:
            yield

    def close_for(self, seconds: float) -> None:
        """Keep everybody waiting for at least this long from now."""
        until_s = asyncio.get_running_loop().time() + seconds
        self._not_before_s = max(self._not_before_s, until_s)
        self._is_narrow = True

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
        self._outages = 0  # gates closed in a row because nothing could be sent
        self._next_slot_s = 0.0
        self.last_error: ServiceError | None = None  # to explain why a run gave up

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

    async def _write(
        self, call: Callable[[], Awaitable[_T]], gate: Gate | None = None
    ) -> _T:
        return await self._patiently(call, gate, may_repeat=_was_not_applied)

    async def _read(self, call: Callable[[], Awaitable[_T]]) -> _T:
        return await self._patiently(call, may_repeat=lambda _: True)

    async def _patiently(
        self,
        call: Callable[[], Awaitable[_T]],
        gate: Gate | None = None,
        *,
        may_repeat: Callable[[ServiceError], bool],
    ) -> _T:
        tries = _Tries(began_s=asyncio.get_running_loop().time())
        while True:
            try:
                answer = await self._send(call, gate)
            except ServiceError as error:
                self._note(error)
                wait_s = self._wait_s(error, tries, may_repeat=may_repeat(error))
                if wait_s is None:
                    raise
            else:
                self._hear()
                return answer
            await self._stop.pause(wait_s)

    def _wait_s(
        self, error: ServiceError, tries: _Tries, *, may_repeat: bool
    ) -> float | None:
        """Return how long this call waits beside the gates; None: it has failed."""
        is_refusal = error.kind in _REFUSALS
        own_wait_s = 0.0
        if is_refusal or error.retry_after_s is not None:
            tries.refusals += 1
            own_wait_s = self._obey(error, tries.refusals)
        if not may_repeat:
            return None
        if error.kind is FaultKind.UNREACHABLE:
            return 0.0  # nothing was sent, and `_note` has closed the gate for all
        if is_refusal and self._may_wait(tries.began_s):
            return own_wait_s
        tries.failures += 1
        if error.kind not in _OUTAGE or tries.failures >= self._policy.attempts:
            return None
        return self._policy.outage.delay_s(tries.failures, self._rng.random())

    async def _send(self, call: Callable[[], Awaitable[_T]], gate: Gate | None) -> _T:
        """Send once all gates are open, in single file where `gate` asks for it."""
        if gate is None:
            await self._clearance(self._all_calls)
            return await call()
        async with gate.single_file():
            await self._clearance(self._all_calls, gate)
            return await call()

    def _may_wait(self, began_s: float) -> bool:
        """Return whether a call that is told "too many" since then may go on waiting."""
        waited_s = asyncio.get_running_loop().time() - began_s
        return waited_s < self._policy.refused_s

    def _obey(self, error: ServiceError, refusals: int) -> float:
        """Close the gate that the refusal speaks of, as long as it asks for.

        Return how long the refused call waits by itself: only registers mind their gate.
        """
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
        return wait_s if busy else 0.0

    async def _clearance(self, *gates: Gate) -> None:
        """Wait until every gate is open at once and it is our turn.

        Raises:
            StoppedError: the run was told to stop; nothing goes out after that.
        """
        is_clear = False
        while not is_clear:
            for gate in gates:
                await gate.passage(self._stop)
            await self._take_turn()
            if self._stop.is_requested:
                raise StoppedError
            is_clear = all(gate.left_s() <= 0 for gate in gates)

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
        self._outages = 0

    def _note(self, error: ServiceError) -> None:
        """Keep track of the service's health, and stop the run where it is lost."""
        if not self._stop.is_requested:  # what comes after a stop does not explain it
            self.last_error = error
        if isinstance(error, AuthenticationError):
            self._stop.request(StopReason.UNAUTHENTICATED)
        if error.kind not in _OUTAGE:
            self._hear()
            return
        now_s = asyncio.get_running_loop().time()
        if self._silent_since_s is None:
            self._silent_since_s = now_s
        self._observer.noticed(
            "service.call_failed",
            operation=error.operation,
            error=error.fault.sentence(),
        )
        if now_s - self._silent_since_s >= self._patience_s:
            self._stop.request(StopReason.UNREACHABLE)
        elif error.kind is FaultKind.UNREACHABLE and self._all_calls.left_s() <= 0:
            # one gate for all: an outage is not each entry's own bad luck
            self._outages += 1
            draw = 0.5 + self._rng.random() / 2
            self._all_calls.close_for(self._policy.outage.delay_s(self._outages, draw))

    @property
    def _patience_s(self) -> float:
        """Return how long the service may stay silent until it counts as lost."""
        never = self._heard_s is None
        return self._policy.first_word_s if never else self._policy.silence_s


def _was_not_applied(error: ServiceError) -> bool:
    return error.applied is Applied.NO
