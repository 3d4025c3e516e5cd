"""Our client and the real Glance, call by call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from batch_register.errors import ServiceError
from batch_register.glance.client import GlanceClient
from batch_register.identity import FixedToken
from batch_register.ims.outgoing import create_body
from batch_register.model import (
    Action,
    Applied,
    EntryKey,
    FaultKind,
    ImageQuery,
    ImageSpec,
    ImageStatus,
    JobId,
    JobStatus,
    JobView,
    Quota,
    identity_tags,
)
from batch_register.transport.http import HttpOptions, HttpSender
from batch_register.transport.tls import Tls
from tests.stack.build import LIMITS
from tests.stack.cloud import Stack
from tests.stack.process import Server
from tests.stack.sources import Sources, qcow2

pytestmark = pytest.mark.integration


class Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


SPEC = ImageSpec(
    key=EntryKey("web-01"),
    name="web 01",
    image_url="http://127.0.0.1:9/none.qcow2",
    os_version="Ubuntu 22.04 server 64bit",
    min_disk_gb=40,
    min_ram_mb=512,
    disk_format="qcow2",
    tags=(("wave", "07"), ("empty", "")),
)


def client_of(
    sender: HttpSender, server: Server, login: tuple[str, str]
) -> GlanceClient:
    token, project_id = login
    return GlanceClient(
        sender=sender,
        authoriser=FixedToken(token),
        clock=Now(),
        endpoint=server.url,
        project_id=project_id,
    )


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    options = HttpOptions(connections=4, trust_env=False, tls=Tls())
    async with HttpSender(options) as sender:
        yield sender


@pytest.fixture
def client(stack: Stack, sender: HttpSender) -> GlanceClient:
    return client_of(sender, stack.glance, stack.login())


async def test_an_image_comes_back_as_it_was_sent(client: GlanceClient) -> None:
    tags = identity_tags("as-sent", SPEC)
    made = await client.create_image(SPEC, tags)
    assert made.status is ImageStatus.QUEUED
    assert set(made.tags) == {*tags, *SPEC.tags}
    assert (made.name, made.min_disk_gb, made.min_ram_mb) == ("web 01", 40, 512)
    assert made.is_protected is False
    again = await client.get_image(made.image_id)
    assert again is not None
    assert set(again.tags) == set(made.tags)  # in any order
    assert replace(again, tags=made.tags) == made
    for query in (
        ImageQuery(tag=tags[0]),
        ImageQuery(image_id=made.image_id),
        ImageQuery(tag=tags[1], created_since=made.created_at),
    ):
        listed = await client.list_images(query)
        assert [image.image_id for image in listed] == [made.image_id]
    assert await client.list_images(ImageQuery(tag=("br-manifest", "nobody"))) == []


async def test_a_create_that_is_repeated_makes_no_second_image(
    client: GlanceClient,
) -> None:
    tags = identity_tags("repeated", SPEC)
    made = await client.create_image(SPEC, tags)
    with pytest.raises(ServiceError) as caught:
        await client.create_image(SPEC, tags)
    assert caught.value.kind is FaultKind.CONFLICT
    assert caught.value.applied is Applied.UNKNOWN
    assert "already exists" in caught.value.fault.reason
    assert len(await client.list_images(ImageQuery(tag=tags[0]))) == 1
    await client.delete_image(made.image_id)
    await client.delete_image(made.image_id)
    assert await client.get_image(made.image_id) is None
    fresh = await client.create_image(SPEC, tags)
    assert fresh.image_id != made.image_id
    assert len(await client.list_images(ImageQuery(tag=tags[0]))) == 1


async def ended(client: GlanceClient, job_id: JobId) -> JobView:
    """Return a job once it has ended; the test's own timeout bounds this."""
    for _ in range(2000):
        job = await client.get_job(job_id)
        if job is not None and job.status in (JobStatus.SUCCESS, JobStatus.FAIL):
            return job
        await asyncio.sleep(0.1)
    raise AssertionError("the import does not end")


async def test_an_import_is_followed_to_its_end(
    client: GlanceClient, sources: Sources
) -> None:
    sources.files["/followed.qcow2"] = qcow2()
    spec = replace(SPEC, image_url=sources.url("/followed.qcow2"))
    made = await client.create_image(spec, identity_tags("followed", spec))
    assert await client.get_job(JobId(made.image_id)) is None
    with sources.holding(["/followed.qcow2"]):
        job_id = await client.register_image(made.image_id, spec)
        with pytest.raises(ServiceError) as caught:
            await client.register_image(made.image_id, spec)
        assert caught.value.kind is FaultKind.CONFLICT
        under_way = await client.get_job(job_id)
        assert under_way is not None
        assert under_way.status in (JobStatus.INIT, JobStatus.RUNNING)
    assert (await ended(client, job_id)).status is JobStatus.SUCCESS
    image = await client.get_image(made.image_id)
    assert image is not None
    assert image.is_usable
    assert image.size_bytes == len(qcow2())


