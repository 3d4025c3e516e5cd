from __future__ import annotations

import gc
from pathlib import Path

import pytest

from batch_register.errors import ManifestError, SettingsError
from batch_register.manifest import excerpt_text, load_manifest

GOOD = """\
version: 1
name: w
images:
- {name: a, image_url: "bkt:a.raw", os_version: X, min_disk: 40}
"""


def test_a_file_is_read(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(GOOD)
    assert [spec.name for spec in load_manifest(path).images] == ["a"]
    assert excerpt_text(path) == GOOD


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("text", [GOOD, "bad"])
def test_the_garbage_collector_is_left_as_it_was(tmp_path, enabled, text):
    path = tmp_path / "m.yaml"
    path.write_text(text)
    before = gc.isenabled()
    try:
        gc.enable() if enabled else gc.disable()
        if text == GOOD:
            load_manifest(path)
        else:
            with pytest.raises(ManifestError, match=r"m\.yaml: 1 problem"):
                load_manifest(path)
        assert gc.isenabled() is enabled
    finally:
        gc.enable() if before else gc.disable()


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_a_matter_of_usage(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(SettingsError) as caught:
        load_manifest(path)
    assert caught.value.message.startswith(f"cannot read the manifest {path}: ")
    assert caught.value.hint == "check the path and the file's permissions"
    assert excerpt_text(path) == ""


def test_an_endless_file_is_not_read_to_its_end():
    with pytest.raises(ManifestError) as caught:
        load_manifest(Path("/dev/zero"))
    (problem,) = caught.value.problems
    assert problem.message.startswith("the file is larger than 64 MiB")


def test_problems_before_a_syntax_error_are_shown_where_the_defaults_are_known(
    problems,
):
    text = (
        "version: 1\nname: w\ndefaults: {bucket: bkt, os_version: X, min_disk: 40}\n"
        "images:\n- {name: a, object: o, colour: red}\n- {name: 'b\n"
    )
    assert [(p.line, p.message) for p in problems(text)] == [
        (5, "`colour` is not a field of an image: remove it"),
        (6, "a quote is opened here and never closed: close it where the value ends"),
    ]


def test_an_image_is_not_blamed_for_defaults_behind_a_syntax_error(problems):
    text = "version: 1\nname: w\nimages:\n- {name: a}\ndefaults: {bucket: 'b\n"
    assert [(p.line, p.message) for p in problems(text)] == [
        (5, "a quote is opened here and never closed: close it where the value ends")
    ]
