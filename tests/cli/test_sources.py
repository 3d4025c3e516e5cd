"""A source of a kind that the cloud does not take: nothing is begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_register.cli.connection import require_fitting_sources
from batch_register.errors import ManifestError
from batch_register.ims.profile import GENERIC, OPENSTACK
from batch_register.manifest import load_manifest
from tests.cli.conftest import Invoke


@pytest.fixture
def web(tmp_path: Path) -> Path:
    path = tmp_path / "web.yaml"
    path.write_text(
        "version: 1\nname: web\ndefaults: {disk_format: qcow2}\nimages:\n"
        "  - name: web-01\n    source_url: https://files.example.com/web-01.qcow2\n"
        "  - {name: web-02, object: b, bucket: bkt, os_version: X, min_disk: 40}\n"
    )
    return path


@pytest.mark.parametrize("command", ["run", "plan"])
def test_an_address_in_the_web_is_refused_before_anything_is_made(
    invoke: Invoke, web: Path, command: str
) -> None:
    ended = invoke(command, web, "--simulate")
    assert ended.code == 65
    assert f"{web}:5:1: source_url: the " in ended.err
    assert "profile takes files from buckets only" in ended.err
    assert "(image web-01)" in ended.err
    assert "web-02" not in ended.err
    assert list(web.parent.iterdir()) == [web]


def test_a_profile_says_so_offline(invoke: Invoke, web: Path) -> None:
    ended = invoke("validate", web, "--cloud-profile", "openstack")
    assert ended.code == 65
    assert "'bkt:b' is an object in a bucket" in ended.err
    assert "(image web-02)" in ended.err
    assert "web-01" not in ended.err.replace(str(web), "")


def test_many_entries_are_counted_and_not_all_shown(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    images = "".join(
        f"- {{name: i-{n}, source_url: 'https://x/{n}', disk_format: raw}}\n"
        for n in range(150)
    )
    path.write_text(f"version: 1\nname: many\nimages:\n{images}")
    manifest = load_manifest(path)
    require_fitting_sources(path, manifest, OPENSTACK)
    with pytest.raises(ManifestError, match="150 problems") as caught:
        require_fitting_sources(path, manifest, GENERIC)
    assert len(caught.value.problems) == 100
