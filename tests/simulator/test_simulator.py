"""The simulator as a whole: starting it, furnishing it, reading what it witnessed."""

from __future__ import annotations

import ast
import asyncio
import ssl
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

import batch_register.simulator
from batch_register.simulator import (
    ApplicationCredential,
    Clock,
    FaultScript,
    FaultScriptError,
    SeedImage,
    Simulator,
    SimulatorOptions,
    StoredObject,
    UserAccount,
)
from batch_register.simulator.clock import parse_time
from tests.simulator.driving import CREATE, START_S, Driver, driven, options
from tests.virtual_time import run_virtually

pytestmark = pytest.mark.integration

OWN = "batch_register.simulator"


def test_it_shares_no_code_with_what_it_judges() -> None:
    """Only the standard library, the web server, YAML and the validator."""
    own = Path(batch_register.simulator.__file__).parent
    foreign: set[str] = set()
    for path in own.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                foreign.add(node.module or "")
            elif isinstance(node, ast.Import):
                foreign.update(name.name for name in node.names)
    outside = {name for name in foreign if not name.startswith(OWN)}
    packages = {name.partition(".")[0] for name in outside}
    assert packages - sys.stdlib_module_names == {"aiohttp", "yaml", "pydantic"}


async def test_it_listens_on_loopback_and_gives_a_clouds_entry() -> None:
    """The entry is what openstacksdk and our own client read."""
    async with Simulator() as simulator:
        assert simulator.url.startswith("http://127.0.0.1:")
        user = simulator.options.users[0]
        assert simulator.clouds_entry() == {
            "auth": {
                "auth_url": f"{simulator.url}/v3",
                "username": user.name,
                "password": user.password,
                "user_domain_name": user.domain_name,
                "project_name": "sim-region-1",
                "project_domain_name": user.domain_name,
            },
            "region_name": "sim-region-1",
            "image_endpoint_override": simulator.url,
            "obs_endpoint_override": f"{simulator.url}/obs",
            "ims_profile": "otc",
        }
        token = simulator.clouds_entry("token")
        assert token["auth_type"] == "v3token"


async def test_an_entry_may_use_an_application_credential() -> None:
    """That of the first user."""
    credential = ApplicationCredential(id="c" * 32, name="night", secret="made-up")
    users = (UserAccount(application_credentials=(credential,)),)
    async with Simulator(SimulatorOptions(users=users)) as simulator:
        entry = simulator.clouds_entry("application_credential")
        assert entry["auth_type"] == "v3applicationcredential"
        assert entry["auth"] == {
            "auth_url": f"{simulator.url}/v3",
            "application_credential_id": credential.id,
            "application_credential_secret": "made-up",
        }


async def test_a_port_can_be_chosen_and_is_free_afterwards() -> None:
    """Two simulators, one after the other, at the same address."""
    async with Simulator() as first:
        port = int(first.url.rpartition(":")[2])
    async with Simulator(port=port) as second:
        assert second.url == first.url


