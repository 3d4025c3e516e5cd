"""The image service over real sockets: create, register, jobs, reads, delete, patch."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.simulator.driving import SOURCE, driven

pytestmark = pytest.mark.integration

UUID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
PATCH_TYPE = "application/openstack-images-v2.1-json-patch"


async def test_create_answers_with_the_documented_fields() -> None:
    """Vendor booleans and sizes are strings, disk and memory are integers."""
    async with driven() as cloud:
        answer = await cloud.create()
        image_id = answer.json["id"]
        assert answer.status == 201
        assert UUID.fullmatch(image_id)
        assert answer.json == {
            "schema": "/v2/schemas/image",
            "min_disk": 40,
            "created_at": answer.json["created_at"],
            "__image_source_type": "uds",
            "container_format": "bare",
            "__image_size": "0",
            "file": f"/v2/images/{image_id}/file",
            "updated_at": answer.json["created_at"],
            "protected": False,
            "id": image_id,
            "__isregistered": "true",
            "min_ram": 0,
            "owner": cloud.project_id,
            "__os_type": "Linux",
            "__imagetype": "private",
            "visibility": "private",
            "virtual_env_type": "FusionCompute",
            "tags": ["br-entry=e1", "batch=nightly"],
            "__platform": "Ubuntu",
            "__os_bit": "64",
            "__os_version": "Ubuntu 22.04 server 64bit",
            "name": "web-01",
            "self": f"/v2/images/{image_id}",
            "disk_format": "zvhd2",
            "status": "queued",
        }
        assert answer.json["created_at"].startswith("2026-09-01T01:00:0")
        assert answer.headers["Content-Type"] == "application/json"
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
        assert "Location" not in answer.headers


async def test_create_fills_in_defaults() -> None:
    """Everything is optional; the profile knows the rest."""
    async with driven(profile="flexibleengine", location_header=True) as cloud:
        answer = await cloud.send("POST", "/v2/images", {})
        image = answer.json
        assert (image["name"], image["min_disk"], image["disk_format"]) == (
            "",
            40,
            "vhd",
        )
        assert image["__os_version"] == "Other Linux(64 bit)"
        assert image["__platform"] == "Other"
        assert answer.headers["Location"].endswith(f"/v2/images/{image['id']}")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "x" * 129}, "IMG.0002"),
        ({"name": " web"}, "IMG.0003"),
        ({"name": "web/1"}, "IMG.0003"),
        ({"name": 5}, "IMG.0003"),
        ({"visibility": "public"}, "IMG.0001"),
        ({"container_format": "ovf"}, "IMG.0001"),
        ({"status": "active"}, "IMG.0001"),
        ({"protected": "yes"}, "IMG.0001"),
        ({"disk_format": "vmdk"}, "IMG.0072"),
        ({"disk_format": 1}, "IMG.0072"),
        ({"min_disk": 0}, "IMG.0055"),
        ({"min_disk": 1025}, "IMG.0055"),
        ({"min_disk": "40"}, "IMG.0055"),
        ({"min_disk": True}, "IMG.0055"),
        ({"min_ram": -1}, "IMG.0055"),
        ({"__os_version": 5}, "IMG.0056"),
        ({"tags": "a=b"}, "IMG.0115"),
        ({"tags": [1]}, "IMG.0115"),
        ({"tags": ["a b=c"]}, "IMG.0115"),
        ({"tags": ["a=" + "x" * 254]}, "IMG.0115"),
        ({"tags": ["a=1", "a=2"]}, "IMG.0115"),
        ({"tags": [f"k{n}=v" for n in range(11)]}, "IMG.0116"),
    ],
)
async def test_create_refuses_what_the_rules_forbid(
    changes: dict[str, Any], code: str
) -> None:
    """Each broken rule has its code, and nothing is made."""
    async with driven() as cloud:
        answer = await cloud.create(**changes)
        assert (answer.status, answer.code) == (400, code)
        assert await cloud.listed() == []


@pytest.mark.parametrize(
    ("switches", "changes", "code"),
    [
        ({"strict_os_version": True}, {"__os_version": "Ubuntu 99 64bit"}, "IMG.0056"),
        ({"profile": "huawei"}, {"__os_version": "Windows 10 64bit"}, "IMG.0056"),
        ({"profile": "huawei"}, {"min_disk": 9}, "IMG.0055"),
        ({"profile": "flexibleengine"}, {"min_disk": 39}, "IMG.0055"),
        ({"strict_tags": True}, {"tags": ["a.b=c"]}, "IMG.0115"),
        ({"extra_properties": "refused"}, {"my": "x"}, "IMG.0001"),
    ],
)
async def test_switches_make_create_stricter(
    switches: dict[str, Any], changes: dict[str, Any], code: str
) -> None:
    """Clouds differ, and so do the readings of the pages."""
    async with driven(**switches) as cloud:
        answer = await cloud.create(**changes)
        assert (answer.status, answer.code) == (400, code)


async def test_create_takes_what_only_some_clouds_take() -> None:
    """Chinese names, extra properties, unknown systems, dropped tags."""
    async with driven(profile="huawei", extra_properties="kept") as cloud:
        answer = await cloud.create(
            name="镜像 1", my="x", __os_version="debian 13 64bit"
        )
        assert answer.json["name"] == "镜像 1"
        assert answer.json["my"] == "x"
        assert answer.json["__platform"] == "Debian"
    async with driven(tags_on_create="dropped") as cloud:
        other = await cloud.create(__os_version="Slackware 15 64bit")
        assert (other.json["__platform"], other.json["__os_type"]) == ("Other", "Linux")
        answer = await cloud.create(my="x", __os_version="Windows 10 64bit")
        assert answer.json["tags"] == []
        assert "my" not in answer.json
        assert answer.json["__os_type"] == "Windows"


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"", "IMG.0007"), (b"{", "IMG.0001"), (b"[]", "IMG.0001")],
)
async def test_bodies_must_be_json_objects(body: bytes, code: str) -> None:
    """For create and for register alike."""
    async with driven() as cloud:
        image_id = await cloud.made()
        for method, path in (
            ("POST", "/v2/images"),
            ("PUT", f"/v1/cloudimages/{image_id}/upload"),
        ):
            answer = await cloud.send(method, path, body)
            assert (answer.status, answer.code) == (400, code)


async def test_an_image_is_registered_and_becomes_active() -> None:
    """The whole way, as a client sees it."""
    async with driven(active_offset_range_s=(0.0, 0.0)) as cloud:
        image_id = await cloud.made()
        job_id = await cloud.started(image_id)
        assert re.fullmatch("[0-9a-f]{32}", job_id)
        assert (await cloud.job(job_id)).json["status"] == "INIT"
        assert (await cloud.show(image_id)).json["status"] == "saving"
        cloud.simulator.clock.advance(60)
        assert (await cloud.job(job_id)).json["status"] == "RUNNING"
        cloud.simulator.clock.advance(600)
        done = await cloud.job(job_id)
        assert done.json["status"] == "SUCCESS"
        assert done.json["entities"] == {"image_id": image_id}
        image = (await cloud.show(image_id)).json
        assert image["status"] == "active"
        assert int(image["__image_size"]) > 0
        assert image["__data_origin"] == f"file,{SOURCE}"
        assert image["updated_at"] > image["created_at"]
        assert (image["size"], image["virtual_size"]) == (0, None)


async def test_the_progress_call_exists_on_some_clouds_only() -> None:
    """Elsewhere the gateway does not know it."""
    async with driven(profile="huawei") as cloud:
        job_id = await cloud.started(await cloud.made())
        answer = await cloud.send("GET", f"/v1/cloudimages/job/{job_id}")
        assert answer.json["entities"]["process_percent"] == 0.0
    async with driven() as cloud:
        answer = await cloud.send("GET", f"/v1/cloudimages/job/{job_id}")
        assert (answer.status, answer.code) == (404, "APIGW.0101")


async def test_a_blank_before_the_job_id_must_be_stripped() -> None:
    """Who sends it back as it came finds no such path."""
    async with driven(job_id_blank=True) as cloud:
        job_id = await cloud.started(await cloud.made())
        assert job_id.startswith(" ")
        answer = await cloud.send("GET", f"/v1/{cloud.project_id}/jobs/%20{job_id[1:]}")
        assert (answer.status, answer.code) == (404, "APIGW.0101")
        assert (await cloud.job(job_id.strip())).status == 200


async def test_jobs_belong_to_a_project() -> None:
    """Another project's id in the path is refused, an unknown job is a query fault."""
    async with driven() as cloud:
        job_id = await cloud.started(await cloud.made())
        answer = await cloud.send("GET", f"/v1/{'0' * 32}/jobs/{job_id}")
        assert (answer.status, answer.code) == (400, "IMG.0067")
        answer = await cloud.job("f" * 32)
        assert (answer.status, answer.code) == (400, "IMG.0023")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("glance", '"code":"404 Not Found","title":"Not Found"'),
        ("wrapped", '{"itemNotFound":{"message":'),
        ("html", "<title>404 Not Found</title>"),
        ("img", '"code":"IMG.0027"'),
    ],
)
async def test_a_missing_image_is_a_404_in_the_chosen_shape(
    shape: Any, expected: str
) -> None:
    """Nobody documents the body."""
    async with driven(native_errors=shape) as cloud:
        answer = await cloud.show("nobody")
        assert answer.status == 404
        assert expected in answer.body.decode()


