"""Images of ours that a ledger names, while their entry stands by another or by none.

Decides: which images these are, and why each is there. Must not know: how anything was
read. They are shown and never deleted: whoever kept one had a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from batch_register.model import EntryKey, ImageId
from batch_register.reconcile.findings import Leftover, LeftoverKind
from batch_register.reconcile.known import Known, Sight


def leftovers(
    known: Known,
    sight: Sight,
    named: Collection[ImageId],
    shown: Collection[ImageId],
) -> Iterator[Leftover]:
    """Yield the named images of the manifest's entries that are not `shown` elsewhere.

    `shown` are those that entries stand by, and those of other findings.
    """
    for image_id in sight.listed:
        view = sight.image(image_id)
        if view is None or view.is_gone or image_id in shown or image_id not in named:
            continue
        key = known.key_of(view)
        if key is not None and key in known.specs:
            yield Leftover(view=view, kind=_kind(image_id, key, known), key=key)


def _kind(image_id: ImageId, key: EntryKey, known: Known) -> LeftoverKind:
    records = known.of(key)
    if any(image_id in record.dead_images for record in records):
        return LeftoverKind.DEAD
    if any(image_id in record.duplicates for record in records):
        return LeftoverKind.DUPLICATE
    return LeftoverKind.MENTIONED
