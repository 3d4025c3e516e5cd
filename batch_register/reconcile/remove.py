"""Delete orphans, each looked at once more in the moment before.

Decides: what is written before and after a deletion, and when one is given up. Must not
know: which orphans were agreed on, files.

A deletion is never repeated blindly: one whose answer was lost is reported, and whoever
tries again looks at the image first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from batch_register.errors import AuthenticationError, ServiceError, StoppedError
from batch_register.ledger import notes
from batch_register.model import (
    Applied,
    EntryKey,
    Fault,
    FaultKind,
    ImageView,
)
from batch_register.ports import ImageService
from batch_register.reconcile.compare import Judging, circumstances
from batch_register.reconcile.findings import Orphan
from batch_register.reconcile.known import Known, Sight
from batch_register.reconcile.outcome import Deletion, Hindrance, Outcome, hindrance_of
from batch_register.reconcile.removal import known_jobs, obstacles
from batch_register.reconcile.survey import Survey
from batch_register.reconcile.words import obstacle_words
from batch_register.stopping import Stop

_TRIES = 3  # of one deletion that the service is too busy for
_BUSY_WAIT_S = 5.0  # where it does not say how long


class Notes(Protocol):
    """Whoever makes lines durable that are no machine events."""

    async def note(
        self, event_name: str, fields: Mapping[str, object], key: EntryKey | None = None
    ) -> str:
        """Return the line's stamp once it is on disk; raise LedgerError if it is not."""
        ...


class Remover:
    """Deletes orphans of one manifest; `patient` waits and retries, `direct` never.

    The look before a deletion is patient, the deletion itself direct: waiting between
    the two would make the look worthless.
    """

    def __init__(
        self,
        known: Known,
        ledger: Notes,
        *,
        patient: ImageService,
        direct: ImageService,
        judging: Callable[[], Judging],
        stop: Stop,
    ) -> None:
        self._known = known
        self._ledger = ledger
        self._patient = patient
        self._direct = direct
        self._judging = judging
        self._stop = stop

    async def remove(self, orphans: Iterable[Orphan]) -> list[Deletion]:
        """Delete these, one after another, and return what came of each.

        Raises:
            LedgerError: the ledger cannot be written; nothing was sent after that.
        """
        return [await self._one(orphan) for orphan in orphans]

    async def _one(self, orphan: Orphan) -> Deletion:
        view = orphan.view
        if self._stop.is_requested:
            return _came(orphan, Outcome.NOT_TRIED, "told to stop")
        fields = {"image_id": view.image_id, "status": str(view.status)}
        intended = {**fields, "name": view.name, "created_at": view.created_at}
        await self._ledger.note(notes.ORPHAN_DELETE_INTENDED, intended, orphan.key)
        deletion = await self._tried(orphan)
        await self._ledger.note(
            _EVENTS[deletion.outcome],
            {"image_id": view.image_id, "reason": deletion.reason},
            orphan.key,
        )
        return deletion

    async def _tried(self, orphan: Orphan) -> Deletion:
        """Delete one, with some patience for a service that is too busy for it."""
        tries = 0
        try:
            while True:
                came = await self._once(orphan)
                if isinstance(came, Deletion):
                    return came
                tries += 1
                if tries == _TRIES:
                    reason = "the service stayed too busy"
                    return _kept(orphan, reason, Hindrance.BUSY)
                await self._stop.pause(came)
        except StoppedError:
            return _kept(orphan, "told to stop while it waited")

    async def _once(self, orphan: Orphan) -> Deletion | float:
        """Look and delete; return for how many seconds to stay away if it is busy."""
        kept = await self._kept_after_all(orphan)
        if kept is not None:
            return kept
        if self._stop.is_requested:
            raise StoppedError
        try:
            await self._direct.delete_image(orphan.view.image_id)
        except ServiceError as error:
            if error.applied is Applied.UNKNOWN:
                return _came(orphan, Outcome.UNCLEAR, error.fault.sentence())
            if error.kind is FaultKind.THROTTLED:
                return error.retry_after_s or _BUSY_WAIT_S
            return _hindered(orphan, error.fault)
        return _came(orphan, Outcome.DELETED)

    async def _kept_after_all(self, orphan: Orphan) -> Deletion | None:
        """Return that the image must stay, as it is at this moment, and why."""
        image_id = orphan.view.image_id
        sight = Sight(listed={})
        survey = Survey(self._patient, self._known.manifest_name)
        jobs = known_jobs(self._known.of(orphan.key))
        try:
            await survey.look(sight, [], jobs)
            await survey.look(sight, [image_id], [])  # last: nothing lies between
        except AuthenticationError as error:
            return _hindered(orphan, error.fault)
        unseen = Hindrance.BUSY if sight.unseen else None
        if image_id in sight.unseen:
            return _kept(orphan, sight.unseen[image_id], unseen)
        view = sight.image(image_id)
        if view is None or view.is_gone:
            return _kept(orphan, "it is gone already")
        reason = self._obstacles_now(view, sight)
        return _kept(orphan, reason, unseen) if reason else None

    def _obstacles_now(self, view: ImageView, sight: Sight) -> str:
        around = circumstances(
            view, self._known, sight, self._judging(), is_named=False
        )
        return "; ".join(obstacle_words(each, view) for each in obstacles(view, around))


_EVENTS = {
    Outcome.DELETED: notes.ORPHAN_DELETED,
    Outcome.KEPT: notes.ORPHAN_KEPT,
    Outcome.UNCLEAR: notes.ORPHAN_DELETE_UNCLEAR,
}


def _hindered(orphan: Orphan, fault: Fault) -> Deletion:
    return _kept(orphan, fault.sentence(), hindrance_of(fault))


def _kept(orphan: Orphan, reason: str, hindrance: Hindrance | None = None) -> Deletion:
    return replace(_came(orphan, Outcome.KEPT, reason), hindrance=hindrance)


def _came(orphan: Orphan, outcome: Outcome, reason: str = "") -> Deletion:
    return Deletion(
        image_id=orphan.view.image_id, key=orphan.key, outcome=outcome, reason=reason
    )
