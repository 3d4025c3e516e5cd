"""Texts that people often write where a rule refuses them, each with what to write.

Decides: which mistakes have a sentence of their own. Must not know: the rules' own
sentences, places.
"""

from __future__ import annotations

import re
from typing import Final

from batch_register.manifest.rules import (
    BUCKET_PATTERN,
    MAX_NAME,
    MAX_OBJECT,
    MAX_SOURCE,
    MAX_TEXT,
    RULES,
    SIGNED_PATTERN,
)

_LONGEST: Final = {
    "manifest name": 43,
    "name": MAX_NAME,
    "key": MAX_NAME,
    "os_version": MAX_TEXT,
    "tags value": 43,
    "labels value": MAX_TEXT,
    "object": MAX_OBJECT,
    "source": MAX_SOURCE,
}
_DISK_PARTS = ("-flat.vmdk", "-delta.vmdk", "-FLAT.VMDK", "-DELTA.VMDK")


def known_mistake(rule: str, value: str) -> str:
    """Return what is wrong with a text, or nothing where its rule says it better.

    The sentence goes on from the field's name and value.
    """
    hints = {
        "bucket": _capitals_hint,
        "object": _object_hint,
        "image_url": _image_url_hint,
        "source_url": _web_hint,
        "source": _file_hint,
    }
    if rule in hints and (hint := hints[rule](value)):
        return hint
    longest = _LONGEST.get(rule, len(value))
    if len(value) > longest:
        return f"has {len(value)} characters, and {longest} are allowed: shorten it"
    return ""


def _capitals_hint(bucket: str) -> str:
    """Return the name in small letters where that is all that is wrong with it."""
    if not re.fullmatch(BUCKET_PATTERN, bucket.lower()):
        return ""
    return f'has capital letters, which no bucket has: write "{bucket.lower()}"'


def _image_url_hint(value: str) -> str:
    """Return what is wrong with bucket and object in one, where it is a known mistake."""
    bucket, colon, key = value.partition(":")
    if key.startswith("//"):
        return 'has a scheme: write "<bucket>:<object>" instead'
    if not colon:
        return "has no ':': write \"<bucket>:<object>\""
    if not key:
        return "has no object key behind the ':'"
    return _object_hint(key) or _bucket_hint(bucket)


def _web_hint(address: str) -> str:
    """Return what is wrong with an address in the web, where it is a known mistake."""
    if "@" in address:
        return "holds a login or an '@': the service must get the file without one"
    if "?" in address or "#" in address:
        return (
            "holds a query or a fragment, which may be a secret and would stand in "
            "the ledger and in reports: serve the file at a plain address"
        )
    return ""


def _file_hint(path: str) -> str:
    """Return what is wrong with a path where it is an address."""
    if "://" not in path:
        return ""
    return (
        "is an address, not a file: what lies in a bucket is named by `bucket` and "
        "`object` alone"
    )


def _object_hint(key: str) -> str:
    """Return what is wrong with an object key, where it is a known mistake."""
    if any(c.isspace() for c in key):
        return (
            "has a blank in the object key, which the service refuses: "
            "rename the object, and write its new key here"
        )
    if re.search(SIGNED_PATTERN, key):
        return "holds the query of a signed address: write the object key alone"
    if key.endswith(_DISK_PARTS):
        return (
            "names one part of a VMware disk, which the service cannot import: "
            "export the disk to a single file"
        )
    if ":" in key:
        return (
            "has a ':' in the object key, which the service refuses: "
            "rename the object, and write its new key here"
        )
    return ""


def _bucket_hint(bucket: str) -> str:
    """Return what is wrong with the bucket of an image_url, where it is the bucket."""
    if re.fullmatch(BUCKET_PATTERN, bucket):
        return ""
    must = RULES["bucket"].must.removeprefix("must be a bucket name: ")
    return f"has no bucket name before the ':', which is {must}"
