"""Every call of the port, against a server that others wrote."""

from __future__ import annotations

from hashlib import md5
from io import BytesIO

import aiohttp
import pytest
from yarl import URL

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.model import FaultKind
from batch_register.ports import ObjectStore
from batch_register.source import StoredPart
from tests.object_store.opened import opened
from tests.object_store.server import Store

pytestmark = pytest.mark.integration


def md5_of(body: bytes) -> str:
    return md5(body, usedforsecurity=False).hexdigest()


PART_BYTES = 5 * 2**20  # the least that a part but the last may have


async def test_a_bucket_is_seen_or_is_none(object_store: Store) -> None:
    bucket = await object_store.bucket()
    async with opened(object_store) as ours:
        view = await ours.head_bucket(bucket)
        assert view is not None
        assert (view.name, view.region) == (bucket, object_store.region)
        assert await ours.head_bucket("no-such-bucket") is None


async def test_an_object_is_seen_or_is_none(object_store: Store) -> None:
    bucket, body = await object_store.bucket(), b"x" * 1000
    await object_store.put(bucket, {"disks/a b+c%41 ä.qcow2": body})
    async with opened(object_store) as ours:
        view = await ours.head_object(bucket, "disks/a b+c%41 ä.qcow2")
        assert view is not None
        assert view.pin.size_bytes == 1000
        assert view.pin.etag == md5_of(body)
        assert (view.storage_class, view.encryption) == ("STANDARD", "")
        assert view.modified_at.endswith("GMT")
        assert await ours.head_object(bucket, "none") is None
        assert await ours.head_object("no-such-bucket", "none") is None


@pytest.mark.parametrize(
    ("theirs", "obs"),
    [("STANDARD_IA", "WARM"), ("GLACIER", "COLD"), ("DEEP_ARCHIVE", "DEEP_ARCHIVE")],
)
async def test_classes_go_by_obs_s_names(
    object_store: Store, theirs: str, obs: str
) -> None:
    bucket = await object_store.bucket()
    await object_store.put(bucket, {"a": b"x"}, StorageClass=theirs)
    async with opened(object_store) as ours:
        view = await ours.head_object(bucket, "a")
        assert view is not None
        assert view.storage_class == obs
        assert [item.storage_class async for item in ours.list_objects(bucket, "")] == [
            obs
        ]


async def test_encryption_shows(object_store: Store) -> None:
    bucket = await object_store.bucket()
    await object_store.put(bucket, {"a": b"x"}, ServerSideEncryption="AES256")
    async with opened(object_store) as ours:
        view = await ours.head_object(bucket, "a")
        assert view is not None
        assert (view.encryption, view.has_customer_key) == ("AES256", False)


async def test_ranges_are_read_to_the_end_and_not_beyond(object_store: Store) -> None:
    bucket, body = await object_store.bucket(), bytes(range(256)) * 4
    await object_store.put(bucket, {"a": body, "empty": b""})
    async with opened(object_store) as ours:
        assert await ours.read(bucket, "a", 0, 16) == body[:16]
        assert await ours.read(bucket, "a", 1000, 100) == body[1000:]
        assert await ours.read(bucket, "a", 0, 10_000) == body
        assert await ours.read(bucket, "a", 1024, 5) == b""
        assert await ours.read(bucket, "a", 9, 0) == b""
        assert await ours.read(bucket, "empty", 0, 10) == b""
        with pytest.raises(ServiceError) as caught:
            await ours.read(bucket, "none", 0, 1)
    assert caught.value.kind is FaultKind.NOT_FOUND
    assert caught.value.fault.code == "obs.NoSuchKey"


async def test_a_file_that_is_said_to_be_compressed_is_shown_as_stored(
    object_store: Store,
) -> None:
    bucket = await object_store.bucket()
    await object_store.put(bucket, {"a.gz": b"\x1f\x8b no"}, ContentEncoding="gzip")
    async with opened(object_store) as ours:
        assert await ours.read(bucket, "a.gz", 0, 100) == b"\x1f\x8b no"


async def test_an_archived_object_is_said_to_be_so(object_store: Store) -> None:
    bucket = await object_store.bucket()
    await object_store.put(bucket, {"a": b"x"}, StorageClass="GLACIER")
    async with opened(object_store) as ours:
        with pytest.raises(ServiceError, match="archived") as caught:
            await ours.read(bucket, "a", 0, 1)
    assert caught.value.fault.code == "obs.InvalidObjectState"


async def test_a_listing_goes_over_all_its_pages(object_store: Store) -> None:
    bucket = await object_store.bucket()
    keys = [f"disks/{n:04} &.raw" for n in range(1001)]
    await object_store.put(bucket, dict.fromkeys([*keys, "other"], b"12345"))
    async with opened(object_store) as ours:
        found = [item async for item in ours.list_objects(bucket, "disks/")]
        assert [item async for item in ours.list_objects(bucket, "none/")] == []
        with pytest.raises(ServiceError) as caught:
            _ = [item async for item in ours.list_objects("no-such-bucket", "")]
    assert [item.key for item in found] == keys
    assert found[0].pin.size_bytes == 5
    assert found[0].pin.etag == md5_of(b"12345")
    assert caught.value.fault.code == "obs.NoSuchBucket"


