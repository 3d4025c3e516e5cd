"""From a cloud's settings to its image service.

Decides: which profile a cloud has and where its addresses come from. Must not know:
what the service is used for.
"""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from batch_register.cli.first_login import LoginPatience, patiently
from batch_register.cli.object_access import LoggedIn
from batch_register.errors import ManifestError, ManifestProblem, SettingsError
from batch_register.glance.client import GlanceClient
from batch_register.glance.verdict import LEAST_SILENCE_S
from batch_register.identity import (
    Cloud,
    Connection,
    Surroundings,
    connect,
    load_cloud,
)
from batch_register.identity.cloud import GivenToken
from batch_register.identity.login import secrets
from batch_register.ims.client import ImsClient
from batch_register.ims.overrides import overridden
from batch_register.ims.profile import (
    Endpoints,
    Profile,
    profile_for,
    source_problem,
)
from batch_register.logs.redaction import keep_secret
from batch_register.model import Manifest, Target
from batch_register.outage import Outage
from batch_register.ports import Clock, ImageService, Observer
from batch_register.settings import Settings
from batch_register.stopping import Stop
from batch_register.transport import Sender
from batch_register.transport.dates import DatedSender
from batch_register.transport.http import HttpOptions, HttpSender
from batch_register.transport.outages import OutageSender
from batch_register.transport.sockets import open_files_limit, pool_size

# Connections beyond the images in flight: polling must not wait behind writes.
_SPARE_CONNECTIONS = 8
_MOST_PROBLEMS = 100  # of a manifest that are shown
# From connecting to the last byte of the answer, however slowly it drips.
CALL_DEADLINE_S = 60.0


class WallClock:
    """The machine's own time, UTC; implements ports.Clock."""

    def now(self) -> datetime:
        """Return the time now."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudService:
    """One project's image service, and what it is."""

    images: ImageService
    target: Target
    profile: Profile
    service_now: Callable[[], datetime | None]  # by its own clock, once it has answered
    # Unfinished jobs at once, as the operator told; a published one is only a ceiling
    # of whole clouds, so a run finds its own.
    told_task_limit: int | None
    outage: Outage  # what the service is told of earlier ones, and whether it was gone
    logged_in: LoggedIn


def require_fitting_sources(path: Path, manifest: Manifest, profile: Profile) -> None:
    """Refuse a manifest whose sources are not of the kind that the cloud takes.

    Raises:
        ManifestError: names every such entry.
    """
    problems = tuple(
        ManifestProblem(line=spec.line, column=1, message=message, entry=spec.key)
        for spec in manifest.images
        if (message := source_problem(spec, profile)) is not None
    )
    if problems:
        shown = problems[:_MOST_PROBLEMS]
        raise ManifestError(str(path), shown, found=len(problems))


def chosen_cloud(settings: Settings) -> Cloud:
    """Return the cloud that flags, files and environment point to.

    Raises:
        SettingsError: none is described, or its description is wrong.
    """
    return load_cloud(_surroundings(), name=settings.cloud, region=settings.region)


def named_profile(name: str) -> Profile:
    """Return the profile that an entry of clouds.yaml will have, asking no cloud.

    Where the entry gives no address of the image service, that of its login tells.

    Raises:
        SettingsError: there is no such entry, or it is wrong.
    """
    cloud = load_cloud(_surroundings(), name=name)
    login = None if isinstance(cloud.auth, GivenToken) else cloud.auth.auth_url
    return profile_of(cloud, cloud.image_endpoint or cloud.ims_endpoint or login or "")


def _surroundings() -> Surroundings:
    try:
        cwd = Path.cwd()
    except OSError as error:
        message = f"the working directory cannot be used: {error.strerror}"
        raise SettingsError(message, hint="change to a folder that is there") from None
    return Surroundings(environ=os.environ, cwd=cwd, home=_home())


