"""What is written is read back as what was meant, whatever the texts are."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from batch_register.manifest import load_manifest, parse_manifest
from batch_register.manifest.rules import (
    NAME_PATTERN,
    OBJECT_PATTERN,
    TEXT_PATTERN,
)
from batch_register.scan.draft import Draft, DraftImage, LeftOut, Line
from batch_register.scan.writing import comment, manifest_text, scalar

TRICKY = [
    *(
        "no",
        "NO",
        "yes",
        "on",
        "y",
        "null",
        "~",
        "true",
        "False",
        "1e3",
        "0123",
        "0o17",
    ),
    *(
        "0x1F",
        ".5",
        "-",
        "--",
        "...",
        "-1",
        "1_000",
        "2026-01-31",
        "1.5",
        ".inf",
        "NaN",
    ),
    *("a.b", "_", "web 01", "web  01", "1", "=", "<<", "12:30:45", "0b1", "1.", "E5"),
]


def image(*lines: Line, **rest: Any) -> DraftImage:
    return DraftImage(lines=lines, **rest)


def draft(*images: DraftImage, **rest: Any) -> Draft:
    given_ = {"name": "wave", "origin": "obs://b-1/", **rest}
    return Draft(images=images, **given_)


WEB = image(
    Line(field="name", value="web-01"),
    Line(field="object", value="web-01.qcow2"),
    Line(field="os_version", value="CentOS 7.6 64bit", remark="by the file name"),
    Line(field="min_disk", value=40, remark="the disk has 12 GiB", is_sure=False),
)


def test_the_layout_is_as_a_person_would_write_it() -> None:
    text = manifest_text(
        draft(
            WEB,
            image(
                Line(field="name", value="no"),
                about="a template",
                held_back="its key has a blank",
            ),
            defaults={"bucket": "b-1"},
            left_out=(LeftOut(what="notes.txt", why="text, no disk image"),),
            warnings=("the bucket's class is WARM",),
        )
    )
    assert (
        text
        == """\
# Written by `batch-register scan` from obs://b-1/.
# TODO check: the bucket's class is WARM
# Look at every "TODO check" before you run it; then remove these words.
version: 1
name: wave
defaults:
  bucket: b-1
images:
  - name: web-01
    object: web-01.qcow2
    os_version: CentOS 7.6 64bit  # by the file name
    min_disk: 40  # TODO check: the disk has 12 GiB

# Held back (1): mend each, and take the #| before its lines away.
# its key has a blank:
#|  # a template
#|  - name: "no"

# Left out (1):
#   notes.txt: text, no disk image
"""
    )


def test_what_was_held_back_is_an_image_once_its_marks_are_away() -> None:
    held = image(*WEB.lines[1:], held_back="its name is missing")
    text = manifest_text(draft(WEB, held, defaults={"bucket": "b-1"}))
    assert len(parse_manifest(text.encode(), path="m").images) == 1
    mended = text.replace("#|  - object:", "#|  - name: x\n#|    object:")
    manifest = parse_manifest(mended.replace("#|", "").encode(), path="m")
    assert [spec.name for spec in manifest.images] == ["web-01", "x"]


@pytest.mark.parametrize("value", TRICKY)
def test_a_text_that_looks_like_something_else_stays_a_text(value: str) -> None:
    assert yaml.safe_load(f"k: {scalar(value)}") == {"k": value}


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read_back_by_another_reader(value: str) -> None:
    assert yaml.safe_load(f"k: {scalar(value)}  # x") == {"k": value}


@settings(deadline=None)
@given(st.text(max_size=80))
def test_a_comment_never_leaves_its_line(text: str) -> None:
    assert yaml.safe_load(f"k: 1  # {comment(text)}\n") == {"k": 1}
    assert comment(text).isprintable() or not text


VISIBLE = st.characters(exclude_categories=("C", "Z"))


def matching(pattern: str, *texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(*texts).filter(
        lambda text: re.fullmatch(pattern, text) is not None
    )


NAMES = matching(
    NAME_PATTERN,
    st.sampled_from(TRICKY),
    st.text("abcXYZ019._- \u670d", min_size=1, max_size=128),
)
OBJECTS = matching(
    OBJECT_PATTERN,
    st.sampled_from([text for text in TRICKY if " " not in text]),
    st.text(VISIBLE, min_size=1, max_size=200),
)
TEXTS = matching(
    TEXT_PATTERN,
    st.sampled_from(TRICKY),
    st.text(VISIBLE | st.just(" "), min_size=1, max_size=100),
)
BUCKETS = st.sampled_from(
    ["b-1", "123", "0x1", "1e3", "null", "no.no", "1.5", "2026-01-31"]
)
REMARKS = st.text(max_size=30)
IMAGES = st.lists(
    st.tuples(NAMES, OBJECTS, TEXTS, st.integers(1, 1024), REMARKS, st.booleans()),
    min_size=1,
    max_size=8,
    unique_by=lambda each: each[0],
)


@settings(deadline=None)
@given(IMAGES, BUCKETS, REMARKS)
def test_a_manifest_loads_back_to_the_same_values(
    values: list[tuple[str, str, str, int, str, bool]], bucket: str, remark: str
) -> None:
    images = [
        image(
            Line(field="name", value=name),
            Line(field="object", value=key, remark=told, is_sure=is_sure),
            Line(field="os_version", value=system, remark=told),
            Line(field="min_disk", value=size, remark=told),
            about=told,
        )
        for name, key, system, size, told, is_sure in values
    ]
    held = image(Line(field="name", value=values[0][0]), held_back=f"mend {remark}")
    text = manifest_text(
        draft(
            *images,
            held,
            origin=remark,
            defaults={"bucket": bucket},
            left_out=(LeftOut(what=remark, why=remark),),
        )
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "wave.yaml"
        path.write_text(text, encoding="utf-8", newline="")
        manifest = load_manifest(path)
    assert [
        (spec.name, spec.image_url, spec.os_version, spec.min_disk_gb)
        for spec in manifest.images
    ] == [
        (name, f"{bucket}:{key}", system, size)
        for name, key, system, size, _, _ in values
    ]


def test_what_is_masked_never_reaches_a_comment() -> None:
    secret = "hunter22"
    shown = manifest_text(
        draft(
            image(
                Line(field="name", value="x", remark=secret),
                about=secret,
            ),
            image(Line(field="object", value=secret), held_back=secret),
            origin=secret,
            left_out=(LeftOut(what=secret, why=secret),),
            warnings=(secret,),
        ).masked(lambda text: text.replace(secret, "***"))
    )
    assert secret not in shown
    assert shown.count("***") == 8


def test_a_flood_of_what_is_left_out_is_summed_up() -> None:
    left_out = tuple(LeftOut(what=f"k{n}", why="empty") for n in range(1_500))
    lines = manifest_text(draft(WEB, left_out=left_out)).splitlines()
    assert lines[-1] == "#   and 500 more: empty"
    assert len([line for line in lines if line.endswith(": empty")]) == 1_001
