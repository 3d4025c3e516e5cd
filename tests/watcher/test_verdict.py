"""What each answer of the cloud proves about a watched image: the whole table."""

from __future__ import annotations

from typing import Any

import pytest

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
from batch_register.pacing import SettleTime
from batch_register.watcher import Watched, WatchLimits
from batch_register.watcher.verdict import (
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

IMAGE, JOB = ImageId("image-1"), JobId("job-1")
LIMITS = WatchLimits(
    poll_interval_s=5.0, settle=SettleTime(least_s=30.0), image_deadline_s=3600.0
)
NOW_S = 1000.0
CREATED_AT = "2026-09-01T00:00:00Z"

REASON = Fault(
    kind=FaultKind.JOB_FAILED,
    code="IMG.0057",
    reason="the file cannot be read",
    action=Action.FIX_SOURCE,
)
KILLED = Fault(
    kind=FaultKind.JOB_FAILED,
    code="image.killed",
    reason="the service gave the image up and no job says why",
    action=Action.RUN_AGAIN,
)
VANISHED = Fault(
    kind=FaultKind.NOT_FOUND,
    code="image.vanished",
    reason="the image is gone; somebody may have deleted it",
    action=Action.RUN_AGAIN,
)
CONTRADICTION = Fault(
    kind=FaultKind.CONTRADICTION,
    code="contradiction",
    reason="the image is active, yet its job failed: IMG.0057: the file cannot be read",
    action=Action.CONTACT_PROVIDER,
)


def watched(**changes: Any) -> Watched:
    facts: dict[str, Any] = {
        "key": EntryKey("web-01"),
        "image_id": IMAGE,
        "job_id": JOB,
        "created_at": "",
        "since_s": 100.0,
        "deadline_s": 3700.0,
        "last_check_s": NOW_S,
    }
    return Watched(**(facts | changes))


def view(status: ImageStatus, size_bytes: int = 0, raw_status: str = "") -> ImageView:
    return ImageView(
        image_id=IMAGE,
        name="web-01",
        status=status,
        size_bytes=size_bytes,
        created_at=CREATED_AT,
        raw_status=raw_status,
    )


ACTIVE = view(ImageStatus.ACTIVE, 7)
EMPTY = view(ImageStatus.ACTIVE, 0)
SAVING, QUEUED = view(ImageStatus.SAVING), view(ImageStatus.QUEUED)
DEAD, STRANGE = view(ImageStatus.KILLED), view(ImageStatus.UNRECOGNISED, 7, "baking")
DELETED, LEAVING = view(ImageStatus.DELETED), view(ImageStatus.PENDING_DELETE)

SUCCESS = ImageActive(image_id=IMAGE, size_bytes=7)


def failed(error: Fault) -> Event:
    return ImageFailed(error=error, stage="job", image_id=IMAGE)


@pytest.mark.parametrize(
    ("shown", "verdict", "last_seen"),
    [
        (None, None, "not seen yet"),
        (ACTIVE, SUCCESS, "image active"),
        (EMPTY, None, "image active"),
        (SAVING, None, "image saving"),
        (QUEUED, None, "image queued"),
        (DEAD, None, "image killed"),
        (DELETED, None, "image deleted"),
        (STRANGE, None, "image baking"),
    ],
)
def test_a_list_proves_success_and_nothing_else(
    shown: ImageView | None, verdict: Event | None, last_seen: str
) -> None:
    one = watched()
    assert judge_listed(one, shown) == verdict
    assert one.last_seen == last_seen


@pytest.mark.parametrize(
    ("known", "then"), [("", CREATED_AT), ("2025-01-01T00:00:00Z",) * 2]
)
def test_a_list_tells_an_age_that_was_not_known(known: str, then: str) -> None:
    one = watched(created_at=known)
    judge_listed(one, SAVING)
    assert one.created_at == then


@pytest.mark.parametrize(
    ("shown", "missing_since_s"),
    [(None, 10.0), (SAVING, None), (QUEUED, None), (DELETED, 10.0), (LEAVING, 10.0)],
)
def test_an_image_that_a_list_shows_alive_is_no_longer_missing(
    shown: ImageView | None, missing_since_s: float | None
) -> None:
    """Two stale answers far apart must not add up to a proof that it is gone."""
    one = watched(missing_since_s=10.0)
    judge_listed(one, shown)
    assert one.missing_since_s == missing_since_s


@pytest.mark.parametrize(
    ("shown", "checks", "wait_s"),
    [
        (SAVING, 0, 900.0),
        (SAVING, 9, 900.0),
        (DEAD, 0, 0.0),
        (DEAD, 1, 20.0),
        (DEAD, 9, 60.0),
        (None, 0, 10.0),
        (None, 1, 20.0),
        (None, 2, 40.0),
        (None, 3, 60.0),
        (QUEUED, 0, 10.0),
        (EMPTY, 0, 10.0),
        (STRANGE, 0, 10.0),
        (DELETED, 0, 10.0),
    ],
)
def test_each_sight_has_its_own_time_until_a_closer_look(
    shown: ImageView | None, checks: int, wait_s: float
) -> None:
    one = watched(checks=checks)
    assert is_due(one, shown, LIMITS, NOW_S + wait_s)
    assert not is_due(one, shown, LIMITS, NOW_S + wait_s - 0.5)


def test_an_overdue_image_is_not_asked_about_more_than_once_in_24_polls() -> None:
    hasty = WatchLimits(
        poll_interval_s=5.0, settle=SettleTime(least_s=30.0), image_deadline_s=60.0
    )
    assert hasty.overdue_every_s == 120.0


def test_a_check_is_counted_and_starts_the_wait_anew() -> None:
    one = watched()
    one.note_check(2000.0)
    assert (one.checks, one.last_check_s) == (1, 2000.0)


@pytest.mark.parametrize(
    ("status", "fault", "failure"),
    [
        (JobStatus.INIT, None, None),
        (JobStatus.RUNNING, None, None),
        (JobStatus.SUCCESS, None, None),
        (JobStatus.UNRECOGNISED, None, None),
        (JobStatus.RUNNING, REASON, None),
        (JobStatus.FAIL, REASON, REASON),
        (
            JobStatus.FAIL,
            None,
            Fault(
                kind=FaultKind.JOB_FAILED,
                code="job.failed",
                reason="the service gave no reason",
                action=Action.CONTACT_PROVIDER,
            ),
        ),
    ],
)
def test_a_job_tells_why_it_failed(
    status: JobStatus, fault: Fault | None, failure: Fault | None
) -> None:
    assert judge_job(JobView(job_id=JOB, status=status, fault=fault)) == failure


@pytest.mark.fault(32)
@pytest.mark.parametrize(
    ("image", "failure", "verdict"),
    [
        (ACTIVE, None, SUCCESS),
        (ACTIVE, REASON, OutcomeUnknown(error=CONTRADICTION)),
        (EMPTY, None, None),
        (EMPTY, REASON, failed(REASON)),
        (SAVING, None, None),
        (SAVING, REASON, failed(REASON)),
        (QUEUED, None, None),
        (QUEUED, REASON, failed(REASON)),
        (STRANGE, None, None),
        (STRANGE, REASON, failed(REASON)),
        (DEAD, None, failed(KILLED)),
        (DEAD, REASON, failed(REASON)),
        (None, None, None),
        (None, REASON, failed(REASON)),
        (DELETED, None, None),
        (DELETED, REASON, failed(REASON)),
        (LEAVING, None, None),
    ],
)
def test_image_and_job_together(
    image: ImageView | None, failure: Fault | None, verdict: Event | None
) -> None:
    assert judge_image(watched(), image, failure, LIMITS, NOW_S) == verdict


@pytest.mark.parametrize("shown", [ACTIVE, EMPTY, SAVING, QUEUED, DEAD])
def test_a_list_never_clears_a_doubt(shown: ImageView) -> None:
    assert judge_listed(watched(doubt=CONTRADICTION), shown) is None


@pytest.mark.parametrize("failure", [None, REASON])
def test_an_active_image_under_doubt_stays_unknown_with_the_first_contradiction(
    failure: Fault | None,
) -> None:
    doubted = watched(doubt=CONTRADICTION)
    verdict = judge_image(doubted, ACTIVE, failure, LIMITS, NOW_S)
    assert verdict == OutcomeUnknown(error=CONTRADICTION)


@pytest.mark.parametrize(
    ("image", "failure", "verdict"),
    [
        (SAVING, None, None),
        (EMPTY, None, None),
        (EMPTY, REASON, failed(REASON)),
        (DEAD, None, failed(KILLED)),
        (DEAD, REASON, failed(REASON)),
        (None, REASON, failed(REASON)),
    ],
)
def test_a_doubt_hides_no_failure(
    image: ImageView | None, failure: Fault | None, verdict: Event | None
) -> None:
    doubted = watched(doubt=CONTRADICTION)
    assert judge_image(doubted, image, failure, LIMITS, NOW_S) == verdict


@pytest.mark.fault(34)
@pytest.mark.parametrize("gone", [None, DELETED, LEAVING])
def test_an_image_has_vanished_only_after_the_settle_time(
    gone: ImageView | None,
) -> None:
    one = watched()
    looks = [
        judge_image(one, gone, None, LIMITS, NOW_S + later_s)
        for later_s in (0.0, 29.9, 30.0)
    ]
    assert looks == [None, None, failed(VANISHED)]
    assert one.last_seen == "image not found"


def test_an_image_that_shows_up_again_has_not_vanished() -> None:
    one = watched()
    looks = [
        judge_image(one, image, None, LIMITS, NOW_S + later_s)
        for later_s, image in ((0.0, None), (20.0, SAVING), (40.0, None), (60.0, None))
    ]
    assert looks == [None, None, None, None]


@pytest.mark.parametrize(
    ("image", "job", "looked_at_s", "is_put_back"),
    [
        (QUEUED, None, 130.0, True),
        (QUEUED, None, 129.9, False),
        (QUEUED, JobView(job_id=JOB, status=JobStatus.SUCCESS), 130.0, False),
        (SAVING, None, 130.0, False),
        (None, None, 130.0, False),
    ],
)
def test_only_a_settled_look_shows_an_image_put_back(
    image: ImageView | None, job: JobView | None, looked_at_s: float, is_put_back: bool
) -> None:
    one = watched(is_put_back=not is_put_back)
    one.note_check(looked_at_s)
    one.note_look(image, job, LIMITS)
    assert one.is_put_back is is_put_back


@pytest.mark.parametrize(("shown", "is_put_back"), [(QUEUED, True), (SAVING, False)])
def test_a_list_that_shows_the_import_under_way_takes_that_back(
    shown: ImageView, is_put_back: bool
) -> None:
    one = watched(is_put_back=True)
    judge_listed(one, shown)
    assert one.is_put_back is is_put_back


def test_an_image_that_was_put_back_has_failed_at_its_deadline_and_not_before() -> None:
    one = watched(is_put_back=True)
    assert judge_deadline(one, 3699.9) is None
    reason = (
        "the image waits for a file again after 3600 s; the job that could say why is "
        "not known to the service"
    )
    put_back = Fault(
        kind=FaultKind.JOB_FAILED,
        code="image.put-back",
        reason=reason,
        action=Action.RUN_AGAIN,
    )
    assert judge_deadline(one, 3700.0) == failed(put_back)


@pytest.mark.parametrize(
    ("image", "is_listed", "now_s", "is_missing"),
    [
        (SAVING, False, 130.0, True),
        (QUEUED, False, 130.0, True),
        (SAVING, False, 129.9, False),
        (SAVING, True, 130.0, False),
        (None, False, 130.0, False),
        (DELETED, False, 130.0, False),
    ],
)
def test_lists_leave_out_what_a_settled_look_shows_and_no_list_ever_did(
    image: ImageView | None, is_listed: bool, now_s: float, is_missing: bool
) -> None:
    one = watched(is_listed=is_listed)
    assert is_left_out(one, image, LIMITS, now_s) is is_missing


def test_an_image_that_a_list_shows_is_listed_from_then_on() -> None:
    one = watched()
    judge_listed(one, None)
    assert not one.is_listed
    judge_listed(one, DELETED)
    assert one.is_listed


@pytest.mark.parametrize(
    ("job", "may_run"),
    [
        (None, False),
        (JobView(job_id=JOB, status=JobStatus.INIT), True),
        (JobView(job_id=JOB, status=JobStatus.RUNNING), True),
        (JobView(job_id=JOB, status=JobStatus.SUCCESS), False),
        (JobView(job_id=JOB, status=JobStatus.UNRECOGNISED), False),
    ],
)
def test_a_job_may_still_run_until_it_says_that_it_has_ended(
    job: JobView | None, may_run: bool
) -> None:
    assert may_still_run(job) is may_run


def test_a_forgotten_job_tells_no_failure() -> None:
    assert judge_job(None) is None


@pytest.mark.fault(33)
def test_the_deadline_says_how_long_and_what_was_seen_last() -> None:
    one = watched(last_seen="image baking")
    assert judge_deadline(one, 3699.9) is None
    assert judge_deadline(one, 3700.0) == OutcomeUnknown(
        error=Fault(
            kind=FaultKind.DEADLINE,
            code="deadline",
            reason="not active after 3600 s; last seen: image baking",
            action=Action.RUN_AGAIN,
        )
    )


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (None, {}),
        (0.0, {"percent": 0}),
        (1e-310, {"percent": 0}),
        (0.25, {"percent": 25, "left_s": 2700}),
        (1.0, {"percent": 100, "left_s": 0}),
    ],
)
def test_a_slow_job_tells_how_far_it_is_and_how_long_it_will_take(
    progress: float | None, told: dict[str, object]
) -> None:
    job = JobView(job_id=JOB, status=JobStatus.RUNNING, progress=progress)
    one = watched(since_s=100.0)
    expected = {"key": one.key, "waited_s": 900} | told
    assert slowness(one, job, NOW_S) == expected


@pytest.mark.parametrize(
    ("progress", "words"), [(None, "job RUNNING"), (0.456, "job RUNNING at 46 %")]
)
def test_how_a_job_stands_is_told_with_its_progress(
    progress: float | None, words: str
) -> None:
    job = JobView(job_id=JOB, status=JobStatus.RUNNING, progress=progress)
    assert words_of(job) == words
