"""One list per tick for all images in flight, and a request for the odd one.

Decides: when to ask the cloud, and whom to tell. Must not know: what is done with a
verdict, other entries' stages, the ledger.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from batch_register.errors import ServiceError, StoppedError
from batch_register.event import Event
from batch_register.model import (
    MANIFEST_TAG,
    ImageId,
    ImageQuery,
    ImageView,
    JobView,
)
from batch_register.ports import ImageService, Observer
from batch_register.stopping import Stop
from batch_register.watcher.verdict import (
    Watched,
    WatchLimits,
    earlier,
    is_due,
    is_left_out,
    judge_deadline,
    judge_image,
    judge_job,
    judge_listed,
    may_still_run,
    slowness,
    words_of,
)

# Checks of single images that may be under way at once: a burst of failed jobs must
# not turn into a burst of requests.
_CHECKS_AT_ONCE = 4
# How long a list may take, retries and all: deadlines are judged at every tick.
_LIST_PATIENCE_S = 300.0


class Watcher:
    """Waits for images on behalf of many tasks.

    `run` owns the polling and ends when it is cancelled or the run is told to stop;
    `watch` is called by the task that owns the entry.
    """

    def __init__(
        self,
        service: ImageService,
        manifest_name: str,
        limits: WatchLimits,
        *,
        stop: Stop,
        observer: Observer,
    ) -> None:
        self._service = service
        self._manifest_name = manifest_name
        self._limits = limits
        self._stop = stop
        self._observer = observer
        self._waiting: dict[ImageId, tuple[Watched, asyncio.Future[Event]]] = {}
        self._arrival = asyncio.Event()
        self._checking: dict[ImageId, asyncio.Task[None]] = {}
        self._check_places = asyncio.Semaphore(_CHECKS_AT_ONCE)
        self._is_stopped = False
        self._goes_by_tag = True  # until tag queries turn out to leave ours out
        self._listed_s = 0.0  # when the latest list was asked for, or polling began

    async def watch(self, watched: Watched) -> Event:
        """Return how the image ended.

        Raises:
            StoppedError: the run stops before the image has ended.
        """
        if self._is_stopped:
            raise StoppedError
        verdict: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._waiting[watched.image_id] = (watched, verdict)
        self._arrival.set()
        try:
            return await verdict
        finally:
            self._waiting.pop(watched.image_id, None)

    async def run(self) -> None:
        """Poll while anything is watched, until the run stops or this is cancelled.

        The run has listed everything before: from here on lists leave no gap.
        """
        self._listed_s = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            try:
                await self._poll(group)
            except StoppedError:
                self._is_stopped = True
                for check in self._checking.values():
                    check.cancel()
                for _, verdict in self._waiting.values():
                    if not verdict.done():
                        verdict.set_exception(StoppedError())

    async def _poll(self, group: asyncio.TaskGroup) -> None:
        loop, interval_s = asyncio.get_running_loop(), self._limits.poll_interval_s
        while True:
            await self._stop.until(self._arrival)
            self._arrival.clear()
            spent_s = 0.0
            while self._waiting:
                # from look to look; a service that is slow gets a whole one in peace
                is_slow = spent_s > interval_s / 2
                await self._stop.pause(interval_s - (0.0 if is_slow else spent_s))
                began_s = loop.time()
                await self._tick(group)
                spent_s = loop.time() - began_s

    async def _tick(self, group: asyncio.TaskGroup) -> None:
        listed = await self._list()
        now_s = asyncio.get_running_loop().time()
        for watched, _ in list(self._waiting.values()):
            view = listed.get(watched.image_id)
            event = judge_listed(watched, view) or judge_deadline(watched, now_s)
            self._tell(watched, event)
            if event is None and is_due(watched, view, self._limits, now_s):
                self._start_check(watched, group)

    def _start_check(self, watched: Watched, group: asyncio.TaskGroup) -> None:
        """Look after one image beside the ticks, which a slow answer must not stop."""
        if watched.image_id in self._checking:
            return
        check = group.create_task(self._check_in_turn(watched))
        self._checking[watched.image_id] = check
        check.add_done_callback(lambda _: self._checking.pop(watched.image_id, None))

    async def _check_in_turn(self, watched: Watched) -> None:
        async with self._check_places:
            if watched.image_id in self._waiting:
                with suppress(StoppedError):  # `run` hears of it at its next wait
                    await self._check(watched)

    async def _list(self) -> dict[ImageId, ImageView]:
        """Return the images in flight by id; a failed poll shows none and harms none."""
        asked_at_s = asyncio.get_running_loop().time()
        tag = (MANIFEST_TAG, self._manifest_name) if self._goes_by_tag else None
        query = ImageQuery(tag=tag, created_since=self._oldest())
        try:
            async with asyncio.timeout(_LIST_PATIENCE_S):
                views = await self._service.list_images(query)
        except ServiceError as error:
            self._observer.noticed("watch.list_failed", error=error.fault.sentence())
            return {}
        except TimeoutError:
            self._observer.noticed("watch.list_failed", error="no answer in time")
            return {}
        self._listed_s = asked_at_s
        return {view.image_id: view for view in views}

    def _oldest(self) -> str | None:
        """Return the creation time of the oldest image in flight, if all are known.

        It narrows the list to a few times what is in flight. The stamps are the
        cloud's own, so that clocks need not agree; they sort as text (ISO 8601). What
        another run made for the same entries shortly before is to be seen too, and
        whatever was made since the list before this one.
        """
        stamps = [watched.created_at for watched, _ in self._waiting.values()]
        if not stamps or not all(stamps):
            return None
        gap_s = asyncio.get_running_loop().time() - self._listed_s
        settle_s = self._limits.settle_s
        return earlier(min(stamps), max(2 * settle_s, gap_s + settle_s))

    async def _check(self, watched: Watched) -> None:
        """Ask about one image directly; a failed request leaves it waiting."""
        watched.note_check(asyncio.get_running_loop().time())
        try:
            job = await self._job(watched)
            # a job that runs says enough, unless the lists are in doubt
            if may_still_run(job) and (watched.is_listed or not self._goes_by_tag):
                watched.is_put_back = False
                return
            image = await self._service.get_image(watched.image_id)
        except ServiceError as error:
            fault = error.fault.sentence()
            self._observer.noticed("watch.check_failed", key=watched.key, error=fault)
            return
        now_s = asyncio.get_running_loop().time()
        watched.note_look(image, job, self._limits)
        if not may_still_run(job):
            event = judge_image(watched, image, judge_job(job), self._limits, now_s)
            self._tell(watched, event)
        if self._goes_by_tag and is_left_out(watched, image, self._limits, now_s):
            self._goes_by_tag = False
            self._observer.noticed("watch.goes_without_tags", key=watched.key)

    async def _job(self, watched: Watched) -> JobView | None:
        """Return the image's job; None where it is not known or forgotten."""
        if watched.job_id is None:
            return None
        job = await self._service.get_job(watched.job_id)
        if job is None:
            return None
        watched.last_seen = words_of(job)
        now_s = asyncio.get_running_loop().time()
        is_late = now_s - watched.since_s >= self._limits.overdue_every_s
        if is_late and may_still_run(job):
            self._observer.noticed("watch.slow", **slowness(watched, job, now_s))
        return job

    def _tell(self, watched: Watched, event: Event | None) -> None:
        if event is None or watched.image_id not in self._waiting:
            return
        _, verdict = self._waiting.pop(watched.image_id)  # no tick for it any more
        if not verdict.done():
            verdict.set_result(event)
