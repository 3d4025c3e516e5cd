"""Each call sends exactly one documented request and takes exactly one success.

How our requests differ from those that the vendor's own client library sends (captured
from huaweicloudsdkims 3.1.219 for the same calls), and why that is no difference to the
service:

- method and path are the same for all seven calls; so are the properties of the create
  body and of the register body, apart from `disk_format`, which we leave out where the
  manifest does;
- JSON without blanks, non-ASCII escaped in both;
- `Content-Type: application/json` on every call; the library adds `;charset=utf-8` on
  writes only, JSON has no such parameter (RFC 8259, section 11);
- `Accept: application/json` instead of `*/*`;
- `X-Project-Id`, `X-Sdk-Date`, `Host` and `Authorization` belong to signing, so here
  they are the authoriser's; a token needs none of them;
- the list query in another order: a signer sorts it by itself, the service does not care.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_register.errors import ServiceError
from batch_register.ims.profile import HUAWEI, OTC
from batch_register.model import (
    Action,
    Applied,
    Fault,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageStatus,
    ImageView,
    JobStatus,
    JobView,
    Quota,
)
from tests.fakes import Notebook
from tests.ims.scripted import (
    IMAGE,
    JOB,
    PROJECT,
    SPEC,
    image,
    reply,
    request,
    scene,
)

TAGS = (("br-manifest", "wave-07"), ("br-entry", "abc"), ("br-spec", "def"))
QUEUED = ImageView(image_id=IMAGE, name="web-01", status=ImageStatus.QUEUED)
RUNNING = JobView(job_id=JOB, status=JobStatus.RUNNING)
NO_SUCH_API = {"error_code": "APIGW.0101", "error_msg": "The API does not exist."}
NO_SUCH_JOB = {"error": {"code": "IMG.0023", "message": "No such job."}}
PROJECT_CALL = f"/v1/{PROJECT}/jobs/{JOB}"
PROGRESS_CALL = f"/v1/cloudimages/job/{JOB}"


async def fails(call) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await call
    return caught.value


async def test_create_image():
    stage = scene(reply(201, image()))
    assert await stage.client.create_image(SPEC, TAGS) == QUEUED
    body = (
        b'{"name":"web-01","__os_version":"Ubuntu 22.04 server 64bit","min_disk":40,'
        b'"min_ram":0,"container_format":"bare","visibility":"private",'
        b'"protected":false,'
        b'"tags":["br-manifest=wave-07","br-entry=abc","br-spec=def"]}'
    )
    assert stage.sender.requests == [
        request("POST", "/v2/images", body, operation="create image")
    ]


async def test_register_image():
    stage = scene(reply(200, {"job_id": f" {JOB}"}))
    assert await stage.client.register_image(IMAGE, SPEC) == JOB
    assert stage.sender.requests == [
        request(
            "PUT",
            f"/v1/cloudimages/{IMAGE}/upload",
            b'{"image_url":"wave-07:disks/web-01.qcow2"}',
            operation="register image",
        )
    ]


async def test_get_image():
    stage = scene(reply(200, image()))
    assert await stage.client.get_image(IMAGE) == QUEUED
    assert stage.sender.requests == [
        request("GET", f"/v2/images/{IMAGE}", operation="get image")
    ]


@pytest.mark.parametrize(
    ("profile", "path"),
    [
        (OTC, PROJECT_CALL),
        (HUAWEI, PROGRESS_CALL),
    ],
)
async def test_get_job(profile, path):
    stage = scene(reply(200, {"job_id": JOB, "status": "RUNNING"}), profile=profile)
    assert await stage.client.get_job(JOB) == RUNNING
    assert stage.sender.requests == [request("GET", path, operation="get job")]


async def test_list_images():
    stage = scene(reply(200, {"images": [image()]}), reply(200, {"images": []}))
    query = ImageQuery(tag=("br-manifest", "wave-07"), created_since="2026-09-01T00:00")
    assert await stage.client.list_images(query) == [QUEUED]
    path = (
        f"/v2/cloudimages?__imagetype=private&owner={PROJECT}&limit=500"
        "&tag=br-manifest%3Dwave-07&created_at=gte%3A2026-09-01T00%3A00"
    )
    assert stage.sender.requests == [
        request("GET", path, operation="list images"),
        request("GET", f"{path}&marker={IMAGE}", operation="list images"),
    ]


async def test_delete_image():
    stage = scene(reply(204))
    await stage.client.delete_image(IMAGE)
    assert stage.sender.requests == [
        request("DELETE", f"/v2/images/{IMAGE}", operation="delete image")
    ]


async def test_get_quota():
    resources = [{"type": "image", "used": 37, "quota": 100, "min": 1, "max": 1000}]
    stage = scene(reply(200, {"quotas": {"resources": resources}}))
    assert await stage.client.get_quota() == Quota(used=37, limit=100)
    assert stage.sender.requests == [
        request("GET", "/v1/cloudimages/quota", operation="get quota")
    ]


async def test_ids_are_escaped_and_the_endpoints_version_is_not_doubled():
    stage = scene(reply(404), endpoint="https://ims.example.com/v2/")
    assert await stage.client.get_image(ImageId("../v3?x=1#")) is None
    assert stage.sender.paths == ["/v2/images/..%2Fv3%3Fx%3D1%23"]


def test_a_client_does_not_show_its_credentials():
    assert "token" not in repr(scene().client).lower()


# -------------------------------------------------------------------- what is not there


@pytest.mark.parametrize(
    "answer",
    [
        reply(404),
        reply(404, b"<html><title>404 Not Found</title></html>"),
        reply(400, {"error": {"code": "IMG.0027", "message": "No image found."}}),
    ],
)
async def test_an_image_that_is_not_there_is_none_and_is_deleted(answer):
    assert await scene(answer).client.get_image(IMAGE) is None
    await scene(answer).client.delete_image(IMAGE)


@pytest.mark.parametrize(
    "answer",
    [
        reply(404, NO_SUCH_API),
        reply(405),
        reply(403),
        reply(503, {"error": {"code": "IMG.0027", "message": "No image found."}}),
    ],
)
async def test_no_other_refusal_proves_that_an_image_is_not_there(answer):
    for call in ("get_image", "delete_image"):
        error = await fails(getattr(scene(answer).client, call)(IMAGE))
        assert error.kind is not FaultKind.NOT_FOUND


# ----------------------------------------------------------------------- job capability


@pytest.mark.parametrize("missing", [reply(404, NO_SUCH_API), reply(405), reply(404)])
async def test_the_other_job_call_is_used_for_good_where_the_first_is_missing(missing):
    running = reply(200, {"status": "RUNNING"})
    stage = scene(missing, running, running)
    assert await stage.client.get_job(JOB) == RUNNING
    assert await stage.client.get_job(JOB) == RUNNING
    assert stage.sender.paths == [PROJECT_CALL, PROGRESS_CALL, PROGRESS_CALL]


async def test_a_call_that_has_told_of_a_job_is_believed_when_it_forgets_one():
    stage = scene(reply(200, {"status": "RUNNING"}), reply(404))
    await stage.client.get_job(JOB)
    assert await stage.client.get_job(JOB) is None
    assert stage.sender.paths == [PROJECT_CALL, PROJECT_CALL]


@pytest.mark.parametrize(
    "forgotten",
    [
        reply(400, NO_SUCH_JOB),
        reply(404, NO_SUCH_JOB),
        reply(200, {"job_id": None, "status": None}),
    ],
)
async def test_a_job_that_the_service_itself_has_forgotten_is_none(forgotten):
    stage = scene(forgotten)
    assert await stage.client.get_job(JOB) is None
    assert stage.sender.paths == [PROJECT_CALL]


async def test_a_job_that_neither_call_knows_is_none_each_time():
    stage = scene(reply(404), reply(404), reply(404), reply(404))
    assert await stage.client.get_job(JOB) is None
    assert await stage.client.get_job(JOB) is None
    assert stage.sender.paths == [PROJECT_CALL, PROGRESS_CALL] * 2


async def test_a_job_is_none_where_only_the_first_call_exists():
    stage = scene(reply(404), reply(404, NO_SUCH_API))
    assert await stage.client.get_job(JOB) is None


async def test_a_missing_call_is_not_asked_again_even_if_the_other_only_fails():
    stage = scene(reply(405), reply(500), reply(500))
    kinds = [(await fails(stage.client.get_job(JOB))).kind for _ in range(2)]
    assert kinds == [FaultKind.SERVER] * 2
    assert stage.sender.paths == [PROJECT_CALL, PROGRESS_CALL, PROGRESS_CALL]


async def test_a_cloud_without_any_job_call_says_so():
    stage = scene(reply(404, NO_SUCH_API), reply(405))
    error = await fails(stage.client.get_job(JOB))
    assert (error.kind, error.fault.code) == (FaultKind.REJECTED, "APIGW.0101")


async def test_an_outage_is_no_missing_call():
    stage = scene(reply(503), profile=HUAWEI)
    error = await fails(stage.client.get_job(JOB))
    assert (error.kind, stage.sender.paths) == (FaultKind.SERVER, [PROGRESS_CALL])


# -------------------------------------------------------------------------------- lists

OTHER = ImageId("00000000-0000-0000-0000-000000000000")


@pytest.mark.fault(31)
async def test_a_list_starts_again_where_the_image_it_went_on_from_is_gone():
    first = reply(200, {"images": [image(), image(id=OTHER)]})
    gone = reply(400, {"error": {"code": "IMG.0001", "message": "bad marker"}})
    rest = reply(200, {"images": [image()]})
    stage = scene(first, gone, rest)
    assert await stage.client.list_images(ImageQuery()) == [QUEUED]


async def test_a_list_that_never_gets_past_its_marker_fails():
    page = reply(200, {"images": [image()]})
    stage = scene(page, reply(404), page, reply(404), page, reply(404))
    error = await fails(stage.client.list_images(ImageQuery()))
    assert (error.kind, len(stage.sender.requests)) == (FaultKind.NOT_FOUND, 6)


@pytest.mark.parametrize("missing", [reply(404, NO_SUCH_API), reply(405), reply(404)])
async def test_the_native_list_is_used_for_good_where_the_other_is_missing(missing):
    page = reply(200, {"images": [image()]})
    notebook = Notebook()
    stage = scene(missing, page, reply(200, {"images": []}), page, page)
    stage.client.observer = notebook
    await stage.client.list_images(ImageQuery())
    await stage.client.list_images(ImageQuery(image_id=IMAGE))
    paths = [path.partition("?")[0] for path in stage.sender.paths]
    assert paths == ["/v2/cloudimages"] + ["/v2/images"] * 3
    asked, asked_again = (path.partition("?")[2] for path in stage.sender.paths[:2])
    assert asked == asked_again
    told = {"missing": "extension list", "instead": "native list"}
    assert notebook.notices == [("cloud.lacks_call", told)]


@pytest.mark.fault(31)
async def test_the_largest_page_of_one_list_call_says_nothing_of_the_other() -> None:
    """Else a native list that caps its pages would end too early, and hide images."""
    many = [image(id=f"{n:08}-0000-4000-8000-000000000000") for n in range(5)]
    empty = reply(200, {"images": []})
    large = reply(200, {"images": many})
    small = [reply(200, {"images": many[n : n + 2]}) for n in (0, 2, 4)]
    ways = scene(large, empty, reply(405), *small).client
    await ways.list_images(ImageQuery())
    ways._list_ways._is_proven = False  # as when several lists begin at once
    assert len(await ways.list_images(ImageQuery())) == 5


async def test_without_any_list_the_error_tells_of_the_first():
    stage = scene(reply(404, NO_SUCH_API), reply(404, NO_SUCH_API))
    error = await fails(stage.client.list_images(ImageQuery()))
    assert (error.kind, error.fault.code) == (FaultKind.REJECTED, "APIGW.0101")


@pytest.mark.parametrize("status", [403, 500])
async def test_a_list_whose_first_page_is_refused_fails_at_once(status):
    stage = scene(reply(status))
    await fails(stage.client.list_images(ImageQuery()))
    assert len(stage.sender.requests) == 1


async def test_a_list_is_whole_or_an_error():
    stage = scene(reply(200, {"images": [image()]}), reply(502))
    error = await fails(stage.client.list_images(ImageQuery()))
    assert error.kind is FaultKind.SERVER


async def test_pages_that_repeat_are_an_answer_that_nobody_documents():
    full = [image(id=f"{number:032x}") for number in range(500)]
    stage = scene(reply(200, {"images": full}), reply(200, {"images": full}))
    error = await fails(stage.client.list_images(ImageQuery()))
    assert (error.kind, error.fault.code) == (FaultKind.MISREAD, "answer.list-stuck")


async def test_one_id_is_looked_up_with_one_request():
    stage = scene(reply(200, {"images": [image()]}))
    assert await stage.client.list_images(ImageQuery(image_id=IMAGE)) == [QUEUED]


# ------------------------------------------------------------------ a whole error, once


async def test_a_refusal_is_told_whole():
    told = {"error": {"code": "IMG.0057", "message": "The file is unreadable."}}
    stage = scene(reply(400, told, {"x-request-id": "5f0c"}))
    error = await fails(stage.client.register_image(IMAGE, SPEC))
    assert error.fault == Fault(
        kind=FaultKind.REJECTED,
        code="IMG.0057",
        reason="The file is unreadable.",
        action=Action.FIX_SOURCE,
        http_status=400,
        request_id="5f0c",
    )
    assert (error.applied, error.retry_after_s) == (Applied.NO, None)
    assert str(error) == (
        "register image: HTTP 400 IMG.0057: The file is unreadable. (request 5f0c)"
    )


async def test_a_spec_with_tags_of_its_own_sends_both():
    stage = scene(reply(201, image()))
    await stage.client.create_image(replace(SPEC, tags=(("wave", "07"),)), TAGS[:1])
    assert b'"tags":["br-manifest=wave-07","wave=07"]' in stage.sender.requests[0].body
