"""What many objects of one bucket are now, by its list instead of a request for each.

Decides: when a list is worth its pages. Must not know: what is made of the answer.

A page shows ETag, size and class of up to 1,000 objects ("Listing Objects in a Bucket",
OBS API reference), so that a night with 10,000 active images asks ten times, not 10,000.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from batch_register.errors import ServiceError
from batch_register.ports import ObjectStore
from batch_register.source import ObjectView

LEAST_WANTED: Final = 20  # fewer objects of one bucket are asked for one by one
_PAGE: Final = 1_000
_LEAST_PER_PAGE: Final = 10  # wanted ones; a bucket with fewer is not listed further


@dataclass(slots=True, kw_only=True)
class Listed:
    """What a list has shown of the wanted objects; None where one is not there.

    Objects that it did not come to are left out.
    """

    views: dict[str, ObjectView | None] = field(default_factory=dict)
    pages: int = 0


async def listed(store: ObjectStore, bucket: str, wanted: Collection[str]) -> Listed:
    """Return what the bucket's list shows of the wanted keys, as far as it is worth it.

    A list that is refused, or breaks off, leaves the others out.
    """
    keys = sorted(wanted)
    found = Listed()
    if len(keys) < LEAST_WANTED:
        return found
    views: dict[str, ObjectView | None] = {}
    count = passed = 0  # objects that were listed; wanted keys that they have passed
    with suppress(ServiceError):
        async for item in store.list_objects(bucket, _common(keys)):
            found.pages = count // _PAGE + 1
            if count % _PAGE == 0 and passed < _LEAST_PER_PAGE * (found.pages - 1):
                break
            count += 1
            passed = bisect_right(keys, item.key)
            if passed and keys[passed - 1] == item.key:
                views[item.key] = ObjectView(
                    pin=item.pin, storage_class=item.storage_class
                )
            if passed == len(keys):
                break
        else:
            passed = len(keys)
    found.pages = max(found.pages, 1)
    found.views = {key: views.get(key) for key in keys[:passed]}
    return found


def _common(keys: Sequence[str]) -> str:
    """Return how all keys begin, of keys in their order."""
    ends = zip(keys[0], keys[-1], strict=False)
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], ends))
