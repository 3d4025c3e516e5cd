"""Faults on real connections: what the client sees and what took effect all the same."""

from __future__ import annotations

import asyncio
import io
import time

import aiohttp
import pytest

from tests.simulator.driving import Driver, driven, until

pytestmark = pytest.mark.integration

FAST = {"speed": 1000.0}


def rule(effect: str, match: str = "{route: image.create, nth: 1}") -> str:
    return f"rules:\n- name: it\n  match: {match}\n  effect: {effect}\n"


def created(cloud: Driver) -> int:
    """How many shells there really are."""
    return cloud.simulator.state.tally.images_created


@pytest.mark.parametrize(("drop", "made"), [("before", 0), ("after", 1)])
async def test_a_reset_comes_before_or_after_the_call_took_effect(
    drop: str, made: int
) -> None:
    """The client cannot tell the two apart; the log can."""
    async with driven(rule(f"{{drop: {drop}}}")) as cloud:
        with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
            await cloud.create()
        assert created(cloud) == made
        record = cloud.simulator.audit.of_route("image.create")[0]
        assert (record.status, record.fault) == (0, "it")
        assert record.executed is bool(made)
        assert (record.image_id is None) is not bool(made)
        assert (await cloud.create()).status == 201


@pytest.mark.parametrize(("execute", "made"), [("false", 0), ("true", 1)])
async def test_a_gateway_s_error_may_hide_a_write_that_happened(
    execute: str, made: int
) -> None:
    """The most treacherous answer: 504, and the shell is there."""
    effect = f"{{status: 504, execute: {execute}}}"
    async with driven(rule(effect)) as cloud:
        answer = await cloud.create()
        assert answer.status == 504
        assert answer.json["request_id"] == answer.headers["X-Request-Id"]
        assert created(cloud) == made


async def test_json_may_be_cut_off() -> None:
    """The answer ends early, although its length is right."""
    async with driven(rule("{truncate: json}")) as cloud:
        answer = await cloud.create()
        assert answer.status == 201
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            _ = answer.json
        assert created(cloud) == 1


async def test_a_transfer_may_be_cut_off() -> None:
    """The connection ends in the middle of the body."""
    async with driven(rule("{truncate: transfer}")) as cloud:
        with pytest.raises(aiohttp.ClientError):
            await cloud.create()
        assert created(cloud) == 1


async def test_any_status_can_be_faked() -> None:
    """Also one that the standard does not know."""
    async with driven(rule("{status: 499}")) as cloud:
        answer = await cloud.create()
        assert (answer.status, answer.body) == (499, b"")


async def test_html_may_come_with_a_200() -> None:
    """As from a captive portal; nothing was done."""
    async with driven(rule("{html_200: true}")) as cloud:
        answer = await cloud.create()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
        assert created(cloud) == 0


async def test_delays_are_service_time_and_come_before_or_after() -> None:
    """Before it, nothing has happened yet; after it, everything has."""
    script = """
    rules:
    - {match: {route: image.create, nth: 1}, effect: {delay_s: 100}}
    - {match: {route: image.create, nth: 2}, effect: {delay_answer_s: 100}}
    """
    async with driven(script, **FAST) as cloud, asyncio.TaskGroup() as group:
        for made in (0, 2):  # shells there are while the answer is awaited
            began = time.monotonic()
            task = group.create_task(cloud.create())
            await until(lambda: cloud.simulator.audit.in_flight == 1)
            if made:
                await until(lambda: created(cloud) == 2)
            assert created(cloud) == made
            assert (await task).status == 201
            assert 0.1 <= time.monotonic() - began < 5


async def test_a_client_that_gave_up_does_not_stop_the_write() -> None:
    """The shell appears after the caller has gone."""
    async with driven(rule("{delay_s: 50}"), **FAST) as cloud:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await cloud.create()
        assert created(cloud) == 0
        await until(lambda: created(cloud) == 1)


async def test_revocation_hits_in_the_middle_of_a_run() -> None:
    """The call that triggers it is the first to be refused."""
    script = rule("{revoke_tokens: true}", "{route: image.create, nth: 2}")
    async with driven(script) as cloud:
        assert (await cloud.create()).status == 201
        assert (await cloud.create()).code == "APIGW.0307"
        cloud.headers = {"X-Auth-Token": cloud.simulator.issue_token()}
        assert (await cloud.create()).status == 201


