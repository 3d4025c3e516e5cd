"""Identity in the cloud, and what faults and views say of themselves."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageStatus,
    ImageView,
    entry_digest,
    identity_tags,
    spec_digest,
)
from tests.fakes import spec

TAG_VALUE = re.compile(r"[A-Za-z0-9_-]{1,43}")


@given(name=st.text(min_size=1), key=st.text(min_size=1))
def test_every_entry_tag_fits_the_strictest_tag_rules(name: str, key: str) -> None:
    assert TAG_VALUE.fullmatch(entry_digest(name, EntryKey(key)))


def test_name_and_key_cannot_run_into_each_other() -> None:
    assert entry_digest("ab", EntryKey("c")) != entry_digest("a", EntryKey("bc"))


def test_the_entry_tag_is_the_same_for_ever() -> None:
    """Images of earlier versions are found by it: a changed value would lose them."""
    assert entry_digest("wave-07", EntryKey("web-01")) == "gopbhdrqkjwjddslgneqcyaef4"


@pytest.mark.parametrize(
    "change",
    [
        {"image_url": "b:other"},
        {"name": "other"},
        {"os_version": "Other Linux(64 bit)"},
        {"min_disk_gb": 41},
        {"min_ram_mb": 1},
        {"disk_format": "qcow2"},
        {"protected": True},
        {"tags": (("wave", "07"),)},
    ],
)
def test_every_field_that_is_sent_changes_the_spec(change: dict[str, object]) -> None:
    assert spec_digest(replace(spec(), **change)) != spec_digest(spec())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change", [{"labels": (("owner", "x"),)}, {"priority": 9}, {"size_bytes": 1}]
)
def test_what_is_never_sent_does_not(change: dict[str, object]) -> None:
    assert spec_digest(replace(spec(), **change)) == spec_digest(spec())  # type: ignore[arg-type]


def test_three_tags_find_an_image_again() -> None:
    names = [name for name, _ in identity_tags("wave-07", spec())]
    assert names == ["br-manifest", "br-entry", "br-spec"]


@pytest.mark.parametrize(
    ("status", "size_bytes", "is_usable"),
    [
        (ImageStatus.ACTIVE, 1, True),
        (ImageStatus.ACTIVE, 0, False),
        (ImageStatus.SAVING, 1, False),
        (ImageStatus.UNRECOGNISED, 1, False),
    ],
)
def test_only_an_active_image_with_a_size_is_usable(
    status: ImageStatus, size_bytes: int, is_usable: bool
) -> None:
    view = ImageView(
        image_id=ImageId("i"), name="n", status=status, size_bytes=size_bytes
    )
    assert view.is_usable is is_usable


def test_a_fault_reads_as_a_sentence_with_all_that_support_asks_for() -> None:
    fault = Fault(
        kind=FaultKind.REJECTED,
        code="IMG.0057",
        reason="image file unreadable",
        action=Action.FIX_SOURCE,
        http_status=400,
        request_id="r-1",
    )
    assert fault.sentence() == (
        "HTTP 400 IMG.0057: image file unreadable (request r-1)"
    )
    bare = replace(fault, http_status=None, request_id=None)
    assert bare.sentence() == "IMG.0057: image file unreadable"
