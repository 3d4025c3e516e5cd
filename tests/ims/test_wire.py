"""Answers are read leniently where the service is loose, strictly where it matters."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from batch_register.ims import wire
from batch_register.ims.answer import AnswerError
from batch_register.ims.codes import OwnCode
from batch_register.model import (
    ImageId,
    ImageStatus,
    ImageView,
    JobId,
    JobStatus,
    JobView,
    Quota,
)
from tests.ims.scripted import IMAGE, JOB, image


def body(data: object) -> bytes:
    return json.dumps(data).encode()


def job_view(raw: bytes) -> JobView:
    view = wire.read_job(raw, JOB)
    assert view is not None
    return view


def refused(read: Callable[[bytes], object], raw: bytes) -> tuple[OwnCode, str]:
    with pytest.raises(AnswerError) as caught:
        read(raw)
    return caught.value.code, caught.value.reason


DOCUMENTED_IMAGE = {
    "schema": "/v2/schemas/image",
    "min_disk": 40,
    "created_at": "2026-09-01T01:00:04Z",
    "__image_source_type": "uds",
    "container_format": "bare",
    "__image_size": "1073741824",
    "protected": False,
    "id": IMAGE,
    "__isregistered": "true",
    "owner": "0123456789abcdef0123456789abcdef",
    "__imagetype": "private",
    "virtual_size": None,
    "size": 0,
    "max_ram": "",
    "tags": ["br-entry=abc", "br-spec=x=y", "old.style", "bare"],
    "name": "web-01",
    "disk_format": "zvhd2",
    "status": "active",
}


def test_the_documented_image_is_read_whole():
    assert wire.read_image(body(DOCUMENTED_IMAGE), IMAGE) == ImageView(
        image_id=IMAGE,
        name="web-01",
        status=ImageStatus.ACTIVE,
        size_bytes=1073741824,
        tags=(("br-entry", "abc"), ("br-spec", "x=y"), ("old", "style"), ("bare", "")),
        created_at="2026-09-01T01:00:04Z",
        min_disk_gb=40,
        is_protected=False,
    )


@pytest.mark.parametrize(
    ("shown", "disk", "ram", "is_protected"),
    [
        ({"min_disk": 40, "min_ram": 0, "protected": True}, 40, 0, True),
        ({"min_disk": " 40 ", "min_ram": "512", "protected": "False"}, 40, 512, False),
        ({"min_disk": None, "min_ram": -1, "protected": None}, None, None, None),
        ({"min_disk": True, "min_ram": [], "protected": 1}, None, None, None),
        ({"min_disk": "much", "min_ram": 1.5, "protected": "so"}, None, None, None),
    ],
)
def test_what_an_image_asks_for_is_shown_or_not_known_and_never_an_error(
    shown: dict[str, object],
    disk: int | None,
    ram: int | None,
    *,
    is_protected: bool | None,
) -> None:
    view = wire.read_image(body({"id": IMAGE, "status": "queued", **shown}), IMAGE)
    seen = (view.min_disk_gb, view.min_ram_mb, view.is_protected)
    assert seen == (disk, ram, is_protected)


def test_an_image_may_leave_out_all_but_id_and_status():
    bare = {"id": IMAGE, "status": "queued"}
    nulls = bare | {"name": None, "tags": None, "created_at": None}
    view = ImageView(image_id=IMAGE, name="", status=ImageStatus.QUEUED)
    assert wire.read_image(body(bare), IMAGE) == view
    assert wire.read_image(body(nulls), IMAGE) == view


@pytest.mark.parametrize(
    ("told", "size_bytes"),
    [
        ("0", 0),
        (" 12 ", 12),
        (12, 12),
        ("", 0),
        (None, 0),
        (-1, 0),
        ("-12", 0),
        ("big", 0),
        ("\u0661\u0662", 0),  # digits, but not the service's
        (True, 0),
        (1.5, 0),
        ([], 0),
        ("9" * 5000, 0),
    ],
)
def test_a_size_that_is_no_size_counts_as_none(told, size_bytes):
    assert wire.read_image(body(image(__image_size=told)), IMAGE).size_bytes == (
        size_bytes
    )


@pytest.mark.parametrize(
    "status", [status for status in ImageStatus if status != ImageStatus.UNRECOGNISED]
)
def test_each_documented_image_status_is_known(status):
    view = wire.read_image(body(image(status=str(status))), IMAGE)
    assert (view.status, view.raw_status) == (status, "")


@pytest.mark.parametrize("word", ["importing", "ACTIVE", "unrecognised", "", " active"])
def test_another_image_status_is_kept_in_the_clouds_own_word(word):
    view = wire.read_image(body(image(status=word)), IMAGE)
    assert (view.status, view.raw_status) == (ImageStatus.UNRECOGNISED, word.strip())


def test_a_status_cannot_smuggle_control_characters():
    view = wire.read_image(body(image(status="\x1b[31m" + "a" * 99)), IMAGE)
    assert view.raw_status == "\\x1b[31m" + "a" * 55 + "…"


def test_an_image_id_is_the_same_in_upper_case():
    view = wire.read_image(body(image(id=IMAGE.upper())), IMAGE)
    assert view.image_id == IMAGE.upper()


def test_an_answer_about_another_image_is_no_answer():
    other = "00000000-0000-0000-0000-000000000000"
    assert refused(lambda raw: wire.read_image(raw, IMAGE), body(image(id=other))) == (
        OwnCode.OTHER_ID,
        f"asked for image {IMAGE}, answered about {other}",
    )


BAD_IMAGES = {
    "no id": ({"status": "queued"}, "id: Field required"),
    "empty id": (image(id=" "), "id: String should have at least 1 character"),
    "id of another type": (image(id=7), "id: Input should be a valid string"),
    "no status": ({"id": IMAGE}, "status: Field required"),
    "null status": (image(status=None), "status: Input should be a valid string"),
    "status of another type": (
        image(status=1),
        "status: Input should be a valid string",
    ),
    "name of another type": (image(name=[]), "name: Input should be a valid string"),
    "tags as a text": (image(tags="a=b"), "tags: Value error, expected a list of tags"),
    "tags as a map": (
        image(tags={"a": "b"}),
        "tags: Value error, expected a list of tags",
    ),
}


@pytest.mark.parametrize(("data", "why"), BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_an_image_that_cannot_be_read_says_where(data, why):
    assert refused(lambda raw: wire.read_image(raw, IMAGE), body(data)) == (
        OwnCode.SHAPE,
        why,
    )


def test_a_tag_that_is_no_text_is_passed_over():
    view = wire.read_image(body(image(tags=[1, "a=b", None])), IMAGE)
    assert view.tags == (("a", "b"),)


def test_a_created_image_needs_an_id_of_the_documented_form():
    assert wire.read_created(body(image())).image_id == IMAGE
    assert refused(wire.read_created, body(image(id="latest"))) == (
        OwnCode.SHAPE,
        "the image id is not a UUID: latest",
    )


NOT_JSON = {
    "HTML": b"<html><title>Sign in</title></html>",
    "truncated": b'{"id":"4f6c',
    "a key twice": b'{"id":"a","id":"b","status":"queued"}',
    "a key twice, deeper": b'{"x":{"a":1,"a":1}}',
    "NaN": b'{"x":NaN}',
    "infinity": b'{"x":-Infinity}',
    "not UTF-8": b'{"x":"\xff"}',
    "too deep": b"[" * 100_000,
    "a number beyond all bounds": b'{"x":' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("raw", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_strict_json_is_no_answer(raw):
    assert refused(wire.read_created, raw) == (
        OwnCode.NOT_JSON,
        "the answer is not JSON",
    )


def test_an_empty_answer_and_one_that_is_no_object_are_no_answers():
    assert refused(wire.read_created, b" \n") == (
        OwnCode.EMPTY,
        "the answer has no body",
    )
    assert refused(wire.read_created, b"[]") == (
        OwnCode.SHAPE,
        "the answer is not a JSON object",
    )


def test_a_byte_order_mark_does_no_harm():
    assert wire.read_job_id(b'\xef\xbb\xbf{"job_id":"1"}') == "1"


@pytest.mark.parametrize("job_id", ["9a17", " 9a17", "\t9a17\n"])
def test_a_job_id_comes_without_the_blanks_around_it(job_id):
    assert wire.read_job_id(body({"job_id": job_id})) == "9a17"


@pytest.mark.parametrize("data", [{}, {"job_id": ""}, {"job_id": " "}, {"job_id": 1}])
def test_without_a_job_id_a_register_is_not_known_to_be_accepted(data):
    assert refused(wire.read_job_id, body(data))[0] is OwnCode.SHAPE


def job(**fields: object) -> bytes:
    return body({"job_id": JOB, "status": "RUNNING"} | fields)


@pytest.mark.parametrize("status", ["INIT", "RUNNING", "SUCCESS"])
def test_each_documented_job_status_is_known(status):
    assert wire.read_job(job(status=status), JOB) == JobView(
        job_id=JOB, status=JobStatus(status)
    )


@pytest.mark.parametrize("word", ["success", "UNRECOGNISED", "PENDING", ""])
def test_another_job_status_is_kept_in_the_clouds_own_word(word):
    assert wire.read_job(job(status=word), JOB) == JobView(
        job_id=JOB, status=JobStatus.UNRECOGNISED, raw_status=word
    )


def test_a_failed_job_carries_its_fault():
    fault = job_view(job(status="FAIL", error_code="IMG.0057")).fault
    assert fault is not None
    assert fault.code == "IMG.0057"


def test_a_job_that_did_not_fail_has_no_fault_whatever_its_code_says():
    assert job_view(job(status="SUCCESS", error_code="IMG.1")).fault is None


@pytest.mark.parametrize(
    ("told", "progress"),
    [
        (0.4, 0.4),
        (1, 1.0),
        (0, 0.0),
        (40, None),
        (-0.1, None),
        ("0.4", None),
        (True, None),
        (None, None),
    ],
)
def test_progress_is_the_documented_fraction_or_nothing(told, progress):
    raw = job(entities={"process_percent": told, "current_task": "ImportImageTask:"})
    assert job_view(raw).progress == progress


@pytest.mark.parametrize("entities", [None, [], "", {}])
def test_a_job_may_tell_nothing_of_its_image(entities):
    assert job_view(job(entities=entities)).progress is None


@pytest.mark.parametrize("told", [JOB, f" {JOB}", JOB.upper(), None, ""])
def test_a_job_may_repeat_its_id_in_its_own_way(told):
    assert job_view(job(job_id=told)).job_id == JOB


def test_an_answer_about_another_job_is_no_answer():
    code, _ = refused(lambda raw: wire.read_job(raw, JobId("other")), job())
    assert code is OwnCode.OTHER_ID


def test_a_job_of_nulls_is_one_that_the_service_has_forgotten():
    nulls = {"job_id": None, "status": None, "error_code": None, "entities": None}
    assert wire.read_job(body(nulls), JOB) is None


@pytest.mark.parametrize("data", [{}, {"status": 3}, {"status": []}])
def test_a_job_without_a_status_is_no_answer(data):
    code, _ = refused(lambda raw: wire.read_job(raw, JOB), body(data))
    assert code is OwnCode.SHAPE


@pytest.mark.parametrize(
    ("extra", "marker"),
    [
        ({}, None),
        ({"next": None, "page_info": None}, None),
        ({"page_info": {}}, None),
        ({"page_info": {"next_marker": "m-1"}}, "m-1"),
        ({"page_info": {"next_marker": ""}, "next": "/v2/images?marker=m-2"}, "m-2"),
        ({"next": "/v2/images?__isregistered=true&marker=m%2D3&limit=2"}, "m-3"),
        ({"next": "https://elsewhere.example.org/?marker=m-4"}, "m-4"),
        ({"next": "/v2/images?limit=2"}, None),
        ({"next": "http://[broken"}, None),
    ],
)
def test_a_page_names_its_next_marker_in_two_ways_or_not(extra, marker):
    assert wire.read_page(body({"images": []} | extra)) == wire.Page(
        images=(), next_marker=marker
    )


def test_a_page_holds_images_in_the_services_order():
    other = ImageId("00000000-0000-0000-0000-000000000000")
    raw = body({"images": [image(), image(id=other, status="saving")]})
    assert wire.read_page(raw).images == (
        ImageView(image_id=IMAGE, name="web-01", status=ImageStatus.QUEUED),
        ImageView(image_id=other, name="web-01", status=ImageStatus.SAVING),
    )


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ({}, "images"),
        ({"images": None}, "images"),
        ({"images": {}}, "images"),
        ({"images": [image(), {"id": "x"}]}, "images.1.status"),
        ({"images": ["x"]}, "images.0"),
        ({"images": [], "next": 5}, "next"),
        ({"images": [], "page_info": "x"}, "page_info"),
    ],
)
def test_a_page_with_one_unreadable_image_is_no_list(data, where):
    """Leaving it out could hide an image of ours, and a hidden one is made twice."""
    code, reason = refused(wire.read_page, body(data))
    assert (code, reason.partition(":")[0]) == (OwnCode.SHAPE, where)


def quotas(*resources: object) -> bytes:
    return body({"quotas": {"resources": list(resources)}})


def test_the_quota_of_private_images_is_picked_from_all():
    raw = quotas(
        {"type": "image_shared", "used": 1, "quota": 2},
        {"type": "image", "used": 37, "quota": "100", "min": 1, "max": 1000},
    )
    assert wire.read_quota(raw) == Quota(used=37, limit=100)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (quotas(), "no quota of type 'image'"),
        (
            quotas({"type": "image", "used": 1}),
            "quotas.resources.0.quota: Field required",
        ),
        (
            quotas({"type": "image", "used": 1, "quota": -1}),
            "quotas.resources.0.quota: Input should be greater than or equal to 0",
        ),
        (
            quotas({"type": "image", "used": True, "quota": 1}),
            "quotas.resources.0.used: Input should be a valid integer",
        ),
        (body({}), "quotas: Field required"),
    ],
)
def test_a_quota_that_is_none_is_no_answer(raw, why):
    assert refused(wire.read_quota, raw) == (OwnCode.SHAPE, why)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "status", "tags", "__image_size", "job_id", "entities", "images"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@given(st.binary() | _VALUES.map(body))
def test_any_bytes_are_read_or_refused(raw):
    for read in (
        wire.read_created,
        wire.read_job_id,
        wire.read_page,
        wire.read_quota,
        lambda raw: wire.read_job(raw, JOB),
        lambda raw: wire.read_image(raw, IMAGE),
    ):
        with suppress(AnswerError):
            read(raw)
