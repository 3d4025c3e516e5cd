"""How the cloud is asked: no list, no knowledge; no single look, only no knowledge of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import pytest

from batch_register.errors import AuthenticationError, ServiceError, StoppedError
from batch_register.model import (
    MANIFEST_TAG,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageStatus,
    JobId,
    JobStatus,
)
from batch_register.reconcile import Sight, Survey
from tests.fakes import ScriptedService, fault, service_error
from tests.reconcile.scenes import (
    JOB,
    NAME,
    ONE,
    TWO,
    image_id,
    job,
    retagged,
    sight,
    view,
)
from tests.virtual_time import run_virtually

_T = TypeVar("_T")
TAGGED = ImageQuery(tag=(MANIFEST_TAG, NAME))
FOREIGN = retagged(view(TWO), br_manifest="wave-08")


def listing(*answers: object) -> tuple[Sight, list[ImageQuery]]:
    service = ScriptedService(answers={"list": list(answers)})
    seen = run_virtually(Survey(service, NAME).list_all())
    return seen, service.queries


def test_one_tag_query_answers_and_is_compared_again() -> None:
    seen, queries = listing([view(), FOREIGN])
    assert (list(seen.listed), queries) == ([ONE], [TAGGED])


@pytest.mark.parametrize("first", [[], [FOREIGN]])
def test_where_the_tag_query_shows_nothing_of_ours_all_own_images_are_listed(
    first: list[object],
) -> None:
    seen, queries = listing(first, [FOREIGN, view()])
    assert (list(seen.listed), queries) == ([ONE], [TAGGED, ImageQuery()])


@pytest.mark.parametrize("answers", [["error"], [[], "error"]])
def test_a_list_that_cannot_be_had_ends_the_survey(answers: list[object]) -> None:
    script = [service_error(FaultKind.SERVER) if a == "error" else a for a in answers]
    with pytest.raises(ServiceError):
        listing(*script)


def looked(
    answers: dict[str, list[object]],
    images: list[ImageId],
    jobs: list[JobId],
    seen: Sight | None = None,
) -> tuple[Sight, ScriptedService]:
    service = ScriptedService(answers=answers, takes_s=1.0)
    seen = seen or sight()
    run_virtually(_later(Survey(service, NAME).look(seen, images, jobs)))
    return seen, service


async def _later(what: Coroutine[object, object, _T]) -> _T:
    await asyncio.sleep(0)
    return await what


def test_images_and_jobs_are_looked_at_by_themselves() -> None:
    now = view(status=ImageStatus.QUEUED)
    done = job(JobStatus.SUCCESS)
    seen, _ = looked(
        {"get_image": [now], "get_job": [done]}, [ONE], [JOB], sight(view())
    )
    assert (seen.image(ONE), seen.job(JOB), seen.unseen) == (now, done, {})
    assert seen.job(None) is None


def test_what_the_service_does_not_know_hides_what_was_listed() -> None:
    seen, _ = looked({}, [ONE], [JOB], sight(view()))
    assert (seen.image(ONE), seen.jobs) == (None, {JOB: None})


def test_a_look_that_fails_is_told_and_the_others_go_on() -> None:
    broken = [service_error(FaultKind.SERVER), view(TWO)]
    seen, _ = looked({"get_image": list(broken)}, [ONE, TWO], [])
    assert seen.unseen == {ONE: "test: as scripted"}
    assert list(seen.looked) == [TWO]


def test_a_job_is_asked_for_once_and_few_looks_are_under_way_at_once() -> None:
    many = [image_id(n) for n in range(20)]
    seen, service = looked({}, many, [JOB], sight(jobs={JOB: None}))
    assert (len(seen.looked), service.times("get_job")) == (20, [])
    assert service.peak == 4


def test_refused_credentials_end_the_survey() -> None:
    refusal = AuthenticationError("get image", fault(FaultKind.UNAUTHENTICATED))
    with pytest.raises(AuthenticationError):
        looked({"get_image": [refusal]}, [ONE, TWO], [])


def test_a_stop_ends_the_survey() -> None:
    with pytest.raises(StoppedError):
        looked({"get_image": [StoppedError()]}, [ONE], [])
