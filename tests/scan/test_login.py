"""A bucket of the simulated cloud, scanned with nothing but a login."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_register.manifest import load_manifest
from tests.integration.conftest import Cloud, Shell, cloud, serve_cloud, shell
from tests.scan.wave import GIB, furnish

__all__ = ["cloud", "serve_cloud", "shell"]  # fixtures

pytestmark = pytest.mark.integration


def test_temporary_keys_of_the_login_are_enough(shell: Shell, cloud: Cloud) -> None:
    formats = ("qcow2", "qcow", "qed", "raw", "vmdk", "vhd", "vhdx", "vdi")
    found: list[dict[str, object]] = [
        {
            "image_url": f"b-1:w/web.{each}",
            "format": each,
            "size_bytes": 3 * GIB if each != "raw" else 12 * GIB,
            "virtual_size_bytes": 12 * GIB,
        }
        for each in formats
    ]
    shut = {"image_url": "b-1:w/shut.raw", "size_bytes": 12 * GIB, "forbidden": True}
    furnish(cloud, "objects", [*found, shut])

    scanned = shell("scan", "obs://b-1/w/", "-o", "wave.yaml")

    assert scanned.code == 0, scanned.err
    specs = load_manifest(shell.folder / "wave.yaml").images
    assert {spec.name for spec in specs} == {
        "web-w",
        *(f"web-w-{n}" for n in range(2, 9)),
    }
    assert {spec.min_disk_gb for spec in specs} == {12}
    text = (shell.folder / "wave.yaml").read_text(encoding="utf-8")
    assert "#   w/shut.raw: it may not be read: " in text


def test_a_bucket_that_may_not_be_looked_at_ends_with_77(
    shell: Shell, cloud: Cloud
) -> None:
    furnish(cloud, "buckets", [{"name": "shut", "forbidden": True}])
    scanned = shell("scan", "obs://shut/", "-o", "wave.yaml")
    assert scanned.code == 77
    assert "obs.AccessDenied" in scanned.err
    assert not (shell.folder / "wave.yaml").exists()


class HalfKeys(Shell):
    """A shell whose environment holds one key of two."""

    def environment(self) -> dict[str, str]:
        return super().environment() | {"OBS_ACCESS_KEY_ID": "half"}


def test_half_of_a_pair_of_keys_is_told(tmp_path: Path, cloud: Cloud) -> None:
    scanned = HalfKeys(tmp_path, cloud.clouds_yaml)("scan", "obs://b-1/")
    assert scanned.code == 2
    assert "OBS_SECRET_ACCESS_KEY is not" in scanned.err
