"""A file cut into parts, and what a store's ETags say about them. No I/O.

Decides: how large a part is, which stored parts may be kept, when an object has a
file's content. Must not know: how a file is read or sent.

Source of the bounds: OBS API reference, "Uploading Parts" (part numbers 1 to 10,000, 100
KB to 5 GB each but for the last one); Amazon S3 User Guide, "Amazon S3 multipart upload
limits" (5 MiB at least). Source of the ETag: OBS API reference, "Completing a Multipart
Upload": MD5(M1 M2 ... MN)-N, where M is the MD5 of a part.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from batch_register.source import StoredPart

MIB = 2**20
PART_BYTES = 16 * MIB
LEAST_PART_BYTES = 5 * MIB
LARGEST_PART_BYTES = 5 * 10**9
MOST_PARTS = 10_000
# Part sizes of other programs that may have brought an object: the AWS CLI's and
# boto3's ("multipart_chunksize", 8 MB), rclone's S3 backend ("--s3-chunk-size", 5 MiB).
_FOREIGN_PART_BYTES = (8 * MIB, 5 * MIB)

_DIGEST = re.compile(r"[0-9a-f]{32}")
_COMBINED = re.compile(r"[0-9a-f]{32}-([1-9][0-9]{0,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One range of a file; numbers from 1, `offset` and `length` in bytes."""

    number: int
    offset: int
    length: int


def part_bytes_for(size_bytes: int, wanted_bytes: int = PART_BYTES) -> int:
    """Return how large the parts of a file are, in bytes; all but the last one.

    Raises:
        ValueError: no allowed number of parts of an allowed size makes up the file.
    """
    part_bytes = max(wanted_bytes, LEAST_PART_BYTES)
    least_bytes = -(-size_bytes // MOST_PARTS)
    if least_bytes > part_bytes:
        part_bytes = -(-least_bytes // MIB) * MIB
    if part_bytes > LARGEST_PART_BYTES:
        message = f"{size_bytes} bytes are more than {MOST_PARTS} parts can hold"
        raise ValueError(message)
    return part_bytes


def cut(size_bytes: int, part_bytes: int) -> tuple[Part, ...]:
    """Return the parts of a file in their order: no gap, no overlap."""
    return tuple(
        Part(number=n, offset=offset, length=min(part_bytes, size_bytes - offset))
        for n, offset in enumerate(range(0, size_bytes, part_bytes), start=1)
    )


def candidates(
    parts: Sequence[Part], stored: Iterable[StoredPart]
) -> list[tuple[Part, str]]:
    """Return the parts that may be in the store already, each with the MD5 to be seen.

    A part of another length, of a number that the file does not have, or whose ETag is
    no MD5 (a bucket that encrypts by a key of its own) proves nothing: it is sent again.
    """
    etags = {one.number: one for one in stored}
    return [
        (part, one.etag)
        for part in parts
        if (one := etags.get(part.number)) is not None
        and one.size_bytes == part.length
        and is_digest(one.etag)
    ]


def is_digest(etag: str) -> bool:
    """Return whether an ETag may be the MD5 of what it stands for."""
    return _DIGEST.fullmatch(etag) is not None


def combined_etags(digests: Sequence[str]) -> frozenset[str]:
    """Return the ETags that an object of parts with these MD5s (hex) may have.

    The rule does not say whether the MD5s are joined as bytes, as Amazon S3 and Ceph
    do it, or as text; its example fits neither.
    """
    in_bytes = hashlib.md5(
        b"".join(map(bytes.fromhex, digests)), usedforsecurity=False
    ).hexdigest()
    in_text = hashlib.md5("".join(digests).encode(), usedforsecurity=False).hexdigest()
    return frozenset(f"{digest}-{len(digests)}" for digest in (in_bytes, in_text))


def is_combined(etag: str) -> bool:
    """Return whether an ETag was made of the MD5s of parts."""
    return _COMBINED.fullmatch(etag) is not None


def part_sizes_behind(etag: str, size_bytes: int, own: Iterable[int]) -> Iterator[int]:
    """Give the part sizes by which an object of this ETag and size may have been sent.

    `own` are tried first, then what other programs use; each only where the number of
    parts fits, so that a file is not read in vain.
    """
    found = _COMBINED.fullmatch(etag)
    if found is None:
        return
    for part_bytes in dict.fromkeys((*own, *_FOREIGN_PART_BYTES)):
        if -(-size_bytes // part_bytes) == int(found[1]):
            yield part_bytes


def is_in_doubt(etag: str, encryption: str) -> bool:
    """Return whether an object's ETag says nothing about its content.

    Source: Amazon S3 API reference, "Object": the ETag of what is encrypted by KMS is
    no MD5, though it may look like one.
    """
    is_by_key = "kms" in encryption.lower()
    return is_by_key or not (is_digest(etag) or is_combined(etag))


def misfits(
    parts: Sequence[Part], digests: Sequence[str], stored: Iterable[StoredPart]
) -> list[int]:
    """Return the numbers of the parts that the store does not have as they were sent.

    `digests` are the MD5s of the parts, in their order. Where no ETag agrees with its
    MD5, the store's ETags are no MD5s, and the lengths alone are compared.
    """
    found = {one.number: one for one in stored}
    sent = dict(zip((part.number for part in parts), digests, strict=True))
    tells = any(one.etag == sent.get(number) for number, one in found.items())
    return [
        part.number
        for part in parts
        if (one := found.get(part.number)) is None
        or one.size_bytes != part.length
        or (tells and one.etag != sent[part.number])
    ]