async def test_rules_know_images_and_objects_in_every_call() -> None:
    """By the body, by the id in the path, by the job."""
    script = """
    rules:
    - {name: create, match: {route: image.create, image: "web-*"}, effect: {status: 500}}
    - {name: show, match: {route: image.show, image: "db-*"}, effect: {status: 502}}
    - {name: put, match: {route: image.register, object: "*:disks/*", nth: 1},
       effect: {status: 503}}
    - {name: job, match: {route: job.show, object: "*:disks/*"}, effect: {status: 504}}
    - {name: head, match: {route: object.head, object: "bucket:x/y"},
       effect: {status: 429}}
    """
    async with driven(script) as cloud:
        assert (await cloud.create()).status == 500
        image_id = await cloud.made(name="db-01")
        assert (await cloud.show(image_id)).status == 502
        assert (await cloud.register(image_id)).status == 503
        job_id = await cloud.started(image_id)
        assert (await cloud.job(job_id)).status == 504
        assert (await cloud.job("unknown")).status == 400
        assert (await cloud.send("HEAD", "/obs/bucket/x/y")).status == 429
        assert cloud.simulator.audit.by_fault == {
            "create": 1,
            "show": 1,
            "put": 1,
            "job": 1,
            "head": 1,
        }
        assert cloud.simulator.audit.of_route("job.show")[0].image_id == image_id


async def test_jobs_fail_by_script() -> None:
    """Code and reason are the script's; the second job of the same object is fine."""
    script = (
        'jobs: [{object: "*", nth: 1, code: IMG.0057, reason: torn, duration_s: 9}]'
    )
    async with driven(script, failed_state="queued") as cloud:
        image_id = await cloud.made()
        job_id = await cloud.started(image_id)
        cloud.simulator.clock.advance(10)
        job = (await cloud.job(job_id)).json
        assert (job["status"], job["error_code"]) == ("FAIL", "IMG.0057")
        assert (job["fail_reason"], job["entities"]) == ("torn", {})
        await cloud.started(image_id)
        cloud.simulator.clock.advance(1000)
        assert (await cloud.show(image_id)).json["status"] == "active"


async def test_two_puts_of_one_image_are_seen_as_such() -> None:
    """A lost answer, a repeat, a conflict: one job."""
    script = rule("{drop: after}", "{route: image.register, nth: 1}")
    async with driven(script) as cloud:
        # A PUT is re-sent by this very client when its kept connection breaks, which
        # is what the log must show; a fresh connection is not.
        image_id = await cloud.made()
        answer = await cloud.register(image_id)
        assert answer.status == 409
        assert cloud.simulator.summary()["images_with_repeated_register_calls"] == {
            image_id: 2
        }
        assert cloud.simulator.summary()["images_with_several_jobs"] == {}


async def test_requests_in_flight_are_gauged() -> None:
    """The peak is what a bound on concurrency can be checked against."""
    async with driven(rule("{delay_s: 50}", "{}"), **FAST) as cloud:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(cloud.create()) for _ in range(5)]
        assert {task.result().status for task in tasks} == {201}
        assert cloud.simulator.audit.peak_in_flight == 5
        assert cloud.simulator.audit.in_flight == 0


async def test_a_body_beyond_all_limits_is_refused() -> None:
    """By the gateway, and the simulator goes on."""
    async with driven() as cloud:
        body = io.BytesIO(bytes(17 << 20))
        url = f"{cloud.simulator.url}/v2/images"
        async with cloud.session.post(url, data=body) as response:
            assert response.status == 413
        assert (await cloud.create()).status == 201
        assert cloud.simulator.audit.by_status == {413: 1, 201: 1}


async def test_large_tokens_fit_into_a_header() -> None:
    """Sixteen kilobytes at least."""
    async with driven() as cloud:
        headers = {"X-Auth-Token": "MII" + "x" * (16 << 10)}
        assert (await cloud.send("GET", "/v2/images", headers=headers)).status == 401
