"""The files behind a run's entries: who looks at them, and who brings them.

Decides: what a run does where there is no object store to ask: it says so, or refuses
files that would have to be uploaded. Must not know: how a look or an upload works.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from batch_register.cli.connection import CloudService
from batch_register.cli.object_access import object_store_if_any
from batch_register.collector import preparing
from batch_register.errors import (
    AuthenticationError,
    ServiceError,
    SettingsError,
)
from batch_register.ims.profile import Profile
from batch_register.inspection import inspect
from batch_register.model import EntryKey, FaultKind, ImageSpec
from batch_register.obs import NoObjectAccess
from batch_register.ports import Note, ObjectStore, Observer, SourceFiles, Sources
from batch_register.preflight import (
    Survey,
    profile_fault,
    survey_lines,
    unlooked,
    unlooked_line,
)
from batch_register.settings import Settings
from batch_register.source import Brought, SourceVerdict, UploadMark
from batch_register.stopping import Stop
from batch_register.upload import Uploader, UploadOptions
from batch_register.workers.opening import open_files

_LOOKS_AT_ONCE = 32
_SPARE_CONNECTIONS = 8
_SPARE_THREADS = 4  # that read headers while parts are on their way


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDesk:
    """One run's sources; implements ports.Sources."""

    profile: Profile
    observer: Observer
    survey_of: Survey | None = None
    why_not: str = ""  # no source can be looked at
    uploader: Uploader | None = None

    async def survey(
        self,
        todo: Sequence[ImageSpec],
        done: Sequence[ImageSpec],
        brought: Mapping[EntryKey, Brought],
    ) -> Mapping[EntryKey, SourceVerdict]:
        """Look at sources; without a store only the profile's limits are looked at."""
        if self.survey_of is None:
            return {spec.key: self._unlooked(spec) for spec in todo}
        with preparing(len(todo) + len(done)):
            looks = await self.survey_of.look(
                [*todo, *done],
                pins_only={spec.key for spec in done},
                brought=brought,
                progress=self._tell_progress,
            )
        for line in survey_lines(looks.summary):
            self.observer.noticed("preflight.done", line=line)
        return looks.verdicts

    def _unlooked(self, spec: ImageSpec) -> SourceVerdict:
        fault = profile_fault(spec, self.profile)
        if fault is not None:
            return SourceVerdict(fault=fault)
        return unlooked(spec, self.why_not)

    def _tell_progress(self, done: int, total: int) -> None:
        self.observer.noticed("preflight.progress", done=done, total=total)

    async def holds(self, spec: ImageSpec, brought: Brought) -> bool:
        """Return whether an entry's file is still what was brought."""
        return await self._ready(spec).holds(spec, brought)

    async def bring(
        self,
        spec: ImageSpec,
        mark: UploadMark | None,
        brought: Brought | None,
        note: Note,
    ) -> None:
        """Bring an entry's file to its object."""
        await self._ready(spec).bring(spec, mark, note, brought=brought)

    def _ready(self, spec: ImageSpec) -> Uploader:
        if self.uploader is None:
            message = f"{spec.key}: nobody was made ready to upload its file"
            raise AssertionError(message)
        return self.uploader


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedSources:
    """Sources of a simulated cloud: it makes them up, so a look would tell nothing."""

    profile: Profile

    async def survey(
        self,
        todo: Sequence[ImageSpec],
        done: Sequence[ImageSpec],
        brought: Mapping[EntryKey, Brought],
    ) -> Mapping[EntryKey, SourceVerdict]:
        """Look at the profile's limits; `min_disk: auto` comes to the least there is."""
        del done, brought
        return {
            spec.key: SourceVerdict(
                fault=profile_fault(spec, self.profile),
                min_disk_gb=self.profile.min_disk_floor_gb(spec.os_version),
            )
            for spec in todo
        }

    async def holds(self, spec: ImageSpec, brought: Brought) -> bool:
        """Return that every file is what it was."""
        del spec, brought
        return True

    async def bring(
        self,
        spec: ImageSpec,
        mark: UploadMark | None,
        brought: Brought | None,
        note: Note,
    ) -> None:
        """Do nothing: every object is there."""


