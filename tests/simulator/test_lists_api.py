"""Both image lists, the tag query and the tag calls over real sockets."""

from __future__ import annotations

from typing import Any

import pytest

from batch_register.simulator import SeedImage
from tests.simulator.driving import START_S, Driver, driven

pytestmark = pytest.mark.integration


def seed(cloud: Driver, count: int, **changes: Any) -> None:
    """Put images im-00, im-01, ... into the cloud, one a minute."""
    for number in range(count):
        given: dict[str, Any] = {
            "id": f"id-{number:02d}",
            "name": f"im-{number:02d}",
            "size_bytes": 1,
            "created_s": START_S + 60 * number,
            **changes,
        }
        cloud.simulator.seed_image(SeedImage(**given))


async def test_the_native_list_pages_by_25_and_links_the_next_page() -> None:
    """Newest first; no link on the last page."""
    async with driven() as cloud:
        seed(cloud, 30)
        first = (await cloud.send("GET", "/v2/images?__imagetype=private")).json
        assert [i["name"] for i in first["images"][:2]] == ["im-29", "im-28"]
        assert len(first["images"]) == 25
        assert first["next"] == ("/v2/images?__imagetype=private&marker=id-05&limit=25")
        last = (await cloud.send("GET", first["next"])).json
        names = [image["name"] for image in last["images"]]
        assert names == ["im-04", "im-03", "im-02", "im-01", "im-00"]
        assert "next" not in last
        assert last["schema"] == "/v2/schemas/images"


async def test_the_extension_list_pages_by_marker_without_a_link() -> None:
    """The last id is the next marker; the last page is empty."""
    async with driven() as cloud:
        seed(cloud, 4)
        assert await cloud.listed("?limit=3") == ["im-03", "im-02", "im-01"]
        assert await cloud.listed("?limit=3&marker=id-01") == ["im-00"]
        assert await cloud.listed("?limit=3&marker=id-00") == []
        assert await cloud.listed("?limit=0") == []
        answer = await cloud.send("GET", "/v2/cloudimages?limit=3")
        assert set(answer.json) == {"images"}
    async with driven(page_info=True) as cloud:
        seed(cloud, 4)
        answer = await cloud.send("GET", "/v2/cloudimages?limit=3")
        assert answer.json["page_info"] == {"next_marker": "id-01"}
        answer = await cloud.send("GET", "/v2/cloudimages?limit=4")
        assert answer.json["page_info"] == {}


@pytest.mark.parametrize("status", [400, 404])
async def test_an_unknown_marker_is_an_error(status: Any) -> None:
    """Paging over a changing list can fail half-way."""
    async with driven(unknown_marker_status=status) as cloud:
        answer = await cloud.send("GET", "/v2/images?marker=nobody")
        assert answer.status == status


@pytest.mark.parametrize(
    ("sorting", "expected"),
    [
        ("sort_dir=asc", ["im-00", "im-01", "im-02"]),
        ("sort_key=name", ["im-02", "im-01", "im-00"]),
        ("sort_key=name&sort_dir=asc", ["im-00", "im-01", "im-02"]),
        ("sort_key=disk_format&sort_dir=asc", ["im-00", "im-01", "im-02"]),
        ("sort_key=status", ["im-02", "im-01", "im-00"]),
        ("sort_key=size", ["im-02", "im-01", "im-00"]),
        ("sort_dir=asc&marker=id-00", ["im-01", "im-02"]),
    ],
)
async def test_lists_can_be_sorted(sorting: str, expected: list[str]) -> None:
    """Ties are broken by the id."""
    async with driven() as cloud:
        seed(cloud, 3)
        assert await cloud.listed(f"?{sorting}") == expected


