"""A ledger that names an image anywhere, for whatever reason, protects it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from batch_register.event import (
    DuplicateSeen,
    ImageAdopted,
    ImageCreated,
    ImageFailed,
    ShellDeleted,
    ShellKept,
)
from batch_register.ledger.codec import to_fields
from batch_register.ledger.line import Line, encode
from batch_register.ledger.notes import ORPHAN_EVENTS
from batch_register.model import FaultKind, ImageId, ImageStatus, SpecDigest
from batch_register.reconcile import mentioned
from tests.fakes import fault
from tests.reconcile.scenes import ONE, TWO, image_id

MIXED = ImageId("4F6C2A10-0b7e-4a53-9a51-8d2f0c1e7b11")


def raw(event: str, **fields: object) -> bytes:
    return encode(
        Line(seq=1, run_id="r", at="t", event=event, key="web-01", fields=fields)
    )


def said(event: object) -> bytes:
    name, fields = to_fields(event)  # type: ignore[arg-type]
    return raw(name, **fields)


@pytest.mark.parametrize(
    "line",
    [
        said(ImageCreated(image_id=ONE)),
        said(
            ImageAdopted(image_id=ONE, status=ImageStatus.QUEUED, spec=SpecDigest(""))
        ),
        said(ImageFailed(error=fault(FaultKind.LOST), stage="job", image_id=ONE)),
        said(ShellDeleted(image_id=ONE)),
        said(ShellKept(image_id=ONE, error=fault(FaultKind.REJECTED))),
        said(DuplicateSeen(image_id=ONE, status=ImageStatus.QUEUED)),
        raw("image.failed", error={"reason": f"image {ONE} is in the way"}),
        raw("image.failed", error={"reason": f"image «{ONE}» is in the way"}),
        raw("image.later_tool", somewhere=[{"deep": f"x{ONE.upper()}y"}]),
        raw("cloud.observed", reason='","event":"orphan.kept",' + ONE),
        b"torn " + ONE.encode(),
    ],
)
def test_any_line_that_holds_the_id_names_the_image(line: bytes) -> None:
    assert mentioned([ONE, TWO], [line]) == {ONE}


@pytest.mark.parametrize("event", sorted(ORPHAN_EVENTS))
def test_what_an_earlier_reconcile_noted_of_an_orphan_does_not(event: str) -> None:
    assert mentioned([ONE], [raw(event, image_id=ONE, reason="")]) == set()


def test_letter_case_does_not_count_and_the_id_comes_back_as_it_was_asked() -> None:
    for spelled in (MIXED, MIXED.lower(), MIXED.upper()):
        line = raw("image.created", image_id=spelled)
        assert mentioned([MIXED], [line]) == {MIXED}


@pytest.mark.parametrize("odd", ["image-7", "bild-ä", 'with"quote', "x" * 40])
def test_an_id_that_is_no_uuid_is_found_as_a_text(odd: str) -> None:
    line = raw("image.created", image_id=odd)
    assert mentioned([ImageId(odd), TWO], [line]) == {odd}
    assert mentioned([ImageId(odd)], [raw("image.created", image_id="other")]) == set()


@given(st.uuids(), st.text(max_size=20), st.text(max_size=20))
def test_an_id_is_found_whatever_stands_around_it(uuid, before, after) -> None:
    one = ImageId(str(uuid))
    line = json.dumps({"reason": f"{before}{one}{after}"}).encode()
    assert mentioned([one], [line]) == {one}


def test_no_line_names_nothing() -> None:
    assert mentioned([ONE], []) == set()
    assert mentioned([], [raw("image.created", image_id=image_id(9))]) == set()
