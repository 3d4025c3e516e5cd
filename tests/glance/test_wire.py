"""Glance's words, read: images, lists, imports, limits."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from batch_register.glance.wire import (
    read_created,
    read_image,
    read_import,
    read_page,
    read_quota,
)
from batch_register.ims.answer import AnswerError
from batch_register.model import ImageStatus, JobStatus, Quota
from tests.glance.scripted import task
from tests.ims.scripted import IMAGE, image

NOW = datetime(2026, 9, 1, 1, tzinfo=UTC)


def body(data: object) -> bytes:
    return json.dumps(data).encode()


def shown(**fields: object):
    return read_image(body(image(**fields)), IMAGE)


@pytest.mark.parametrize(
    ("word", "status", "raw"),
    [
        ("queued", ImageStatus.QUEUED, ""),
        ("saving", ImageStatus.SAVING, ""),
        ("uploading", ImageStatus.SAVING, "uploading"),
        ("importing", ImageStatus.SAVING, "importing"),
        ("active", ImageStatus.ACTIVE, ""),
        ("killed", ImageStatus.KILLED, ""),
        ("deleted", ImageStatus.DELETED, ""),
        ("pending_delete", ImageStatus.PENDING_DELETE, ""),
        ("deactivated", ImageStatus.UNRECOGNISED, "deactivated"),
    ],
)
def test_every_status_has_its_meaning(word, status, raw):
    view = shown(status=word)
    assert (view.status, view.raw_status) == (status, raw)


@pytest.mark.parametrize(
    ("word", "failed", "lock", "status"),
    [
        ("queued", "fs", "", ImageStatus.KILLED),
        ("queued", "fs", None, ImageStatus.KILLED),
        ("queued", "", "", ImageStatus.QUEUED),
        ("queued", None, None, ImageStatus.QUEUED),
        ("queued", "fs", "2e5d", ImageStatus.SAVING),
        ("queued", "", "2e5d", ImageStatus.SAVING),
        ("importing", "fs", "2e5d", ImageStatus.SAVING),
        ("active", "fs", "", ImageStatus.ACTIVE),
    ],
)
def test_a_queued_image_is_what_its_last_import_made_of_it(word, failed, lock, status):
    marks = {"os_glance_failed_import": failed, "os_glance_import_task": lock}
    assert shown(status=word, **marks).status is status


def test_an_image_shows_what_it_is():
    view = shown(
        size=196608,
        tags=["br-entry=abc", "plain"],
        created_at="2026-09-01T00:00:00Z",
        min_disk=1,
        min_ram=2,
        protected=True,
    )
    assert view.size_bytes == 196608
    assert view.tags == (("br-entry", "abc"), ("plain", ""))
    assert view.created_at == "2026-09-01T00:00:00Z"
    assert (view.min_disk_gb, view.min_ram_mb, view.is_protected) == (1, 2, True)


@pytest.mark.parametrize("size", [None, -1, "x", 0])
def test_a_size_that_is_none_counts_as_none(size):
    assert shown(size=size).size_bytes == 0


def test_an_answer_about_another_image_is_none():
    with pytest.raises(AnswerError, match="answered about"):
        read_image(body(image(id="4f6c2a10-0b7e-4a53-9a51-8d2f0c1e7b12")), IMAGE)


def test_a_new_image_has_an_id_with_the_form_of_one():
    assert read_created(body(image())).image_id == IMAGE
    with pytest.raises(AnswerError, match="not a UUID"):
        read_created(body(image(id="x")))


@pytest.mark.parametrize(
    ("link", "marker"),
    [
        ({}, None),
        ({"next": None}, None),
        ({"next": f"/v2/images?limit=1&marker={IMAGE}"}, IMAGE),
        ({"next": "/v2/images"}, None),
    ],
)
def test_a_page_names_the_next_one(link, marker):
    page = read_page(body({"images": [image()]} | link))
    assert [each.image_id for each in page.images] == [IMAGE]
    assert page.next_marker == marker


@pytest.mark.parametrize("data", [{}, {"images": [{"id": "x"}]}, {"images": None}])
def test_a_page_that_cannot_be_read_is_none(data):
    with pytest.raises(AnswerError):
        read_page(body(data))


@pytest.mark.parametrize(
    ("word", "status", "raw"),
    [
        ("pending", JobStatus.INIT, ""),
        ("processing", JobStatus.RUNNING, ""),
        ("success", JobStatus.SUCCESS, ""),
        ("failure", JobStatus.FAIL, ""),
        ("paused", JobStatus.UNRECOGNISED, "paused"),
    ],
)
def test_an_import_stands_where_its_task_does(word, status, raw):
    found = read_import(body({"tasks": [task(status=word)]}), now=NOW)
    assert found is not None
    assert (found.status, found.raw_status) == (status, raw)
    assert found.task_id == "2e5dd85d-4382-4136-94b3-4306861c6023"
    assert found.request_id == "req-b8cddd71-acf8-4909-b6fe-cbabc2756fd9"


def test_the_newest_import_counts_and_nothing_else():
    tasks = [
        task(id="second", created_at="2026-09-01T00:00:02"),
        task(id="newest", created_at="2026-09-01T00:00:03"),
        task(id="other", created_at="2026-09-01T00:00:04", type="location_import"),
        task(id="first", created_at="2026-09-01T00:00:01"),
    ]
    found = read_import(body({"tasks": tasks}), now=NOW)
    assert found is not None
    assert found.task_id == "newest"
    assert read_import(body({"tasks": []}), now=NOW) is None
    assert read_import(body({"tasks": tasks[2:3]}), now=NOW) is None


@pytest.mark.parametrize(
    ("times", "silent_s"),
    [
        ({}, pytest.approx(3599.015818)),
        (
            {"updated_at": "2026-09-01T02:00:00+02:00"},
            3600.0,
        ),
        ({"updated_at": None}, pytest.approx(3599.115818)),
        ({"updated_at": "soon"}, None),
        ({"updated_at": None, "created_at": None}, None),
    ],
)
def test_for_how_long_an_import_is_silent_goes_by_utc(times, silent_s):
    found = read_import(body({"tasks": [task(**times)]}), now=NOW)
    assert found is not None
    assert found.silent_s == silent_s


def test_a_message_is_shown_without_secrets_and_controls():
    tasks = {"tasks": [task(message="said hunter2\x1b[2J")]}
    found = read_import(body(tasks), now=NOW, secrets=("hunter2",))
    assert found is not None
    assert "hunter2" not in found.message
    assert found.message.isprintable()


def test_the_limit_of_images_is_the_quota():
    usage = {"image_count_total": {"limit": 10, "usage": 3}}
    assert read_quota(body({"usage": usage})) == Quota(used=3, limit=10)


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"image_size_total": {"limit": 10, "usage": 3}},
        {"image_count_total": {"limit": -1, "usage": 3}},
    ],
)
def test_without_a_limit_of_images_there_is_no_quota(usage):
    with pytest.raises(AnswerError, match="names no limit of images"):
        read_quota(body({"usage": usage}))
