"""How requests of one process fare on their way: sent once, delayed, lost, refused."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from batch_register.errors import AuthenticationError, ServiceError
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
    RequestLimit,
)
from tests.simulation.cloud import SimCloud, refusal
from tests.simulation.story import CALL_DEADLINE_S, LATEST_S

_T = TypeVar("_T")


class Sender(Protocol):
    """The process that requests come from."""

    gone_s: float | None  # when it ended, however it did

    def check(self) -> None:
        """Raise PowerCutError once the process is dead."""
        ...

    def note_sent(
        self, call: str, key: str | None, image_id: ImageId | None, *, is_write: bool
    ) -> None:
        """Hear that a request goes out."""
        ...

    def note_shown(self, query: ImageQuery, views: list[ImageView]) -> None:
        """Hear what a list has shown the process."""
        ...

    def note_answered(self, call: str, key: str | None, words: str) -> None:
        """Hear what the process is told."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one request: when it is executed, what is answered when."""

    executes_after_s: float | None
    answers_after_s: float
    error: ServiceError | None = None


class Wire:
    """An ImageService as one process sees it."""

    def __init__(self, cloud: SimCloud, sender: Sender, rng: random.Random) -> None:
        self._cloud = cloud
        self._sender = sender
        self._rng = rng

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        return await self._write(
            "create", spec.key, None, lambda: self._cloud.create(spec, tags)
        )

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        return await self._write(
            "register",
            spec.key,
            image_id,
            lambda: self._cloud.register(image_id, spec),
        )

    async def delete_image(self, image_id: ImageId) -> None:
        key = self._key_of(image_id)
        await self._write("delete", key, image_id, lambda: self._cloud.delete(image_id))

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        key = self._key_of(image_id)
        return await self._read("get", key, lambda: self._cloud.get(image_id))

    async def get_job(self, job_id: JobId) -> JobView | None:
        key = self._key_of(ImageId(job_id.removeprefix("job-").rpartition("-")[0]))
        return await self._read("job", key, lambda: self._cloud.job(job_id))

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        views = await self._read("list", None, lambda: self._cloud.listed(query))
        self._sender.note_shown(query, views)
        return views

    async def get_quota(self) -> Quota:
        return await self._read("quota", None, self._cloud.quota)

    def _key_of(self, image_id: ImageId) -> str | None:
        image = self._cloud.images.get(image_id)
        return None if image is None else image.spec.key

    async def _write(
        self,
        call: str,
        key: str | None,
        image_id: ImageId | None,
        execute: Callable[[], _T],
    ) -> _T:
        self._sender.check()
        self._sender.note_sent(call, key, image_id, is_write=True)
        return await self._travel(call, key, self._write_fate(), execute)

    async def _read(self, call: str, key: str | None, execute: Callable[[], _T]) -> _T:
        self._sender.check()
        self._sender.note_sent(call, key, None, is_write=False)
        return await self._travel(call, key, self._read_fate(), execute)

    async def _travel(
        self, call: str, key: str | None, fate: Fate, execute: Callable[[], _T]
    ) -> _T:
        answer: list[_T | ServiceError] = []
        loop = asyncio.get_running_loop()

        def arrive(*, is_detour: bool = False) -> None:
            gone_s = self._sender.gone_s
            if gone_s is not None and not is_detour:
                # what a process has sent that is gone may be lost, or come late
                left_s = gone_s + LATEST_S - loop.time()
                if left_s < 0 or self._rng.random() < 0.3:
                    return
                detour_s = self._rng.choice([0.0, self._rng.uniform(0, left_s)])
                loop.call_later(detour_s, lambda: arrive(is_detour=True))
                return
            try:
                answer.append(execute())
            except ServiceError as error:
                answer.append(error)

        if fate.executes_after_s is not None:
            loop.call_later(fate.executes_after_s, arrive)
        await asyncio.sleep(fate.answers_after_s)
        self._sender.check()
        told = answer[0] if fate.error is None else fate.error
        if isinstance(told, ServiceError):
            self._sender.note_answered(call, key, f"{told.kind} {told.applied}")
            raise told
        self._sender.note_answered(call, key, "ok")
        return told

    # ------------------------------------------------------------ fates

    def _write_fate(self) -> Fate:
        story = self._cloud.story
        if self._is_out():
            return self._outage(is_write=True)
        if self._cloud.is_calm or self._rng.random() >= story.fault_rate:
            return self._good()
        names, weights = zip(*_WRITE_FAULTS.items(), strict=True)
        return self._fault(self._rng.choices(names, weights=weights)[0])

    def _read_fate(self) -> Fate:
        if self._is_out():
            return self._outage(is_write=False)
        rate = self._cloud.story.read_fault_rate
        if self._cloud.is_calm or self._rng.random() >= rate:
            return self._good()
        kind = self._rng.choice(
            [FaultKind.LOST, FaultKind.SERVER, FaultKind.THROTTLED, FaultKind.MISREAD]
        )
        after_s = CALL_DEADLINE_S if kind is FaultKind.LOST else self._soon_s()
        error = self._refusal(kind, "sim.read")
        return Fate(executes_after_s=None, answers_after_s=after_s, error=error)

    def _good(self) -> Fate:
        there_s = self._soon_s()
        return Fate(executes_after_s=there_s, answers_after_s=there_s + self._soon_s())

    def _outage(self, *, is_write: bool) -> Fate:
        if self._rng.random() < 0.7:
            return self._fault("unreachable")
        if is_write:
            return self._fault("lost")
        error = refusal(FaultKind.LOST, "sim.read")
        return Fate(executes_after_s=None, answers_after_s=CALL_DEADLINE_S, error=error)

    def _fault(self, name: str) -> Fate:
        """Return the fate of that name; see _WRITE_FAULTS."""
        soon_s = self._soon_s()
        unknown = Applied.UNKNOWN
        kind, _, effect = name.partition("-")
        match kind:
            case "unreachable":
                error = refusal(FaultKind.UNREACHABLE, "sim.unreachable")
            case "throttled":
                error = self._refusal(FaultKind.THROTTLED, "http.429")
            case "rejected":
                error = refusal(FaultKind.REJECTED, "IMG.0001")
            case "forbidden":
                error = refusal(FaultKind.FORBIDDEN, "IMG.0025")
            case "unauthenticated":
                base = refusal(FaultKind.UNAUTHENTICATED, "http.401")
                error = AuthenticationError("sim", base.fault)
            case "server":
                hint_s = self._rng.choice([None, None, 2.0])
                error = refusal(
                    FaultKind.SERVER, "http.503", applied=unknown, retry_after_s=hint_s
                )
            case "misread":
                error = refusal(FaultKind.MISREAD, "answer.empty", applied=unknown)
            case _:
                error = refusal(FaultKind.LOST, "sim.lost", applied=unknown)
        answers_s = self._rng.choice([soon_s, CALL_DEADLINE_S])
        executes_s: dict[str, float | None] = {
            "applied": answers_s / 2,
            "late": answers_s + self._late_s(),
        }
        return Fate(
            executes_after_s=executes_s.get(effect),
            answers_after_s=answers_s,
            error=error,
        )

    def _is_out(self) -> bool:
        if self._cloud.is_calm:
            return False
        now_s = asyncio.get_running_loop().time()
        return any(begin <= now_s < end for begin, end in self._cloud.story.outages)

    def _late_s(self) -> float:
        return self._rng.choice([LATEST_S, self._rng.uniform(0, LATEST_S)])

    def _soon_s(self) -> float:
        return self._rng.choice([0.01, 0.1, self._rng.uniform(0.01, 3.0)])

    def _refusal(self, kind: FaultKind, code: str) -> ServiceError:
        """Return a refusal; one that names a time names a rule too, true or not."""
        hint_s = self._hint_s(kind)
        error = refusal(kind, code, retry_after_s=hint_s)
        if hint_s is not None:
            error.limit = RequestLimit(limit=4, window_s=hint_s)
        return error

    def _hint_s(self, kind: FaultKind) -> float | None:
        if kind is not FaultKind.THROTTLED:
            return None
        return self._rng.choice([None, 1.0, 7.0])


# How often each fault of a write comes, by weight. Without "-applied" or "-late" the
# request has no effect.
_WRITE_FAULTS = {
    "unreachable": 3,
    "lost": 4,
    "lost-applied": 5,
    "lost-late": 5,
    "throttled": 3,
    "server": 3,
    "server-applied": 3,
    "server-late": 2,
    "misread": 1,
    "misread-applied": 2,
    "rejected": 1,
    "forbidden": 1,
    "unauthenticated": 0.3,
}
