"""What the headers of an answer say of a bucket or an object.

A store says the same in two dialects: `x-obs-*` and `x-amz-*`, with names of its own for
classes in the second one. Decides: how both are read. Must not know: requests.
Sources: OBS API reference, "Querying Object Metadata", "Obtaining Bucket Metadata"; OBS
Python SDK, its table of storage classes; Amazon S3 API reference, "HeadObject".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from batch_register.source import STANDARD_CLASS, BucketView, ObjectView, SourcePin

_CLASSES: Final = {"STANDARD_IA": "WARM", "GLACIER": "COLD"}
_PREFIXES: Final = ("x-obs-", "x-amz-")


def storage_class(name: str | None) -> str:
    """Return a class by OBS's name, upper case; no name means Standard."""
    upper = (name or STANDARD_CLASS).strip().upper()
    return _CLASSES.get(upper, upper)


def object_view(headers: Mapping[str, str]) -> ObjectView:
    """Return what the headers of a HEAD of an object say; their names are lower-case.

    Raises:
        ValueError: the size is missing or no number.
    """
    algorithm = _value(headers, "server-side-encryption-customer-algorithm")
    return ObjectView(
        pin=SourcePin(
            etag=bare_etag(headers.get("etag", "")),
            size_bytes=int(headers.get("content-length", "")),
        ),
        storage_class=storage_class(_value(headers, "storage-class")),
        encryption=_value(headers, "server-side-encryption") or algorithm or "",
        has_customer_key=algorithm is not None,
        modified_at=headers.get("last-modified", ""),
    )


def bucket_view(name: str, headers: Mapping[str, str]) -> BucketView:
    """Return what the headers of a HEAD of a bucket say; their names are lower-case."""
    told = _value(headers, "storage-class") or headers.get("x-default-storage-class")
    return BucketView(
        name=name,
        region=bucket_region(headers),
        storage_class=storage_class(told) if told else None,
        is_file_system=_value(headers, "fs-file-interface") == "Enabled",
    )


def bucket_region(headers: Mapping[str, str]) -> str | None:
    """Return the region that a bucket's headers name, None where they do not."""
    return _value(headers, "bucket-location") or _value(headers, "bucket-region")


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the store's own id of a request, for its support."""
    return _value(headers, "request-id")


def bare_etag(text: str) -> str:
    """Return an ETag without its quotes."""
    return text.strip().removeprefix("W/").strip('"')


def _value(headers: Mapping[str, str], name: str) -> str | None:
    return next((v for p in _PREFIXES if (v := headers.get(f"{p}{name}"))), None)