async def test_delete_answers_204_and_the_image_lingers() -> None:
    """It is still listed for some seconds."""
    async with driven(delete_linger_range_s=(5.0, 5.0)) as cloud:
        image_id = await cloud.made()
        path = f"/v2/images/{image_id}"
        answer = await cloud.send("DELETE", path)
        assert (answer.status, answer.body) == (204, b"")
        assert await cloud.listed() == ["web-01"]
        cloud.simulator.clock.advance(6)
        assert await cloud.listed() == []
        assert (await cloud.send("DELETE", path)).status == 204


async def test_patch_changes_names_and_custom_attributes() -> None:
    """Both native versions are read; replace needs an attribute that exists."""
    async with driven() as cloud:
        image_id = await cloud.made()
        path = f"/v2/images/{image_id}"
        change = [
            {"op": "replace", "path": "/name", "value": "web-02"},
            {"add": "/__description", "value": "new"},
            {"op": "add", "path": "/__support_kvm", "value": "true"},
        ]
        answer = await cloud.send("PATCH", path, change)
        assert answer.status == 200
        assert (answer.json["name"], answer.json["__description"]) == ("web-02", "new")
        assert await cloud.listed("?__support_kvm=true") == ["web-02"]
        remove = [{"op": "remove", "path": "/__description"}]
        answer = await cloud.send("PATCH", path, remove)
        assert "__description" not in answer.json
        sizes = [
            {"op": "replace", "path": "/min_disk", "value": 50},
            {"op": "replace", "path": "/min_ram", "value": 1024},
        ]
        answer = await cloud.send("PATCH", path, sizes)
        assert (answer.json["min_disk"], answer.json["min_ram"]) == (50, 1024)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "IMG.0001"),
        ([1], "IMG.0001"),
        ([{"op": "move", "path": "/name"}], "IMG.0001"),
        ([{"op": "replace", "path": "/max_ram", "value": "1"}], "IMG.0035"),
        ([{"op": "remove", "path": "/__description"}], "IMG.0035"),
        ([{"op": "replace", "path": "/status", "value": "active"}], "IMG.0035"),
        ([{"op": "replace", "path": "/name", "value": "a/b"}], "IMG.0003"),
    ],
)
async def test_patch_refuses_everything_else(change: object, code: str) -> None:
    """And changes nothing then."""
    async with driven() as cloud:
        image_id = await cloud.made()
        answer = await cloud.send("PATCH", f"/v2/images/{image_id}", change)
        assert (answer.status, answer.code) == (400, code)


