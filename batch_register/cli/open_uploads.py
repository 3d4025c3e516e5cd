"""The uploads that are left open, for a comparison: looked at, and given up.

Decides: when there is nothing to look at, and that a store which cannot be asked only
means a line that says so. Must not know: whose an upload is, how one is given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from batch_register.cli.connection import CloudService
from batch_register.cli.object_access import object_store_if_any
from batch_register.ledger import LedgerFile, raw_lines
from batch_register.obs import NoObjectAccess
from batch_register.ports import ObjectStore
from batch_register.reconcile import (
    Begun,
    Judging,
    Known,
    UploadDeletion,
    UploadFound,
    UploadRemover,
    Uploads,
    judge_uploads,
    may_have_uploads,
    prefixes,
    see_uploads,
    upload_places,
    uploads_begun,
)
from batch_register.settings import Settings
from batch_register.stopping import Stop

_CONNECTIONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUploads:
    """One manifest's uploads in one store; without a store, `why_not` it is not asked."""

    known: Known
    stop: Stop
    begun: Sequence[Begun] = ()
    store: ObjectStore | None = None
    why_not: str = ""

    async def look(self, judging: Judging) -> Uploads:
        """Return those that are open, and what is to be made of them.

        Raises:
            StoppedError: it is told to stop first.
        """
        if self.store is None:
            return Uploads(why_not=self.why_not)
        places = upload_places(self.known, self.begun)
        seen = await see_uploads(self.store, prefixes(places), self.stop)
        return judge_uploads(self.known, self.begun, seen, judging)

    async def give_up(
        self, uploads: Iterable[UploadFound], record: LedgerFile
    ) -> list[UploadDeletion]:
        """Give these up, each noted in the ledger before and after.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        if self.store is None:
            return []
        return await UploadRemover(record, self.store, self.stop).remove(uploads)


@asynccontextmanager
async def open_uploads(
    known: Known,
    ledgers: Sequence[Path],
    service: CloudService,
    settings: Settings,
    stop: Stop,
) -> AsyncIterator[OpenUploads]:
    """Give whoever looks after open uploads until the context ends.

    Where no file is or was to be uploaded, nothing is asked.

    Raises:
        LedgerError: one of the ledgers cannot be read.
        SettingsError: a certificate cannot be used.
    """
    if service.profile.fetches_from_web or not may_have_uploads(known):
        yield OpenUploads(known=known, stop=stop)
        return
    begun: list[Begun] = []
    for path, ledger in zip(ledgers, known.ledgers, strict=True):
        lines = chain(raw_lines(path), [ledger.torn])
        begun += await asyncio.to_thread(uploads_begun, lines)
    async with object_store_if_any(
        service.logged_in, settings, connections=_CONNECTIONS
    ) as store:
        if isinstance(store, NoObjectAccess):
            yield OpenUploads(known=known, stop=stop, why_not=store.reason)
        else:
            yield OpenUploads(known=known, stop=stop, begun=begun, store=store)
