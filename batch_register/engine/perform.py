"""Carry out one command and say what happened: the only place that calls the service.

Decides: which event an answer or a failure amounts to. Must not know: what follows from
an event (that is `machine`), the ledger, other entries.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from batch_register.engine.bury import Undertaker
from batch_register.engine.findings import (
    Finding,
    adoption,
    judge_registered,
    renamed_from,
)
from batch_register.engine.look import Look, NotProvenError, Sought
from batch_register.engine.lookout import SeenError
from batch_register.engine.sightings import Sightings
from batch_register.entry import EntryRecord
from batch_register.errors import ServiceError, StoppedError
from batch_register.event import (
    CreateRefused,
    CreateUnclear,
    EntryDeferred,
    Event,
    ImageCreated,
    ImageFailed,
    NoneFound,
    OutcomeUnknown,
    RegisterAccepted,
    RegisterRefused,
    RegisterUnclear,
    RetryStarted,
    ShellFate,
)
from batch_register.model import (
    Action,
    Applied,
    Fault,
    FaultKind,
    ImageId,
    ImageSpec,
    JobId,
    identity_tags,
)
from batch_register.pacing import settled_at_s
from batch_register.ports import ImageService
from batch_register.stage import (
    Command,
    CreateImage,
    DeleteShell,
    FindImage,
    InspectImage,
    RegisterImage,
    Unknown,
    WatchImage,
)
from batch_register.stopping import Stop
from batch_register.watcher import Watched, Watcher, WatchLimits

# Allowance for clocks that disagree, when the cloud's stamps meet ours.
_CLOCKS_MAY_DIFFER = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class Errand:
    """One entry on its way through one run; times are loop time in seconds."""

    spec: ImageSpec | None  # None: the manifest no longer names it
    record: EntryRecord
    run_started_s: float
    deadline_s: float
    claimed_s: float  # since when it has an image; the run's start, if before that
    call_ended_s: float | None = None  # the last create or register of this run
    last_unclear: Fault | None = None  # what that call met, if its effect is unclear


class Performer:
    """Carries out commands against one image service, for one manifest."""

    def __init__(
        self,
        service: ImageService,
        limits: WatchLimits,
        *,
        look: Look,
        sightings: Sightings,
        watcher: Watcher,
        stop: Stop,
    ) -> None:
        self._service = service
        self._sightings = sightings
        self._manifest_name = sightings.manifest_name
        self._limits = limits
        self._undertaker = Undertaker(
            service, self._manifest_name, settle=limits.settle, stop=stop
        )
        self._look = look
        self._watcher = watcher
        self._stop = stop

    async def perform(self, command: Command, errand: Errand) -> list[Event]:
        """Carry out `command` and return what happened, the last event first to act on.

        Raises:
            StoppedError: the run stops while this command could only wait.
        """
        match command:
            case CreateImage():
                return await self._create(errand)
            case FindImage():
                return await self._find(errand)
            case RegisterImage(image_id=image_id):
                return await self._register(image_id, errand)
            case InspectImage(image_id=image_id):
                return [await self._inspect(image_id, errand)]
            case WatchImage(image_id=image_id, job_id=job_id):
                return [await self._watch(image_id, job_id, errand)]
            case DeleteShell(image_id=image_id):
                return [await self._undertaker.bury(errand.record, image_id)]

    # ------------------------------------------------------------ create

    async def _create(self, errand: Errand) -> list[Event]:
        """Send a create, unless an image of another run has come into sight."""
        try:
            return [await self._send_create(errand)]
        except SeenError as seen:
            return await self.adopt(seen.finding, errand)

    async def _send_create(self, errand: Errand) -> Event:
        spec = _present(errand.spec)
        tags = identity_tags(self._manifest_name, spec)
        try:
            view = await self._service.create_image(spec, tags)
        except StoppedError:
            return CreateRefused(error=_STOPPED)
        except ServiceError as error:
            errand.call_ended_s = _loop_time_s()
            if error.applied is Applied.UNKNOWN:
                errand.last_unclear = error.fault
                return CreateUnclear(error=error.fault)
            if error.kind is FaultKind.QUOTA:
                return EntryDeferred(error=error.fault)
            return CreateRefused(error=error.fault)
        self._look.trust.note_created(view)
        errand.claimed_s = _loop_time_s()
        return ImageCreated(image_id=view.image_id, created_at=view.created_at)

    async def _find(self, errand: Errand) -> list[Event]:
        record = errand.record
        sought = Sought(
            key=record.key,
            name=record.made_name or record.name,
            dead=record.dead_images,
            created_since=_well_before(record.started_at),
        )
        try:
            finding = await self._look.entry(
                sought,
                settled_at_s=self._settled_at_s(errand),
                deadline_s=self._look_until_s(errand),
            )
        except NotProvenError as error:
            return [_unknown(FaultKind.UNPROVEN, "create.unproven", str(error))]
        if finding is None:
            self._sightings.forget(record.key)
            return [NoneFound()]
        return await self.adopt(finding, errand)

    async def adopt(self, finding: Finding, errand: Errand) -> list[Event]:
        """Return the events by which an entry takes its found image over."""
        fresh = await self._look.fresh(finding)
        errand.claimed_s = _loop_time_s()
        return adoption(fresh, errand.record, errand.spec)

    async def inspect_renamed(self, old: EntryRecord) -> Event | None:
        """Return that an entry must not be made while its former key has an image."""
        if old.image_id is not None:
            try:
                view = await self._service.get_image(old.image_id)
            except ServiceError as error:
                return OutcomeUnknown(error=error.fault)
            if view is None or view.is_gone:
                return None
        return ImageFailed(error=renamed_from(old), stage="create")

    # ------------------------------------------------------------ register

    async def claim(self, errand: Errand) -> Event | None:
        """Hold a register back until two runs are sure to see each other's shells.

        Waits only while another run seems to be at work on this manifest. Return that
        the outcome is unknown where the look after the wait was refused.

        Raises:
            StoppedError: the run stops while this only waits.
        """
        if not self._sightings.is_contended(_loop_time_s()):
            return None
        seen_s = errand.claimed_s + self._sightings.claim_s
        await self._stop.pause(seen_s - _loop_time_s())
        try:
            await self._look.once(errand.record.key)
        except ServiceError as error:
            return OutcomeUnknown(error=error.fault)
        return None

    async def _register(self, image_id: ImageId, errand: Errand) -> list[Event]:
        """Send a register, unless another run's image has come into sight before."""
        try:
            return [await self._send_register(image_id, errand)]
        except SeenError:
            return [RetryStarted(shell=ShellFate.REPLACE)]

    async def _send_register(self, image_id: ImageId, errand: Errand) -> Event:
        spec = _present(errand.spec)
        try:
            job_id = await self._service.register_image(image_id, spec)
        except StoppedError:
            return RegisterRefused(image_id=image_id, error=_STOPPED)
        except ServiceError as error:
            errand.call_ended_s = _loop_time_s()
            # An image that was only just made may not be known everywhere yet.
            is_unclear = error.kind is FaultKind.NOT_FOUND
            if is_unclear or error.applied is Applied.UNKNOWN:
                errand.last_unclear = error.fault
                return RegisterUnclear(error=error.fault)
            return RegisterRefused(image_id=image_id, error=error.fault)
        return RegisterAccepted(image_id=image_id, job_id=job_id)

    async def _inspect(self, image_id: ImageId, errand: Errand) -> Event:
        """Look at the image until it shows whether it has taken the file on."""
        settled_s = self._settled_at_s(errand)
        last_seen = "nothing"
        while True:
            asked_at_s = _loop_time_s()
            try:
                view = await self._service.get_image(image_id)
            except ServiceError as error:
                last_seen = error.fault.sentence()
            else:
                is_settled = asked_at_s >= settled_s
                event = judge_registered(image_id, view, is_settled=is_settled)
                if event is not None:
                    return event
                last_seen = "no image" if view is None else view.raw_status
            if asked_at_s >= self._look_until_s(errand):
                reason = (
                    f"the image does not show whether it took the file: {last_seen}"
                )
                return _unknown(FaultKind.DEADLINE, "register.unproven", reason)
            await self._stop.pause(self._limits.poll_interval_s)

    # ------------------------------------------------------------ watch and replace

    async def _watch(
        self, image_id: ImageId, job_id: JobId | None, errand: Errand
    ) -> Event:
        now_s = _loop_time_s()
        return await self._watcher.watch(
            Watched(
                key=errand.record.key,
                image_id=image_id,
                job_id=job_id,
                created_at=errand.record.image_created_at,
                since_s=now_s,
                # from now: waiting for a busy service is not the image's fault
                deadline_s=now_s + self._limits.image_deadline_s,
                last_check_s=now_s,
                doubt=_doubt(errand.record),
            )
        )

    def _look_until_s(self, errand: Errand) -> float:
        """Return when looking ends: never before a look could have settled anything."""
        return max(errand.deadline_s, self._settled_at_s(errand))

    def _settled_at_s(self, errand: Errand) -> float:
        return settled_at_s(
            call_ended_s=errand.call_ended_s,
            run_started_s=errand.run_started_s,
            settle_s=self._limits.settle_s,
        )


