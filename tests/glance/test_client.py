"""Which call serves which need, and what is made of its answer."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from batch_register.errors import ServiceError
from batch_register.glance.outgoing import create_body, import_body, numbered_id
from batch_register.model import (
    Action,
    Applied,
    FaultKind,
    ImageQuery,
    ImageStatus,
    JobId,
    JobStatus,
    Quota,
)
from batch_register.outage import Outage
from tests.glance.scripted import SPEC, TAGS, refusal, scene, task
from tests.ims.scripted import IMAGE, NOW, PROJECT, image, reply, request

TAKEN = reply(409, refusal("409 Conflict", "Image ID x already exists!"))
ABSENT = reply(404, refusal("404 Not Found", "No image found with ID x"))
IDS = [numbered_id(PROJECT, TAGS, number) for number in range(20)]


def made(number: int, **fields: object):
    return reply(201, image(id=IDS[number], **fields))


def there(number: int, **fields: object):
    return reply(200, image(id=IDS[number], **fields))


async def test_a_create_names_the_entry_s_first_id():
    s = scene(made(0))
    view = await s.client.create_image(SPEC, TAGS)
    assert view.image_id == IDS[0]
    body = create_body(SPEC, TAGS, IDS[0])
    assert s.sender.requests == [
        request("POST", "/v2/images", body, operation="create image")
    ]


@pytest.mark.parametrize(
    "endpoint", ["https://ims.example.com/v2/", "https://ims.example.com"]
)
async def test_the_catalogue_may_give_the_version(endpoint):
    s = scene(made(0), endpoint=endpoint)
    await s.client.create_image(SPEC, TAGS)
    assert s.sender.paths == ["/v2/images"]


USED_UP = {
    "deleted": ABSENT,
    "given up": there(0, status="killed"),
    "queued again after a failed import": there(0, os_glance_failed_import="fs"),
}


@pytest.mark.parametrize("look", USED_UP.values(), ids=USED_UP)
async def test_an_id_whose_image_is_dead_is_passed_over(look):
    s = scene(TAKEN, look, made(1))
    assert (await s.client.create_image(SPEC, TAGS)).image_id == IDS[1]
    assert s.sender.paths == ["/v2/images", f"/v2/images/{IDS[0]}", "/v2/images"]


@pytest.mark.parametrize("status", ["queued", "active", "deactivated"])
async def test_an_id_whose_image_lives_is_the_engine_s_to_find(status):
    s = scene(TAKEN, there(0, status=status))
    with pytest.raises(ServiceError) as caught:
        await s.client.create_image(SPEC, TAGS)
    error = caught.value
    assert (error.kind, error.applied) == (FaultKind.CONFLICT, Applied.UNKNOWN)
    assert error.fault.reason == "Image ID x already exists!"


async def test_a_living_image_that_the_engine_will_not_have_is_passed_over_in_the_end():
    s = scene(TAKEN, there(0), TAKEN, there(0), made(1))
    with pytest.raises(ServiceError):
        await s.client.create_image(SPEC, TAGS)
    assert (await s.client.create_image(SPEC, TAGS)).image_id == IDS[1]


async def test_after_many_dead_ones_glance_chooses_the_id():
    s = scene(*[TAKEN, ABSENT] * 16, reply(201, image()))
    assert (await s.client.create_image(SPEC, TAGS)).image_id == IMAGE
    assert s.sender.requests[-1].body == create_body(SPEC, TAGS, None)


async def test_another_refusal_of_a_create_is_passed_on():
    s = scene(reply(403, refusal("403 Forbidden", "no")))
    with pytest.raises(ServiceError) as caught:
        await s.client.create_image(SPEC, TAGS)
    assert caught.value.kind is FaultKind.FORBIDDEN
    assert len(s.sender.requests) == 1


async def test_a_look_that_fails_leaves_the_create_open():
    s = scene(TAKEN, reply(503))
    with pytest.raises(ServiceError) as caught:
        await s.client.create_image(SPEC, TAGS)
    error = caught.value
    assert (error.kind, error.applied) == (FaultKind.CONFLICT, Applied.UNKNOWN)


async def test_the_quota_is_told_by_a_create_that_it_refuses():
    words = "Resource image_count_total is over limit of 10 due to current usage 10"
    s = scene(reply(413, words.encode()))
    with pytest.raises(ServiceError) as caught:
        await s.client.create_image(SPEC, TAGS)
    assert caught.value.kind is FaultKind.QUOTA


async def test_a_register_has_the_file_fetched():
    s = scene(reply(202))
    assert await s.client.register_image(IMAGE, SPEC) == JobId(IMAGE)
    assert s.sender.requests == [
        request(
            "POST",
            f"/v2/images/{IMAGE}/import",
            import_body(SPEC),
            operation="import image",
        )
    ]


@pytest.mark.parametrize(
    ("answer", "kind", "action", "applied"),
    [
        (reply(400), FaultKind.REJECTED, Action.FIX_SOURCE, Applied.NO),
        (reply(409), FaultKind.CONFLICT, Action.RUN_AGAIN, Applied.UNKNOWN),
        (reply(404), FaultKind.NOT_FOUND, Action.RUN_AGAIN, Applied.NO),
        (reply(500), FaultKind.SERVER, Action.RUN_AGAIN, Applied.UNKNOWN),
        (reply(200), FaultKind.MISREAD, Action.CONTACT_PROVIDER, Applied.UNKNOWN),
    ],
)
async def test_only_an_accepted_import_is_a_success(answer, kind, action, applied):
    with pytest.raises(ServiceError) as caught:
        await scene(answer).client.register_image(IMAGE, SPEC)
    error = caught.value
    assert (error.kind, error.fault.action, error.applied) == (kind, action, applied)


async def test_an_image_is_asked_for_once():
    s = scene(reply(200, image(status="active", size=5)))
    view = await s.client.get_image(IMAGE)
    assert view is not None
    assert view.is_usable
    assert s.sender.paths == [f"/v2/images/{IMAGE}"]
    assert await scene(ABSENT).client.get_image(IMAGE) is None


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (reply(200, {"tasks": [task()]}), ImageStatus.SAVING),
        (reply(200, {"tasks": []}), ImageStatus.SAVING),
        (ABSENT, ImageStatus.SAVING),
        (reply(403), ImageStatus.SAVING),
        (
            reply(200, {"tasks": [task(updated_at="2026-08-31T19:00:00")]}),
            ImageStatus.KILLED,
        ),
        (reply(200, {"tasks": [task(status="failure")]}), ImageStatus.KILLED),
    ],
)
async def test_an_image_that_is_imported_is_dead_only_if_its_import_is(answer, status):
    s = scene(reply(200, image(status="importing")), answer)
    view = await s.client.get_image(IMAGE)
    assert view is not None
    assert view.status is status
    assert view.raw_status.startswith("importing")
    assert s.sender.paths == [f"/v2/images/{IMAGE}", f"/v2/images/{IMAGE}/tasks"]


GONE_HALF_AN_HOUR_AGO = Outage(remembered_at=NOW - timedelta(minutes=30))


@pytest.mark.parametrize(
    ("date", "silent_since", "status"),
    [
        (None, NOW - timedelta(minutes=31), JobStatus.FAIL),
        (None, NOW - timedelta(minutes=29), JobStatus.RUNNING),
        # by Glance's own clock, twenty minutes behind ours
        (NOW - timedelta(minutes=20), NOW - timedelta(minutes=31), JobStatus.RUNNING),
        (NOW - timedelta(minutes=20), NOW - timedelta(minutes=51), JobStatus.FAIL),
    ],
)
async def test_an_import_from_before_an_outage_is_dead_whatever_the_clocks_say(
    date, silent_since, status
):
    headers = {} if date is None else {"date": format_datetime(date, usegmt=True)}
    found = task(updated_at=silent_since.isoformat())
    s = scene(reply(200, {"tasks": [found]}, headers))
    s.client.outage = GONE_HALF_AN_HOUR_AGO
    job = await s.client.get_job(JobId(IMAGE))
    assert job is not None
    assert job.status is status


async def test_a_job_is_the_newest_import_of_its_image():
    s = scene(
        reply(200, {"tasks": [task(status="failure", message="said test-token-1")]})
    )
    job = await s.client.get_job(JobId(IMAGE))
    assert job is not None
    assert (job.job_id, job.status) == (JobId(IMAGE), JobStatus.FAIL)
    assert job.fault is not None
    assert "test-token-1" not in job.fault.reason
    assert s.sender.paths == [f"/v2/images/{IMAGE}/tasks"]


@pytest.mark.parametrize("answer", [reply(200, {"tasks": []}), ABSENT, reply(403)])
async def test_a_job_that_glance_does_not_know_is_none(answer):
    assert await scene(answer).client.get_job(JobId(IMAGE)) is None


@pytest.mark.parametrize("status", [302, 500, 503])
async def test_tasks_that_cannot_be_had_prove_nothing_about_the_image(status):
    s = scene(reply(200, image(status="importing")), reply(status))
    with pytest.raises(ServiceError):
        await s.client.get_image(IMAGE)


async def test_a_list_goes_on_until_its_last_page():
    other = "4f6c2a10-0b7e-4a53-9a51-8d2f0c1e7b12"
    link = f"/v2/images?marker={IMAGE}"
    s = scene(
        reply(200, {"images": [image()], "next": link}),
        reply(200, {"images": [image(id=other)]}),
        reply(200, {"images": []}),
    )
    views = await s.client.list_images(ImageQuery(tag=("br-manifest", "w")))
    assert [view.image_id for view in views] == [IMAGE, other]
    start = f"/v2/images?owner={PROJECT}&limit=500&tag=br-manifest%3Dw"
    assert s.sender.paths == [
        start,
        f"{start}&marker={IMAGE}",
        f"{start}&marker={other}",
    ]


async def test_a_list_whose_marker_is_gone_begins_anew():
    gone = reply(400, refusal("400 Bad Request", "No image found with ID x"))
    link = f"/v2/images?marker={IMAGE}"
    s = scene(
        reply(200, {"images": [image()], "next": link}),
        gone,
        reply(200, {"images": []}),
    )
    assert await s.client.list_images(ImageQuery()) == []


async def test_one_image_needs_one_page():
    s = scene(reply(200, {"images": [image()]}))
    assert len(await s.client.list_images(ImageQuery(image_id=IMAGE))) == 1


@pytest.mark.parametrize("answer", [reply(204), ABSENT])
async def test_an_image_that_is_not_there_is_deleted(answer):
    s = scene(answer)
    await s.client.delete_image(IMAGE)
    assert s.sender.requests == [
        request("DELETE", f"/v2/images/{IMAGE}", operation="delete image")
    ]


async def test_a_protected_image_stays():
    with pytest.raises(ServiceError) as caught:
        await scene(reply(403)).client.delete_image(IMAGE)
    assert caught.value.kind is FaultKind.FORBIDDEN


async def test_a_quota_is_told_where_there_is_a_limit():
    usage = {"image_count_total": {"limit": 10, "usage": 3}}
    s = scene(reply(200, {"usage": usage}))
    assert await s.client.get_quota() == Quota(used=3, limit=10)
    assert s.sender.paths == ["/v2/info/usage"]
    with pytest.raises(ServiceError, match="names no limit of images"):
        await scene(reply(200, {"usage": {}})).client.get_quota()
