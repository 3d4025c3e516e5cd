"""The pages in which a store lists objects, parts and uploads.

Decides: how one is read, where the next one begins, and that there is an end to them.
Must not know: requests. What is read has the shape that botocore gives it, and may lack
anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from batch_register.obs.headers import bare_etag, storage_class
from batch_register.source import ListedObject, OpenUpload, SourcePin, StoredPart

_T = TypeVar("_T")

Answer = Mapping[str, Any]

_MOST_EMPTY: Final = 100  # pages in a row that show nothing; stores may have a few
_MOST_PAGES: Final = 100_000
_NO_END: Final = "its pages do not go on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[_T]):
    """What one page shows; `following` is how to ask for the next one, None at the end."""

    items: tuple[_T, ...]
    following: dict[str, Any] | None


class StuckError(ValueError):
    """Pages go on without an end: to one that was there before, or showing nothing."""


class Progress:
    """Follows the pages of one listing, so that no store can keep us listing for ever."""

    def __init__(self) -> None:
        self._seen: set[tuple[object, ...]] = set()
        self._empty = 0

    def check(self, page: Page[Any]) -> None:
        """Take note of the next page.

        Raises:
            StuckError: it leads back, or too many of them have shown nothing.
        """
        if page.following is None:
            return
        self._empty = 0 if page.items else self._empty + 1
        place = tuple(page.following.values())
        is_over = self._empty > _MOST_EMPTY or len(self._seen) == _MOST_PAGES
        if is_over or place in self._seen:
            raise StuckError(_NO_END)
        self._seen.add(place)


def objects_page(answer: Answer, asked: Mapping[str, Any]) -> Page[ListedObject]:
    """Return a page of objects; `asked` is how it was asked for, here and below.

    Raises:
        LookupError, TypeError, ValueError: it is not such a page.
    """
    items = tuple(
        ListedObject(
            key=item["Key"],
            pin=SourcePin(etag=bare_etag(item["ETag"]), size_bytes=item["Size"]),
            storage_class=storage_class(item.get("StorageClass")),
        )
        for item in answer.get("Contents", ())
    )
    # Without a delimiter, the next marker may be left out: it is the last key then.
    marker = answer.get("NextMarker") or (items[-1].key if items else "")
    return _page(answer, asked, items, {"Marker": marker})


def parts_page(answer: Answer, asked: Mapping[str, Any]) -> Page[StoredPart]:
    """Return a page of the parts of an upload; raises as `objects_page` does."""
    items = tuple(
        StoredPart(
            number=part["PartNumber"],
            etag=bare_etag(part["ETag"]),
            size_bytes=part["Size"],
        )
        for part in answer.get("Parts", ())
    )
    marker = items[-1].number if items else 0
    return _page(answer, asked, items, {"PartNumberMarker": marker})


def uploads_page(answer: Answer, asked: Mapping[str, Any]) -> Page[OpenUpload]:
    """Return a page of open uploads; raises as `objects_page` does."""
    items = tuple(
        OpenUpload(
            key=item["Key"],
            upload_id=item["UploadId"],
            begun_at=_stamp(item["Initiated"]),
        )
        for item in answer.get("Uploads", ())
    )
    following = {
        "KeyMarker": answer.get("NextKeyMarker") or "",
        "UploadIdMarker": answer.get("NextUploadIdMarker") or "",
    }
    return _page(answer, asked, items, following)


def _page(
    answer: Answer,
    asked: Mapping[str, Any],
    items: tuple[_T, ...],
    following: dict[str, Any],
) -> Page[_T]:
    if not answer.get("IsTruncated"):
        return Page(items=items, following=None)
    if not any(following.values()) or following == asked:
        raise StuckError(_NO_END)
    return Page(items=items, following=following)


def _stamp(moment: datetime) -> str:
    utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return utc.isoformat(timespec="seconds").replace("+00:00", "Z")
