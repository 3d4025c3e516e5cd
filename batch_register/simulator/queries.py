"""The two image lists and the tag query: which images, in which order, which page.

Source: IMS API reference, "Querying images", "Querying images by tag". The native
list pages by 25 and links the next page; the extension's by 500 and links nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from batch_register.simulator.calls import Query
from batch_register.simulator.codes import Img
from batch_register.simulator.filters import Predicate, predicate_of
from batch_register.simulator.images import (
    Image,
    ImageStatus,
    image_document,
    split_tag,
)
from batch_register.simulator.options import SimulatorOptions
from batch_register.simulator.refusals import ims, native
from batch_register.simulator.state import CloudState

ListKind = Literal["native", "extension"]
Shown = tuple[Image, ImageStatus]
_SortKey = tuple[str | int, str]

PAGE_CAP = 1000
_MOST_TAG_CRITERIA = 10  # keys, and values of one key
_DEFAULT_LIMIT: dict[ListKind, int] = {"native": 25, "extension": 500}
_SORT_KEYS = frozenset(
    {"name", "container_format", "disk_format", "status", "id", "size", "created_at"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of images, with the last id where more follow."""

    images: list[Shown]
    limit: int
    next_marker: str | None


def list_images(state: CloudState, kind: ListKind, query: Query) -> Page:
    """Answer one of the two lists.

    Raises:
        Refusal: a parameter that this cloud does not take, an unknown marker.
    """
    predicates = _predicates(query, kind, state.options)
    limit = _limit(_last(query, "limit"), _DEFAULT_LIMIT[kind])
    sort_key, descending = _sorting(query)
    found = [
        (image, status)
        for image in _candidates(state, query)
        if (status := state.listed_status(image)) is not None
        and all(fits(image, status) for fits in predicates)
    ]
    keyed = sorted(
        ((_order(shown, sort_key), shown) for shown in found),
        key=lambda pair: pair[0],
        reverse=descending,
    )
    marker = _last(query, "marker")
    if marker is not None:
        after = _order(_marked(state, marker), sort_key)
        keyed = [p for p in keyed if (p[0] < after if descending else p[0] > after)]
    page = [shown for _, shown in keyed[:limit]]
    more = len(keyed) > limit and bool(page)
    next_marker = page[-1][0].id if more else None
    return Page(images=page, limit=limit, next_marker=next_marker)


def images_json(images: Iterable[Shown]) -> str:
    """Write images as a JSON array, from cached documents where they are current."""
    return "[" + ",".join(_one_json(*shown) for shown in images) + "]"


def by_tags(state: CloudState, document: dict[str, object]) -> list[Shown]:
    """Return the images that a tag query matches, newest first."""
    shown = [
        (image, status)
        for image in state.memory.index.all()
        if (status := state.listed_status(image)) is not None
        and _fits_tags(image, document)
        and _fits_matches(image, document)
    ]
    return sorted(shown, key=lambda pair: _order(pair, "created_at"), reverse=True)


def _one_json(image: Image, status: ImageStatus) -> str:
    if status == image.status:
        return image.document_json()
    return json.dumps(image_document(image, status), separators=(",", ":"))


def _last(query: Query, name: str) -> str | None:
    values = [value for key, value in query if key == name]
    return values[-1] if values else None


def _predicates(
    query: Query, kind: ListKind, options: SimulatorOptions
) -> list[Predicate]:
    extension = options.cloud.extension_filters
    allowed = extension if kind == "extension" else frozenset()
    glance_in = options.glance_in and kind == "native"
    found: list[Predicate] = []
    for name, value in query:
        try:
            predicate = predicate_of(
                name, value, extension_filters=allowed, glance_in=glance_in
            )
        except KeyError as error:
            if options.unknown_filters == "refused":
                raise ims(Img.MALFORMED, f"Unknown filter {name}.") from error
            continue
        if predicate is not None:
            found.append(predicate)
    return found


