"""In-process stand-ins for the engine's ports: a cloud, a ledger, an observer."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from batch_register.entry import EntryRecord
from batch_register.errors import ServiceError
from batch_register.event import Event
from batch_register.model import (
    ENTRY_TAG,
    Action,
    Applied,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageStatus,
    ImageView,
    JobId,
    JobStatus,
    JobView,
    Pairs,
    Quota,
    spec_digest,
)


def fault(
    kind: FaultKind, code: str = "test", action: Action = Action.RUN_AGAIN
) -> Fault:
    """Return a fault of this kind."""
    return Fault(kind=kind, code=code, reason="as scripted", action=action)


def service_error(
    kind: FaultKind,
    *,
    applied: Applied = Applied.NO,
    code: str = "test",
    retry_after_s: float | None = None,
) -> ServiceError:
    """Return what a client would raise for a fault of this kind."""
    error = fault(kind, code)
    return ServiceError("test", error, applied=applied, retry_after_s=retry_after_s)


def spec(key: str = "web-01", **changes: Any) -> ImageSpec:
    """Return a small valid entry."""
    plain = ImageSpec(
        key=EntryKey(key),
        name=key,
        image_url=f"bucket:{key}.qcow2",
        os_version="Ubuntu 22.04 server 64bit",
        min_disk_gb=40,
    )
    return replace(plain, **changes)


@dataclass(slots=True)
class FakeImage:
    """One image of the fake cloud."""

    view: ImageView
    made_at_s: float
    job_id: JobId | None = None
    registered_at_s: float = 0.0
    ends_at_s: float = 0.0
    failure: Fault | None = None


Reply = str  # ok, refuse, lose-before, lose-after, throttle, busy, quota


@dataclass
class FakeCloud:
    """An ImageService with a script of replies to its writes and a lag in its lists.

    It counts what matters: images per entry, registers per image, writes.
    """

    replies: deque[Reply] = field(default_factory=deque)
    job_s: float = 10.0
    list_lag_s: float = 0.0
    status_lag_s: float = 0.0  # how long an image shows queued after a register
    keeps_tags: bool = True
    honours_tag_query: bool = True
    failing_jobs: dict[str, Fault] = field(default_factory=dict)  # by image name
    read_error: Callable[[str], ServiceError | None] = lambda _: None
    images: dict[ImageId, FakeImage] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    accepted_registers: Counter[ImageId] = field(default_factory=Counter)
    peak_jobs: int = 0
    made: int = 0
    quota: int = 1000

    # ------------------------------------------------------------ writes

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        self.calls["create"] += 1
        reply = await self._reply()
        if reply == "lose-before":
            raise service_error(FaultKind.LOST, applied=Applied.UNKNOWN)
        if reply in ("ok", "lose-after") and len(self.images) >= self.quota:
            reply = "quota"
        if reply not in ("ok", "lose-after"):
            raise _refusal(reply)
        self.made += 1  # an id is never used twice
        image_id = ImageId(f"image-{self.made}")
        view = ImageView(
            image_id=image_id,
            name=spec.name,
            status=ImageStatus.QUEUED,
            tags=(*tags, *spec.tags) if self.keeps_tags else (("other", "x"),),
            created_at=_stamp(),
            raw_status="queued",
        )
        self.images[image_id] = FakeImage(view, _now_s())
        if reply == "lose-after":
            raise service_error(FaultKind.LOST, applied=Applied.UNKNOWN)
        return view

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        self.calls["register"] += 1
        reply = await self._reply()
        if reply == "lose-before":
            raise service_error(FaultKind.LOST, applied=Applied.UNKNOWN)
        if reply not in ("ok", "lose-after"):
            raise _refusal(reply)
        image = self.images.get(image_id)
        if image is None:
            raise service_error(FaultKind.NOT_FOUND)
        if self._now(image).status is not ImageStatus.QUEUED:
            raise service_error(FaultKind.CONFLICT, applied=Applied.UNKNOWN)
        image.job_id = JobId(f"job-of-{image_id}")
        image.registered_at_s = _now_s()
        image.ends_at_s = _now_s() + self.job_s
        image.failure = self.failing_jobs.get(spec.name)
        self.accepted_registers[image_id] += 1
        self.peak_jobs = max(self.peak_jobs, self.unfinished_jobs)
        if reply == "lose-after":
            raise service_error(FaultKind.LOST, applied=Applied.UNKNOWN)
        return image.job_id

    async def delete_image(self, image_id: ImageId) -> None:
        self.calls["delete"] += 1
        await asyncio.sleep(0)
        self.images.pop(image_id, None)

    # ------------------------------------------------------------ reads

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        await self._read("get_image")
        image = self.images.get(image_id)
        return None if image is None else self._now(image)

    async def get_job(self, job_id: JobId) -> JobView | None:
        await self._read("get_job")
        for image in self.images.values():
            if image.job_id == job_id:
                return self._job(job_id, image)
        return None

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        await self._read("list")
        views = [
            self._now(image)
            for image in self.images.values()
            if _now_s() - image.made_at_s >= self.list_lag_s
        ]
        if query.name is not None:
            views = [view for view in views if view.name == query.name]
        if query.image_id is not None:
            views = [view for view in views if view.image_id == query.image_id]
        if query.created_since is not None:
            views = [view for view in views if view.created_at >= query.created_since]
        if query.tag is not None:
            tagged = [view for view in views if query.tag in view.tags]
            views = tagged if self.honours_tag_query else []
        return views

    async def get_quota(self) -> Quota:
        await self._read("quota")
        return Quota(used=len(self.images), limit=self.quota)

    # ------------------------------------------------------------ what it knows

    @property
    def unfinished_jobs(self) -> int:
        return sum(
            1
            for image in self.images.values()
            if image.job_id is not None and _now_s() < image.ends_at_s
        )

    def live_per_entry(self) -> Counter[str]:
        """Return how many images that are not dead each entry has, by its tag."""
        dead = {ImageStatus.KILLED, ImageStatus.DELETED}
        views = (self._now(image) for image in self.images.values())
        return Counter(
            view.tag(ENTRY_TAG) or view.name
            for view in views
            if view.status not in dead
        )

    def _now(self, image: FakeImage) -> ImageView:
        if image.job_id is None:
            return image.view
        if _now_s() < image.registered_at_s + self.status_lag_s:
            return image.view
        if _now_s() < image.ends_at_s:
            return _with(image.view, ImageStatus.SAVING)
        if image.failure is not None:
            return _with(image.view, ImageStatus.KILLED)
        return _with(image.view, ImageStatus.ACTIVE, size_bytes=1000)

    def _job(self, job_id: JobId, image: FakeImage) -> JobView:
        if _now_s() < image.ends_at_s:
            status = JobStatus.RUNNING
        else:
            status = JobStatus.FAIL if image.failure else JobStatus.SUCCESS
        return JobView(
            job_id=job_id, status=status, fault=image.failure, raw_status=status.value
        )

    async def _reply(self) -> Reply:
        await asyncio.sleep(0)
        return self.replies.popleft() if self.replies else "ok"

    async def _read(self, call: str) -> None:
        self.calls[call] += 1
        await asyncio.sleep(0)
        error = self.read_error(call)
        if error is not None:
            raise error


def _refusal(reply: Reply) -> ServiceError:
    kinds = {
        "refuse": FaultKind.REJECTED,
        "throttle": FaultKind.THROTTLED,
        "busy": FaultKind.BUSY,
        "quota": FaultKind.QUOTA,
        "unreachable": FaultKind.UNREACHABLE,
    }
    return service_error(kinds[reply], retry_after_s=1.0)


def _with(view: ImageView, status: ImageStatus, size_bytes: int = 0) -> ImageView:
    return replace(view, status=status, raw_status=status.value, size_bytes=size_bytes)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _stamp() -> str:
    return f"2026-09-01T00:{int(_now_s()) // 60 % 60:02}:{int(_now_s()) % 60:02}Z"


class PowerCutError(BaseException):
    """The process is gone; nothing after this line happened."""


@dataclass
class MemoryLedger:
    """A ledger in memory that may lose power before or after a chosen line."""

    lines: list[tuple[EntryKey, Event, str]] = field(default_factory=list)
    declared: list[ImageSpec] = field(default_factory=list)
    removed: list[EntryKey] = field(default_factory=list)
    observed: dict[str, object] = field(default_factory=dict)
    cuts: deque[int] = field(default_factory=deque)  # lines until the next cut
    after_line: bool = True  # whether the line that meets the cut still counts
    stamps: int = 0

    async def append(self, key: EntryKey, *events: Event) -> str:
        await asyncio.sleep(0)
        self.stamps += 1
        at = f"2026-09-01T00:00:00.{self.stamps % 1000:03}Z"
        for event in events:
            is_cut = self._is_cut()
            if not is_cut or self.after_line:
                self.lines.append((key, event, at))
            if is_cut:
                raise PowerCutError
        return at

    async def declare(
        self, specs: Iterable[ImageSpec], removed: Iterable[EntryKey]
    ) -> None:
        await asyncio.sleep(0)
        self.declared += specs
        self.removed += removed

    async def observe(self, facts: Mapping[str, object]) -> None:
        await asyncio.sleep(0)
        self.observed.update(facts)

    @property
    def list_lag_s(self) -> float:
        """Return what the last run has measured of the lists' lag."""
        lag_s = self.observed.get("list_lag_s", 0.0)
        assert isinstance(lag_s, float)
        return lag_s

    def _is_cut(self) -> bool:
        if not self.cuts:
            return False
        self.cuts[0] -= 1
        if self.cuts[0] > 0:
            return False
        self.cuts.popleft()
        return True

    def replay(self) -> dict[EntryKey, EntryRecord]:
        """Return the records as the next run finds them."""
        records: dict[EntryKey, EntryRecord] = {}
        for one in self.declared:
            record = records.setdefault(one.key, EntryRecord(key=one.key))
            record.declare(one.name, one.image_url, spec_digest(one), one.labels)
        for key, event, at in self.lines:
            records[key].apply(event, at)
        return records

    def events(self, key: str) -> list[Event]:
        """Return what is on record of one entry."""
        return [event for owner, event, _ in self.lines if owner == key]