def _doubt(record: EntryRecord) -> Fault | None:
    """Return the contradiction that an earlier run met, which a list cannot clear."""
    stage = record.stage
    if isinstance(stage, Unknown) and stage.fault.kind is FaultKind.CONTRADICTION:
        return stage.fault
    return None


def _present(spec: ImageSpec | None) -> ImageSpec:
    if spec is None:
        message = "an entry that the manifest does not name must not be written"
        raise AssertionError(message)
    return spec


def _well_before(stamp: str | None) -> str:
    """Return a ledger stamp in the cloud's form, earlier by what clocks may differ."""
    if stamp is None:
        return ""
    earlier = datetime.fromisoformat(stamp) - _CLOCKS_MAY_DIFFER
    return earlier.strftime("%Y-%m-%dT%H:%M:%SZ")


def _loop_time_s() -> float:
    return asyncio.get_running_loop().time()


def _fault(kind: FaultKind, code: str, reason: str, action: Action) -> Fault:
    return Fault(kind=kind, code=code, reason=reason, action=action)


def _unknown(
    kind: FaultKind, code: str, reason: str, action: Action = Action.RUN_AGAIN
) -> OutcomeUnknown:
    return OutcomeUnknown(error=_fault(kind, code, reason, action))


_STOPPED = _fault(
    FaultKind.UNREACHABLE,
    "stopped",
    "the run stopped before the request went out",
    Action.RUN_AGAIN,
)