async def put_part(address: str, body: bytes) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.put(URL(address, encoded=True), data=BytesIO(body)) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return answer.headers["ETag"].strip('"')


async def sent(
    ours: ObjectStore, bucket: str, upload_id: str, bodies: list[bytes]
) -> list[StoredPart]:
    parts = []
    for number, body in enumerate(bodies, start=1):
        address = await ours.part_address(bucket, "big file", upload_id, number)
        etag = await put_part(address, body)
        assert etag == md5_of(body)
        parts.append(StoredPart(number=number, etag=etag, size_bytes=len(body)))
    return parts


async def test_an_upload_from_begin_to_end(object_store: Store) -> None:
    bucket = await object_store.bucket()
    bodies = [b"a" * PART_BYTES, b"b" * 10]
    async with opened(object_store) as ours:
        upload_id = await ours.begin_upload(bucket, "big file")
        assert await ours.list_parts(bucket, "big file", upload_id) == []
        (upload,) = await ours.list_uploads(bucket, "big")
        assert (upload.key, upload.upload_id) == ("big file", upload_id)
        assert upload.begun_at.endswith("Z")
        assert await ours.list_uploads(bucket, "small") == []
        parts = await sent(ours, bucket, upload_id, bodies)
        assert await ours.list_parts(bucket, "big file", upload_id) == parts
        await ours.complete_upload(bucket, "big file", upload_id, parts)
        assert await ours.list_parts(bucket, "big file", upload_id) is None
        assert await ours.list_uploads(bucket, "") == []
        view = await ours.head_object(bucket, "big file")
    assert await object_store.content(bucket, "big file") == b"".join(bodies)
    assert view is not None
    assert view.pin.etag.endswith("-2")


async def test_a_part_that_is_too_small_is_refused_for_good(
    object_store: Store,
) -> None:
    bucket = await object_store.bucket()
    async with opened(object_store) as ours:
        upload_id = await ours.begin_upload(bucket, "big file")
        parts = await sent(ours, bucket, upload_id, [b"a", b"b"])
        with pytest.raises(ServiceError) as caught:
            await ours.complete_upload(bucket, "big file", upload_id, parts)
    assert caught.value.fault.code == "obs.EntityTooSmall"
    assert caught.value.kind is FaultKind.REJECTED


async def test_an_upload_is_given_up_as_often_as_one_likes(
    object_store: Store,
) -> None:
    bucket = await object_store.bucket()
    async with opened(object_store) as ours:
        upload_id = await ours.begin_upload(bucket, "big file")
        await sent(ours, bucket, upload_id, [b"a"])
        await ours.abort_upload(bucket, "big file", upload_id)
        await ours.abort_upload(bucket, "big file", upload_id)
        assert await ours.list_uploads(bucket, "") == []
        assert await ours.list_parts(bucket, "big file", upload_id) is None


async def test_a_part_s_address_asks_for_no_header_and_ends_in_an_hour(
    object_store: Store,
) -> None:
    bucket = await object_store.bucket()
    async with opened(object_store) as ours:
        address = await ours.part_address(bucket, "big file", "an-id", 3)
    assert "X-Amz-Expires=3600" in address
    assert "X-Amz-SignedHeaders=host&" in address
    assert "partNumber=3" in address
    assert object_store.keys.secret_key not in address


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret_key": "wrong"}, "obs.SignatureDoesNotMatch"),
        ({"access_key": "AKNOBODY"}, "obs.InvalidAccessKeyId"),
    ],
)
async def test_wrong_keys_are_told_from_missing_rights(
    guarded_store: Store, changes: dict[str, str], code: str
) -> None:
    bucket = await guarded_store.bucket()
    await guarded_store.put(bucket, {"a": b"x"})
    async with opened(guarded_store.with_keys(**changes)) as ours:
        for look in (ours.head_bucket(bucket), ours.head_object(bucket, "a")):
            with pytest.raises(AuthenticationError) as caught:
                await look
            assert caught.value.fault.code == code
            assert "wrong" not in str(caught.value)


async def test_what_these_keys_may_not_see_is_forbidden(guarded_store: Store) -> None:
    async with opened(guarded_store) as ours:
        for look in (
            ours.head_bucket("closed-bucket"),
            ours.head_object("closed-bucket", "a"),
        ):
            with pytest.raises(ServiceError) as caught:
                await look
            assert caught.value.kind is FaultKind.FORBIDDEN
            assert caught.value.fault.code == "obs.AccessDenied"
            assert not isinstance(caught.value, AuthenticationError)


@pytest.mark.parametrize("bucket", ["arn:aws:s3:::x", "UPPER", "a", "a/../b", ""])
async def test_a_name_that_no_bucket_has_is_not_sent(
    object_store: Store, bucket: str
) -> None:
    async with opened(object_store) as ours:
        with pytest.raises(ServiceError, match="no name of a bucket") as caught:
            await ours.head_object(bucket, "a")
    assert caught.value.kind is FaultKind.REJECTED