async def test_it_serves_over_tls() -> None:
    """With whatever certificate the caller brings."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    async with (
        Simulator(ssl_context=server) as simulator,
        aiohttp.ClientSession() as session,
        session.get(f"{simulator.url}/v3", ssl=client) as response,
    ):
        version = (await response.json())["version"]
        assert version["links"][0]["href"] == f"{simulator.url}/v3/"


async def test_it_must_be_started() -> None:
    """Before that there is nothing to look at; leaving unstarted does no harm."""
    simulator = Simulator()
    with pytest.raises(RuntimeError, match="not started"):
        _ = simulator.state
    await simulator.__aexit__(None, None, None)


@pytest.mark.parametrize("wrong", [{"speed": 0}, {"users": ()}, {"access_keys": ()}])
def test_options_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    """At once, not at the first request."""
    with pytest.raises(ValueError, match=r"speed|serves nobody"):
        SimulatorOptions(**wrong)


def test_options_show_no_secrets() -> None:
    """Not in their text form."""
    text = repr(options())
    assert UserAccount().password not in text
    assert options().access_keys[0].secret not in text


async def test_a_fault_script_is_read_from_a_path(tmp_path: Path) -> None:
    """And refused before anything is served."""
    path = tmp_path / "faults.yaml"
    path.write_text("rules: [{effect: {status: 500}}]", encoding="utf-8")
    async with Simulator(options(), fault_script=path) as simulator:
        simulator.use_faults(FaultScript())
    path.write_text("rules: [{match: {route: x}, effect: {drop: after}}]", "utf-8")
    with pytest.raises(FaultScriptError, match=r"faults\.yaml: unknown routes"):
        await Simulator(options(), fault_script=str(path)).__aenter__()


async def test_objects_and_images_can_be_furnished() -> None:
    """An embedded run goes on with what an earlier one made."""
    async with driven(objects_exist_by_default=False) as cloud:
        answer = await cloud.register(await cloud.made())
        assert answer.code == "IMG.0069"
        cloud.simulator.furnish([StoredObject(image_url="disks:a", size_bytes=9)])
        image = cloud.simulator.seed_image(
            SeedImage(
                id="x", name="x", status="saving", job_id="j", image_url="disks:a"
            )
        )
        assert (await cloud.job("j")).json["status"] == "RUNNING"
        cloud.simulator.clock.advance(1000)
        assert cloud.simulator.state.find_image("x", 0).size_bytes == 9
        assert image.status == "active"


async def control(cloud: Driver, path: str, body: object = None) -> Any:
    method = "GET" if body is None else "POST"
    return (await cloud.send(method, f"/_simulator/{path}", body, {})).json


async def test_another_process_can_do_the_same_over_http() -> None:
    """Without credentials, on loopback only; none of it is in the request log."""
    async with driven(objects_exist_by_default=False) as cloud:
        objects = [{"image_url": "disks:a", "size_bytes": 9, "format": "raw"}]
        assert await control(cloud, "objects", objects) == {"objects": 1}
        buckets = [{"name": "b-1", "region": "x"}]
        assert await control(cloud, "buckets", buckets) == {"buckets": 1}
        seeds = [{"id": "x", "name": "x", "status": "active", "image_url": "disks:a"}]
        assert await control(cloud, "images", seeds) == {"images": 1}
        found = (await control(cloud, "images"))["images"]
        assert [(i["id"], i["__image_size"]) for i in found] == [("x", "9")]
        now_s = (await control(cloud, "clock", {"advance_s": 3600}))["now_s"]
        assert START_S + 3600 <= now_s < START_S + 3700
        assert await control(cloud, "revoke-tokens", {}) == {"tokens": 1}
        assert (await cloud.create()).code == "APIGW.0307"
        assert cloud.simulator.audit.total == 1


async def test_faults_can_be_replaced_over_http() -> None:
    """The body is a fault script; mistakes come back with their lines."""
    async with driven() as cloud:
        script = b"rules: [{effect: {status: 503}}]"
        assert await control(cloud, "faults", script) == {"rules": "in force"}
        assert (await cloud.create()).status == 503
        wrong = await cloud.send("POST", "/_simulator/faults", b"rules: 1", {})
        assert wrong.status == 400
        assert wrong.json["problems"][0].startswith("line 1: rules")


async def test_control_bodies_are_checked() -> None:
    """A misspelt property is not ignored."""
    async with driven() as cloud:
        body = [{"image_url": "a:b", "size_bytes": 1, "sise": 2}]
        answer = await cloud.send("POST", "/_simulator/objects", body, {})
        assert answer.status == 400
        assert "sise" in answer.json["problems"][0]
        twins = [{"id": "x", "name": "x"}, {"id": "x", "name": "y"}]
        answer = await cloud.send("POST", "/_simulator/images", twins, {})
        assert answer.json["problems"] == ["image x exists already"]
        assert [image.name for image in cloud.simulator.images()] == ["x"]


async def test_jobs_tell_when_they_began_and_ended() -> None:
    """A benchmark compares a run with the best that these times allow."""
    async with driven() as cloud:
        image_id = await cloud.made()
        job_id = await cloud.started(image_id)
        cloud.simulator.clock.advance(3600)
        [job] = (await cloud.send("GET", "/_simulator/jobs", b"", {})).json["jobs"]
        assert (job["job_id"], job["image_id"]) == (job_id, image_id)
        assert job["submitted_s"] < job["ends_s"]
        assert job["submitted_s"] < job["active_s"]


async def test_the_audit_tells_what_happened() -> None:
    """Counts for asserting, and the requests themselves on demand."""
    async with driven() as cloud:
        image_id = await cloud.made()
        job_id = await cloud.started(image_id)
        await cloud.made()
        await cloud.send("GET", "/v2/unheard-of")
        summary = await control(cloud, "audit")
        assert summary == {
            "requests": 4,
            "writes": 3,
            "in_flight": 0,
            "peak_in_flight": 1,
            "by_route": {"image.create": 2, "image.register": 1, "unknown": 1},
            "executed_by_route": {"image.create": 2, "image.register": 1},
            "by_status": {"200": 1, "201": 2, "404": 1},
            "by_fault": {},
            "images_created": 2,
            "images_existing": 2,
            "images_created_by_entry": {"e1": 2},
            "live_images_by_entry": {"e1": summary["live_images_by_entry"]["e1"]},
            "duplicates": {"e1": 2},
            "unfinished_jobs": 1,
            "peak_unfinished_jobs": 1,
            "jobs_succeeded": 0,
            "jobs_failed": 0,
            "images_with_repeated_register_calls": {},
            "images_with_several_jobs": {},
        }
        log = (await control(cloud, "audit?requests=1"))["log"]
        assert [record["route"] for record in log] == [
            "image.create",
            "image.register",
            "image.create",
            "unknown",
        ]
        second = log[1]
        assert second["at"].startswith("2026-09-01T01:00:0")
        assert (second["image_id"], second["job_id"]) == (image_id, job_id)
        assert (second["image_name"], second["writes"]) == ("web-01", True)
        assert second["principal"] == "token:rehearsal"
        assert (second["status"], second["executed"]) == (200, True)
        assert log[3]["code"] is None


async def test_the_log_is_bounded() -> None:
    """Counts go on, old records go."""
    async with driven(audit_requests=2) as cloud:
        for _ in range(3):
            await cloud.send("POST", "/v2/images", CREATE)
        assert [r.number for r in cloud.simulator.audit.requests] == [2, 3]


def test_the_clock_runs_at_its_speed_and_can_skip() -> None:
    """On any monotonic source, a virtual one included."""
    source = [100.0]
    clock = Clock(
        monotonic=lambda: source[0],
        wall=lambda: START_S,
        speed=60.0,
        gateway_skew_s=5.0,
    )
    assert clock.now_s() == START_S
    source[0] += 1
    assert clock.now_s() == START_S + 60
    clock.advance(5)
    assert clock.now_s() == START_S + 65
    assert clock.real_s(120) == 2
    assert clock.gateway_now_s() == START_S + 5
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-1)


def test_the_clock_follows_a_virtual_loop() -> None:
    """Hours of service time pass in no time at all."""

    async def one_hour() -> float:
        loop = asyncio.get_running_loop()
        clock = Clock(monotonic=loop.time, wall=lambda: START_S, speed=2.0)
        await asyncio.sleep(3600)
        return clock.now_s() - START_S

    assert run_virtually(one_hour()) == 7200


async def test_a_clock_can_be_given() -> None:
    """Then the options' start and speed do not count."""
    clock = Clock(
        monotonic=asyncio.get_running_loop().time, wall=lambda: 0.0, start_s=5.0
    )
    async with Simulator(clock=clock) as simulator:
        assert simulator.clock is clock
        assert 5.0 <= simulator.state.now_s < 100.0


def test_times_are_read_in_the_documented_forms() -> None:
    """Seconds, fractions, and the form with a blank."""
    assert parse_time("2026-09-01T01:00:00Z") == START_S
    assert parse_time("2026-09-01T01:00:00.500Z") == START_S + 0.5
    assert parse_time("2026-09-01 01:00:00") == START_S
    with pytest.raises(ValueError, match="not a time of the API"):
        parse_time("01-Sep-2026")
