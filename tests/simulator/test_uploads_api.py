"""Uploads to the object store: what is refused, and what stays of a file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from hashlib import md5
from typing import Any
from urllib.parse import urlsplit

import pytest

from batch_register.simulator import StoredBucket
from tests.simulator.driving import Answer, Driver, driven

pytestmark = pytest.mark.integration

OPEN: dict[str, Any] = {"object_access": "open", "objects_exist_by_default": False}


def furnish(cloud: Driver) -> None:
    buckets = [StoredBucket(name="disks"), StoredBucket(name="shut", forbidden=True)]
    cloud.simulator.furnish([], buckets)


async def send(cloud: Driver, method: str, path: str, body: bytes = b"") -> Answer:
    return await cloud.send(method, f"/obs/{path}", body, headers={})


async def begun(cloud: Driver) -> str:
    answer = await send(cloud, "POST", "disks/a?uploads")
    found = re.search(rb"<UploadId>(\w+)</UploadId>", answer.body)
    assert found
    return found[1].decode()


async def test_a_whole_object_is_put_and_is_what_it_begins_with() -> None:
    body = b"QFI\xfb" + bytes(20) + (3 << 30).to_bytes(8, "big") + bytes(90_000)
    async with driven(**OPEN) as cloud:
        furnish(cloud)
        for name, content in (("a", body), ("b", b"plain")):
            answer = await send(cloud, "PUT", f"disks/{name}", content)
            etag = md5(content, usedforsecurity=False).hexdigest()
            assert answer.headers["ETag"] == f'"{etag}"'
        objects = cloud.simulator.state.objects
        stored, plain = objects.find("disks:a"), objects.find("disks:b")
    assert stored is not None
    assert (stored.format, stored.virtual_size_bytes) == ("qcow2", 3 << 30)
    assert (stored.size_bytes, stored.head) == (len(body), body[: 64 << 10])
    assert plain is not None
    assert (plain.format, plain.virtual_size_bytes) == ("raw", None)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("PUT", "none/a", b"x", 404, "NoSuchBucket"),
        ("PUT", "shut/a", b"x", 403, "AccessDenied"),
        ("PUT", "disks/a?uploadId={id}&partNumber=0", b"x", 400, "InvalidArgument"),
        ("PUT", "disks/a?uploadId={id}&partNumber=10001", b"x", 400, "InvalidArgument"),
        ("PUT", "disks/a?uploadId={id}&partNumber=one", b"x", 400, "InvalidArgument"),
        ("PUT", "disks/b?uploadId={id}&partNumber=1", b"x", 404, "NoSuchUpload"),
        ("POST", "disks/a", b"", 405, "MethodNotAllowed"),
        ("POST", "disks/a?uploadId={id}", b"<none/>", 400, "MalformedXML"),
        ("POST", "disks/a?uploadId=other", b"", 404, "NoSuchUpload"),
        ("DELETE", "disks/a", b"", 405, "MethodNotAllowed"),
    ],
)
async def test_what_is_no_upload_is_refused(
    method: str, path: str, body: bytes, status: int, code: str
) -> None:
    async with driven(**OPEN) as cloud:
        furnish(cloud)
        target = path.format(id=await begun(cloud))
        answer = await send(cloud, method, target, body)
    assert answer.status == status
    assert f"<Code>{code}</Code>".encode() in answer.body


async def test_a_part_that_is_put_again_replaces_the_first() -> None:
    async with driven(**OPEN) as cloud:
        furnish(cloud)
        upload_id = await begun(cloud)
        for body in (b"first", b"second"):
            path = f"disks/a?uploadId={upload_id}&partNumber=1"
            assert (await send(cloud, "PUT", path, body)).status == 200
        etag = md5(b"second", usedforsecurity=False).hexdigest()
        wanted = f"<Part><ETag>{etag}</ETag><PartNumber>1</PartNumber></Part>"
        path = f"disks/a?uploadId={upload_id}"
        assert (await send(cloud, "POST", path, wanted.encode())).status == 200
        stored = cloud.simulator.state.objects.find("disks:a")
    assert stored is not None
    assert stored.size_bytes == len(b"second")


async def test_a_signed_address_ends() -> None:
    """An hour after it was signed, whoever has it."""
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKSIMULATED000000001%2F"
        "20200101%2Fx%2Fs3%2Faws4_request&X-Amz-Date=20200101T000000Z&"
        "X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
    )
    async with driven() as cloud:
        furnish(cloud)
        answer = await send(cloud, "PUT", f"disks/a?{query}", b"x")
    assert answer.status == 403
    assert b"Request has expired" in answer.body


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(1000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to that")


async def test_a_client_that_goes_away_in_a_part_is_no_error_of_the_cloud(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with driven(**OPEN) as cloud:
        furnish(cloud)
        url = urlsplit(cloud.simulator.objects_url)
        _, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(
            b"PUT /obs/disks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nx"
        )
        await writer.drain()
        await until(lambda: cloud.simulator.audit.in_flight == 1)
        writer.transport.abort()
        await until(lambda: cloud.simulator.audit.in_flight == 0)
        assert cloud.simulator.state.objects.find("disks:a") is None
    assert caplog.records == []
