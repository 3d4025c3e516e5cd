"""The server that the other tests lean on does what they lean on."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.object_store.server import Store

pytestmark = pytest.mark.integration


async def test_what_is_put_is_there(object_store: Store) -> None:
    bucket = await object_store.bucket()
    await object_store.put(bucket, {"disks/a": b"first"}, StorageClass="GLACIER")
    async with object_store.raw() as s3:
        answer = await s3.head_object(Bucket=bucket, Key="disks/a")
    assert (answer["ContentLength"], answer["StorageClass"]) == (5, "GLACIER")


@pytest.mark.parametrize(
    "changes", [{"secret_key": "wrong"}, {"access_key": "AKNOBODY"}]
)
async def test_the_guarded_one_takes_no_wrong_keys(
    guarded_store: Store, changes: dict[str, str]
) -> None:
    bucket = await guarded_store.bucket()
    await guarded_store.put(bucket, {"a": b"first"})
    async with guarded_store.with_keys(**changes).raw() as s3:
        with pytest.raises(ClientError, match="403"):
            await s3.head_object(Bucket=bucket, Key="a")