def _home() -> Path:
    """Return the home; the root for a user without one, as containers have them."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


@asynccontextmanager
async def open_service(
    cloud: Cloud,
    settings: Settings,
    clock: Clock,
    *,
    stop: Stop,
    observer: Observer,
    call_deadline_s: float = CALL_DEADLINE_S,
) -> AsyncIterator[CloudService]:
    """Log in and give the image service, until the context ends.

    A login that may succeed a moment later is tried again, within the run's window.

    Raises:
        SettingsError, AuthenticationError, ServiceError: see identity.connect.
        StoppedError: the run was told to stop before it had logged in.
    """
    if cloud.ims_profile is not None:
        profile_of(cloud, "")  # a slip there is told before any login
    published = published_endpoints(cloud)
    async with open_sender(cloud, settings) as sender:

        async def log_in() -> Connection:
            return await connect(
                cloud,
                sender,
                clock,
                image_fallback=published.image if published else None,
                auth_fallback=published.identity if published else None,
                deadline_s=call_deadline_s,
            )

        connection = await patiently(
            log_in,
            _patience(settings),
            stop=stop,
            observer=observer,
            rng=random.Random(),  # noqa: S311 - jitter, not a secret
        )
        endpoint = connection.image_endpoint
        profile = profile_of(cloud, endpoint)
        outage = Outage()
        dated = DatedSender(OutageSender(sender, outage, clock))
        clients = Clients(
            connection=connection,
            sender=dated,
            clock=clock,
            call_deadline_s=call_deadline_s,
            image_deadline_s=settings.image_deadline_s,
            outage=outage,
        )
        yield CloudService(
            images=clients.of(profile, observer),
            target=Target(
                endpoint=endpoint,
                project_id=connection.project_id,
                region=cloud.region_name or "",
            ),
            profile=profile,
            service_now=dated.service_now,
            told_task_limit=_told_task_limit(cloud, profile),
            outage=outage,
            logged_in=LoggedIn(
                cloud=cloud,
                connection=connection,
                profile=profile,
                sender=sender,
                clock=clock,
            ),
        )


def open_sender(cloud: Cloud, settings: Settings) -> HttpSender:
    """Return the sender for this cloud, and mask its secrets from now on."""
    keep_secret(*secrets(cloud.auth))
    connections = pool_size(
        settings.concurrency + _SPARE_CONNECTIONS,
        open_files_limit(),
        ends_here=settings.simulate,
    )
    # A rehearsal stays on the machine: a proxy could not reach it either.
    options = HttpOptions(
        connections=connections, trust_env=not settings.simulate, tls=cloud.tls
    )
    return HttpSender(options)


def profile_of(cloud: Cloud, endpoint: str) -> Profile:
    """Return the profile of a cloud whose service is there, its overrides applied.

    Raises:
        SettingsError: there is no such profile, or an override is wrong.
    """
    profile = profile_for(urlsplit(endpoint).netloc, cloud.ims_profile)
    return overridden(profile, cloud.profile_overrides, source=cloud.source)


def _told_task_limit(cloud: Cloud, profile: Profile) -> int | None:
    return profile.task_limit if "task_limit" in cloud.profile_overrides else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """What every client of one connection needs; `call_deadline_s` is for a request.

    Whoever gives an image long means that its import may take long.
    """

    connection: Connection
    sender: Sender
    clock: Clock
    call_deadline_s: float
    image_deadline_s: float
    outage: Outage = field(default_factory=Outage)

    def of(
        self, profile: Profile, observer: Observer | None = None
    ) -> ImsClient | GlanceClient:
        """Return the client that speaks as the profile's image service does."""
        if profile.fetches_from_web:
            return self._glance()
        return self._ims(profile, observer)

    def _glance(self) -> GlanceClient:
        return GlanceClient(
            sender=self.sender,
            authoriser=self.connection.authoriser,
            clock=self.clock,
            endpoint=self.connection.image_endpoint,
            project_id=self.connection.project_id,
            deadline_s=self.call_deadline_s,
            silence_s=max(self.image_deadline_s, LEAST_SILENCE_S),
            outage=self.outage,
        )

    def _ims(self, profile: Profile, observer: Observer | None) -> ImsClient:
        return ImsClient(
            sender=self.sender,
            authoriser=self.connection.authoriser,
            clock=self.clock,
            endpoint=self.connection.image_endpoint,
            project_id=self.connection.project_id,
            profile=profile,
            deadline_s=self.call_deadline_s,
            observer=observer,
        )


def _patience(settings: Settings) -> LoginPatience:
    """Return how long the first login may take: never longer than the whole run."""
    usual = LoginPatience()
    window_s = settings.max_duration_s
    if window_s is None:
        return usual
    return replace(usual, total_s=min(usual.total_s, window_s))


def published_endpoints(cloud: Cloud) -> Endpoints | None:
    """Return the addresses that the cloud's profile makes of the region."""
    if cloud.ims_profile is None or cloud.region_name is None:
        return None
    return profile_for("", cloud.ims_profile).endpoints(cloud.region_name)