@asynccontextmanager
async def open_sources(
    service: CloudService,
    settings: Settings,
    unmade: Sequence[ImageSpec],
    observer: Observer,
    *,
    stop: Stop,
) -> AsyncIterator[Sources]:
    """Give whoever looks after the entries' files, until the context ends.

    `unmade` are those whose files may have to be uploaded.

    Raises:
        StoppedError: the run stops while access keys are asked for.
        SettingsError: files are to be uploaded, and there is no store to upload them to.
        ServiceError: that is so for now, since nobody makes access keys.
        AuthenticationError: that is so since they are not made for this login.
    """
    uploads = [spec for spec in unmade if spec.source is not None]
    profile = service.profile
    if settings.simulate:
        yield RehearsedSources(profile=profile)
        return
    if profile.fetches_from_web or not (uploads or settings.preflight):
        why = "" if profile.fetches_from_web else "--no-preflight is set"
        yield SourceDesk(profile=profile, observer=observer, why_not=why)
        return
    connections = _LOOKS_AT_ONCE + settings.upload_streams + _SPARE_CONNECTIONS
    async with object_store_if_any(
        service.logged_in, settings, connections=connections, stop=stop
    ) as store:
        if isinstance(store, NoObjectAccess):
            _require_no_uploads(uploads, store)
            observer.noticed("preflight.done", line=unlooked_line(store.reason))
            yield SourceDesk(profile=profile, observer=observer, why_not=store.reason)
            return
        async with _files(service, settings, observer) as files:
            yield _desk(service, settings, store, files, observer)


def _require_no_uploads(uploads: Sequence[ImageSpec], why: NoObjectAccess) -> None:
    """Refuse a run that has files to bring and nowhere to bring them."""
    if not uploads:
        return
    first = uploads[0].key
    more = f" and {len(uploads) - 1} more" if len(uploads) > 1 else ""
    what = f"the file of {first!r}{more} is to be uploaded"
    if why.cause is not None and why.cause.is_passing:
        operation = f"{what}, but there are no access keys now, and none are set"
        is_refused = why.cause.kind is FaultKind.UNAUTHENTICATED
        raise (AuthenticationError if is_refused else ServiceError)(
            operation, why.cause
        )
    message = f"{what}, but the object store cannot be used: {why.reason}"
    raise SettingsError(message)


def _files(
    service: CloudService, settings: Settings, observer: Observer
) -> AbstractAsyncContextManager[SourceFiles]:
    cloud = service.logged_in.cloud
    return open_files(
        settings.dask,
        tls=cloud.tls,
        trust_env=not settings.simulate,
        threads=settings.upload_streams + _SPARE_THREADS,
        notice=observer.noticed,
        max_bytes_per_s=settings.max_upload_rate_per_s,
    )


def _desk(
    service: CloudService,
    settings: Settings,
    store: ObjectStore,
    files: SourceFiles,
    observer: Observer,
) -> SourceDesk:
    survey = Survey(
        store,
        files,
        inspect,
        profile=service.profile,
        region=service.target.region,
        parallel=_LOOKS_AT_ONCE,
    )

    def tell(key: EntryKey, sent_bytes: int, total_bytes: int) -> None:
        observer.noticed(
            "upload.progress", key=key, sent_bytes=sent_bytes, total_bytes=total_bytes
        )

    options = UploadOptions(streams=settings.upload_streams)
    return SourceDesk(
        profile=service.profile,
        observer=observer,
        survey_of=survey if settings.preflight else None,
        why_not="" if settings.preflight else "--no-preflight is set",
        uploader=Uploader(store, files, options=options, progress=tell),
    )
