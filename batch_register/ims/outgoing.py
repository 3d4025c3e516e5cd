"""What we send to the image service: bodies, queries, addresses.

Decides: field names and their order, JSON and URL encoding. All of it is bytes before
it is signed, so that what is signed and what is sent are the same. Must not know: HTTP,
credentials, answers.

Sources: "Creating Image Metadata", "Registering an Image" and "Querying Images" of the
Image Management Service API reference.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from batch_register.ims.listing import LIST_LIMIT
from batch_register.ims.profile import JobCall
from batch_register.model import ImageQuery, ImageSpec, JobId, Pairs


class ListCall(StrEnum):
    """The two calls that list images, with the same filters; a cloud has one or both.

    Unasked, the first gives 500 to a page, the second 25.
    """

    EXTENSION = "extension list"
    NATIVE = "native list"

    @property
    def path(self) -> str:
        """Return the call's path."""
        return "/v2/cloudimages" if self is ListCall.EXTENSION else "/v2/images"


# A catalogue may give the address with the version that its calls name themselves.
_VERSION: Final = re.compile(r"/v[12](\.\d+)?(/[0-9a-f]{32})?$")


def base_url(endpoint: str) -> str:
    """Return the endpoint without a final slash and without a version."""
    return _VERSION.sub("", endpoint.rstrip("/"))


def job_path(call: JobCall, project_id: str, job_id: JobId) -> str:
    """Return the path of the call that tells about a job."""
    if call is JobCall.PROGRESS:
        return f"/v1/cloudimages/job/{encoded(job_id)}"
    return f"/v1/{encoded(project_id)}/jobs/{encoded(job_id)}"


def create_body(spec: ImageSpec, tags: Pairs) -> bytes:
    """Return the body that creates image metadata: the nine documented properties.

    `tags` win over a tag of the same key in the spec.
    """
    merged = dict(tags) | dict(spec.tags) | dict(tags)  # ours first, and ours win
    body: dict[str, object] = {
        "name": spec.name,
        "__os_version": spec.os_version,
        "min_disk": spec.min_disk_gb,
        "min_ram": spec.min_ram_mb,
        "container_format": "bare",
        "visibility": "private",
        "protected": spec.protected,
        "tags": [f"{key}={value}" for key, value in merged.items()],
    }
    if spec.disk_format is not None:
        body["disk_format"] = spec.disk_format
    return _json(body)


def register_body(spec: ImageSpec) -> bytes:
    """Return the body that registers the source file; it has no other property."""
    return _json({"image_url": spec.image_url})


def list_query(
    query: ImageQuery,
    project_id: str,
    marker: str | None,
    *,
    kind: str | None = "private",
) -> str:
    """Return the query string of one page of our project's images.

    `kind` is the service's own word for such images; None: it knows no kinds.
    """
    filters = [
        ("__imagetype", kind),
        ("owner", project_id),
        ("limit", str(LIST_LIMIT)),
        ("id", query.image_id),
        ("name", query.name),
        ("tag", "=".join(query.tag) if query.tag else None),
        ("created_at", f"gte:{query.created_since}" if query.created_since else None),
        ("marker", marker),
    ]
    return "&".join(f"{key}={encoded(val)}" for key, val in filters if val is not None)


def encoded(text: str) -> str:
    """Return the text as part of a URL: all but RFC 3986 unreserved is escaped.

    By hand, so that what is signed and what is sent are the same.
    """
    return quote(text, safe="-._~", errors="replace")


def _json(body: dict[str, object]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
