"""Multipart uploads: parts that are counted and hashed, and what comes of them.

Source: OBS API reference, "Initiating a Multipart Upload", "Uploading Parts", "Listing
Parts", "Completing a Multipart Upload".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import md5

from batch_register.simulator.draws import hex_id
from batch_register.simulator.refusals import object_store

LEAST_PART_BYTES = 100 << 10  # of any part but the last
MOST_PARTS = 10_000
HEAD_BYTES = 64 << 10  # of the first part, which are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A body that was read and thrown away, but for its beginning."""

    size_bytes: int
    md5: str
    head: bytes = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Upload:
    """An upload that is neither complete nor given up."""

    upload_id: str
    bucket: str
    key: str
    begun_at_s: float
    parts: dict[int, Received] = field(default_factory=dict)


class Uploads:
    """All uploads that are open."""

    def __init__(self) -> None:
        self._open: dict[str, Upload] = {}
        self._begun = 0

    def begin(self, bucket: str, key: str, now_s: float) -> Upload:
        """Begin an upload of one object; there may be several."""
        self._begun += 1
        upload = Upload(
            upload_id=hex_id("upload", bucket, key, self._begun),
            bucket=bucket,
            key=key,
            begun_at_s=now_s,
        )
        self._open[upload.upload_id] = upload
        return upload

    def find(self, bucket: str, key: str, upload_id: str) -> Upload:
        """Return an open upload.

        Raises:
            Refusal: 404, there is none of this object by that id.
        """
        upload = self._open.get(upload_id)
        if upload is None or (upload.bucket, upload.key) != (bucket, key):
            raise object_store(404, "NoSuchUpload", "The upload does not exist.")
        return upload

    def of_bucket(self, bucket: str, prefix: str) -> list[Upload]:
        """Return the open uploads of a bucket in the order of keys and ids."""
        found = (
            upload
            for upload in self._open.values()
            if upload.bucket == bucket and upload.key.startswith(prefix)
        )
        return sorted(found, key=lambda upload: (upload.key, upload.upload_id))

    def put(self, upload: Upload, number: int, received: Received) -> None:
        """Take a part; the same number again replaces it.

        Raises:
            Refusal: 400, the number is out of range.
        """
        if not 1 <= number <= MOST_PARTS:
            message = f"Part numbers are 1 to {MOST_PARTS}."
            raise object_store(400, "InvalidArgument", message)
        upload.parts[number] = received

    def abort(self, upload: Upload) -> None:
        """Give an upload up."""
        del self._open[upload.upload_id]

    def complete(self, upload: Upload, wanted: Sequence[tuple[int, str]]) -> Received:
        """Return what the wanted parts, by number and ETag, are together.

        Raises:
            Refusal: 400, they are not the parts that were put, or not in order.
        """
        if not wanted:
            raise object_store(400, "MalformedXML", "No part is named.")
        numbers = [number for number, _ in wanted]
        if numbers != sorted(set(numbers)):
            raise object_store(400, "InvalidPartOrder", "The parts are out of order.")
        parts = [_part(upload, number, etag) for number, etag in wanted]
        if any(part.size_bytes < LEAST_PART_BYTES for part in parts[:-1]):
            raise object_store(400, "EntityTooSmall", "A part is too small.")
        self.abort(upload)
        return Received(
            size_bytes=sum(part.size_bytes for part in parts),
            md5=f"{_digest_of_digests(parts)}-{len(parts)}",
            head=parts[0].head,
        )


def _part(upload: Upload, number: int, etag: str) -> Received:
    part = upload.parts.get(number)
    if part is None or part.md5 != etag:
        raise object_store(400, "InvalidPart", f"There is no such part {number}.")
    return part


def _digest_of_digests(parts: Sequence[Received]) -> str:
    digests = b"".join(bytes.fromhex(part.md5) for part in parts)
    return md5(digests, usedforsecurity=False).hexdigest()
