"""What the cloud's answers mean for one image that is being watched.

Decides: active, failed, unknown, or keep waiting, and when a single image deserves a
request of its own. Must not know: how answers are got, clocks (`now_s` is an argument).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from batch_register.event import Event, ImageActive, ImageFailed, OutcomeUnknown
from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageStatus,
    ImageView,
    JobId,
    JobStatus,
    JobView,
)
from batch_register.pacing import CheckSchedule, SettleTime

# Of a job that has come less far, how long it takes is anybody's guess.
_TELLING = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchLimits:
    """The times that watching goes by, in seconds."""

    poll_interval_s: float
    settle: SettleTime  # how long a list may lag behind the truth
    image_deadline_s: float

    @property
    def settle_s(self) -> float:
        """Return the settle time in force: what is measured may raise it."""
        return self.settle.seconds

    @property
    def unexplained(self) -> CheckSchedule:
        """Return when to look after an image that the list does not show as saving."""
        return CheckSchedule(
            first_s=2 * self.poll_interval_s, longest_s=12 * self.poll_interval_s
        )

    @property
    def overdue_every_s(self) -> float:
        """Return how often an image that keeps saving gets a request of its own."""
        return max(self.image_deadline_s / 4, 24 * self.poll_interval_s)


@dataclass(slots=True, kw_only=True)
class Watched:
    """One image that is being watched; times are loop time in seconds."""

    key: EntryKey
    image_id: ImageId
    job_id: JobId | None
    created_at: str  # the cloud's own text; empty where it is not known
    since_s: float
    deadline_s: float
    last_check_s: float
    checks: int = 0
    last_seen: str = "not seen yet"  # in words, for the reason of a deadline
    missing_since_s: float | None = None
    doubt: Fault | None = None  # a contradiction that only the job can clear
    is_listed: bool = False  # a list has shown it
    is_put_back: bool = False  # waits for a file again, and no job is known of

    def note_check(self, now_s: float) -> None:
        """Count one request that was made for this image alone."""
        self.checks += 1
        self.last_check_s = now_s

    def note_look(
        self, image: ImageView | None, job: JobView | None, limits: WatchLimits
    ) -> None:
        """Remember whether a direct look shows that no import is under way.

        An image leaves `queued` when its import begins, and some clouds put it back
        when that fails (OpenStack Glance, "Image statuses"). Until the settle time has
        passed it may only not have begun.
        """
        is_settled = self.last_check_s - self.since_s >= limits.settle_s
        is_queued = image is not None and image.status is ImageStatus.QUEUED
        self.is_put_back = is_settled and is_queued and job is None


def judge_listed(watched: Watched, view: ImageView | None) -> Event | None:
    """Return what one row of the shared list proves, or None to keep waiting.

    An active image with a size is done: its job may run on for a moment, but cannot
    take the image back. Nothing else in a list is proof, since lists lag.
    """
    if view is None:
        return None
    watched.last_seen = f"image {view.raw_status or view.status}"
    watched.is_listed = True
    watched.created_at = watched.created_at or view.created_at
    if not view.is_gone:
        watched.missing_since_s = None
    if view.status is not ImageStatus.QUEUED:
        watched.is_put_back = False
    if view.is_usable and watched.doubt is None:
        return ImageActive(image_id=view.image_id, size_bytes=view.size_bytes)
    return None


def earlier(stamp: str, seconds: float) -> str | None:
    """Return a time of the cloud's moved back, in its own form; None if it is none."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return (moment - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_due(
    watched: Watched, view: ImageView | None, limits: WatchLimits, now_s: float
) -> bool:
    """Return whether this image deserves a request of its own now.

    One that the list shows as saving needs none before it is overdue; one that was
    killed has a reason to tell at once; anything else may just be the list's lag.
    """
    if view is not None and view.status is ImageStatus.SAVING:
        wait_s = limits.overdue_every_s
    elif view is not None and view.status is ImageStatus.KILLED:
        wait_s = limits.unexplained.wait_s(watched.checks) if watched.checks else 0.0
    else:
        wait_s = limits.unexplained.wait_s(watched.checks)
    return now_s - watched.last_check_s >= wait_s


def is_left_out(
    watched: Watched, image: ImageView | None, limits: WatchLimits, now_s: float
) -> bool:
    """Return whether lists leave an image out that a direct look shows.

    After the settle time that is no lag any more: the cloud keeps no tags, or does not
    find images by them.
    """
    is_there = image is not None and not image.is_gone
    is_settled = now_s - watched.since_s >= limits.settle_s
    return is_there and is_settled and not watched.is_listed


