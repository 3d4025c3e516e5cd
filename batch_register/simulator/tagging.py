"""What a tag may look like, in each of the spellings that the API has.

The pages contradict one another; the default takes what the create call's page takes,
and a switch narrows it to the subset that every page allows (IMS API reference, image
tag format; adding or deleting image tags in a batch).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from batch_register.simulator.codes import Img
from batch_register.simulator.images import split_tag
from batch_register.simulator.refusals import Refusal, ims

MAX_TAGS = 10
_MAX_TAG_CHARACTERS = 255
_WHOLE_TAG = re.compile(r"[\w.=@:/+-]+")
_STRICT_TAG = re.compile(r"[A-Za-z0-9_-]{1,36}=[A-Za-z0-9_-]{0,43}")
_KEY = re.compile(r"[\w-]{1,36}")
_VALUE = re.compile(r"[\w.-]{0,43}")


def check_tags(tags: Iterable[object], *, strict: bool) -> list[str]:
    """Return the tags of a create call, or refuse them."""
    checked = [_checked(tag, strict=strict) for tag in tags]
    if len(checked) > MAX_TAGS:
        raise too_many()
    keys = {split_tag(tag)[0] for tag in checked}
    if len(keys) != len(checked):
        raise bad_tag(checked, "keys must be unique")
    return checked


def pair_of(document: object) -> tuple[str, str]:
    """Read ``{"key", "value"}``, or refuse it."""
    if not isinstance(document, dict):
        raise bad_tag(document, "not an object with key and value")
    key, value = document.get("key"), document.get("value", "")
    if not isinstance(key, str) or not isinstance(value, str):
        raise bad_tag(document, "key and value are strings")
    key, value = key.strip(), value.strip()
    if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
        raise bad_tag(document, "invalid characters or length")
    return key, value


def with_tag(tags: list[str], key: str, value: str) -> list[str]:
    """Return the tags with one added, or its value replaced."""
    kept = without_key(tags, key)
    if len(kept) >= MAX_TAGS:
        raise too_many()
    return [*kept, f"{key}={value}"]


def without_key(tags: list[str], key: str) -> list[str]:
    """Return the tags without that key."""
    return [tag for tag in tags if split_tag(tag)[0] != key]


def pairs(tags: Iterable[str]) -> list[dict[str, str]]:
    """Write tags as the vendor's calls show them."""
    return [dict(zip(("key", "value"), split_tag(t), strict=True)) for t in tags]


def bad_tag(tag: object, why: str) -> Refusal:
    """Return the refusal of a malformed tag."""
    return ims(Img.TAG_INVALID, f"The image tag {tag!r} is invalid: {why}.")


def too_many() -> Refusal:
    """Return the refusal of one tag too many."""
    return ims(Img.TAG_TOO_MANY, f"An image has at most {MAX_TAGS} tags.")


def _checked(tag: object, *, strict: bool) -> str:
    pattern = _STRICT_TAG if strict else _WHOLE_TAG
    if not isinstance(tag, str) or len(tag) > _MAX_TAG_CHARACTERS:
        raise bad_tag(tag, "not a string of 1 to 255 characters")
    if not pattern.fullmatch(tag):
        raise bad_tag(tag, "invalid characters")
    return tag
