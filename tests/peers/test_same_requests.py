"""Our client and the official SDK send the same calls; what differs is named here.

Both sign with the same access key and talk to one server that only writes down, so that
what is compared is what arrives: method, path, query, headers, body.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkims import v2 as sdk

from batch_register.errors import ServiceError
from batch_register.identity.keys import Signer
from batch_register.identity.signing import AccessKeys
from batch_register.ims.client import ImsClient
from batch_register.ims.profile import HUAWEI, OTC, Profile
from batch_register.model import (
    EntryKey,
    ImageId,
    ImageQuery,
    ImageSpec,
    JobId,
)
from batch_register.transport.http import HttpOptions, HttpSender
from batch_register.transport.tls import Tls

pytestmark = pytest.mark.peer

PROJECT = "0605767a5f00d5762f8dc0184d6a2bc1"
IMAGE = ImageId("4f6c2a10-0b7e-4a53-9a51-8d2f0c1e7b11")
JOB = JobId("9a175ac89d2a5e14019d3c76e7cc774c")
KEYS = AccessKeys(access_key="AKPEER00000000000001", secret_key="made-up-secret-key")
SPEC = ImageSpec(
    key=EntryKey("web-01"),
    name="img 中-1",
    image_url="bucket:path/img 中.qcow2",
    os_version="Ubuntu 22.04 server 64bit",
    min_disk_gb=40,
    min_ram_mb=1024,
    disk_format="qcow2",
)
TAGS = (("br-entry", "x"), ("wave", "07"))


@dataclass(frozen=True)
class Arrival:
    """One request as it arrived."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> object:
        return json.loads(self.body) if self.body else None


class Scribe:
    """Writes every request down, and answers all of them alike."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.url = ""

    async def talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            pairs = (line.split(": ", 1) for line in lines)
            headers = {name.lower(): value for name, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            method, target, _ = first.split(" ")
            url = urlsplit(target)
            query = sorted(parse_qsl(url.query, keep_blank_values=True))
            self.arrivals.append(Arrival(method, url.path, query, headers, body))
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
            )
            await writer.drain()
        writer.close()


@asynccontextmanager
async def scribe():
    found = Scribe()
    server = await asyncio.start_server(found.talk, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield found


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


async def by_us(url: str, profile: Profile, call: Ours) -> None:
    options = HttpOptions(connections=2, trust_env=False, tls=Tls())
    clock = WallClock()
    async with HttpSender(options) as sender:
        client = ImsClient(
            sender=sender,
            authoriser=Signer(KEYS, clock, project_id=PROJECT),
            clock=clock,
            endpoint=url,
            project_id=PROJECT,
            profile=profile,
        )
        with suppress(ServiceError):  # nobody answers here as a cloud does
            await call(client)


async def by_them(url: str, method: str, request: Any) -> None:
    credentials = BasicCredentials(KEYS.access_key, KEYS.secret_key, PROJECT)
    builder = sdk.ImsClient.new_builder().with_credentials(credentials)
    client = builder.with_endpoints([url]).build()
    await asyncio.to_thread(getattr(client, method), request)


Ours = Callable[[ImsClient], Awaitable[object]]


@dataclass(frozen=True)
class Pair:
    """One call, as we make it and as the SDK does."""

    ours: Ours
    method: str  # the SDK's
    request: Any
    profile: Profile = HUAWEI


def listed(**filters: str) -> Any:
    """Return the SDK's list with what we always ask for."""
    return sdk.ListImagesRequest(
        imagetype="private", owner=PROJECT, limit=500, **filters
    )