FILTERS = [
    ("name=im-01", ["im-01"]),
    ("name=im", []),
    ("id=id-02", ["im-02"]),
    ("id=nobody", []),
    ("status=queued", ["shell"]),
    ("status=active&name=im-00", ["im-00"]),
    ("__imagetype=gold", []),
    ("__isregistered=True&name=im-00", ["im-00"]),
    ("protected=true", ["shell"]),
    ("owner=somebody", []),
    ("visibility=private&name=im-00", ["im-00"]),
    ("container_format=bare&name=im-00", ["im-00"]),
    ("disk_format=raw", ["shell"]),
    ("min_ram=4096", ["shell"]),
    ("min_disk=50", ["shell"]),
    ("__os_bit=32", ["shell"]),
    ("__platform=CentOS", ["shell"]),
    ("__os_type=Windows", []),
    ("virtual_env_type=FusionCompute&name=im-00", ["im-00"]),
    ("virtual_env_type=DataImage", []),
    ("enterprise_project_id=all_granted_eps&name=im-00", ["im-00"]),
    ("enterprise_project_id=f00", []),
    ("__whole_image=true", []),
    ("tag=batch%3Dnightly", ["shell"]),
    ("tag=batch=nightly&tag=br-entry=e9", ["shell"]),
    ("tag=batch=nightly&tag=br-entry=e8", []),
    ("tag=batch", []),
    ("tag=old=style", ["shell"]),
    ("created_at=gte:2026-09-01T01:02:00Z", ["shell", "im-02"]),
    ("created_at=gt:2026-09-01T01:02:00Z", ["shell"]),
    ("created_at=lt:2026-09-01%2001:01:00", ["im-00"]),
    ("created_at=lte:2026-09-01T01:01:00Z", ["im-01", "im-00"]),
    ("created_at=eq:2026-09-01T01:01:00Z", ["im-01"]),
    ("updated_at=neq:2026-09-01T01:01:00Z&limit=1", ["shell"]),
    ("nonsense=1&name=im-00", ["im-00"]),
    ("member_status=all&name=im-00", ["im-00"]),
    ("architecture=arm&name=im-00", ["im-00"]),  # not a filter of this cloud
]


@pytest.fixture(scope="module")
def other() -> SeedImage:
    return SeedImage(
        id="id-99",
        name="shell",
        status="queued",
        tags=("batch=nightly", "br-entry=e9", "old.style"),
        disk_format="raw",
        min_ram_mb=4096,
        min_disk_gb=50,
        protected=True,
        os_version="CentOS 6.10 32bit",
        created_s=START_S + 3600,
    )


@pytest.mark.parametrize(("query", "expected"), FILTERS)
async def test_lists_filter(query: str, expected: list[str], other: SeedImage) -> None:
    """Names and ids match exactly; times take operators; tags are key=value."""
    async with driven() as cloud:
        seed(cloud, 3)
        cloud.simulator.seed_image(other)
        assert await cloud.listed(f"?{query}") == expected


async def test_huawei_knows_more_filters() -> None:
    """Architecture is one of that cloud's own."""
    async with driven(profile="huawei") as cloud:
        seed(cloud, 1)
        assert await cloud.listed("?architecture=arm") == []
        assert await cloud.listed("?architecture=x86") == ["im-00"]
        assert await cloud.listed("?flavor_id=s6.large.2") == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=x",
        "limit=-1",
        "sort_key=owner",
        "sort_dir=up",
        "created_at=gte:yesterday",
        "created_at=2026-09-01T01:00:00Z",
    ],
)
async def test_malformed_parameters_are_refused(query: str) -> None:
    """As a malformed message."""
    async with driven() as cloud:
        answer = await cloud.send("GET", f"/v2/cloudimages?{query}")
        assert (answer.status, answer.code) == (400, "IMG.0001")


async def test_unknown_filters_may_be_refused() -> None:
    """The native list does not know the extension's filters."""
    async with driven(unknown_filters="refused") as cloud:
        query = "?virtual_env_type=FusionCompute"
        assert (await cloud.send("GET", f"/v2/cloudimages{query}")).status == 200
        answer = await cloud.send("GET", f"/v2/images{query}")
        assert (answer.status, answer.code) == (400, "IMG.0001")


async def test_several_ids_work_only_where_glance_s_filter_is_kept() -> None:
    """No edition documents it."""
    for kept, expected in ((False, []), (True, ["im-02", "im-00"])):
        async with driven(glance_in=kept) as cloud:
            seed(cloud, 3)
            answer = await cloud.send("GET", "/v2/images?id=in:id-00,id-02,nobody")
            assert [image["name"] for image in answer.json["images"]] == expected
            assert await cloud.listed("?id=in:id-00,id-02") == []


@pytest.mark.parametrize(
    ("mode", "expected"), [("ignored", ["im-00"]), ("matches_nothing", [])]
)
async def test_a_cloud_may_not_honour_the_tag_filter(
    mode: Any, expected: list[str]
) -> None:
    """Either it ignores the parameter or it never matches."""
    async with driven(tag_filter=mode) as cloud:
        seed(cloud, 1, tags=("a=1",))
        assert await cloud.listed("?tag=a=2") == expected
        assert await cloud.listed() == ["im-00"]