@dataclass
class Notebook:
    """An observer that writes everything down."""

    moves: list[tuple[EntryKey, Event]] = field(default_factory=list)
    notices: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def entry_moved(self, record: EntryRecord, event: Event) -> None:
        self.moves.append((record.key, event))

    def noticed(self, name: str, **facts: object) -> None:
        self.notices.append((name, facts))


@dataclass
class ScriptedService:
    """An ImageService that answers each call from its own list; the last answer stays.

    An answer that is an exception is raised. `sent` tells when each call went out.
    """

    answers: dict[str, list[Any]] = field(default_factory=dict)
    sent: list[tuple[float, str]] = field(default_factory=list)
    queries: list[ImageQuery] = field(default_factory=list)
    takes_s: float = 0.0  # how long each call is under way
    under_way: int = 0
    peak: int = 0

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        answer: ImageView = await self._answer("create")
        return answer

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        answer: JobId = await self._answer("register")
        return answer

    async def delete_image(self, image_id: ImageId) -> None:
        await self._answer("delete")

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        answer: ImageView | None = await self._answer("get_image")
        return answer

    async def get_job(self, job_id: JobId) -> JobView | None:
        answer: JobView | None = await self._answer("get_job")
        return answer

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        self.queries.append(query)
        answer: list[ImageView] = await self._answer("list")
        return answer

    async def get_quota(self) -> Quota:
        answer: Quota = await self._answer("quota")
        return answer

    def times(self, call: str) -> list[float]:
        """Return when this call went out."""
        return [at_s for at_s, name in self.sent if name == call]

    async def _answer(self, call: str) -> Any:
        self.sent.append((_now_s(), call))
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        try:
            await asyncio.sleep(self.takes_s)
        finally:
            self.under_way -= 1
        script = self.answers.get(call, [None])
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, Exception):
            raise answer
        return answer
