"""Handlers of the tag calls, in the native and in both vendor spellings."""

from __future__ import annotations

from collections import defaultdict

from batch_register.simulator.calls import Call, Route, route
from batch_register.simulator.codes import Img
from batch_register.simulator.images import Image, split_tag
from batch_register.simulator.queries import PAGE_CAP, Shown, by_tags
from batch_register.simulator.refusals import (
    Refusal,
    Reply,
    answer,
    ims,
    native,
    nothing,
)
from batch_register.simulator.state import CloudState
from batch_register.simulator.tagging import (
    check_tags,
    pair_of,
    pairs,
    with_tag,
    without_key,
)

_DEFAULT_PAGE = "10"
_NOT_FOUND = 404


def tag_routes(state: CloudState) -> list[Route]:
    """Return the routes of tags."""
    api = _TagApi(state)
    one, images = "/v2/{project_id}/images/{image_id}/tags", "/v2/{project_id}/images"
    native_tag = "/v2/images/{image_id}/tags/{tag}"
    bulk_delete = "/v1/{project_id}/cloudimages/{image_id}/tags/delete"
    query = f"POST {images}/resource_instances/action"
    routes = [
        route("tag.add", f"PUT {native_tag}", api.add),
        route("tag.remove", f"DELETE {native_tag}", api.remove),
        route("tag.list_all", "GET /v1/cloudimages/tags", api.list_all),
        route("tag.put", "PUT /v1/cloudimages/tags", api.put),
        route("tag.list_keys", f"GET {images}/tags", api.list_keys),
        route("image.query", query, api.query),
        route("tag.list", f"GET {one}", api.list_one),
        route("tag.create", f"POST {one}", api.create),
        route("tag.action", f"POST {one}/action", api.action),
        route("tag.delete", f"DELETE {one}/{{key}}", api.delete),
    ]
    if state.options.profile == "huawei":
        routes.append(
            route("tag.bulk_delete", f"DELETE {bulk_delete}", api.bulk_delete)
        )
    return routes


class _TagApi:
    def __init__(self, state: CloudState) -> None:
        self._state = state

    # -- native ---------------------------------------------------------------

    def add(self, call: Call) -> Reply:
        image = self._image(call, call.params["image_id"])
        tag = call.params["tag"]
        if tag not in image.tags:
            self._retag(image, check_tags([*image.tags, tag], strict=False))
        return nothing()

    def remove(self, call: Call) -> Reply:
        image = self._image(call, call.params["image_id"])
        tag = call.params["tag"]
        if tag not in image.tags:
            raise self._no_tag(tag)
        self._retag(image, [other for other in image.tags if other != tag])
        return nothing()

    # -- vendor ---------------------------------------------------------------

    def put(self, call: Call) -> Reply:
        document = call.document()
        image = self._image(call, str(document.get("image_id")))
        if "image_tag" in document:
            key, value = pair_of(document["image_tag"])
        else:
            spelled = split_tag(str(document.get("tag", "")))
            key, value = pair_of(dict(zip(("key", "value"), spelled, strict=True)))
        self._retag(image, with_tag(image.tags, key, value))
        return nothing()

    def create(self, call: Call) -> Reply:
        key, value = pair_of(call.document().get("tag"))
        image = self._image(call, call.params["image_id"])
        self._retag(image, with_tag(image.tags, key, value))
        return nothing()

    def delete(self, call: Call) -> Reply:
        image = self._image(call, call.params["image_id"])
        key = call.params["key"]
        kept = without_key(image.tags, key)
        if len(kept) == len(image.tags):
            raise self._no_tag(key)
        self._retag(image, kept)
        return nothing()

    def action(self, call: Call) -> Reply:
        document = call.document()
        image = self._image(call, call.params["image_id"])
        given = [pair_of(item) for item in _array(document, "tags")]
        tags = image.tags
        match document.get("action"):
            case "create":
                for key, value in given:
                    tags = with_tag(tags, key, value)
            case "delete":
                for key, _ in given:
                    tags = without_key(tags, key)
            case other:
                raise ims(Img.MALFORMED, f"Unknown action {other}.")
        self._retag(image, tags)
        return nothing()

    def bulk_delete(self, call: Call) -> Reply:
        image = self._image(call, call.params["image_id"])
        tags = image.tags
        for item in _array(call.document(), "tags"):
            key = item.get("key") if isinstance(item, dict) else split_tag(str(item))[0]
            tags = without_key(tags, str(key))
        self._retag(image, tags)
        return nothing()

    # -- reading --------------------------------------------------------------

    def list_one(self, call: Call) -> Reply:
        image = self._image(call, call.params["image_id"])
        return answer({"tags": pairs(image.tags)})

    def list_keys(self, call: Call) -> Reply:
        values: defaultdict[str, set[str]] = defaultdict(set)
        for tag in self._listed_tags(call):
            key, value = split_tag(tag)
            values[key].add(value)
        tags = [{"key": key, "values": sorted(values[key])} for key in sorted(values)]
        return answer({"tags": tags})

    def list_all(self, call: Call) -> Reply:
        tags = sorted(self._listed_tags(call))
        limit = int(call.query_value("limit") or "500")
        page = int(call.query_value("page") or "1")
        return answer({"tags": tags[(page - 1) * limit : page * limit]})

    def query(self, call: Call) -> Reply:
        self._state.advance(call.now_s)
        document = call.document()
        found = by_tags(self._state, document)
        match document.get("action"):
            case "count":
                return answer({"total_count": len(found)})
            case "filter":
                limit = _number(document, "limit", _DEFAULT_PAGE)
                offset = _number(document, "offset", "0")
                if not 1 <= limit <= PAGE_CAP:
                    raise ims(Img.MALFORMED, f"limit must be 1 to {PAGE_CAP}.")
                page = [_resource(item) for item in found[offset : offset + limit]]
                return answer({"total_count": len(found), "resources": page})
            case other:
                raise ims(Img.MALFORMED, f"Unknown action {other}.")

    # -- parts ----------------------------------------------------------------

    def _image(self, call: Call, image_id: str) -> Image:
        return self._state.find_image(image_id, call.now_s)

    def _retag(self, image: Image, tags: list[str]) -> None:
        self._state.memory.index.retag(image, list(tags), self._state.now_s)
        self._state.tally.changed(image)

    def _listed_tags(self, call: Call) -> set[str]:
        self._state.advance(call.now_s)
        images = self._state.memory.index.all()
        shown = [i for i in images if self._state.listed_status(i) is not None]
        return {tag for image in shown for tag in image.tags}

    def _no_tag(self, tag: str) -> Refusal:
        shape = self._state.options.native_errors
        message = f"The tag {tag} was not found."
        return native(_NOT_FOUND, message, shape=shape, code=Img.TAG_INVALID)


def _array(document: dict[str, object], name: str) -> list[object]:
    found = document.get(name)
    if not isinstance(found, list):
        raise ims(Img.MALFORMED, f"{name} must be an array.")
    return found


def _number(document: dict[str, object], name: str, default: str) -> int:
    # Numbers are strings in this call, and only here.
    text = document.get(name, default)
    if not isinstance(text, str) or not text.isdecimal():
        raise ims(Img.MALFORMED, f"{name} must be a string of digits.")
    return int(text)


def _resource(shown: Shown) -> dict[str, object]:
    image, status = shown
    return {
        "resource_id": image.id,
        "resource_name": image.name,
        "resource_detail": {"status": status},
        "tags": pairs(image.tags),
    }
