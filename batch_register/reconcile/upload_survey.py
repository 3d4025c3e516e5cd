"""What an object store shows of the uploads that are open.

Decides: which failure is that of one bucket, and which of the whole store. Must not
know: whose an upload is, how a store is reached.
"""

from __future__ import annotations

from collections.abc import Mapping

from batch_register.errors import ServiceError
from batch_register.model import FaultKind
from batch_register.ports import ObjectStore
from batch_register.reconcile.uploads import SeenUploads
from batch_register.stopping import Stop

_OF_ALL = (FaultKind.UNAUTHENTICATED, FaultKind.UNREACHABLE, FaultKind.LOST)


async def see_uploads(
    store: ObjectStore, prefixes: Mapping[str, str], stop: Stop
) -> SeenUploads:
    """Return the open uploads of each bucket's objects with its prefix.

    A store that is not there, or refuses the keys, is not asked for the next bucket.

    Raises:
        StoppedError: it is told to stop first.
    """
    seen, why_none = SeenUploads(), ""
    for bucket, prefix in prefixes.items():
        if why_none:
            seen.unseen[bucket] = why_none
            continue
        try:
            listed = await stop.cutting(store.list_uploads(bucket, prefix))
        except ServiceError as error:
            seen.unseen[bucket] = error.fault.sentence()
            if error.kind in _OF_ALL:
                why_none = seen.unseen[bucket]
        else:
            seen.listed[bucket] = listed
    return seen
