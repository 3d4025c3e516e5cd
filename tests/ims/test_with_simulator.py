"""Our client and the simulator, written apart from each other, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.identity.keys import Signer
from batch_register.identity.signing import AccessKeys
from batch_register.ims.client import ImsClient
from batch_register.ims.profile import profile_for
from batch_register.model import (
    Action,
    Applied,
    Fault,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageStatus,
    ImageView,
    JobId,
    JobStatus,
    JobView,
    identity_tags,
)
from batch_register.ports import ImageService
from batch_register.simulator import (
    FaultScript,
    Simulator,
    SimulatorOptions,
    StoredObject,
)
from batch_register.transport import Authoriser, Request
from batch_register.transport.http import HttpOptions, HttpSender
from batch_register.transport.tls import Tls
from tests.ims.scripted import SPEC

pytestmark = pytest.mark.integration

TAGS = identity_tags("wave-07", SPEC)
SIZE_BYTES = 5 << 30


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class IssuedToken:
    """A token of the simulator; renewed by asking for another."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._token = simulator.issue_token()

    async def authorise(self, request: Request) -> Request:
        headers = {**request.headers, "X-Auth-Token": self._token}
        return replace(request, headers=headers)

    def accepted(self, sent: Request) -> None:
        pass

    async def renew(self, refused: Request) -> bool:
        self._token = self._simulator.issue_token()
        return True


def signer(simulator: Simulator, secret: str | None = None) -> Authoriser:
    key = simulator.options.access_keys[0]
    keys = AccessKeys(access_key=key.access, secret_key=secret or key.secret)
    return Signer(keys, WallClock(), project_id=simulator.options.project_id)


@dataclass
class Stage:
    simulator: Simulator
    client: ImageService


@asynccontextmanager
async def stage(
    options: SimulatorOptions | None = None,
    *,
    faults: str = "",
    authoriser: Callable[[Simulator], Authoriser] = IssuedToken,
    profile: str | None = None,
) -> AsyncIterator[Stage]:
    simulator = Simulator(options, fault_script=FaultScript.parse(faults))
    http = HttpSender(HttpOptions(connections=4, trust_env=False, tls=Tls()))
    async with simulator, http:
        source = StoredObject(image_url=SPEC.image_url, size_bytes=SIZE_BYTES)
        simulator.furnish([source])
        client = ImsClient(
            sender=http,
            authoriser=authoriser(simulator),
            clock=WallClock(),
            endpoint=simulator.url,
            project_id=simulator.options.project_id,
            profile=profile_for("", profile or simulator.options.profile),
        )
        yield Stage(simulator, client)


async def existing(call: Awaitable[JobView | None]) -> JobView:
    job = await call
    assert job is not None
    return job


async def fails(call: Awaitable[object]) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize("profile", ["huawei", "otc", "flexibleengine", "generic"])
@pytest.mark.parametrize("authoriser", [IssuedToken, signer])
@pytest.mark.parametrize("cloud", ["huawei", "otc"])
async def test_an_image_from_its_making_to_its_removal(cloud, authoriser, profile):
    """With a token and signed, whatever profile was configured for the cloud."""
    options = SimulatorOptions(
        profile=cloud, job_id_blank=True, active_offset_range_s=(0.0, 0.0)
    )
    async with stage(options, authoriser=authoriser, profile=profile) as on:
        made = await on.client.create_image(SPEC, TAGS)
        assert made == ImageView(
            image_id=made.image_id,
            name=SPEC.name,
            status=ImageStatus.QUEUED,
            tags=TAGS,
            created_at=made.created_at,
            min_disk_gb=SPEC.min_disk_gb,
            min_ram_mb=SPEC.min_ram_mb,
            is_protected=SPEC.protected,
        )
        job_id = await on.client.register_image(made.image_id, SPEC)
        on.simulator.clock.advance(10)
        job = await existing(on.client.get_job(job_id))
        assert job == JobView(
            job_id=job_id, status=JobStatus.RUNNING, progress=job.progress
        )
        on.simulator.clock.advance(700)
        job = await existing(on.client.get_job(job_id))
        assert job.status is JobStatus.SUCCESS
        done = replace(made, status=ImageStatus.ACTIVE, size_bytes=SIZE_BYTES)
        assert await on.client.get_image(made.image_id) == done
        assert await on.client.list_images(ImageQuery(tag=TAGS[0])) == [done]
        assert (await on.client.get_quota()).used == 1
        await on.client.delete_image(made.image_id)
        on.simulator.clock.advance(60)
        assert await on.client.list_images(ImageQuery()) == []
        assert await on.client.get_image(made.image_id) is None


async def test_a_job_that_fails_tells_why():
    faults = """
    jobs: [{object: '*', code: IMG.0057, reason: 'image file unreadable'}]
    """
    for place in ("top", "entities", "both"):
        options = SimulatorOptions(job_error_place=place)
        async with stage(options, faults=faults) as on:
            made = await on.client.create_image(SPEC, TAGS)
            job_id = await on.client.register_image(made.image_id, SPEC)
            on.simulator.clock.advance(3600)
            job = await existing(on.client.get_job(job_id))
            assert job.fault is not None
            assert job.fault.request_id  # of the answer that told
            assert job.fault == Fault(
                kind=FaultKind.JOB_FAILED,
                code="IMG.0057",
                reason="image file unreadable",
                action=Action.FIX_SOURCE,
                request_id=job.fault.request_id,
            )


