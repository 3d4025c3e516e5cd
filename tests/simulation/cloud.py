"""The truth of a simulated image service: images, jobs, limits; and what it shows of them.

What a request does is decided when it arrives, whoever still waits for its answer. What
is shown may be as old as the story's lags allow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from batch_register.errors import ServiceError
from batch_register.model import (
    OWN_TAG_PREFIX,
    SPEC_TAG,
    Action,
    Applied,
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
from tests.simulation.history import History
from tests.simulation.story import Beside, Story, Tags, stream

EPOCH = datetime(2026, 9, 1, tzinfo=UTC)
_SIZE_BYTES = 1000
_LIVE = (ImageStatus.QUEUED, ImageStatus.SAVING, ImageStatus.ACTIVE)
_FOREVER_S = 1e9


def wall(at_s: float) -> datetime:
    """Return the cloud's wall time at a moment of the loop."""
    return EPOCH + timedelta(seconds=at_s)


def refusal(
    kind: FaultKind,
    code: str,
    *,
    applied: Applied = Applied.NO,
    retry_after_s: float | None = None,
) -> ServiceError:
    """Return what a client makes of a request that failed."""
    told = Fault(kind=kind, code=code, reason="as drawn", action=Action.RUN_AGAIN)
    return ServiceError("sim", told, applied=applied, retry_after_s=retry_after_s)


@dataclass(slots=True)
class SimJob:
    """One job: when it ends, and how."""

    job_id: JobId
    began_s: float
    ends_s: float
    failure: Fault | None


@dataclass(slots=True)
class SimImage:
    """One image, with every status that it had or will have."""

    image_id: ImageId
    spec: ImageSpec
    tags: Pairs
    made_s: float
    course: list[tuple[float, ImageStatus]]
    jobs: list[SimJob] = field(default_factory=list)
    source: str = ""
    is_given_up: bool = False  # a ledger says that it was left behind

    @property
    def created_at(self) -> str:
        """Return the cloud's own text of when it was made."""
        return f"{wall(self.made_s):%Y-%m-%dT%H:%M:%SZ}"

    def status_at(self, at_s: float) -> ImageStatus:
        """Return the status at that moment."""
        known = [status for since_s, status in self.course if since_s <= at_s]
        return known[-1] if known else self.course[0][1]

    def is_shell_at(self, at_s: float) -> bool:
        """Return whether it never had a file."""
        return self.status_at(at_s) is ImageStatus.QUEUED and not self.jobs

    def is_live(self, at_s: float) -> bool:
        """Return whether it is an image that somebody could count as the entry's.

        A shell whose job has failed is none, nor one that a ledger gives up as it cannot
        be deleted, until a file is registered for it again.
        """
        status = self.status_at(at_s)
        if status is ImageStatus.QUEUED and (self.jobs or self.is_given_up):
            return False
        return status in _LIVE

    def change(self, at_s: float, status: ImageStatus) -> None:
        """Have the image change, whatever was to come after."""
        self.course = [step for step in self.course if step[0] <= at_s]
        self.course.append((at_s, status))


