"""Every call to the image service passes here: gates, retries, giving up.

Decides: when a request may go out, and whether a failed one goes out again. Must not
know: entries, stages, HTTP; what was learned is `window`'s and `tasks`' to judge.

A write is repeated only where the service certainly did not act on it. A wait holds no
connection. A service that says "too many" is obeyed for as long as it says so; that
never counts as a failed attempt.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from batch_register.errors import ServiceError, StoppedError
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
)
from batch_register.ports import ImageService, Observer
from batch_register.stopping import Stop
from batch_register.throttle.budget import RetryBudget
from batch_register.throttle.counted import counting
from batch_register.throttle.gate import Gate
from batch_register.throttle.health import OUTAGE, Health
from batch_register.throttle.lessons import Lessons
from batch_register.throttle.obedience import Gates, Obedience
from batch_register.throttle.places import Places
from batch_register.throttle.policy import ThrottlePolicy
from batch_register.throttle.tries import Tries
from batch_register.throttle.window import Call

_T = TypeVar("_T")

_REFUSALS = frozenset({FaultKind.THROTTLED, FaultKind.BUSY})
# Time is compared as a float: a wait must not end a hair too early, over and over.
_HAIR_S = 0.001


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
        lessons: Lessons | None = None,
    ) -> None:
        """`lessons`: what is known of the cloud; who gives them counts the lists."""
        self._counts_lists = lessons is None
        self.lessons = lessons or Lessons(policy)
        self._service = service
        self._policy = policy
        self._stop = stop
        self._observer = observer
        self._rng = rng
        self._all_calls = Gate()
        self._registers = Gate()
        self._health = Health(
            policy, self._all_calls, stop=stop, observer=observer, rng=rng
        )
        self._places = Places(self.lessons.tasks, stop=stop, shell_s=policy.shell_s)
        self._obedience = Obedience(
            policy,
            self.lessons,
            Gates(all_calls=self._all_calls, registers=self._registers),
            observer=observer,
            rng=rng,
        )
        self._budgets = {call: RetryBudget() for call in Call}
        self._next_slot_s = 0.0

    @property
    def last_error(self) -> ServiceError | None:
        """Return what explains why a run gave up."""
        return self._health.last_error

    @property
    def open_calls(self) -> int:
        """Return how many requests wait for their answer."""
        return self._all_calls.under_way

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        """See ports.ImageService; takes the place of the job that is to follow."""
        await self._places.enter()
        try:
            view = await self._write(
                Call.CREATE, lambda: self._service.create_image(spec, tags)
            )
        except BaseException:
            self._places.leave()
            raise
        self._places.rest()
        return view

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        """See ports.ImageService."""
        await self._places.enter(is_shell=True)
        try:
            job_id = await self._write(
                Call.REGISTER, lambda: self._service.register_image(image_id, spec)
            )
        except BaseException as error:
            if isinstance(error, ServiceError) and error.applied is Applied.UNKNOWN:
                self._note_job()  # there may be one
            else:
                self._places.leave()
            raise
        self._note_job()
        return job_id

    async def delete_image(self, image_id: ImageId) -> None:
        """See ports.ImageService."""
        await self._write(Call.DELETE, lambda: self._service.delete_image(image_id))

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        """See ports.ImageService."""
        return await self._read(
            Call.GET_IMAGE, lambda: self._service.get_image(image_id)
        )

    async def get_job(self, job_id: JobId) -> JobView | None:
        """See ports.ImageService."""
        return await self._read(Call.GET_JOB, lambda: self._service.get_job(job_id))

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        """See ports.ImageService."""
        return await self._read(Call.LIST, lambda: self._service.list_images(query))

    async def get_quota(self) -> Quota:
        """See ports.ImageService."""
        return await self._read(Call.QUOTA, self._service.get_quota)

    async def _write(self, kind: Call, call: Callable[[], Awaitable[_T]]) -> _T:
        return await self._patiently(kind, call, may_repeat=_was_not_applied)

    async def _read(self, kind: Call, call: Callable[[], Awaitable[_T]]) -> _T:
        return await self._patiently(kind, call, may_repeat=lambda _: True)

    async def _patiently(
        self,
        kind: Call,
        call: Callable[[], Awaitable[_T]],
        *,
        may_repeat: Callable[[ServiceError], bool],
    ) -> _T:
        now_s = _now_s()
        tries = Tries(call=kind, began_s=now_s, sent_s=now_s)
        while True:
            try:
                answer = await self._send(tries, call)
            except ServiceError as error:
                self._health.note(error)
                wait_s = self._wait_s(error, tries, may_repeat=may_repeat(error))
                if wait_s is None:
                    raise
            else:
                self._health.hear()
                self._budgets[kind].note_answer()
                return answer
            await self._stop.pause(wait_s)

    def _wait_s(
        self, error: ServiceError, tries: Tries, *, may_repeat: bool
    ) -> float | None:
        """Return how long this call waits beside the gates; None: it has failed."""
        is_refusal = error.kind in _REFUSALS
        own_wait_s = 0.0
        if is_refusal or error.retry_after_s is not None:
            tries.refusals += 1
            self._budgets[tries.call].note_refused()
            own_wait_s = self._obedience.obey(error, tries)
        if not may_repeat:
            return None
        if error.kind is FaultKind.UNREACHABLE:
            return 0.0  # nothing was sent, and the gate has been closed for all
        if is_refusal and self._may_wait(tries.began_s):
            return own_wait_s
        tries.failures += 1
        if error.kind not in OUTAGE or tries.failures >= self._policy.attempts:
            return None
        if not self._budgets[tries.call].pay():
            self._observer.noticed("service.retries_spent", operation=error.operation)
            return None
        return self._policy.outage.delay_s(tries.failures, self._rng.random())

    def _may_wait(self, began_s: float) -> bool:
        """Return whether a call that is told "too many" since then may go on waiting."""
        return _now_s() - began_s < self._policy.refused_s

    def _note_job(self) -> None:
        if self._places.accept():
            limit = self.lessons.tasks.limit
            self._observer.noticed("throttle.tasks_raised", limit=limit)

    # ------------------------------------------------------------ sending

    async def _send(self, tries: Tries, call: Callable[[], Awaitable[_T]]) -> _T:
        """Send once all gates are open, registers in single file where asked for it."""
        kind = tries.call
        if kind is not Call.REGISTER:
            await self._clearance(kind, self._all_calls)
            return await self._count(tries, call)
        async with self._registers.single_file():
            await self._places.room()
            await self._clearance(kind, self._all_calls, self._registers)
            return await self._count(tries, call)

    async def _clearance(self, kind: Call, *gates: Gate) -> None:
        """Wait until every gate is open at once, and it is our turn.

        Raises:
            StoppedError: the run was told to stop; nothing goes out after that.
        """
        traffic = self.lessons.traffic
        is_clear = False
        while not is_clear:
            for gate in gates:
                await gate.passage(self._stop)
            with traffic.holding(kind):
                while (wait_s := traffic.wait_s(kind, _now_s())) > 0.0:
                    await self._stop.pause(wait_s + _HAIR_S)
            await self._take_turn()
            if self._stop.is_requested:
                raise StoppedError
            has_room = traffic.wait_s(kind, _now_s()) <= 0.0
            is_clear = has_room and all(gate.is_open() for gate in gates)

    async def _count(self, tries: Tries, call: Callable[[], Awaitable[_T]]) -> _T:
        """Send, and keep count of what is under way and of what has passed."""
        kind, tries.sent_s = tries.call, _now_s()
        self.lessons.counts[kind] += 1
        tries.sendings += 1
        self.lessons.retries += tries.sendings > 1
        with self._all_calls.passing():
            try:
                if kind is Call.LIST and not self._counts_lists:
                    answer = await call()
                else:
                    async with counting(self.lessons.traffic, kind):
                        answer = await call()
            except ServiceError as error:
                self.lessons.counts[error.kind] += 1
                if error.kind is not FaultKind.THROTTLED:
                    self._all_calls.note_passed()
                raise
        self._all_calls.note_passed()
        return answer

    async def _take_turn(self) -> None:
        """Keep the distance that the highest allowed rate asks for."""
        if self._policy.max_rate_per_s is None:
            return
        now_s = _now_s()
        turn_s = max(self._next_slot_s, now_s)
        self._next_slot_s = turn_s + 1 / self._policy.max_rate_per_s
        if turn_s > now_s:
            await self._stop.pause(turn_s - now_s)


def _was_not_applied(error: ServiceError) -> bool:
    return error.applied is Applied.NO


def _now_s() -> float:
    return asyncio.get_running_loop().time()
