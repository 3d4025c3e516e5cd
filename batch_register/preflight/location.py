"""Where a source lies: what its bucket and its object must be like.

Decides: what of them keeps the image service from taking the file. Must not know: the
file's content.

Sources: "Registering an Image" (storage class, region, encryption, names), "Constraints"
(size) and "Error Codes" of the Image Management Service; "Preparing an Image File" of
its user guide; "Obtaining Bucket Metadata" and "Querying Object Metadata" of OBS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from batch_register.ims.profile import Profile
from batch_register.model import Fault, FaultKind
from batch_register.preflight.findings import Code, finding
from batch_register.preflight.sight import ARCHIVED
from batch_register.report.plain import size_words
from batch_register.source import STANDARD_CLASS, BucketView, ObjectView
from batch_register.transport.text import plain_text

MOST_BYTES: Final = 128 * 1024**3
# How a store says that a bucket is another region's ("Error Codes").
_ELSEWHERE: Final = frozenset(
    {
        "obs.PermanentRedirect",
        "obs.TemporaryRedirect",
        "obs.AuthorizationHeaderMalformed",
    }
)
_REDIRECTS: Final = range(300, 400)
_UNREADABLE_WITHOUT_KEY: Final = 400
_WORD: Final = 64  # characters of a store's word
# One part of a VMware disk by its name: the data, or a snapshot's, or a change list.
_DISK_PART: Final = re.compile(r"-(?:flat|delta|sesparse|ctk)\.vmdk", re.IGNORECASE)


def bucket_findings(
    bucket: BucketView | Fault | None, name: str, region: str
) -> Iterator[Fault]:
    """Yield what is wrong with a bucket; `region` is the image service's.

    A bucket that may not be looked at is none: its objects may be readable.
    """
    if bucket is None:
        yield finding(
            Code.BUCKET_MISSING,
            f"there is no bucket {name!r}; correct its name, or make it",
        )
    elif isinstance(bucket, Fault):
        if bucket.code in _ELSEWHERE or bucket.http_status in _REDIRECTS:
            reason = f"bucket {name!r} is not in region {region}: {bucket.reason}"
            yield finding(Code.BUCKET_REGION, reason, cause=bucket)
    else:
        yield from _bucket_findings(bucket, region)


def _bucket_findings(bucket: BucketView, region: str) -> Iterator[Fault]:
    if bucket.region and region and bucket.region.lower() != region.lower():
        yield finding(
            Code.BUCKET_REGION,
            f"bucket {bucket.name!r} is in region {_word(bucket.region)}, the image "
            f"service in {region}; copy the file to a bucket in {region}",
        )
    if bucket.storage_class not in (None, STANDARD_CLASS):
        yield finding(
            Code.BUCKET_CLASS,
            f"bucket {bucket.name!r} is of storage class "
            f"{_word(bucket.storage_class)}; copy the file to a Standard bucket",
        )


def missing(name: str) -> Fault:
    """Return the finding of an object that is not in its bucket."""
    return finding(
        Code.OBJECT_MISSING,
        f"bucket {name!r} has no such object; upload it, or correct its key",
    )


def in_the_way(stored: ObjectView) -> Fault:
    """Return the finding of an object that an upload would overwrite."""
    return finding(
        Code.OBJECT_DIFFERS,
        f"the object has {stored.pin.size_bytes} bytes, so it is not the file, and it "
        "is not this entry's own; delete it, or name another object",
    )


def refusal_findings(
    bucket: BucketView | Fault | None, name: str, stored: Fault
) -> Iterator[Fault]:
    """Yield what the store's refusal to show an object means, if it means anything.

    A look without the key of an SSE-C object is answered by 400 ("SSE-C").
    """
    if stored.kind is FaultKind.FORBIDDEN:
        yield _forbidden(bucket, name, stored)
    elif stored.http_status == _UNREADABLE_WITHOUT_KEY and not isinstance(
        bucket, Fault
    ):
        yield finding(
            Code.OBJECT_ENCRYPTED,
            "the store does not show the object without a key: it is encrypted by one "
            "that only its owner has (SSE-C); upload the file without",
            cause=stored,
        )


def _forbidden(bucket: BucketView | Fault | None, name: str, stored: Fault) -> Fault:
    if isinstance(bucket, Fault) and bucket.kind is FaultKind.FORBIDDEN:
        return finding(
            Code.BUCKET_FORBIDDEN,
            f"these access keys may read neither bucket {name!r} nor the object in it; "
            f"have it granted (the store says: {bucket.reason})",
            cause=bucket,
        )
    return finding(
        Code.OBJECT_FORBIDDEN,
        "these access keys may not read the object; have it granted "
        f"(the store says: {stored.reason})",
        cause=stored,
    )


def object_findings(stored: ObjectView, profile: Profile) -> Iterator[Fault]:
    """Yield what is wrong with an object, its content apart."""
    storage_class = _word(stored.storage_class)
    if stored.storage_class in ARCHIVED:
        yield finding(
            Code.OBJECT_ARCHIVED,
            f"the object is archived (storage class {storage_class}); restore it, and "
            "copy it as Standard",
        )
    elif stored.storage_class != STANDARD_CLASS:
        yield finding(
            Code.OBJECT_CLASS,
            f"the object is of storage class {storage_class}; copy it as Standard",
        )
    if stored.has_customer_key:
        yield finding(
            Code.OBJECT_ENCRYPTED,
            "the object is encrypted by a key that only its owner has (SSE-C); upload "
            "the file without",
        )
    elif stored.encryption and not _takes_encryption(stored.encryption, profile):
        taken = "SSE-KMS or none" if profile.takes_kms_objects else "none"
        yield finding(
            Code.OBJECT_ENCRYPTED,
            f"the store keeps the object encrypted ({_word(stored.encryption)}), and "
            f"the {profile.name} profile takes {taken}; upload the file so",
        )


def size_findings(size_bytes: int, what: str) -> Iterator[Fault]:
    """Yield what is wrong with the size of an object or a file."""
    if size_bytes == 0:
        yield finding(Code.OBJECT_EMPTY, f"{what} is empty; upload it again")
    elif size_bytes > MOST_BYTES:
        yield finding(
            Code.OBJECT_TOO_LARGE,
            f"{what} has {size_bytes} bytes ({size_words(size_bytes)}), and 128 GiB "
            "are taken; make it smaller, such as by compressing the qcow2",
        )


def name_findings(key: str) -> Iterator[Fault]:
    """Yield what is wrong with an object's key."""
    if (part := _DISK_PART.search(key)) and part.end() == len(key):
        yield finding(
            Code.FLAT_VMDK,
            f"the object is one part of a VMware disk, as its name says "
            f"({part[0]}); export the disk to a single file",
        )


def _takes_encryption(encryption: str, profile: Profile) -> bool:
    return profile.takes_kms_objects and "kms" in encryption.lower()


def _word(text: str | None) -> str:
    return plain_text(text or "", limit=_WORD)
