"""Handlers of uploads to the object store: whole ones, and those in parts.

What is uploaded is counted and hashed; its first bytes are kept, so that it can be told
afterwards what it is. Source: OBS API reference, "Operations on Multipart Uploads".
"""

from __future__ import annotations

import re
from html import unescape
from xml.sax.saxutils import escape

from batch_register.simulator.calls import Call, Route, route
from batch_register.simulator.clock import millis_text
from batch_register.simulator.objects import ObjectStore, StoredObject
from batch_register.simulator.refusals import XML_TYPE, Reply, nothing, object_store
from batch_register.simulator.state import CloudState
from batch_register.simulator.uploads import Received, Upload

_PART = re.compile(r"<Part\b.*?</Part>", re.DOTALL)
_MOST_LISTED = 1000
_QCOW2_SIZE = slice(24, 32)


def upload_routes(state: CloudState) -> list[Route]:
    """Return the routes of uploads; `GET` is shared, and listed with objects."""
    api = UploadApi(state.objects)
    key = "/obs/{bucket}/{key*}"
    return [
        route("object.put", f"PUT {key}", api.put, access="objects"),
        route("object.post", f"POST {key}", api.post, access="objects"),
        route("object.delete", f"DELETE {key}", api.delete, access="objects"),
    ]


class UploadApi:
    """Uploads of one object store."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._uploads = objects.uploads

    def put(self, call: Call) -> Reply:
        """Take a part, or a whole object."""
        self._require_bucket(call)
        received = call.received or Received(size_bytes=0, md5="", head=b"")
        if call.query_value("uploadId") is None:
            self._store(call, received)
        else:
            number = _number(call.query_value("partNumber"))
            self._uploads.put(self._upload(call), number, received)
        return Reply(status=200, headers={"ETag": f'"{received.md5}"'})

    def post(self, call: Call) -> Reply:
        """Begin an upload, or complete one."""
        self._require_bucket(call)
        if call.query_value("uploadId") is None:
            return self._begin(call)
        wanted = _wanted(call.body.decode("utf-8", "replace"))
        whole = self._uploads.complete(self._upload(call), wanted)
        self._store(call, whole)
        return _answer(
            "CompleteMultipartUploadResult", f"<ETag>&quot;{whole.md5}&quot;</ETag>"
        )

    def delete(self, call: Call) -> Reply:
        """Give an upload up; objects themselves stay."""
        if call.query_value("uploadId") is None:
            raise object_store(405, "MethodNotAllowed", "Objects are not deleted here.")
        self._uploads.abort(self._upload(call))
        return nothing()

    def list_parts(self, call: Call) -> Reply:
        """List the parts that an upload has."""
        upload = self._upload(call)
        after = int(call.query_value("part-number-marker") or 0)
        found = sorted(item for item in upload.parts.items() if item[0] > after)
        shown = found[:_MOST_LISTED]
        listed = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>&quot;{part.md5}&quot;</ETag>"
            f"<Size>{part.size_bytes}</Size></Part>"
            for number, part in shown
        )
        following = shown[-1][0] if shown else after
        return _answer(
            "ListPartsResult",
            f"<UploadId>{upload.upload_id}</UploadId>"
            f"<NextPartNumberMarker>{following}</NextPartNumberMarker>"
            f"{_truncated(len(found) > len(shown))}{listed}",
        )

    def list_uploads(self, call: Call) -> Reply:
        """List the uploads of a bucket that are open."""
        prefix = call.query_value("prefix") or ""
        after = (
            call.query_value("key-marker") or "",
            call.query_value("upload-id-marker") or "",
        )
        found = [
            upload
            for upload in self._uploads.of_bucket(call.params["bucket"], prefix)
            if (upload.key, upload.upload_id) > after
        ]
        shown = found[:_MOST_LISTED]
        listed = "".join(
            f"<Upload><Key>{escape(upload.key)}</Key>"
            f"<UploadId>{upload.upload_id}</UploadId>"
            f"<Initiated>{millis_text(upload.begun_at_s)}</Initiated></Upload>"
            for upload in shown
        )
        is_more = len(found) > len(shown)
        following = (
            f"<NextKeyMarker>{escape(shown[-1].key)}</NextKeyMarker>"
            f"<NextUploadIdMarker>{shown[-1].upload_id}</NextUploadIdMarker>"
            if is_more
            else ""
        )
        return _answer(
            "ListMultipartUploadsResult", f"{_truncated(is_more)}{following}{listed}"
        )

    def _begin(self, call: Call) -> Reply:
        if not any(name == "uploads" for name, _ in call.query):
            raise object_store(405, "MethodNotAllowed", "Forms are not taken here.")
        bucket, key = call.params["bucket"], call.params["key"]
        upload = self._uploads.begin(bucket, key, call.now_s)
        return _answer(
            "InitiateMultipartUploadResult",
            f"<Bucket>{escape(bucket)}</Bucket><Key>{escape(key)}</Key>"
            f"<UploadId>{upload.upload_id}</UploadId>",
        )

    def _upload(self, call: Call) -> Upload:
        return self._uploads.find(
            call.params["bucket"],
            call.params["key"],
            call.query_value("uploadId") or "",
        )

    def _store(self, call: Call, whole: Received) -> None:
        is_qcow2 = whole.head.startswith(b"QFI\xfb")
        told = int.from_bytes(whole.head[_QCOW2_SIZE], "big") if is_qcow2 else None
        stored = StoredObject(
            image_url=f"{call.params['bucket']}:{call.params['key']}",
            size_bytes=whole.size_bytes,
            format="qcow2" if is_qcow2 else "raw",
            virtual_size_bytes=told,
            etag=whole.md5,
            head=whole.head,
        )
        self._objects.furnish([stored])

    def _require_bucket(self, call: Call) -> None:
        bucket = self._objects.find_bucket(call.params["bucket"])
        if bucket is None:
            raise object_store(404, "NoSuchBucket", "The bucket does not exist.")
        if bucket.forbidden:
            raise object_store(403, "AccessDenied", "Access Denied")


def _wanted(document: str) -> list[tuple[int, str]]:
    """Return the parts that the body of a completion names, by number and ETag."""
    return [
        (_number(_element(part, "PartNumber")), _element(part, "ETag").strip('"'))
        for part in _PART.findall(document)
    ]


def _element(text: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return unescape(found[1]).strip() if found else ""


def _number(text: str | None) -> int:
    if text is None or not (text.isascii() and text.isdigit()):
        raise object_store(400, "InvalidArgument", "A part has no number.")
    return int(text)


def _truncated(is_more: bool) -> str:  # noqa: FBT001 - the element's own value
    return f"<IsTruncated>{str(is_more).lower()}</IsTruncated>"


def _answer(root: str, inner: str) -> Reply:
    body = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f"<{root}>{inner}</{root}>"
    )
    return Reply(status=200, body=body.encode(), content_type=XML_TYPE)