async def test_an_image_that_is_deleted_while_it_is_downloaded_does_not_come_back(
    client: GlanceClient, sources: Sources, stack: Stack
) -> None:
    """So that a wrong judgement about an import costs a download, never a twin."""
    sources.files["/deleted.qcow2"] = qcow2()
    spec = replace(SPEC, image_url=sources.url("/deleted.qcow2"))
    tags = identity_tags("deleted", spec)
    made = await client.create_image(spec, tags)
    with sources.holding(["/deleted.qcow2"]):
        await client.register_image(made.image_id, spec)
        for _ in range(600):
            image = await client.get_image(made.image_id)
            if image is not None and image.raw_status == "importing":
                break
            await asyncio.sleep(0.1)
        tasks = stack.ask("GET", f"/v2/images/{made.image_id}/tasks").data["tasks"]
        await client.delete_image(made.image_id)
    (task_id,) = [task["id"] for task in tasks]
    for _ in range(600):
        if stack.task_status(task_id) in ("failure", "success"):
            break
        await asyncio.sleep(0.1)
    assert stack.task_status(task_id) == "failure"
    assert await client.get_image(made.image_id) is None
    assert await client.list_images(ImageQuery(tag=tags[0])) == []


async def test_a_failed_import_shows_as_killed_with_its_reason(
    client: GlanceClient, sources: Sources
) -> None:
    spec = replace(SPEC, image_url=sources.url("/nowhere.qcow2"))
    made = await client.create_image(spec, identity_tags("failed", spec))
    job_id = await client.register_image(made.image_id, spec)
    job = await ended(client, job_id)
    assert job.status is JobStatus.FAIL
    assert job.fault is not None
    assert job.fault.action is Action.FIX_SOURCE
    assert "Internal Error" in job.fault.reason
    image = await client.get_image(made.image_id)
    assert image is not None
    assert image.status is ImageStatus.KILLED


async def test_an_address_that_glance_does_not_fetch_from_is_refused(
    client: GlanceClient,
) -> None:
    made = await client.create_image(SPEC, identity_tags("filtered", SPEC))
    with pytest.raises(ServiceError) as caught:
        await client.register_image(made.image_id, SPEC)
    assert caught.value.fault.action is Action.FIX_SOURCE
    assert caught.value.applied is Applied.NO


async def test_glance_without_limits_tells_no_quota(client: GlanceClient) -> None:
    with pytest.raises(ServiceError, match="names no limit of images"):
        await client.get_quota()


async def test_a_create_beyond_the_limit_of_images_has_met_the_quota(
    stack: Stack, sender: HttpSender
) -> None:
    stack.limited.start()
    client = client_of(sender, stack.limited, stack.limited_login())
    limit = LIMITS["image_count_total"]
    room = limit - (await client.get_quota()).used
    tags = [identity_tags(f"beyond-{number}", SPEC) for number in range(room + 1)]
    made = [await client.create_image(SPEC, each) for each in tags[:room]]
    with pytest.raises(ServiceError) as caught:
        await client.create_image(SPEC, tags[room])
    assert (caught.value.kind, caught.value.applied) == (FaultKind.QUOTA, Applied.NO)
    assert await client.get_quota() == Quota(used=limit, limit=limit)
    for image in made:
        await client.delete_image(image.image_id)


@pytest.mark.parametrize("disk_format", ["qcow2", "vhd", "raw", "iso", None])
def test_the_metadata_that_ims_is_sent_is_metadata_that_glance_takes(
    stack: Stack, disk_format: str | None
) -> None:
    spec = replace(SPEC, disk_format=disk_format)
    body = create_body(spec, identity_tags("as-ims", spec))
    answer = stack.ask("POST", "/v2/images", body)
    assert answer.status == 201, answer
    sent = json.loads(body)
    shown = {field: answer.data[field] for field in sent}
    assert sorted(shown.pop("tags")) == sorted(sent.pop("tags"))
    assert shown == sent


@pytest.mark.parametrize("disk_format", ["zvhd", "zvhd2"])
def test_the_formats_that_ims_alone_has_are_not_known_to_glance(
    stack: Stack, disk_format: str
) -> None:
    body = create_body(replace(SPEC, disk_format=disk_format), ())
    assert stack.ask("POST", "/v2/images", body).status == 400
