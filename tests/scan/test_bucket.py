"""A bucket of real images in a real S3 server, scanned, checked and registered."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_register.manifest import load_manifest
from tests.inspection.qemu import QemuImg
from tests.integration.conftest import Cloud, Shell, cloud, serve_cloud, shell
from tests.object_store.server import Store
from tests.scan.wave import GIB, Disk, beside, disks, furnish

__all__ = ["cloud", "serve_cloud", "shell"]  # fixtures

pytestmark = pytest.mark.integration


def store_cloud(folder: Path, store: Store, url: str) -> None:
    """Describe the cloud "bucket": the simulated image service, and the real store."""
    login = f"{{ak: {store.keys.access_key}, sk: {store.keys.secret_key}}}"
    entry = (
        "  bucket:\n"
        f"    auth_type: aksk\n    auth: {login}\n    region_name: {store.region}\n"
        "    project_id: 0123456789abcdef0123456789abcdef\n    ims_profile: huawei\n"
        f"    obs_endpoint_override: {store.endpoint}\n"
        f"    image_endpoint_override: {url}\n"
    )
    with (folder / "clouds.yaml").open("a", encoding="utf-8") as file:
        file.write(entry)


def furnish_wave(
    cloud: Cloud, bucket: str, wave: list[Disk], sizes: dict[str, int]
) -> None:
    """Put the same files into the simulated cloud: what it says of them is its own."""
    objects = [
        {
            "image_url": f"{bucket}:{disk.key}",
            "size_bytes": sizes[disk.key],
            "format": disk.disk_format,
            "virtual_size_bytes": disk.size_bytes,
        }
        for disk in wave
    ]
    furnish(cloud, "objects", objects)


async def test_fifty_real_images_go_from_the_bucket_to_active(
    object_store: Store, qemu_img: QemuImg, shell: Shell, cloud: Cloud
) -> None:
    bucket, wave = await object_store.bucket("scan"), disks()
    files = {disk.key: disk.make(qemu_img, shell.folder) for disk in wave}
    others = {key: content for key, content, _ in beside()}
    await object_store.put(bucket, {**files, **others})
    await object_store.put(
        bucket, {"wave/cold.raw": bytes(512)}, StorageClass="GLACIER"
    )
    await object_store.put(bucket, {"elsewhere/a.raw": bytes(512)})
    store_cloud(shell.folder, object_store, cloud.url)

    scanned = shell(
        *("scan", f"obs://{bucket}/wave/", "--cloud", "bucket", "-o", "wave.yaml")
    )

    assert scanned.code == 0, scanned.err
    assert "wave.yaml: 50 images" in scanned.err
    assert f"{len(others) + 1} left out" in scanned.err
    text = (shell.folder / "wave.yaml").read_text(encoding="utf-8")
    left_out = text.partition("# Left out")[2]
    for key, _, word in beside():
        assert any(key in line and word in line for line in left_out.splitlines()), key
    assert "wave/cold.raw: its storage class is COLD" in left_out
    assert "elsewhere" not in text

    manifest = load_manifest(shell.folder / "wave.yaml")
    by_url = {spec.image_url: spec for spec in manifest.images}
    for disk in wave:
        spec = by_url[f"{bucket}:{disk.key}"]
        assert spec.min_disk_gb == max(10, -(-disk.size_bytes // GIB)), disk
        assert spec.size_bytes == len(files[disk.key])
    assert len({spec.name for spec in manifest.images}) == 50
    assert shell("validate", "wave.yaml", "--cloud", "bucket").code == 0

    furnish_wave(cloud, bucket, wave, {key: len(file) for key, file in files.items()})
    ran = shell.run(shell.folder / "wave.yaml", "--concurrency", "50")

    assert ran.code == 0, ran.err
    assert ran.document["summary"]["active"] == 50
    assert cloud.audit()["images_existing"] == 50


async def test_a_bucket_that_is_not_there_or_empty_makes_no_file(
    object_store: Store, shell: Shell, cloud: Cloud
) -> None:
    bucket = await object_store.bucket("scan")
    store_cloud(shell.folder, object_store, cloud.url)
    flags = ("--cloud", "bucket")

    missing = shell("scan", "obs://no-such-bucket/", *flags)
    empty = shell("scan", f"obs://{bucket}/", *flags, "-o", "wave.yaml")

    assert (missing.code, missing.out) == (2, "")
    assert "there is no bucket 'no-such-bucket'" in missing.err
    assert (empty.code, empty.out) == (2, "")
    assert f"obs://{bucket}/: holds nothing at all" in empty.err
    assert not (shell.folder / "wave.yaml").exists()
