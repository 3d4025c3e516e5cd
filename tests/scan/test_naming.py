"""Names come out valid and different, whatever the files are called."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings, strategies as st

from batch_register.manifest.rules import MANIFEST_NAME_PATTERN, NAME_PATTERN
from batch_register.scan.naming import (
    folder,
    image_name,
    manifest_name,
    stem,
    told_apart,
)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("disks/web-01.qcow2", "web-01"),
        ("WEB.VMDK", "WEB"),
        ("a/b/db.prod.v2.raw", "db.prod.v2"),
        ("plain", "plain"),
        (".qcow2", ".qcow2"),
        ("folder/", "folder"),
        (r"C:\disks\web.vhd", "web"),
        ("archive.tar.gz", "archive.tar.gz"),
    ],
)
def test_a_stem_is_the_file_name_without_the_suffix_of_an_image(
    key: str, expected: str
) -> None:
    assert stem(key) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web-01", "web-01"),
        ("web 01", "web 01"),
        (" web/01:x ", "web-01-x"),
        ("b\u00fcro-\u00e9t\u00e9", "buro-ete"),
        ("\u670d\u52a1\u5668-1", "1"),
        ("???", "image"),
        ("", "image"),
        ("a\u200bb\n- name: evil", "a-b-- name- evil"),
    ],
)
def test_what_no_name_may_have_becomes_a_hyphen(text: str, expected: str) -> None:
    assert image_name(text, takes_chinese=False) == expected


def test_long_names_that_begin_alike_stay_two() -> None:
    """A manifest's name identifies its batch: two of one name would share images."""
    names = {
        manifest_name(f"{'customers/department/' * 3}wave-{n:02}") for n in range(9)
    }
    assert len(names) == 9
    assert {len(name) for name in names} == {43}
    assert manifest_name("b-1-wave/07/") == "b-1-wave-07"


def test_chinese_letters_stay_where_the_cloud_takes_them() -> None:
    assert (
        image_name("\u670d\u52a1\u5668-1", takes_chinese=True) == "\u670d\u52a1\u5668-1"
    )


@settings(deadline=None)
@given(st.text(max_size=300), st.booleans())
def test_every_name_is_valid(text: str, takes_chinese: bool) -> None:
    name = image_name(text, takes_chinese=takes_chinese)
    assert re.fullmatch(NAME_PATTERN, name)
    assert len(name) <= 128
    assert re.fullmatch(MANIFEST_NAME_PATTERN, manifest_name(text))


def test_files_of_one_name_get_their_folder() -> None:
    pairs = [("web", "a"), ("web", "b"), ("db", "a")]
    assert told_apart(pairs) == ["web-a", "web-b", "db"]


def test_files_of_one_name_in_one_folder_get_a_number() -> None:
    assert told_apart([("web", "a"), ("web", "a"), ("web", "")]) == [
        "web-a",
        "web-a-2",
        "web",
    ]


def test_a_made_name_gives_way_to_one_that_a_file_has() -> None:
    pairs = [("web", "a"), ("web", "b"), ("web-a", "c")]
    assert told_apart(pairs) == ["web-a-2", "web-b", "web-a"]


def test_the_folder_is_the_last_one() -> None:
    assert folder("a/b/c.raw") == "b"
    assert folder("c.raw") == ""


NAMES = st.builds(
    lambda text: image_name(text, takes_chinese=False),
    st.one_of(
        st.sampled_from(["web", "web-a", "web-a-2", "x" * 128, "x" * 127]),
        st.text(max_size=140),
    ),
)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, st.one_of(st.just(""), NAMES)), max_size=30))
def test_all_names_are_different_valid_and_the_same_next_time(
    pairs: list[tuple[str, str]],
) -> None:
    names = told_apart(pairs)
    assert len(set(names)) == len(pairs)
    assert all(re.fullmatch(NAME_PATTERN, name) for name in names)
    assert all(len(name) <= 128 for name in names)
    assert told_apart(pairs) == names
