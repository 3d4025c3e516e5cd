"""Handlers of the object store, path style under ``/obs``.

Source: OBS API reference, "Querying object metadata", "Obtaining bucket metadata",
"Listing objects in a bucket". Content is made up: a header that fits the format, then
zeros, and only where a range asks for it.
"""

from __future__ import annotations

import re
from hashlib import md5
from urllib.parse import quote
from xml.sax.saxutils import escape

from batch_register.simulator.calls import Call, Route, route
from batch_register.simulator.clock import millis_text
from batch_register.simulator.disk_headers import content, pieces
from batch_register.simulator.objects import (
    MADE_UP_DISK_BYTES,
    StoredBucket,
    StoredObject,
)
from batch_register.simulator.options import SimulatorOptions
from batch_register.simulator.refusals import XML_TYPE, Reply, object_store
from batch_register.simulator.routes_uploads import UploadApi
from batch_register.simulator.state import CloudState

_LONGEST_RANGE_BYTES = 1 << 20
_MOST_KEYS = 1000
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_LAST_MODIFIED = "Tue, 01 Sep 2026 01:00:00 GMT"


def object_routes(state: CloudState) -> list[Route]:
    """Return the routes of buckets and objects."""
    api = _ObjectApi(state)
    bucket, key = "/obs/{bucket}", "/obs/{bucket}/{key*}"
    return [
        route("bucket.head", f"HEAD {bucket}", api.head_bucket, access="objects"),
        route("bucket.list", f"GET {bucket}", api.list_bucket, access="objects"),
        route("object.head", f"HEAD {key}", api.head_object, access="objects"),
        route("object.get", f"GET {key}", api.get_object, access="objects"),
    ]


class _ObjectApi:
    def __init__(self, state: CloudState) -> None:
        self._objects = state.objects
        self._options: SimulatorOptions = state.options
        self._uploads = UploadApi(state.objects)

    def head_bucket(self, call: Call) -> Reply:
        bucket = self._bucket(call)
        headers = {
            "x-obs-bucket-location": bucket.region or self._options.region,
            "x-obs-storage-class": bucket.storage_class,
            "x-obs-version": "3.0",
        }
        if bucket.parallel_file_system:
            headers["x-obs-fs-file-interface"] = "Enabled"
        return Reply(status=200, headers=headers, content_type=XML_TYPE)

    def head_object(self, call: Call) -> Reply:
        found = self._object(call)
        headers = {**_object_headers(found), "Content-Length": str(found.size_bytes)}
        return Reply(status=200, headers=headers, content_type="binary/octet-stream")

    def get_object(self, call: Call) -> Reply:
        if call.query_value("uploadId") is not None:
            return self._uploads.list_parts(call)
        found = self._object(call)
        wanted = _RANGE.fullmatch(call.headers.get("Range", ""))
        first, last = (int(n) for n in wanted.groups()) if wanted else (0, -1)
        last = min(last, found.size_bytes - 1)
        if not first <= last or last - first >= _LONGEST_RANGE_BYTES:
            message = "Ask for a range of at most 1 MiB inside the object."
            raise object_store(416, "InvalidRange", message)
        body = _content(found, first, last)
        size = f"bytes {first}-{last}/{found.size_bytes}"
        headers = {**_object_headers(found), "Content-Range": size}
        kind = "binary/octet-stream"
        return Reply(status=206, body=body, headers=headers, content_type=kind)

    def list_bucket(self, call: Call) -> Reply:
        bucket = self._bucket(call)
        if any(name == "uploads" for name, _ in call.query):
            return self._uploads.list_uploads(call)
        prefix = call.query_value("prefix") or ""
        marker = _marker(call)
        most = min(int(call.query_value("max-keys") or _MOST_KEYS), _MOST_KEYS)
        found = [
            item
            for item in self._objects.list_bucket(bucket.name, prefix)
            if item.key > marker
        ]
        body = _listing(call, found[:most], truncated=len(found) > most)
        return Reply(status=200, body=body.encode(), content_type=XML_TYPE)

    def _bucket(self, call: Call) -> StoredBucket:
        bucket = self._objects.find_bucket(call.params["bucket"])
        if bucket is None:
            raise object_store(404, "NoSuchBucket", "The bucket does not exist.")
        if bucket.forbidden:
            raise object_store(403, "AccessDenied", "Access Denied")
        return bucket

    def _object(self, call: Call) -> StoredObject:
        bucket = self._bucket(call)
        found = self._objects.find(f"{bucket.name}:{call.params['key']}")
        if found is None:
            raise object_store(404, "NoSuchKey", "The key does not exist.")
        if found.forbidden:
            raise object_store(403, "AccessDenied", "Access Denied")
        return found


def _object_headers(found: StoredObject) -> dict[str, str]:
    headers = {
        "ETag": f'"{_etag(found)}"',
        "Last-Modified": _LAST_MODIFIED,
        "Accept-Ranges": "bytes",
    }
    if found.storage_class != "STANDARD":
        # Present only where the class is another one.
        headers["x-obs-storage-class"] = found.storage_class
    if found.encrypted:
        headers["x-obs-server-side-encryption-customer-algorithm"] = "AES256"
    return headers


def _etag(found: StoredObject) -> str:
    if found.etag is not None:
        return found.etag
    label = f"{found.image_url} {found.size_bytes}".encode()
    return md5(label, usedforsecurity=False).hexdigest()


def _content(found: StoredObject, first: int, last: int) -> bytes:
    virtual_bytes = found.virtual_size_bytes or MADE_UP_DISK_BYTES
    made_up = pieces(found.format, virtual_bytes)
    return content({0: found.head} if found.head else made_up, first, last)


def _marker(call: Call) -> str:
    """Return the key after which a listing begins, in either version of the call."""
    names = ("continuation-token", "start-after", "marker")
    return next((told for name in names if (told := call.query_value(name))), "")


def _listing(call: Call, found: list[StoredObject], *, truncated: bool) -> str:
    is_encoded = call.query_value("encoding-type") == "url"
    keys = [quote(item.key) if is_encoded else escape(item.key) for item in found]
    contents = "".join(
        f"<Contents><Key>{key}</Key>"
        f"<LastModified>{millis_text(0)}</LastModified>"
        f"<ETag>&quot;{_etag(item)}&quot;</ETag><Size>{item.size_bytes}</Size>"
        f"<StorageClass>{item.storage_class}</StorageClass></Contents>"
        for key, item in zip(keys, found, strict=True)
    )
    is_second = call.query_value("list-type") == "2"
    count = f"<KeyCount>{len(found)}</KeyCount>" if is_second else ""
    following = ""
    if truncated and is_second:  # the token is never encoded
        token = escape(found[-1].key)
        following = f"<NextContinuationToken>{token}</NextContinuationToken>"
    elif truncated:
        following = f"<NextMarker>{keys[-1]}</NextMarker>"
    encoding = "<EncodingType>url</EncodingType>" if is_encoded else ""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><ListBucketResult>'
        f"<Name>{escape(call.params['bucket'])}</Name>{encoding}{count}<IsTruncated>"
        f"{str(truncated).lower()}</IsTruncated>{following}{contents}"
        "</ListBucketResult>"
    )