async def test_the_extension_s_patch_takes_active_images_only() -> None:
    """A shell must wait."""
    async with driven() as cloud:
        image_id = await cloud.made()
        path = f"/v2/cloudimages/{image_id}"
        change = [{"op": "add", "path": "/__description", "value": "x"}]
        answer = await cloud.send("PATCH", path, change)
        assert (answer.status, answer.code) == (400, "IMG.0046")
        await cloud.started(image_id)
        cloud.simulator.clock.advance(1000)
        assert (await cloud.send("PATCH", path, change)).status == 200


async def test_quota_is_what_create_enforces() -> None:
    """Shells count; the figures are integers."""
    async with driven(quota=1) as cloud:
        await cloud.made()
        answer = await cloud.send("GET", "/v1/cloudimages/quota")
        first = answer.json["quotas"]["resources"][0]
        assert first == {"type": "image", "used": 1, "quota": 1, "min": 1, "max": 1000}
        answer = await cloud.create()
        assert (answer.status, answer.code) == (400, "IMG.0015")


async def test_operating_systems_and_schemas_can_be_read() -> None:
    """The list of systems is a bare array with integer widths."""
    async with driven() as cloud:
        systems = (await cloud.send("GET", "/v1/cloudimages/os_version")).json
        first = systems[0]["version_list"][0]
        assert first == {
            "platform": "Windows",
            "os_version_key": "Windows 10 64bit",
            "os_version": "Windows 10 64bit",
            "os_bit": 64,
            "os_type": "Windows",
        }
        schema = (await cloud.send("GET", "/v2/schemas/image")).json
        assert "pending_delete" in schema["properties"]["status"]["enum"]
        assert (await cloud.send("GET", "/v2/schemas/images")).json["name"] == "images"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/nothing"),
        ("POST", "/v2/cloudimages"),
        ("DELETE", "/v2/cloudimages"),
        ("GET", "/v2/images/a/b/c/d/e/f"),
        ("OPTIONS", "/v2/images"),
    ],
)
async def test_an_unknown_route_is_the_gateway_s_404(method: str, path: str) -> None:
    """The prefix of its code is a switch; the body repeats the request id."""
    async with driven(gateway_prefix="APIG") as cloud:
        answer = await cloud.send(method, path)
        assert (answer.status, answer.code) == (404, "APIG.0101")
        assert answer.json["request_id"] == answer.headers["X-Request-Id"]
