"""Which multipart uploads a ledger has begun, and for which objects.

Decides: that every upload counts which a ledger ever named, not only the one that its
entry stands by, and that its object is the one that the manifest named then. Must not
know: files, stores.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from batch_register.event import UploadBegun
from batch_register.ledger.notes import ENTRY_DECLARED
from batch_register.model import EntryKey

# In a string a quote is escaped, so no name or reason can look like this.
_BEGUN = f',"event":"{UploadBegun.ledger_name}",'.encode()
_DECLARED = f',"event":"{ENTRY_DECLARED}",'.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """One upload that a ledger names; `image_url` is its object, empty: not told."""

    key: EntryKey
    upload_id: str
    image_url: str


def uploads_begun(lines: Iterable[bytes]) -> list[Begun]:
    """Return the uploads that a ledger's raw lines tell of, in their order.

    A line that is torn tells of none: then its upload is one that nobody knows.
    """
    places: dict[str, str] = {}
    begun: list[Begun] = []
    for raw in lines:
        if _BEGUN not in raw and _DECLARED not in raw:
            continue
        with suppress(ValueError, KeyError):
            line = json.loads(raw)
            key = line["key"]
            if line["event"] == ENTRY_DECLARED:
                places[key] = line["image_url"]
            else:
                one = Begun(
                    key=EntryKey(key),
                    upload_id=line["upload_id"],
                    image_url=places.get(key, ""),
                )
                begun.append(one)
    return begun
