"""Give uploads up that no run goes on with, and free what they have stored.

Decides: what is written before and after, and what is made of a refusal. Must not know:
which uploads were agreed on, files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from batch_register.errors import ServiceError, StoppedError
from batch_register.ledger import notes
from batch_register.model import FaultKind
from batch_register.ports import ObjectStore
from batch_register.reconcile.findings import UploadFound
from batch_register.reconcile.outcome import (
    Hindrance,
    Outcome,
    UploadDeletion,
    hindrance_of,
)
from batch_register.reconcile.remove import Notes
from batch_register.stopping import Stop

# The store may have acted on the request.
_OPEN = (FaultKind.LOST, FaultKind.SERVER, FaultKind.MISREAD)


class UploadRemover:
    """Gives open uploads of one manifest up, one after another."""

    def __init__(self, ledger: Notes, store: ObjectStore, stop: Stop) -> None:
        self._ledger = ledger
        self._store = store
        self._stop = stop

    async def remove(self, uploads: Iterable[UploadFound]) -> list[UploadDeletion]:
        """Give these up, and return what came of each.

        Raises:
            LedgerError: the ledger cannot be written; nothing was sent after that.
        """
        return [await self._one(found) for found in uploads]

    async def _one(self, found: UploadFound) -> UploadDeletion:
        if self._stop.is_requested:
            return _came(found, Outcome.NOT_TRIED, "told to stop")
        upload = found.upload
        fields = {
            "bucket": found.bucket,
            "object": upload.key,
            "upload_id": upload.upload_id,
        }
        intended = {**fields, "begun_at": upload.begun_at}
        await self._ledger.note(notes.UPLOAD_ABORT_INTENDED, intended, found.key)
        deletion = await self._tried(found)
        came = {**fields, "reason": deletion.reason}
        await self._ledger.note(_EVENTS[deletion.outcome], came, found.key)
        return deletion

    async def _tried(self, found: UploadFound) -> UploadDeletion:
        """Look whether it is still open, and give it up."""
        place = (found.bucket, found.upload.key, found.upload.upload_id)
        try:
            if await self._stop.cutting(self._store.list_parts(*place)) is None:
                return _came(found, Outcome.KEPT, "it is gone already")
        except StoppedError:
            return _came(found, Outcome.KEPT, "told to stop while it was looked at")
        except ServiceError as error:
            return _hindered(found, error)
        try:
            await self._store.abort_upload(*place)
        except ServiceError as error:
            if error.kind in _OPEN:
                return _came(found, Outcome.UNCLEAR, error.fault.sentence())
            return _hindered(found, error)
        return _came(found, Outcome.DELETED)


_EVENTS = {
    Outcome.DELETED: notes.UPLOAD_ABORTED,
    Outcome.KEPT: notes.UPLOAD_KEPT,
    Outcome.UNCLEAR: notes.UPLOAD_ABORT_UNCLEAR,
}


def _hindered(found: UploadFound, error: ServiceError) -> UploadDeletion:
    came = _came(found, Outcome.KEPT, error.fault.sentence())
    hindrance: Hindrance | None = hindrance_of(error.fault)
    return replace(came, hindrance=hindrance)


def _came(found: UploadFound, outcome: Outcome, reason: str = "") -> UploadDeletion:
    return UploadDeletion(
        bucket=found.bucket,
        object=found.upload.key,
        upload_id=found.upload.upload_id,
        key=found.key,
        outcome=outcome,
        reason=reason,
    )
