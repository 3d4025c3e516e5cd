"""Which source an image has: an object in a bucket, or an address in the web.

Decides: which fields name it, which of them exclude each other, and what an image needs
beside each kind. Must not know: what a single value must look like (`schema`), places.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from batch_register.manifest.rules import AUTO, DISK_FORMATS, WEB_DISK_FORMATS

# Fields that name the source together; two of different rows never stand in one map.
_WAYS: Final = (("source_url",), ("image_url",), ("bucket", "object"))

EXCLUSIVE: Final = tuple(
    (one, other)
    for number, way in enumerate(_WAYS)
    for one in way
    for later in _WAYS[number + 1 :]
    for other in later
)


def source_of(fields: Mapping[str, object]) -> str:
    """Return the source as the service takes it."""
    for field in ("source_url", "image_url"):
        if field in fields:
            return str(fields[field])
    return f"{fields.get('bucket')}:{fields.get('object')}"


def overridden(own: Collection[str]) -> frozenset[str]:
    """Return the fields of other ways that an image's own source takes the place of."""
    for way in _WAYS:
        if any(field in own for field in way):
            others = {field for other in _WAYS if other is not way for field in other}
            return frozenset(others)
    return frozenset()


def rivals(fields: Collection[str]) -> dict[str, str]:
    """Return each field that names the source beside another one, with the sentence."""
    return {
        other: _both(one, other)
        for one, other in EXCLUSIVE
        if one in fields and other in fields
    }


def _both(one: str, other: str) -> str:
    keep = "one of them"
    if (one, other) in (("image_url", "bucket"), ("image_url", "object")):
        keep = "`image_url`, or `bucket` with `object`"
    return f"`{one}` and `{other}` both name the source: keep {keep}"


def missing_source(fields: Collection[str]) -> str:
    """Return what lacks of a source, or nothing."""
    if "source_url" in fields or "image_url" in fields:
        return ""
    if "object" not in fields and "bucket" not in fields:
        if "source" in fields:
            return "`source` has no place to go: give `bucket` and `object`, too"
        return "the source is missing: give `image_url`, or `bucket` and `object`"
    if "bucket" not in fields:
        return "`bucket` is missing: the one that holds `object`, here or in `defaults`"
    if "object" not in fields:
        return "`object` is missing: the file's key inside `bucket`"
    return ""


def required_in_effect(fields: Collection[str]) -> tuple[str, ...]:
    """Return what an image needs beside its source, its own or from the defaults.

    Plain OpenStack wants the file's format, and no more.
    """
    return ("disk_format",) if "source_url" in fields else ("os_version", "min_disk")


def web_problem(fields: Mapping[str, object]) -> str:
    """Return what an image from the web cannot have, or nothing."""
    if "source_url" not in fields:
        return ""
    if "source" in fields:
        return "`source` and `source_url` are two sources: keep one of them"
    if fields.get("min_disk") == AUTO:
        return (
            "`min_disk: auto` does not go with `source_url`, which only the cloud "
            "reads: write the size in GB, or leave it out"
        )
    return ""


def format_problem(fields: Mapping[str, object]) -> str:
    """Return why the format does not go with the source, or nothing."""
    given, is_web = fields.get("disk_format"), "source_url" in fields
    fitting = WEB_DISK_FORMATS if is_web else DISK_FORMATS
    if given not in (*WEB_DISK_FORMATS, *DISK_FORMATS) or given in fitting:
        return ""
    beside = "with" if is_web else "without"
    one_of = ", ".join(fitting)
    return f"`disk_format` {beside} `source_url` must be one of {one_of}, not {given}"