def may_still_run(job: JobView | None) -> bool:
    """Return whether a job is known not to have ended."""
    return job is not None and job.status in (JobStatus.INIT, JobStatus.RUNNING)


def slowness(watched: Watched, job: JobView, now_s: float) -> dict[str, object]:
    """Return what is worth telling of a job that takes long, times in whole seconds."""
    waited_s = now_s - watched.since_s
    facts: dict[str, object] = {"key": watched.key, "waited_s": round(waited_s)}
    if job.progress is not None:
        facts["percent"] = round(100 * job.progress)
    if job.progress is not None and job.progress >= _TELLING:
        facts["left_s"] = round(waited_s * (1 - job.progress) / job.progress)
    return facts


def words_of(job: JobView) -> str:
    """Return how a job stands, for a reason."""
    words = f"job {job.raw_status or job.status}"
    return words if job.progress is None else f"{words} at {100 * job.progress:.0f} %"


def judge_job(job: JobView | None) -> Fault | None:
    """Return why a job failed, or None where it did not or is forgotten."""
    if job is None or job.status is not JobStatus.FAIL:
        return None
    return job.fault or Fault(
        kind=FaultKind.JOB_FAILED,
        code="job.failed",
        reason="the service gave no reason",
        action=Action.CONTACT_PROVIDER,
    )


def judge_image(
    watched: Watched,
    image: ImageView | None,
    failure: Fault | None,
    limits: WatchLimits,
    now_s: float,
) -> Event | None:
    """Return what a direct look at the image proves, beside its job's failure if any."""
    if image is None or image.is_gone:
        return _judge_missing(watched, failure, limits, now_s)
    watched.missing_since_s = None
    watched.last_seen = f"image {image.raw_status or image.status}"
    if image.is_usable:
        return _judge_usable(image, failure, watched.doubt)
    if failure is None and image.status is ImageStatus.KILLED:
        failure = _fault(
            FaultKind.JOB_FAILED,
            "image.killed",
            "the service gave the image up and no job says why",
            Action.RUN_AGAIN,
        )
    if failure is not None:
        return ImageFailed(error=failure, stage="job", image_id=watched.image_id)
    return None


def _judge_usable(
    image: ImageView, failure: Fault | None, doubt: Fault | None
) -> Event:
    if doubt is not None:
        return OutcomeUnknown(error=doubt)
    if failure is None:
        return ImageActive(image_id=image.image_id, size_bytes=image.size_bytes)
    reason = f"the image is active, yet its job failed: {failure.sentence()}"
    contradiction = _fault(
        FaultKind.CONTRADICTION, "contradiction", reason, Action.CONTACT_PROVIDER
    )
    return OutcomeUnknown(error=contradiction)


def _judge_missing(
    watched: Watched, failure: Fault | None, limits: WatchLimits, now_s: float
) -> Event | None:
    if failure is not None:
        return ImageFailed(error=failure, stage="job", image_id=watched.image_id)
    if watched.missing_since_s is None:
        watched.missing_since_s = now_s
    watched.last_seen = "image not found"
    if now_s - watched.missing_since_s < limits.settle_s:
        return None
    vanished = _fault(
        FaultKind.NOT_FOUND,
        "image.vanished",
        "the image is gone; somebody may have deleted it",
        Action.RUN_AGAIN,
    )
    return ImageFailed(error=vanished, stage="job", image_id=watched.image_id)


def judge_deadline(watched: Watched, now_s: float) -> Event | None:
    """Return what is to be said once the image's deadline has passed.

    The outcome is unknown, but for an image that waits for a file again: then there is
    no import that could still end, although nobody can tell any more why it failed.
    """
    if now_s < watched.deadline_s:
        return None
    waited_s = now_s - watched.since_s
    if watched.is_put_back:
        reason = (
            f"the image waits for a file again after {waited_s:.0f} s; the job that "
            "could say why is not known to the service"
        )
        put_back = _fault(
            FaultKind.JOB_FAILED, "image.put-back", reason, Action.RUN_AGAIN
        )
        return ImageFailed(error=put_back, stage="job", image_id=watched.image_id)
    reason = f"not active after {waited_s:.0f} s; last seen: {watched.last_seen}"
    overdue = _fault(FaultKind.DEADLINE, "deadline", reason, Action.RUN_AGAIN)
    return OutcomeUnknown(error=overdue)


def _fault(kind: FaultKind, code: str, reason: str, action: Action) -> Fault:
    return Fault(kind=kind, code=code, reason=reason, action=action)