PAIRS = {
    "create": Pair(
        lambda client: client.create_image(SPEC, TAGS),
        "glance_create_image_metadata",
        sdk.GlanceCreateImageMetadataRequest(
            body=sdk.GlanceCreateImageMetadataRequestBody(
                os_version=SPEC.os_version,
                container_format="bare",
                disk_format="qcow2",
                min_disk=40,
                min_ram=1024,
                name=SPEC.name,
                protected=False,
                tags=["br-entry=x", "wave=07"],
                visibility="private",
            )
        ),
    ),
    "register": Pair(
        lambda client: client.register_image(IMAGE, SPEC),
        "register_image",
        sdk.RegisterImageRequest(
            image_id=IMAGE, body=sdk.RegisterImageRequestBody(image_url=SPEC.image_url)
        ),
    ),
    "progress of a job": Pair(
        lambda client: client.get_job(JOB),
        "show_job_progress",
        sdk.ShowJobProgressRequest(job_id=JOB),
    ),
    "job": Pair(
        lambda client: client.get_job(JOB),
        "show_job",
        sdk.ShowJobRequest(job_id=JOB),
        profile=OTC,
    ),
    "image": Pair(
        lambda client: client.get_image(IMAGE),
        "glance_show_image",
        sdk.GlanceShowImageRequest(image_id=IMAGE),
    ),
    "list": Pair(
        lambda client: client.list_images(ImageQuery()), "list_images", listed()
    ),
    "list by tag": Pair(
        lambda client: client.list_images(ImageQuery(tag=("br-entry", "x y"))),
        "list_images",
        listed(tag="br-entry=x y"),
    ),
    "list by name": Pair(
        lambda client: client.list_images(ImageQuery(name=SPEC.name)),
        "list_images",
        listed(name=SPEC.name),
    ),
    "list by age": Pair(
        lambda client: client.list_images(
            ImageQuery(created_since="2026-09-01T00:00:00Z")
        ),
        "list_images",
        listed(created_at="gte:2026-09-01T00:00:00Z"),
    ),
    "list one": Pair(
        lambda client: client.list_images(ImageQuery(image_id=IMAGE)),
        "list_images",
        listed(id=IMAGE),
    ),
    "delete": Pair(
        lambda client: client.delete_image(IMAGE),
        "glance_delete_image",
        sdk.GlanceDeleteImageRequest(image_id=IMAGE),
    ),
    "quota": Pair(
        lambda client: client.get_quota(),
        "show_image_quota",
        sdk.ShowImageQuotaRequest(),
    ),
}

# Headers that differ, and why each may.
DIFFERING = {
    "accept": "ours is application/json, the SDK's anything; both get JSON",
    "accept-encoding": "ours names what it can unpack within its limit",
    "authorization": "two moments, two signatures; its form is compared below",
    "connection": "the SDK says keep-alive, which HTTP/1.1 means without saying",
    "user-agent": "each says who it is",
    "x-sdk-date": "two moments; its form is compared below",
}
ONLY_SDK = {
    "content-length": "the SDK sends 0 where there is no body; ours none",
}
CHARSETS = {"application/json", "application/json;charset=utf-8"}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The SDK writes an application id below the home directory.
    monkeypatch.setenv("HOME", str(tmp_path))


# Huawei Cloud would rather have others of them called; its sister clouds have these.
@pytest.mark.filterwarnings("ignore:Method .* of ImsClient is deprecated")
@pytest.mark.parametrize("name", PAIRS)
async def test_a_call_arrives_as_the_sdks_does(name: str) -> None:
    pair = PAIRS[name]
    async with scribe() as server:
        await by_us(server.url, pair.profile, pair.ours)
        with suppress(Exception):  # the SDK may not like the answer
            await by_them(server.url, pair.method, pair.request)
        ours, theirs = server.arrivals
    assert (ours.method, ours.path) == (theirs.method, theirs.path)
    assert ours.query == theirs.query
    assert ours.document == theirs.document
    compare_headers(ours, theirs)
    for arrival in (ours, theirs):
        assert re.fullmatch(r"\d{8}T\d{6}Z", arrival.headers["x-sdk-date"])
        assert re.fullmatch(
            rf"SDK-HMAC-SHA256 Access={KEYS.access_key}, "
            r"SignedHeaders=[a-z;-]+, Signature=[0-9a-f]{64}",
            arrival.headers["authorization"],
        )
        assert {"host", "x-project-id", "x-sdk-date"} <= signed(arrival)


def compare_headers(ours: Arrival, theirs: Arrival) -> None:
    """Compare all headers but those that may differ, the body's length with its form."""
    names = ours.headers.keys() | theirs.headers.keys()
    differing = {
        name for name in names if ours.headers.get(name) != theirs.headers.get(name)
    }
    assert ours.headers["content-type"] in CHARSETS
    assert theirs.headers["content-type"] in CHARSETS
    unexplained = differing - DIFFERING.keys() - {"content-type"}
    if ours.body:  # JSON written with and without blanks
        unexplained -= {"content-length"}
    elif theirs.headers.get("content-length") == "0":
        unexplained -= ONLY_SDK.keys()
    assert unexplained == set()


def signed(arrival: Arrival) -> set[str]:
    found = re.search(r"SignedHeaders=([a-z;-]+)", arrival.headers["authorization"])
    assert found
    return set(found[1].split(";"))


async def test_the_comparison_would_notice_another_field() -> None:
    """Or it would compare nothing."""
    other = replace(SPEC, min_ram_mb=2048)
    pair = PAIRS["create"]
    async with scribe() as server:
        await by_us(server.url, HUAWEI, lambda client: client.create_image(other, TAGS))
        with suppress(Exception):
            await by_them(server.url, pair.method, pair.request)
        ours, theirs = server.arrivals
    assert ours.document != theirs.document
