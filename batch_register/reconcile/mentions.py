"""Which images a ledger names, in whatever line and for whatever reason.

Decides: what counts as naming an image. An image that any ledger names anywhere, as
dead, as a duplicate, inside a reason, is never an orphan that may be deleted: so the
text is searched, not only the fields that this version knows. Must not know: files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable

from batch_register.ledger.notes import ORPHAN_EVENTS
from batch_register.model import ImageId

_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What an earlier reconcile noted of orphans does not make them anybody's. In a string a
# quote is escaped, so no name or reason can look like this.
_OF_ORPHANS = tuple(f',"event":"{event}",'.encode() for event in ORPHAN_EVENTS)


def mentioned(
    images: Collection[ImageId], lines: Iterable[bytes]
) -> frozenset[ImageId]:
    """Return those of `images` whose id occurs in any of a ledger's raw lines.

    Letter case does not count. An id that is no UUID is searched for as a text, which
    takes longer.
    """
    uuids: dict[bytes, ImageId] = {}
    texts: dict[bytes, ImageId] = {}
    for image in images:
        spelled = json.dumps(image.lower())[1:-1].encode()  # as a ledger spells it
        (uuids if _UUID.fullmatch(spelled) else texts)[spelled] = image
    found: set[ImageId] = set()
    for raw in lines:
        if any(mark in raw for mark in _OF_ORPHANS):
            continue
        line = raw.lower()
        found.update(uuids[each] for each in _UUID.findall(line) if each in uuids)
        found.update(image for text, image in texts.items() if text in line)
    return frozenset(found)