class SimCloud:
    """The service itself."""

    def __init__(
        self, story: Story, history: History, now_s: Callable[[], float]
    ) -> None:
        self.story = story
        self.images: dict[ImageId, SimImage] = {}
        self.creates: Counter[str] = Counter()
        self.is_calm = False
        self.when_made: Callable[[], None] = lambda: None
        self.history = history
        self._now_s = now_s
        self._rng = stream(story.seed, "cloud")
        kinds = ["told", "told", "forbidden", "wrong"]
        self._quota_is = stream(story.seed, "quota").choice(kinds)

    # ------------------------------------------------------------ writes

    def create(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        """Make an image."""
        now_s = self._now_s()
        quota = None if self.is_calm else self.story.quota
        if quota is not None and len(list(self._existing(now_s))) >= quota:
            raise refusal(FaultKind.QUOTA, "IMG.0015")
        if spec.min_disk_is_auto and not spec.min_disk_gb:
            self.history.violate("I15", spec.key, "min_disk auto came to nothing")
        live = [one.image_id for one in self.live(spec.key, spec.image_url)]
        image_id = ImageId(f"image-{len(self.images) + 1}")
        if self.story.tags is Tags.DROPPED:
            tags = tuple(tag for tag in tags if not tag[0].startswith(OWN_TAG_PREFIX))
        self.images[image_id] = image = SimImage(
            image_id=image_id,
            spec=spec,
            tags=tags,
            made_s=now_s,
            course=[(now_s, ImageStatus.QUEUED)],
        )
        self.creates[spec.key] += 1
        self.when_made()
        self.history.add("cloud", spec.key, f"made {image_id}")
        if live and self.story.beside is None:
            self.history.violate("I1", spec.key, f"{image_id} made beside {live}")
        return self._view(image, now_s)

    def register(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        """Take a file on for an image."""
        now_s = self._now_s()
        image = self.images.get(image_id)
        if image is None or image.status_at(now_s) is ImageStatus.DELETED:
            raise refusal(FaultKind.NOT_FOUND, "IMG.0027")
        is_new = now_s - image.made_s < self.story.get_lag_s
        if is_new and self._rng.random() < 0.3:
            raise refusal(FaultKind.NOT_FOUND, "IMG.0027")
        limit = self.story.task_limit
        if limit is not None and self.unfinished_jobs(now_s) >= limit:
            raise refusal(FaultKind.BUSY, "IMG.0060")
        if image.status_at(now_s) is not ImageStatus.QUEUED:
            raise refusal(FaultKind.CONFLICT, "http.409", applied=Applied.UNKNOWN)
        if dict(image.tags).get(SPEC_TAG, spec_digest(spec)) != spec_digest(spec):
            words = f"{image_id} was made from another spec"
            self.history.violate("I2", spec.key, words)
        if self.story.beside is not Beside.TOGETHER:
            self._check_alone(image, now_s)
        job = self._begin_job(image, now_s)
        image.source = spec.image_url
        self.history.add("cloud", spec.key, f"{image_id} takes a file, {job.job_id}")
        return job.job_id

    def _check_alone(self, image: SimImage, now_s: float) -> None:
        """I1, also for runs at the same time: one image per entry ever gets a file."""
        for other in self.live(image.spec.key):
            if other is not image and not other.is_shell_at(now_s):
                words = f"{image.image_id} gets a file beside {other.image_id}"
                self.history.violate("I1", image.spec.key, words)

    def delete(self, image_id: ImageId) -> None:
        """Remove an image; one that holds data, or will, must never be asked for."""
        now_s = self._now_s()
        image = self.images.get(image_id)
        if image is None or image.status_at(now_s) is ImageStatus.DELETED:
            raise refusal(FaultKind.NOT_FOUND, "IMG.0027")
        key = image.spec.key
        if image.status_at(now_s) in (ImageStatus.SAVING, ImageStatus.ACTIVE):
            self.history.violate("I11", key, f"a live image is deleted: {image_id}")
        image.change(now_s, ImageStatus.DELETED)
        self.history.add("cloud", key, f"deleted {image_id}")

    def _begin_job(self, image: SimImage, now_s: float) -> SimJob:
        story, rng = self.story, self._rng
        ends_s = now_s + rng.uniform(0.5, 1) * rng.choice([1, story.longest_job_s])
        if rng.random() < story.stuck_rate:
            ends_s = _FOREVER_S
        fails = not self.is_calm and rng.random() < story.job_failure_rate
        failure = _job_failure() if fails else None
        job = SimJob(
            job_id=JobId(f"job-{image.image_id}-{len(image.jobs) + 1}"),
            began_s=now_s,
            ends_s=ends_s,
            failure=failure,
        )
        image.jobs.append(job)
        image.change(now_s, ImageStatus.SAVING)
        if failure is not None:
            image.course.append((ends_s, ImageStatus(story.failed_state)))
        else:
            # the image may be there before its job is over, or a moment after
            begins_s = now_s + 0.1
            at_s = max(begins_s, ends_s + rng.choice([0.0, -3.0, 8.0]))
            image.course.append((at_s, ImageStatus.ACTIVE))
            if rng.random() < story.contradiction_rate:
                job.failure = _job_failure()
        return job

    # ------------------------------------------------------------ reads

    def get(self, image_id: ImageId) -> ImageView | None:
        """Return an image as it was a moment ago."""
        image = self.images.get(image_id)
        at_s = self._now_s() - self._lag_s(self.story.get_lag_s)
        if image is None or at_s < image.made_s:
            return None
        if image.status_at(at_s) is ImageStatus.DELETED:
            return None
        return self._view(image, at_s)

    def job(self, job_id: JobId) -> JobView | None:
        """Return a job, unless it is forgotten."""
        now_s = self._now_s()
        for image in self.images.values():
            for job in image.jobs:
                if job.job_id == job_id:
                    return self._job_view(job, now_s)
        return None

    def listed(self, query: ImageQuery) -> list[ImageView]:
        """Return what a list over several pages may show: old, twice, or not yet."""
        views = list(self._rows())
        if query.tag is not None and self.story.tags is Tags.NOT_QUERIED:
            return []
        if query.tag is not None and self.story.tags is not Tags.FILTER_IGNORED:
            views = [view for view in views if query.tag in view.tags]
        if query.name is not None:
            views = [view for view in views if view.name == query.name]
        if query.image_id is not None:
            views = [view for view in views if view.image_id == query.image_id]
        since = query.created_since
        if since is None:
            return views
        # only here may a page that shifts hide a row: these lists are asked again
        return [
            view
            for view in views
            if view.created_at >= since and self._rng.random() > 0.02
        ]

    def quota(self) -> Quota:
        """Return the quota; some clouds do not tell it, or tell another one."""
        now_s = self._now_s()
        used = len(list(self._existing(now_s)))
        limit = None if self.is_calm else self.story.quota
        if limit is not None and self._quota_is == "forbidden":
            raise refusal(FaultKind.FORBIDDEN, "IMG.0025")
        is_true = limit is not None and self._quota_is == "told"
        return Quota(used=used, limit=limit if is_true and limit else 1000)

    def _rows(self) -> Iterator[ImageView]:
        now_s = self._now_s()
        for image in self.images.values():
            rows = 2 if self._rng.random() < 0.02 else 1
            for _ in range(rows):
                at_s = now_s - self._lag_s(self.story.list_lag_s)
                is_there = image.status_at(at_s) is not ImageStatus.DELETED
                if at_s >= image.made_s and is_there:
                    yield self._view(image, at_s)

    def _view(self, image: SimImage, at_s: float) -> ImageView:
        status = image.status_at(at_s)
        is_active = status is ImageStatus.ACTIVE
        return ImageView(
            image_id=image.image_id,
            name=image.spec.name,
            status=status,
            size_bytes=_SIZE_BYTES if is_active else 0,
            tags=image.tags,
            created_at=image.created_at,
            raw_status=status.value,
        )

    def _job_view(self, job: SimJob, now_s: float) -> JobView | None:
        is_over = now_s >= job.ends_s
        if is_over and self.story.forgets_jobs:
            return None
        status = JobStatus.RUNNING
        if is_over:
            status = JobStatus.SUCCESS if job.failure is None else JobStatus.FAIL
        return JobView(
            job_id=job.job_id,
            status=status,
            fault=job.failure if is_over else None,
            raw_status=status.value,
        )

    def _lag_s(self, most_s: float) -> float:
        if most_s == 0.0:
            return 0.0
        return self._rng.choice([0.0, most_s, most_s, self._rng.uniform(0, most_s)])

    # ------------------------------------------------------------ the truth

    def of(self, key: str) -> list[SimImage]:
        """Return every image that was ever made for an entry, under whatever key."""
        origin, found = key.rstrip("r"), self.images.values()
        return [one for one in found if one.spec.key.rstrip("r") == origin]

    def live(self, key: str, source: str = "") -> list[SimImage]:
        """Return the images that may be taken for an entry's own.

        Under another key they are the same only if name and source are.
        """
        found = [one for one in self.of(key) if one.is_live(self._now_s())]
        sources = {one.spec.image_url for one in found if one.spec.key == key}
        sources |= {source}
        return [
            one for one in found if one.spec.key == key or one.spec.image_url in sources
        ]

    def give_up(self, image_ids: Iterable[ImageId]) -> None:
        """Hear that a ledger records images as left behind."""
        for image_id in image_ids:
            if image_id in self.images:
                self.images[image_id].is_given_up = True

    def unfinished_jobs(self, at_s: float) -> int:
        """Return how many jobs run at that moment."""
        jobs = (job for image in self.images.values() for job in image.jobs)
        return sum(job.ends_s > at_s for job in jobs)

    def _existing(self, at_s: float) -> Iterator[SimImage]:
        for image in self.images.values():
            if image.status_at(at_s) is not ImageStatus.DELETED:
                yield image


def _job_failure() -> Fault:
    return Fault(
        kind=FaultKind.JOB_FAILED,
        code="IMG.0059",
        reason="as drawn",
        action=Action.FIX_SOURCE,
    )