async def test_pages_are_capped_at_a_thousand() -> None:
    """Whatever limit is asked for."""
    async with driven(quota=2000) as cloud:
        for number in range(1001):
            image = SeedImage(id=f"{number:04d}", name="x", size_bytes=1)
            cloud.simulator.seed_image(image)
        assert len(await cloud.listed("?limit=5000")) == 1000


async def test_lists_lag_behind_reads_by_id() -> None:
    """The list shows the state of a while ago, also in its documents."""
    async with driven(list_status_lag_s=30.0, list_create_lag_s=5.0) as cloud:
        image_id = await cloud.made()
        assert await cloud.listed(f"?id={image_id}") == []
        cloud.simulator.clock.advance(6)
        await cloud.started(image_id)
        assert (await cloud.show(image_id)).json["status"] == "saving"
        listed = (await cloud.send("GET", "/v2/cloudimages")).json["images"]
        assert [image["status"] for image in listed] == ["queued"]
        assert await cloud.listed("?status=saving") == []
        answer = await cloud.send("GET", "/v2/images?marker=nobody")
        assert answer.status == 400


ACTION = "/v2/{}/images/resource_instances/action"
QUERIES = [
    ({"tags": [{"key": "batch", "values": ["nightly"]}]}, ["im-01", "im-00"]),
    ({"tags": [{"key": "batch", "values": []}]}, ["im-01", "im-00"]),
    ({"tags": [{"key": "batch", "values": ["x"]}]}, []),
    ({"tags_any": [{"key": "x"}, {"key": "batch"}]}, ["im-01", "im-00"]),
    ({"not_tags": [{"key": "batch"}]}, ["bare"]),
    ({"not_tags_any": [{"key": "x"}, {"key": "batch"}]}, ["bare"]),
    ({"without_any_tag": True, "tags": [{"key": "batch"}]}, ["bare"]),
    ({"matches": [{"key": "resource_id", "value": "id-01"}]}, ["im-01"]),
    ({"matches": [{"key": "resource_name", "value": "IM-"}]}, ["im-01", "im-00"]),
    ({"matches": [{"key": "resource_name", "value": ""}]}, []),
    ({"limit": "1", "offset": "1"}, ["im-01"]),
]


@pytest.mark.parametrize(("body", "expected"), QUERIES)
async def test_the_tag_query_finds_images(
    body: dict[str, Any], expected: list[str]
) -> None:
    """Limits and offsets are strings in this call."""
    async with driven() as cloud:
        seed(cloud, 2, tags=("batch=nightly",))
        bare = SeedImage(
            id="id-50", name="bare", status="queued", created_s=START_S + 900
        )
        cloud.simulator.seed_image(bare)
        path = ACTION.format(cloud.project_id)
        answer = await cloud.send("POST", path, {"action": "filter", **body})
        found = answer.json["resources"]
        assert [resource["resource_name"] for resource in found] == expected
        count = await cloud.send("POST", path, {"action": "count", **body})
        assert count.json == {"total_count": answer.json["total_count"]}
        for resource in found:
            assert set(resource) == {
                "resource_id",
                "resource_name",
                "resource_detail",
                "tags",
            }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "Filter"},
        {"action": "filter", "limit": 10},
        {"action": "filter", "limit": "1001"},
        {"action": "filter", "limit": "0"},
        {"action": "filter", "offset": "-1"},
        {"action": "filter", "tags": {}},
        {"action": "filter", "tags": [{"values": []}]},
        {"action": "filter", "matches": {}},
        {"action": "filter", "matches": [{"key": "name"}]},
        {"action": "filter", "matches": [1]},
        {"action": "filter", "tags": [{"key": f"k{n}"} for n in range(11)]},
        {"action": "filter", "tags": [{"key": "k", "values": list("abcdefghijk")}]},
    ],
)
async def test_the_tag_query_is_strict(body: dict[str, Any]) -> None:
    """Action is case-sensitive, numbers are strings."""
    async with driven() as cloud:
        seed(cloud, 1)
        answer = await cloud.send("POST", ACTION.format(cloud.project_id), body)
        assert (answer.status, answer.code) == (400, "IMG.0001")


