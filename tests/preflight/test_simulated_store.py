"""What the pre-flight makes of a simulated store, beside what its image service refuses.

The simulator is the witness: it shares no code with the pre-flight, and was written from
the providers' pages. It shows what moto cannot: classes of buckets, SSE-C, huge objects.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batch_register.errors import ManifestError
from batch_register.identity.signing import AccessKeys
from batch_register.ims.profile import OTC
from batch_register.inspection import inspect
from batch_register.manifest import load_manifest
from batch_register.obs import FixedKeys, ObjectAccess, open_store
from batch_register.preflight import Code, Looks, Survey
from batch_register.simulator import (
    Simulator,
    SimulatorOptions,
    StoredBucket,
    StoredObject,
)
from batch_register.simulator.refusals import Refusal
from batch_register.simulator.registration import check_source
from batch_register.transport.tls import Tls
from tests.fakes import spec
from tests.preflight.fakes import FakeFiles
from tests.preflight.scenes import GB

pytestmark = pytest.mark.integration

URL = "wave:x.raw"
GOOD = StoredObject(image_url=URL, size_bytes=20 * GB, format="raw")
BUCKET = StoredBucket(name="wave")
OPTIONS = SimulatorOptions(objects_exist_by_default=False)
ENTRY = spec(image_url=URL, min_disk_gb=200)


async def looked(cloud: Simulator) -> Looks:
    key = cloud.options.access_keys[0]
    access = ObjectAccess(
        endpoint=f"{cloud.url}/obs",
        region=cloud.options.region,
        keys=FixedKeys(AccessKeys(access_key=key.access, secret_key=key.secret)),
    )
    async with open_store(access, connections=8, tls=Tls(), trust_env=False) as store:
        survey = Survey(
            store,
            FakeFiles(),
            inspect,
            profile=OTC,
            region=cloud.options.region,
        )
        return await survey.look([ENTRY])


def takes(cloud: Simulator) -> bool:
    """Return whether the image service there would take the source."""
    try:
        late = check_source(URL, cloud.world.state.objects, cloud.options)
    except Refusal:
        return False
    return late is None


@pytest.mark.parametrize(
    ("stored", "bucket", "code"),
    [
        (GOOD, BUCKET, None),
        (replace(GOOD, size_bytes=128 * GB), BUCKET, None),
        (GOOD, replace(BUCKET, storage_class="WARM"), Code.BUCKET_CLASS),
        (GOOD, replace(BUCKET, storage_class="COLD"), Code.BUCKET_CLASS),
        (GOOD, replace(BUCKET, region="elsewhere-1"), Code.BUCKET_REGION),
        (GOOD, replace(BUCKET, forbidden=True), Code.BUCKET_FORBIDDEN),
        (GOOD, replace(BUCKET, parallel_file_system=True), None),
        (replace(GOOD, missing=True), BUCKET, Code.OBJECT_MISSING),
        (replace(GOOD, forbidden=True), BUCKET, Code.OBJECT_FORBIDDEN),
        (replace(GOOD, encrypted=True), BUCKET, Code.OBJECT_ENCRYPTED),
        (replace(GOOD, storage_class="WARM"), BUCKET, Code.OBJECT_CLASS),
        (replace(GOOD, storage_class="COLD"), BUCKET, Code.OBJECT_ARCHIVED),
        (replace(GOOD, size_bytes=0), BUCKET, Code.OBJECT_EMPTY),
        (replace(GOOD, size_bytes=128 * GB + 1), BUCKET, Code.OBJECT_TOO_LARGE),
    ],
)
async def test_what_the_image_service_would_refuse_is_found_before(
    stored: StoredObject, bucket: StoredBucket, code: Code | None
) -> None:
    async with Simulator(OPTIONS) as cloud:
        cloud.furnish([stored], [bucket])
        (verdict,) = (await looked(cloud)).verdicts.values()
        assert (verdict.fault.code if verdict.fault else None) == code
        assert takes(cloud) is (code is None)


async def test_a_bucket_that_is_not_there() -> None:
    async with Simulator(OPTIONS) as cloud:
        (verdict,) = (await looked(cloud)).verdicts.values()
        assert verdict.fault is not None
        assert verdict.fault.code == Code.BUCKET_MISSING
        assert not takes(cloud)


async def test_a_parallel_file_system_is_told() -> None:
    async with Simulator(OPTIONS) as cloud:
        cloud.furnish([GOOD], [replace(BUCKET, parallel_file_system=True)])
        looks = await looked(cloud)
    assert "parallel file system" in looks.summary.notices[0]


def test_a_blank_in_a_key_does_not_get_past_the_manifest(tmp_path: Path) -> None:
    """The service refuses it (IMG.0175); so there is no finding of its own for it."""
    path = tmp_path / "wave.yaml"
    path.write_text(
        "version: 1\nname: wave\nimages:\n  - name: web-01\n    bucket: wave\n"
        "    object: 'disks/web 01.qcow2'\n    os_version: Ubuntu 22.04 server 64bit\n"
        "    min_disk: 40\n"
    )
    with pytest.raises(ManifestError) as caught:
        load_manifest(path)
    assert "blank in the object key" in caught.value.problems[0].message
