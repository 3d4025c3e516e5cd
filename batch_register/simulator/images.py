"""Images as the service keeps them, the document that shows one, and their index.

The index answers by id and by tag without a scan, and caches each document, so that a
long list costs little.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from batch_register.simulator.catalogue import facts_of
from batch_register.simulator.clock import seconds_text

ImageStatus = Literal[
    "queued", "saving", "active", "killed", "deleted", "pending_delete"
]

# What plain Glance says of an empty file; the page's own example carries it as well.
_EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def split_tag(tag: str) -> tuple[str, str]:
    """Split a tag into key and value: at ``=``, else at the first dot.

    Source: the upgrade note on the list pages, by which a historic ``a.b`` is found
    with ``tag=a=b``.
    """
    if "=" in tag:
        key, _, value = tag.partition("=")
    else:
        key, _, value = tag.partition(".")
    return key, value


@dataclass(slots=True, kw_only=True)
class Image:
    """One image; times in epoch seconds of service time."""

    id: str
    name: str
    owner: str
    os_version: str
    disk_format: str
    min_disk_gb: int
    min_ram_mb: int
    protected: bool
    tags: list[str]
    created_s: float
    updated_s: float
    status: ImageStatus = "queued"
    active_s: float | None = None
    size_bytes: int = 0
    image_url: str | None = None
    job_id: str | None = None
    dead: bool = False  # its import failed
    deleting: bool = False
    gone_s: float | None = None
    extra: dict[str, object] = field(default_factory=dict)
    history: list[tuple[float, ImageStatus]] = field(default_factory=list)
    _document_json: str | None = None

    def __post_init__(self) -> None:
        if not self.history:
            self.history.append((self.created_s, self.status))

    @property
    def appeared_s(self) -> float:
        """When this service first had the image; a furnished one is older."""
        return self.history[0][0]

    def move(self, status: ImageStatus, now_s: float) -> None:
        """Enter a state."""
        self.status = status
        self.history.append((now_s, status))
        self.touch(now_s)
        if status == "active":
            self.active_s = now_s

    def touch(self, now_s: float) -> None:
        """Note a change, so that documents are written anew."""
        self.updated_s = max(now_s, self.updated_s)
        self._document_json = None

    def status_as_of(self, moment_s: float) -> ImageStatus:
        """Return the state of an earlier moment, at least the first one."""
        for since_s, status in reversed(self.history):
            if since_s <= moment_s:
                return status
        return self.history[0][1]

    def document_json(self) -> str:
        """Return the image's current document as JSON text."""
        if self._document_json is None:
            document = image_document(self, self.status)
            self._document_json = json.dumps(document, separators=(",", ":"))
        return self._document_json


def image_document(image: Image, status: ImageStatus) -> dict[str, object]:
    """Write an image: booleans and sizes of vendor properties are strings."""
    facts = facts_of(image.os_version)
    document: dict[str, object] = {
        "schema": "/v2/schemas/image",
        "min_disk": image.min_disk_gb,
        "created_at": seconds_text(image.created_s),
        "__image_source_type": "uds",
        "container_format": "bare",
        "__image_size": str(image.size_bytes),
        "file": f"/v2/images/{image.id}/file",
        "updated_at": seconds_text(image.updated_s),
        "protected": image.protected,
        "id": image.id,
        "__isregistered": "true",
        "min_ram": image.min_ram_mb,
        "owner": image.owner,
        "__os_type": facts.os_type,
        "__imagetype": "private",
        "visibility": "private",
        "virtual_env_type": "FusionCompute",
        "tags": list(image.tags),
        "__platform": facts.platform,
        "__os_bit": facts.os_bit,
        "__os_version": image.os_version,
        "name": image.name,
        "self": f"/v2/images/{image.id}",
        "disk_format": image.disk_format,
        "status": status,
    }
    document.update(image.extra)
    if image.active_s is not None:
        document.update(_imported(image, image.active_s))
    return document


def _imported(image: Image, active_s: float) -> dict[str, object]:
    return {
        "active_at": seconds_text(active_s),
        "__root_origin": "file",
        "__data_origin": f"file,{image.image_url}",
        "__originalimagename": image.id,
        "__lazyloading": "false",
        "virtual_size": None,
        "size": 0,
        "checksum": _EMPTY_MD5,
        "max_ram": "",
        "__account_code": "",
        "__sequence_num": "0",
        "hw_firmware_type": "bios",
    }


class ImageIndex:
    """All images that are not forgotten, by id and by tag."""

    def __init__(self) -> None:
        self._by_id: dict[str, Image] = {}
        self._by_tag: dict[tuple[str, str], dict[str, Image]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, image_id: str) -> bool:
        return image_id in self._by_id

    def add(self, image: Image) -> None:
        """Take in an image."""
        self._by_id[image.id] = image
        for tag in image.tags:
            self._by_tag.setdefault(split_tag(tag), {})[image.id] = image

    def forget(self, image_id: str) -> None:
        """Drop an image for good."""
        image = self._by_id.pop(image_id)
        self._unindex(image)

    def get(self, image_id: str) -> Image | None:
        """Return the image of that id."""
        return self._by_id.get(image_id)

    def all(self) -> Iterable[Image]:
        """Return every image, in no order that callers may rely on."""
        return self._by_id.values()

    def tagged(self, key: str, value: str) -> Iterable[Image]:
        """Return the images that carry exactly this key and value."""
        return self._by_tag.get((key, value), {}).values()

    def retag(self, image: Image, tags: list[str], now_s: float) -> None:
        """Replace an image's tags."""
        self._unindex(image)
        image.tags = tags
        image.touch(now_s)
        self.add(image)

    def _unindex(self, image: Image) -> None:
        for tag in image.tags:
            entry = self._by_tag.get(split_tag(tag), {})
            entry.pop(image.id, None)
            if not entry:
                self._by_tag.pop(split_tag(tag), None)