def _limit(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdecimal():
        raise ims(Img.MALFORMED, f"Invalid limit {text!r}.")
    return min(int(text), PAGE_CAP)


def _sorting(query: Query) -> tuple[str, bool]:
    sort_key = _last(query, "sort_key") or "created_at"
    sort_dir = _last(query, "sort_dir") or "desc"
    if sort_key not in _SORT_KEYS or sort_dir not in {"asc", "desc"}:
        raise ims(Img.MALFORMED, f"Cannot sort by {sort_key} {sort_dir}.")
    return sort_key, sort_dir == "desc"


def _candidates(state: CloudState, query: Query) -> Iterable[Image]:
    index, mode = state.memory.index, state.options.tag_filter
    tags = [split_tag(value) for key, value in query if key == "tag"]
    image_id = _last(query, "id")
    if tags and mode == "matches_nothing":
        return ()
    if tags and mode == "honoured":
        first, *others = tags
        found: Iterable[Image] = list(index.tagged(*first))
        for key, value in others:
            ids = {image.id for image in index.tagged(key, value)}
            found = [image for image in found if image.id in ids]
        return found
    if image_id is not None and not image_id.startswith("in:"):
        image = index.get(image_id)
        return () if image is None else (image,)
    return index.all()


def _order(shown: Shown, sort_key: str) -> _SortKey:
    image, status = shown
    match sort_key:
        case "created_at":
            return int(image.created_s), image.id
        case "name":
            return image.name, image.id
        case "disk_format":
            return image.disk_format, image.id
        case "status":
            return status, image.id
        case _:  # id; container_format and size are the same for every image
            return 0, image.id


def _marked(state: CloudState, marker: str) -> Shown:
    image = state.memory.index.get(marker)
    status = None if image is None else state.listed_status(image)
    if image is None or status is None:
        options = state.options
        message = f"No image found with ID {marker}"
        http_status, shape = options.unknown_marker_status, options.native_errors
        raise native(http_status, message, shape=shape, code=Img.NOT_FOUND)
    return image, status


def _fits_tags(image: Image, document: dict[str, object]) -> bool:
    if document.get("without_any_tag") is True:
        return not image.tags
    own: dict[str, str] = dict(split_tag(tag) for tag in image.tags)
    checks = (
        (_wanted(document, "tags"), all, True),
        (_wanted(document, "tags_any"), any, True),
        (_wanted(document, "not_tags"), all, False),
        (_wanted(document, "not_tags_any"), any, False),
    )
    return all(
        combine(_holds(own, key, values) for key, values in wanted) is expected
        for wanted, combine, expected in checks
        if wanted
    )


def _holds(own: dict[str, str], key: str, values: list[str]) -> bool:
    return key in own and (not values or own[key] in values)


def _wanted(document: dict[str, object], name: str) -> list[tuple[str, list[str]]]:
    given = document.get(name, [])
    if not isinstance(given, list):
        raise ims(Img.MALFORMED, f"{name} must be an array.")
    wanted: list[tuple[str, list[str]]] = []
    for item in given:
        key = item.get("key") if isinstance(item, dict) else None
        values = item.get("values", []) if isinstance(item, dict) else None
        if not isinstance(key, str) or not isinstance(values, list):
            raise ims(Img.MALFORMED, f"{name} holds objects with key and values.")
        wanted.append((key, [str(value) for value in values]))
    longest = max((len(values) for _, values in wanted), default=0)
    if max(len(wanted), longest) > _MOST_TAG_CRITERIA:
        raise ims(Img.MALFORMED, f"{name} has at most {_MOST_TAG_CRITERIA} of each.")
    return wanted


def _fits_matches(image: Image, document: dict[str, object]) -> bool:
    matches = document.get("matches", [])
    if not isinstance(matches, list):
        raise ims(Img.MALFORMED, "matches must be an array.")
    return all(_fits_match(image, match) for match in matches)


def _fits_match(image: Image, match: object) -> bool:
    if not isinstance(match, dict) or match.get("key") not in {
        "resource_name",
        "resource_id",
    }:
        raise ims(Img.MALFORMED, "matches take resource_name or resource_id.")
    value = str(match.get("value", ""))
    if match["key"] == "resource_id":
        return image.id == value
    # Fuzzy when a value is given; an empty one is taken exactly.
    return value.casefold() in image.name.casefold() if value else not image.name
