"""`validate`: every mistake of a manifest, offline, with 0 or 65 at the end."""

from __future__ import annotations

import json
from pathlib import Path


def test_a_good_manifest_is_counted(invoke, manifest: Path) -> None:
    ended = invoke("validate", manifest)
    assert (ended.code, ended.out, ended.err) == (0, "OK: 2 images\n", "")


def test_one_image_is_one_image(invoke, manifest: Path) -> None:
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.partition("  - name: web-02")[0], encoding="utf-8")
    assert invoke("validate", manifest).out == "OK: 1 image\n"


def test_every_mistake_is_shown_with_its_place(invoke, manifest: Path) -> None:
    text = manifest.read_text(encoding="utf-8")
    text = text.replace("wave-07\ndef", "wave 07\ndef").replace("min_disk: 20", "x: 1")
    manifest.write_text(text, encoding="utf-8")
    ended = invoke("validate", manifest)
    assert (ended.code, ended.out) == (65, "")
    assert f"{manifest}:2:7: " in ended.err
    assert f"{manifest}:12:5: " in ended.err
    assert ended.err.endswith(f"{manifest}: 2 problems\n")


def test_the_verdict_as_json_is_the_only_document(invoke, manifest: Path) -> None:
    ended = invoke("validate", manifest, "--output", "json")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == {
        "version": 1,
        "path": str(manifest),
        "valid": True,
        "name": "wave-07",
        "images": 2,
        "problems": [],
    }


def test_mistakes_as_json_end_with_65_too(invoke, manifest: Path) -> None:
    manifest.write_text("version: 1\nname: w\nimages: []\n", encoding="utf-8")
    ended = invoke("validate", manifest, "--output", "json")
    document = json.loads(ended.out)
    assert (ended.code, ended.err) == (65, "")
    assert (document["valid"], document["images"]) == (False, None)
    assert [sorted(problem) for problem in document["problems"]] == [
        ["column", "entry", "line", "message"]
    ]


def test_a_token_in_the_wrong_place_reaches_neither_form(
    invoke, manifest: Path
) -> None:
    token = "gAAAA" + "Zz09" * 8
    text = manifest.read_text(encoding="utf-8").replace(
        "name: web-02", f"name: {token}"
    )
    manifest.write_text(text.replace("min_disk: 20", f"min_disk: {token}"), "utf-8")
    for form in ("text", "json"):
        ended = invoke("validate", manifest, "--output", form)
        assert ended.code == 65
        assert token not in ended.out + ended.err


def test_a_profile_adds_the_limits_of_its_cloud(invoke, manifest: Path) -> None:
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("min_disk: 20", "min_disk: 9"), encoding="utf-8")
    assert invoke("validate", manifest).code == 0
    assert invoke("validate", manifest, "--cloud-profile", "otc").code == 0
    ended = invoke("validate", manifest, "--cloud-profile", "huawei")
    assert ended.code == 65
    assert f"{manifest}:10:1: min_disk 9: the huawei profile takes " in ended.err


def test_a_cloud_adds_the_limits_of_its_profile_with_its_overrides(
    invoke, manifest: Path, tmp_path: Path
) -> None:
    """The entry names no profile: the host of its login tells."""
    clouds = tmp_path / "clouds.yaml"
    text = """\
clouds:
  mine:
    auth: {auth_url: "https://iam.eu-de.otc.t-systems.com/v3", username: u,
           password: p, user_domain_name: d, project_name: eu-de}
"""
    clouds.write_text(text, encoding="utf-8")
    files = {"OS_CLIENT_CONFIG_FILE": str(clouds)}
    cloud = ("--cloud", "mine")
    assert invoke("validate", manifest, *cloud, **files).code == 0
    overrides = "    ims_profile_overrides: {min_disk_linux: 30}\n"
    clouds.write_text(text + overrides, encoding="utf-8")
    ended = invoke("validate", manifest, *cloud, **files)
    assert ended.code == 65
    assert "min_disk 20: the otc profile takes 30 to 1024 GB" in ended.err
    both = invoke("validate", manifest, *cloud, "--cloud-profile", "otc", **files)
    assert both.code == 2
    assert "both given" in both.err


def test_an_unknown_profile_is_a_usage_error(invoke, manifest: Path) -> None:
    assert invoke("validate", manifest, "--cloud-profile", "moon").code == 2


def test_a_manifest_that_is_not_there_is_named(invoke, tmp_path: Path) -> None:
    ended = invoke("validate", tmp_path / "none.yaml")
    assert ended.code == 2
    assert "none.yaml" in ended.err
