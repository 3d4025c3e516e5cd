"""Each reason for a failed registration, seen in a real store before anything is made.

moto shows no storage class of a bucket and no key of a customer's, and holds no object of
128 GB: those are in `test_simulated_store.py`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from batch_register.ims.profile import HUAWEI, OTC, Profile
from batch_register.inspection import inspect
from batch_register.model import Action, FilePlace, ImageSpec
from batch_register.preflight import Code, Looks, Survey
from batch_register.preflight.listing import LEAST_WANTED
from batch_register.source import Brought, DiskFormat, FileStamp, SourceVerdict
from batch_register.transport.tls import Tls
from batch_register.workers.local import LocalFiles
from tests.fakes import spec
from tests.object_store.opened import opened
from tests.object_store.server import Store
from tests.preflight.fakes import FakeFiles
from tests.preflight.files import (
    CLUSTER_BYTES,
    GZIP,
    HTML,
    LUKS,
    VMDK_DESCRIPTOR,
    qcow2,
)
from tests.preflight.scenes import GB

pytestmark = pytest.mark.integration

WHOLE = qcow2(20 * GB)
FIX_SOURCE, FIX_MANIFEST = Action.FIX_SOURCE, Action.FIX_MANIFEST


async def looked(
    store: Store, specs: Sequence[ImageSpec], profile: Profile = OTC
) -> Looks:
    async with opened(store, connections=32) as ours:
        survey = Survey(
            ours, FakeFiles(), inspect, profile=profile, region=store.region
        )
        return await survey.look(specs)


async def seen(
    store: Store,
    body: bytes,
    *,
    key: str = "disks/web-01.qcow2",
    profile: Profile = OTC,
    headers: dict[str, str] | None = None,
    min_disk_gb: int = 40,
) -> SourceVerdict:
    bucket = await store.bucket("wave")
    await store.put(bucket, {key: body}, **(headers or {}))
    entry = spec(image_url=f"{bucket}:{key}", min_disk_gb=min_disk_gb)
    return (await looked(store, [entry], profile)).verdicts[entry.key]


def told(verdict: SourceVerdict) -> tuple[str, Action, str]:
    assert verdict.fault is not None
    return verdict.fault.code, verdict.fault.action, verdict.fault.reason


async def test_a_good_image_is_pinned_and_inspected(object_store: Store) -> None:
    verdict = await seen(object_store, WHOLE)
    assert verdict.fault is None
    assert verdict.pin is not None
    assert verdict.pin.size_bytes == len(WHOLE)
    assert verdict.inspection is not None
    assert verdict.inspection.disk_format is DiskFormat.QCOW2
    assert verdict.inspection.virtual_size_bytes == 20 * GB


async def test_what_a_file_is_called_says_nothing_of_what_it_is(
    object_store: Store,
) -> None:
    assert (await seen(object_store, WHOLE, key="a.vmdk")).fault is None


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"StorageClass": "STANDARD_IA"}, Code.OBJECT_CLASS),
        ({"StorageClass": "GLACIER"}, Code.OBJECT_ARCHIVED),
        ({"StorageClass": "DEEP_ARCHIVE"}, Code.OBJECT_ARCHIVED),
        ({"ServerSideEncryption": "aws:kms"}, Code.OBJECT_ENCRYPTED),
        ({"ServerSideEncryption": "AES256"}, Code.OBJECT_ENCRYPTED),
    ],
)
async def test_how_an_object_is_stored(
    object_store: Store, headers: dict[str, str], code: Code
) -> None:
    verdict = await seen(object_store, WHOLE, headers=headers)
    assert told(verdict)[:2] == (code, FIX_SOURCE)


async def test_encryption_by_the_key_service_where_the_cloud_takes_it(
    object_store: Store,
) -> None:
    kms = {"ServerSideEncryption": "aws:kms"}
    assert (await seen(object_store, WHOLE, headers=kms, profile=HUAWEI)).fault is None


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"", Code.OBJECT_EMPTY, "empty"),
        (HTML, Code.NOT_AN_IMAGE, "an HTML page"),
        (GZIP, Code.NOT_AN_IMAGE, "gzip"),
        (LUKS, Code.FORMAT, "takes no luks"),
        (VMDK_DESCRIPTOR, Code.NOT_AN_IMAGE, "web-01-flat.vmdk"),
        (qcow2(20 * GB, backing=b"base.qcow2"), Code.HEADER, "base.qcow2"),
        (WHOLE[: 2 * CLUSTER_BYTES], Code.HEADER, "cut off"),
        (WHOLE[:60], Code.HEADER, "cut off"),
        (qcow2(1025 * GB), Code.DISK_TOO_LARGE, "takes 1024 GB"),
    ],
)
async def test_what_an_object_holds(
    object_store: Store, body: bytes, code: Code, words: str
) -> None:
    found, action, reason = told(await seen(object_store, body))
    assert (found, action) == (code, FIX_SOURCE)
    assert words in reason


async def test_a_disk_that_min_disk_does_not_hold(object_store: Store) -> None:
    verdict = await seen(object_store, qcow2(40 * GB + 512))
    code, action, reason = told(verdict)
    assert (code, action) == (Code.MIN_DISK, FIX_MANIFEST)
    assert reason.endswith("42949673472 bytes; write 41 or more")


async def test_one_part_of_a_vmware_disk(object_store: Store) -> None:
    verdict = await seen(object_store, bytes(4096), key="web-01-Flat.vmdk")
    assert told(verdict)[0] == Code.FLAT_VMDK


async def test_what_is_not_there(object_store: Store) -> None:
    bucket = await object_store.bucket("wave")
    no_object = spec("no-object", image_url=f"{bucket}:gone.qcow2")
    no_bucket = spec("no-bucket", image_url="never-made:gone.qcow2")
    verdicts = (await looked(object_store, [no_object, no_bucket])).verdicts
    assert told(verdicts[no_object.key])[:2] == (Code.OBJECT_MISSING, FIX_SOURCE)
    assert told(verdicts[no_bucket.key])[:2] == (Code.BUCKET_MISSING, FIX_MANIFEST)


async def test_a_bucket_of_another_region(object_store: Store) -> None:
    async with object_store.raw() as s3:
        place = {"LocationConstraint": "eu-west-1"}
        await s3.create_bucket(Bucket="far-away", CreateBucketConfiguration=place)
    await object_store.put("far-away", {"x.qcow2": WHOLE})
    entry = spec(image_url="far-away:x.qcow2")
    verdicts = (await looked(object_store, [entry])).verdicts
    code, action, reason = told(verdicts[entry.key])
    assert (code, action) == (Code.BUCKET_REGION, FIX_SOURCE)
    assert "is in region eu-west-1, the image service in us-east-1" in reason


async def test_a_list_shows_the_same_pins_as_single_looks(object_store: Store) -> None:
    bucket = await object_store.bucket("active")
    keys = [f"disks/web {n:02}.raw" for n in range(LEAST_WANTED + 5)]
    await object_store.put(bucket, {key: key.encode() for key in keys[1:]})
    specs = [spec(key, image_url=f"{bucket}:{key}") for key in keys]
    async with opened(object_store) as ours:
        upload_id = await ours.begin_upload(bucket, keys[-1])  # an ETag of parts
        address = await ours.part_address(bucket, keys[-1], upload_id, 1)
        async with aiohttp.ClientSession() as http:
            await http.put(address, data=b"of one part")
        parts = await ours.list_parts(bucket, keys[-1], upload_id)
        await ours.complete_upload(bucket, keys[-1], upload_id, parts or [])
        region = object_store.region
        survey = Survey(ours, FakeFiles(), inspect, profile=OTC, region=region)
        looks = await survey.look(specs, pins_only={each.key for each in specs})
        views = [await ours.head_object(bucket, key) for key in keys]
    pins = [looks.verdicts[each.key].pin for each in specs]
    assert pins == [view and view.pin for view in views]
    assert (pins[0], looks.summary.requests) == (None, 2)


async def test_a_file_is_judged_where_its_object_is_not_there(
    object_store: Store, tmp_path: Path
) -> None:
    (tmp_path / "new.qcow2").write_bytes(WHOLE)
    (tmp_path / "old.qcow2").write_bytes(qcow2(60 * GB))
    (tmp_path / "folder.qcow2").mkdir()
    with (tmp_path / "huge.raw").open("wb") as sparse:
        os.truncate(sparse.fileno(), 128 * GB + 1)
    bucket = await object_store.bucket("wave")
    await object_store.put(bucket, {"old.qcow2": b"another content"})
    entries = [
        spec(
            name,
            image_url=f"{bucket}:{name}",
            source=FilePlace(path=str(tmp_path / name)),
            min_disk_gb=200 if name == "huge.raw" else 40,
        )
        for name in ("new.qcow2", "old.qcow2", "gone.qcow2", "folder.qcow2", "huge.raw")
    ]
    async with (
        opened(object_store) as ours,
        LocalFiles(tls=Tls(), trust_env=False, threads=2) as files,
    ):
        region = object_store.region
        survey = Survey(ours, files, inspect, profile=OTC, region=region)
        there = await ours.head_object(bucket, "old.qcow2")
        assert there is not None
        stamp = FileStamp(size_bytes=1, modified_ns=1)
        own = Brought(pin=there.pin, file=stamp, is_own=True)
        brought = {entries[1].key: own}
        verdicts = (await survey.look(entries, brought=brought)).verdicts
        foreign = (await survey.look(entries)).verdicts[entries[1].key]
    assert told(foreign)[:2] == (Code.OBJECT_DIFFERS, FIX_SOURCE)
    new, *others = (verdicts[entry.key] for entry in entries)
    assert (new.fault, new.pin) == (None, None)
    assert new.inspection is not None
    assert new.inspection.virtual_size_bytes == 20 * GB
    assert [told(verdict)[:2] for verdict in others] == [
        (Code.MIN_DISK, FIX_MANIFEST),
        (Code.FILE_MISSING, FIX_SOURCE),
        (Code.FILE_UNREADABLE, FIX_SOURCE),
        (Code.OBJECT_TOO_LARGE, FIX_SOURCE),
    ]


# ---------------------------------------------------------------- rights


async def test_a_bucket_that_these_keys_may_not_read(guarded_store: Store) -> None:
    entry = spec(image_url="closed-to-us:x.qcow2")
    verdicts = (await looked(guarded_store, [entry])).verdicts
    code, action, reason = told(verdicts[entry.key])
    assert (code, action) == (Code.BUCKET_FORBIDDEN, Action.ASK_PERMISSION)
    assert "the store says: " in reason
    assert guarded_store.keys.secret_key not in reason


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret_key": "wrong"}, "obs.SignatureDoesNotMatch"),
        ({"access_key": "AKIAIOSFODNN7EXAMPLE"}, "obs.InvalidAccessKeyId"),
    ],
)
async def test_keys_that_the_store_does_not_know_stop_the_look_and_no_entry(
    guarded_store: Store, changes: dict[str, str], code: str
) -> None:
    entries = [spec(str(n), image_url=f"wave-{n}:x.qcow2") for n in range(100)]
    looks = await looked(guarded_store.with_keys(**changes), entries)
    assert looks.summary.gone is not None
    assert looks.summary.gone.code == code
    assert set(looks.verdicts.values()) == {SourceVerdict()}
    assert looks.summary.requests <= 32


async def test_a_store_that_is_not_there_is_given_up(object_store: Store) -> None:
    away = replace(object_store, endpoint="http://127.0.0.1:9")
    entries = [spec(str(n), image_url=f"wave:{n}.qcow2") for n in range(3)]
    looks = await looked(away, entries)
    assert set(looks.verdicts.values()) == {SourceVerdict()}
    assert looks.summary.gone is not None
    assert looks.summary.requests == 1