async def test_a_list_goes_over_all_pages_on_every_kind_of_cloud():
    for page_info in (False, True):
        async with stage(SimulatorOptions(page_info=page_info, quota=2000)) as on:
            for _ in range(7):
                await on.client.create_image(SPEC, TAGS)
            found = await on.client.list_images(ImageQuery(tag=TAGS[1]))
            assert len({image.image_id for image in found}) == 7
            one = await on.client.list_images(ImageQuery(image_id=found[0].image_id))
            assert one == [found[0]]
            later = ImageQuery(created_since="2099-01-01T00:00:00Z")
            assert await on.client.list_images(later) == []


@pytest.mark.parametrize("second", ["conflict", "refused"])
async def test_a_second_register_leaves_open_whether_the_first_was_taken(second):
    async with stage(SimulatorOptions(second_register=second)) as on:
        made = await on.client.create_image(SPEC, TAGS)
        await on.client.register_image(made.image_id, SPEC)
        error = await fails(on.client.register_image(made.image_id, SPEC))
        assert (error.kind, error.applied) == (FaultKind.CONFLICT, Applied.UNKNOWN)


async def test_too_many_tasks_are_a_busy_service_although_it_answers_400():
    async with stage(SimulatorOptions(task_limit=1)) as on:
        first = await on.client.create_image(SPEC, TAGS)
        second = await on.client.create_image(replace(SPEC, name="web-02"), TAGS)
        await on.client.register_image(first.image_id, SPEC)
        error = await fails(on.client.register_image(second.image_id, SPEC))
        assert (error.kind, error.applied) == (FaultKind.BUSY, Applied.NO)
        assert error.fault.http_status == 400


async def test_a_full_quota_is_told_as_such():
    async with stage(SimulatorOptions(quota=1)) as on:
        await on.client.create_image(SPEC, TAGS)
        error = await fails(on.client.create_image(SPEC, TAGS))
        assert (error.kind, error.applied) == (FaultKind.QUOTA, Applied.NO)
        assert error.fault.action is Action.RAISE_QUOTA


@pytest.mark.parametrize("native_errors", ["glance", "wrapped", "html", "img"])
async def test_an_image_that_is_not_there_is_not_found_in_every_wording(native_errors):
    async with stage(SimulatorOptions(native_errors=native_errors)) as on:
        missing = ImageId("00000000-0000-4000-8000-000000000000")
        assert await on.client.get_image(missing) is None
        error = await fails(on.client.register_image(missing, SPEC))
        assert (error.kind, error.applied) == (FaultKind.NOT_FOUND, Applied.NO)


@pytest.mark.parametrize("delete_unknown", ["no_content", "not_found"])
async def test_deleting_what_is_not_there_is_no_error(delete_unknown):
    async with stage(SimulatorOptions(delete_unknown=delete_unknown)) as on:
        await on.client.delete_image(ImageId("00000000-0000-4000-8000-000000000000"))


@pytest.mark.parametrize("unknown_job_status", [400, 404])
async def test_a_job_that_the_service_does_not_know_is_none(unknown_job_status):
    async with stage(SimulatorOptions(unknown_job_status=unknown_job_status)) as on:
        assert await on.client.get_job(JobId("0" * 32)) is None


async def test_a_revoked_token_is_renewed_once_and_the_create_made_once():
    async with stage() as on:
        on.simulator.revoke_tokens()
        await on.client.create_image(SPEC, TAGS)
        assert on.simulator.audit.by_status == {401: 1, 201: 1}


async def test_a_wrong_secret_is_refused_once():
    def wrong(simulator: Simulator) -> Authoriser:
        return signer(simulator, secret="not-the-secret")

    async with stage(authoriser=wrong) as on:
        error = await fails(on.client.get_quota())
        assert isinstance(error, AuthenticationError)
        assert on.simulator.audit.by_status == {401: 1}


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        ("{status: 500, body: html, execute: true}", FaultKind.SERVER),
        ("{status: 504, body: plain, execute: true}", FaultKind.SERVER),
        ("{status: 302, location: 'http://127.0.0.1:9/'}", FaultKind.MISREAD),
        ("{status: 200, body: empty, execute: true}", FaultKind.MISREAD),
        ("{truncate: json}", FaultKind.MISREAD),
        ("{truncate: transfer}", FaultKind.LOST),
        ("{drop: after}", FaultKind.LOST),
    ],
)
async def test_a_create_whose_answer_is_spoilt_may_have_been_carried_out(effect, kind):
    faults = f"rules: [{{match: {{route: image.create}}, effect: {effect}}}]"
    async with stage(faults=faults) as on:
        error = await fails(on.client.create_image(SPEC, TAGS))
        assert (error.kind, error.applied) == (kind, Applied.UNKNOWN)


async def test_a_throttled_call_says_for_how_long():
    faults = """
    rules:
      - match: {route: quota.show, nth: 1}
        effect: {status: 429, body: gateway, retry_after_s: 17}
    """
    async with stage(faults=faults) as on:
        error = await fails(on.client.get_quota())
        assert (error.kind, error.retry_after_s) == (FaultKind.THROTTLED, 17.0)
