"""What we send to Glance: bodies, queries, and the id that an image will have.

Decides: field names, encoding, ids. Must not know: HTTP, credentials, answers.

Sources: "Create image", "Import an image" and "List images" of the OpenStack Image
service API v2.
"""

from __future__ import annotations

import json
import uuid
from typing import Final

from batch_register.ims import outgoing
from batch_register.model import (
    ENTRY_TAG,
    SPEC_TAG,
    ImageId,
    ImageQuery,
    ImageSpec,
    Pairs,
)

_NAMESPACE: Final = uuid.UUID("b2b0b7e6-5c1c-4a83-9d3a-6f2f0f6f7a10")


def numbered_id(project_id: str, tags: Pairs, number: int) -> ImageId:
    """Return the id of an entry's image: the same at every attempt of one number.

    Glance takes the id that a create names, once and never again, even after the image
    was deleted: so a create that is repeated cannot make a second image.
    """
    named = dict(tags)
    parts = (project_id, named[ENTRY_TAG], named[SPEC_TAG], str(number))
    return ImageId(str(uuid.uuid5(_NAMESPACE, "\0".join(parts))))


def create_body(spec: ImageSpec, tags: Pairs, image_id: ImageId | None) -> bytes:
    """Return the body that creates image metadata; without an id Glance chooses one.

    `tags` win over a tag of the same key in the spec.
    """
    merged = dict(tags) | dict(spec.tags) | dict(tags)  # ours first, and ours win
    body: dict[str, object] = {
        "name": spec.name,
        "disk_format": spec.disk_format,
        "container_format": "bare",
        "min_disk": spec.min_disk_gb,
        "min_ram": spec.min_ram_mb,
        "visibility": "private",
        "protected": spec.protected,
        "tags": [f"{key}={value}" for key, value in merged.items()],
    }
    if image_id is not None:
        body["id"] = image_id
    if spec.os_version:
        body["os_version"] = spec.os_version
    return _json(body)


def import_body(spec: ImageSpec) -> bytes:
    """Return the body that has Glance fetch the source file."""
    return _json({"method": {"name": "web-download", "uri": spec.image_url}})


def list_query(query: ImageQuery, project_id: str, marker: str | None) -> str:
    """Return the query string of one page of our project's images."""
    return outgoing.list_query(query, project_id, marker, kind=None)


def _json(body: dict[str, object]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
