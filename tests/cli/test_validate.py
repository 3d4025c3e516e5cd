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
        "notes": [],
    }


FILES = """\
version: 1
name: files
defaults: {bucket: wave, os_version: Ubuntu 22.04 server 64bit, min_disk: 40}
images:
  - {name: here, object: a, source: here.raw}
  - {name: gone, object: b, source: disks/gone.raw}
  - {name: folder, object: c, source: .}
  - {name: far, object: d, source: /d/far.raw, source_host: worker-1}
  - {name: near, object: e, source: near.raw, source_resource: DISKS}
"""


def test_a_file_that_this_machine_lacks_is_a_note_and_no_mistake(
    invoke, tmp_path: Path
) -> None:
    """A check may be made where no disks are; files of workers are not looked for."""
    path = tmp_path / "files.yaml"
    path.write_text(FILES, encoding="utf-8")
    (tmp_path / "here.raw").touch()
    ended = invoke("validate", path)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "OK: 5 images\nnote: a run from this machine could not upload 2 files\n"
        f"  {path}:6: source: {tmp_path}/disks/gone.raw is not there (image gone)\n"
        f"  {path}:7: source: {tmp_path} is no regular file (image folder)\n"
    )
    document = json.loads(invoke("validate", path, "--output", "json").out)
    assert (document["valid"], document["problems"]) == (True, [])
    assert [(note["entry"], note["line"]) for note in document["notes"]] == [
        ("gone", 6),
        ("folder", 7),
    ]


def test_many_missing_files_are_counted_and_not_all_shown(
    invoke, tmp_path: Path
) -> None:
    path = tmp_path / "files.yaml"
    head = FILES.partition("  - ")[0]
    names = (f"n-{number}" for number in range(12))
    lines = [f"  - {{name: {n}, object: {n}, source: {n}}}\n" for n in names]
    path.write_text(head + "".join(lines), encoding="utf-8")
    out = invoke("validate", path).out.splitlines()
    assert out[1] == "note: a run from this machine could not upload 12 files"
    assert (len(out), out[-1]) == (13, "  and 2 more")


def test_a_file_below_a_file_is_told_too(invoke, tmp_path: Path) -> None:
    path = tmp_path / "files.yaml"
    path.write_text(FILES.replace("disks/gone", "here.raw/gone"), encoding="utf-8")
    (tmp_path / "here.raw").touch()
    assert (
        "gone.raw cannot be looked at: Not a directory" in invoke("validate", path).out
    )


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
