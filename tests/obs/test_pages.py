"""Pages of listings, and where the next one begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from batch_register.obs.pages import (
    StuckError,
    objects_page,
    parts_page,
    uploads_page,
)


def item(key: str) -> dict[str, Any]:
    return {"Key": key, "ETag": '"e"', "Size": 3, "StorageClass": "GLACIER"}


def test_the_last_page_leads_nowhere() -> None:
    page = objects_page({"Contents": [item("a")], "IsTruncated": False}, {})
    assert page.following is None
    assert (page.items[0].key, page.items[0].storage_class) == ("a", "COLD")


def test_the_next_marker_is_the_store_s_own_or_the_last_key() -> None:
    answer = {"Contents": [item("a"), item("b")], "IsTruncated": True}
    assert objects_page(answer, {}).following == {"Marker": "b"}
    assert objects_page({**answer, "NextMarker": "bb"}, {}).following == {
        "Marker": "bb"
    }


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        ({"IsTruncated": True}, {}),
        ({"IsTruncated": True, "Contents": [item("a")]}, {"Marker": "a"}),
    ],
)
def test_pages_that_do_not_go_on_are_an_error(
    answer: dict[str, Any], asked: dict[str, Any]
) -> None:
    """Or a run would ask for ever."""
    with pytest.raises(StuckError):
        objects_page(answer, asked)
    with pytest.raises(StuckError):
        uploads_page({"IsTruncated": True}, {})
    with pytest.raises(StuckError):
        parts_page({"IsTruncated": True}, {})


def test_parts_go_on_by_number() -> None:
    part = {"PartNumber": 1000, "ETag": '"e"', "Size": 5}
    page = parts_page({"Parts": [part], "IsTruncated": True}, {})
    assert page.following == {"PartNumberMarker": 1000}
    assert (page.items[0].number, page.items[0].etag) == (1000, "e")


def test_uploads_say_when_they_began_in_utc() -> None:
    begun = datetime(2026, 9, 1, 3, 0, tzinfo=timezone(timedelta(hours=2)))
    upload = {"Key": "a", "UploadId": "u", "Initiated": begun}
    naive = {**upload, "Initiated": begun.astimezone(UTC).replace(tzinfo=None)}
    answer = {
        "Uploads": [upload, naive],
        "IsTruncated": True,
        "NextKeyMarker": "a",
        "NextUploadIdMarker": "u",
    }
    page = uploads_page(answer, {})
    assert {one.begun_at for one in page.items} == {"2026-09-01T01:00:00Z"}
    assert page.following == {"KeyMarker": "a", "UploadIdMarker": "u"}
