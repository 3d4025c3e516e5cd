"""Every call of the port against the simulator, which speaks OBS's own headers."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import md5
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from yarl import URL

from batch_register.cli.connection import WallClock
from batch_register.errors import AuthenticationError, ServiceError
from batch_register.identity import connect
from batch_register.identity.entry import cloud_from_entry
from batch_register.identity.entry_keys import Origin
from batch_register.identity.signing import AccessKeys
from batch_register.model import FaultKind
from batch_register.obs import FixedKeys, ObjectAccess
from batch_register.obs.credentials import PublishedAddresses, find_access
from batch_register.ports import ObjectStore
from batch_register.simulator import (
    FaultScript,
    Simulator,
    SimulatorOptions,
    StoredBucket,
    StoredObject,
)
from batch_register.simulator.uploads import Received
from batch_register.source import StoredPart
from batch_register.transport.http import HttpOptions, HttpSender
from batch_register.transport.tls import Tls
from tests.object_store.opened import opened
from tests.object_store.server import Store

pytestmark = pytest.mark.integration

PART_BYTES = 100 << 10


def md5_of(body: bytes) -> str:
    return md5(body, usedforsecurity=False).hexdigest()


def store_of(simulator: Simulator) -> Store:
    key = simulator.options.access_keys[0]
    return Store(
        endpoint=simulator.objects_url,
        keys=AccessKeys(access_key=key.access, secret_key=key.secret),
        region=simulator.options.region,
    )


@asynccontextmanager
async def cloud(
    script: str | None = None, **options: Any
) -> AsyncIterator[tuple[Simulator, ObjectStore]]:
    rules = None if script is None else FaultScript.parse(script)
    given = SimulatorOptions(**options)
    async with (
        Simulator(given, fault_script=rules) as simulator,
        opened(store_of(simulator)) as ours,
    ):
        yield simulator, ours


async def test_buckets_and_objects_in_the_store_s_own_words() -> None:
    async with cloud() as (simulator, ours):
        simulator.furnish(
            [
                StoredObject(image_url="disks:a b/ä+.raw", size_bytes=5 << 30),
                StoredObject(
                    image_url="disks:cold",
                    size_bytes=1,
                    storage_class="COLD",
                    encrypted=True,
                ),
            ],
            [
                StoredBucket(name="far", region="x-1", storage_class="WARM"),
                StoredBucket(name="files", parallel_file_system=True),
            ],
        )
        far, files = await ours.head_bucket("far"), await ours.head_bucket("files")
        plain = await ours.head_object("disks", "a b/ä+.raw")
        cold = await ours.head_object("disks", "cold")
        assert await ours.head_bucket("none") is None
        assert await ours.head_object("disks", "none") is None
    assert far is not None
    assert (far.region, far.storage_class, far.is_file_system) == ("x-1", "WARM", False)
    assert files is not None
    assert files.is_file_system
    assert plain is not None
    assert (plain.pin.size_bytes, plain.storage_class) == (5 << 30, "STANDARD")
    assert cold is not None
    assert (cold.storage_class, cold.has_customer_key) == ("COLD", True)


async def test_the_far_end_of_a_large_file_is_read() -> None:
    async with cloud() as (simulator, ours):
        simulator.furnish([StoredObject(image_url="disks:a", size_bytes=50 << 30)])
        assert (await ours.read("disks", "a", 0, 4)) == b"QFI\xfb"
        assert await ours.read("disks", "a", (50 << 30) - 3, 9) == b"\0\0\0"
        assert await ours.read("disks", "a", 50 << 30, 9) == b""


@pytest.mark.parametrize("list_type", [1, 2])
async def test_a_listing_goes_over_all_its_pages(list_type: int) -> None:
    """By our own client, and in the second version by one that others wrote."""
    keys = [f"disks/{n:04} &ä.raw" for n in range(2001)]
    async with cloud() as (simulator, ours):
        simulator.furnish(
            StoredObject(image_url=f"bucket:{key}", size_bytes=5) for key in keys
        )
        if list_type == 1:
            found = [item.key async for item in ours.list_objects("bucket", "disks/")]
        else:
            async with store_of(simulator).raw() as s3:
                pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket")
                found = [
                    item["Key"] async for page in pages for item in page["Contents"]
                ]
    assert found == keys


async def put(address: str, body: bytes) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.put(URL(address, encoded=True), data=BytesIO(body)) as answer,
    ):
        return answer.status, answer.headers.get("ETag", "").strip('"')


async def sent(
    ours: ObjectStore, key: str, upload_id: str, bodies: list[bytes]
) -> list[StoredPart]:
    parts = []
    for number, body in enumerate(bodies, start=1):
        address = await ours.part_address("disks", key, upload_id, number)
        assert await put(address, body) == (200, md5_of(body))
        parts.append(StoredPart(number=number, etag=md5_of(body), size_bytes=len(body)))
    return parts


async def test_an_upload_from_begin_to_end() -> None:
    bodies = [b"QFI\xfb" + bytes(PART_BYTES), b"b" * 10]
    async with cloud() as (simulator, ours):
        simulator.furnish([], [StoredBucket(name="disks")])
        upload_id = await ours.begin_upload("disks", "a b&c")
        assert await ours.list_parts("disks", "a b&c", upload_id) == []
        (upload,) = await ours.list_uploads("disks", "a")
        assert (upload.key, upload.upload_id) == ("a b&c", upload_id)
        parts = await sent(ours, "a b&c", upload_id, bodies)
        assert await ours.list_parts("disks", "a b&c", upload_id) == parts
        await ours.complete_upload("disks", "a b&c", upload_id, parts)
        assert await ours.list_uploads("disks", "") == []
        assert await ours.list_parts("disks", "a b&c", upload_id) is None
        with pytest.raises(ServiceError) as caught:
            await ours.complete_upload("disks", "a b&c", upload_id, parts)
        view = await ours.head_object("disks", "a b&c")
        assert await ours.read("disks", "a b&c", 0, 4) == b"QFI\xfb"
    digests = b"".join(bytes.fromhex(part.etag) for part in parts)
    assert view is not None
    assert view.pin.size_bytes == sum(map(len, bodies))
    assert view.pin.etag == f"{md5_of(digests)}-2"
    assert caught.value.kind is FaultKind.NOT_FOUND


async def test_uploads_that_cannot_be_completed() -> None:
    async with cloud() as (simulator, ours):
        simulator.furnish([], [StoredBucket(name="disks")])
        upload_id = await ours.begin_upload("disks", "a")
        parts = await sent(ours, "a", upload_id, [b"small", b"last"])
        other = StoredPart(number=1, etag="0" * 32, size_bytes=5)
        for wanted, code in (
            (parts, "obs.EntityTooSmall"),
            (parts[::-1], "obs.InvalidPartOrder"),
            ([other], "obs.InvalidPart"),
        ):
            with pytest.raises(ServiceError) as caught:
                await ours.complete_upload("disks", "a", upload_id, wanted)
            assert caught.value.fault.code == code
        await ours.abort_upload("disks", "a", upload_id)
        await ours.abort_upload("disks", "a", upload_id)
        assert await ours.list_uploads("disks", "") == []


async def test_more_parts_and_uploads_than_a_page_holds() -> None:
    async with cloud(object_access="open") as (simulator, ours):
        simulator.furnish([], [StoredBucket(name="disks")])
        keys = [f"{n:04}" for n in range(1001)]
        uploads = simulator.state.objects.uploads
        begun = [uploads.begin("disks", key, 0.0) for key in keys]
        assert [u.key for u in await ours.list_uploads("disks", "")] == keys
        part = Received(size_bytes=1, md5="0" * 32, head=b"")
        begun[-1].parts.update(dict.fromkeys(range(1, 1002), part))
        parts = await ours.list_parts("disks", "1000", begun[-1].upload_id)
    assert parts is not None
    assert [part.number for part in parts] == list(range(1, 1002))


async def test_a_signed_address_is_good_for_its_part_alone() -> None:
    async with cloud() as (simulator, ours):
        simulator.furnish([], [StoredBucket(name="disks")])
        upload_id = await ours.begin_upload("disks", "a")
        address = await ours.part_address("disks", "a", upload_id, 1)
        for wrong in (
            address.replace("partNumber=1", "partNumber=2"),
            address.replace("X-Amz-Expires=3600", "X-Amz-Expires=9999"),
            address.replace("X-Amz-Algorithm=AWS4", "X-Amz-Algorithm=AWS5"),
            address.partition("?")[0] + f"?partNumber=1&uploadId={upload_id}",
        ):
            assert (await put(wrong, b"x"))[0] == 403
        assert (await put(address, b"x"))[0] == 200


async def test_wrong_keys_are_told_from_missing_rights() -> None:
    async with cloud(objects_exist_by_default=True) as (simulator, ours):
        simulator.furnish(
            [StoredObject(image_url="disks:shut", size_bytes=1, forbidden=True)],
            [StoredBucket(name="shut", forbidden=True)],
        )
        for look in (ours.head_bucket("shut"), ours.head_object("disks", "shut")):
            with pytest.raises(ServiceError) as caught:
                await look
            assert caught.value.fault.code == "obs.AccessDenied"
            assert caught.value.fault.request_id
        wrong = FixedKeys(AccessKeys(access_key="AK", secret_key="canary-secret"))
        async with opened(store_of(simulator), keys=wrong) as others:
            for look in (others.head_bucket("disks"), others.head_object("disks", "a")):
                with pytest.raises(AuthenticationError) as caught:
                    await look
                assert caught.value.fault.code == "obs.InvalidAccessKeyId"
                assert "canary" not in str(caught.value)


async def test_passing_trouble_passes() -> None:
    script = "rules: [{match: {route: object.head, to: 2}, effect: {status: 503}}]"
    async with cloud(script, objects_exist_by_default=True) as (simulator, ours):
        assert await ours.head_object("disks", "a") is not None
        assert (
            len([r for r in simulator.audit.of_route("object.head") if r.status == 503])
            == 2
        )


async def test_temporary_keys_come_from_the_login() -> None:
    """From an entry of clouds.yaml to a look at an object, by password alone."""
    here = Path()
    options = SimulatorOptions(objects_exist_by_default=True)
    async with (
        Simulator(options) as simulator,
        HttpSender(HttpOptions(connections=4, trust_env=False, tls=Tls())) as sender,
    ):
        origin = Origin(name="x", source="x", cwd=here, home=here)
        entry = cloud_from_entry(simulator.clouds_entry(), origin)
        clock = WallClock()
        access = await find_access(
            entry,
            await connect(entry, sender, clock),
            sender,
            clock,
            published=PublishedAddresses(),
            environ={},
        )
        assert isinstance(access, ObjectAccess), access
        async with opened(store_of(simulator), keys=access.keys) as ours:
            assert await ours.head_object("disks", "a") is not None
            address = await ours.part_address("disks", "a", "u", 1)
            assert (await put(address, b"x"))[0] == 404  # signed, but no such upload


async def test_the_store_s_certificate_is_checked(tmp_path: Path) -> None:
    authority, ca_file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    options = SimulatorOptions(objects_exist_by_default=True)
    async with Simulator(options, ssl_context=context) as simulator:
        store = store_of(simulator)
        async with opened(store, tls=Tls(ca_file=ca_file)) as ours:
            assert await ours.head_object("disks", "a") is not None
        async with opened(store) as strangers:
            with pytest.raises(ServiceError, match="certificate") as caught:
                await strangers.head_object("disks", "a")
    assert caught.value.kind is FaultKind.UNREACHABLE