async def test_tags_in_all_spellings() -> None:
    """Native strings and vendor pairs are two views of one list."""
    async with driven(profile="huawei") as cloud:
        image_id = await cloud.made(tags=["a=1"])
        own = f"/v2/{cloud.project_id}/images/{image_id}/tags"
        steps: list[tuple[str, str, object, int]] = [
            ("PUT", f"/v2/images/{image_id}/tags/b=2", None, 204),
            ("PUT", f"/v2/images/{image_id}/tags/b=2", None, 204),
            ("PUT", f"/v2/images/{image_id}/tags/c=9", None, 204),
            ("DELETE", f"/v2/images/{image_id}/tags/c=9", None, 204),
            ("DELETE", f"/v2/images/{image_id}/tags/c=9", None, 404),
            ("PUT", "/v1/cloudimages/tags", {"image_id": image_id, "tag": "d.4"}, 204),
            ("POST", own, {"tag": {"key": "a", "value": "5"}}, 204),
            ("DELETE", f"{own}/d", None, 204),
            ("DELETE", f"{own}/d", None, 404),
        ]
        for method, path, body, status in steps:
            assert (await cloud.send(method, path, body)).status == status, path
        pair = {"image_id": image_id, "image_tag": {"key": "e", "value": "6"}}
        assert (await cloud.send("PUT", "/v1/cloudimages/tags", pair)).status == 204
        answer = await cloud.send("GET", own)
        assert answer.json == {
            "tags": [
                {"key": "b", "value": "2"},
                {"key": "a", "value": "5"},
                {"key": "e", "value": "6"},
            ]
        }
        keys = await cloud.send("GET", f"/v2/{cloud.project_id}/images/tags")
        assert keys.json["tags"][0] == {"key": "a", "values": ["5"]}
        names = await cloud.send("GET", "/v1/cloudimages/tags?limit=2&page=1")
        assert names.json == {"tags": ["a=5", "b=2"]}
        assert await cloud.listed("?tag=a=5") == ["web-01"]
        assert await cloud.listed("?tag=a=1") == []

        bulk = f"/v1/{cloud.project_id}/cloudimages/{image_id}/tags/delete"
        body = {"tags": [{"key": "a"}, "b.2"]}
        assert (await cloud.send("DELETE", bulk, body)).status == 204
        assert (await cloud.show(image_id)).json["tags"] == ["e=6"]
        entry = f"/v2/images/{image_id}/tags/br-entry=e2"
        assert (await cloud.send("PUT", entry)).status == 204
        live = cloud.simulator.state.tally.live_by_entry()
        assert live == {"e2": [image_id]}


async def test_tags_in_a_batch_are_idempotent_and_limited() -> None:
    """Ten at most; the action is case-sensitive."""
    async with driven() as cloud:
        image_id = await cloud.made(tags=[])
        path = f"/v2/{cloud.project_id}/images/{image_id}/tags/action"
        ten = [{"key": f"k{n}", "value": "v"} for n in range(10)]
        for _ in range(2):
            body = {"action": "create", "tags": ten}
            assert (await cloud.send("POST", path, body)).status == 204
        more = {"action": "create", "tags": [{"key": "k10", "value": "v"}]}
        answer = await cloud.send("POST", path, more)
        assert (answer.status, answer.code) == (400, "IMG.0116")
        body = {"action": "delete", "tags": [*ten, {"key": "none", "value": ""}]}
        assert (await cloud.send("POST", path, body)).status == 204
        assert (await cloud.show(image_id)).json["tags"] == []
        for wrong in ({"action": "Create", "tags": []}, {"action": "create"}):
            answer = await cloud.send("POST", path, wrong)
            assert (answer.status, answer.code) == (400, "IMG.0001")


@pytest.mark.parametrize(
    "tag", [None, {"key": 1}, {"key": "", "value": ""}, {"key": "k" * 37, "value": "v"}]
)
async def test_bad_pairs_are_refused(tag: object) -> None:
    """Keys have 1 to 36 characters, values up to 43."""
    async with driven() as cloud:
        image_id = await cloud.made()
        path = f"/v2/{cloud.project_id}/images/{image_id}/tags"
        answer = await cloud.send("POST", path, {"tag": tag})
        assert (answer.status, answer.code) == (400, "IMG.0115")
