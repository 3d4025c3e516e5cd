"""Record what lists bring to light beside the entries' own ways.

Twins, by how much lists lag, and whether the service was gone.

Decides: when such a line is written. Must not know: how entries move, what a twin is
(that is `sightings`).
"""

from __future__ import annotations

from datetime import datetime

from batch_register.engine.lookout import Lookout
from batch_register.engine.recording import Recorder
from batch_register.event import DuplicateSeen
from batch_register.model import EntryKey
from batch_register.outage import Outage
from batch_register.ports import Ledger, Observer

LIST_LAG = "list_lag_s"
OUTAGE_AT = "outage_at"  # when the service was last found gone, UTC (ISO 8601)


class Chronicle:
    """Keeps the ledger abreast of a lookout."""

    def __init__(
        self,
        lookout: Lookout,
        recorder: Recorder,
        ledger: Ledger,
        observer: Observer,
        outage: Outage,
    ) -> None:
        self._outage = outage
        self._noted_outage: datetime | None = None
        self._lookout = lookout
        self._recorder = recorder
        self._ledger = ledger
        self._observer = observer
        self._settle_s = lookout.sightings.settle.seconds

    async def follow(self) -> None:
        """Write down what is new after each list, until this is cancelled.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        while True:
            await self._lookout.news.wait()
            self._lookout.news.clear()
            await self._catch_up(self._lookout.sightings.seen_lately())

    async def _catch_up(
        self, keys: list[EntryKey] | None, *, is_over: bool = False
    ) -> None:
        await self.note_outage()
        sightings = self._lookout.sightings
        for record, view in list(sightings.unreported(keys, is_over=is_over)):
            twin = DuplicateSeen(image_id=view.image_id, status=view.status)
            await self._recorder.record(record, twin)
            self._observer.noticed(
                "entry.twin_seen",
                key=record.key,
                image_id=record.image_id,
                twin=view.image_id,
            )
        settle_s = sightings.settle.seconds
        if settle_s > self._settle_s:
            self._settle_s = settle_s
            self._observer.noticed("settle.raised", settle_s=round(settle_s, 1))
            await self._remember()

    async def note_outage(self) -> None:
        """Write down when the service was last found gone, for the next run.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        seen_at = self._outage.seen_at
        if seen_at is None or seen_at == self._noted_outage:
            return
        self._noted_outage = seen_at
        self._observer.noticed("service.was_gone")
        await self._ledger.observe({OUTAGE_AT: seen_at.isoformat(timespec="seconds")})

    async def close(self) -> None:
        """Write down the last news, and what lists of this run have lagged at most.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        await self._catch_up(None, is_over=True)
        await self._remember()

    async def _remember(self) -> None:
        """Keep the lag for the next run, where this one has measured another."""
        settle = self._lookout.sightings.settle
        measured_s = settle.measured_lag_s
        if measured_s is None or round(measured_s, 1) == settle.remembered_lag_s:
            return
        settle.remembered_lag_s = round(measured_s, 1)
        await self._ledger.observe({LIST_LAG: settle.remembered_lag_s})
