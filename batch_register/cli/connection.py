"""From a cloud's settings to its image service.

Decides: which profile a cloud has and where its addresses come from. Must not know:
what the service is used for.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from batch_register.identity import Cloud, Surroundings, connect, load_cloud
from batch_register.ims.client import ImsClient
from batch_register.ims.profile import Endpoints, Profile, profile_for
from batch_register.model import Target
from batch_register.ports import Clock, ImageService
from batch_register.settings import Settings
from batch_register.transport.http import HttpOptions, HttpSender
from batch_register.transport.tls import Tls

# Connections beyond the images in flight: polling must not wait behind writes.
_SPARE_CONNECTIONS = 8


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


def chosen_cloud(settings: Settings) -> Cloud:
    """Return the cloud that flags, files and environment point to.

    Raises:
        SettingsError: none is described, or its description is wrong.
    """
    surroundings = Surroundings(environ=os.environ, cwd=Path.cwd(), home=Path.home())
    return load_cloud(surroundings, name=settings.cloud, region=settings.region)


@asynccontextmanager
async def open_service(
    cloud: Cloud, settings: Settings, clock: Clock
) -> AsyncIterator[CloudService]:
    """Log in and give the image service, until the context ends.

    Raises:
        SettingsError, AuthenticationError, ServiceError: see identity.connect.
    """
    options = HttpOptions(
        connections=settings.concurrency + _SPARE_CONNECTIONS,
        trust_env=True,
        tls=Tls(
            verify=cloud.verify,
            ca_file=cloud.cacert,
            cert_file=cloud.cert,
            key_file=cloud.key,
        ),
    )
    published = _published(cloud)
    async with HttpSender(options) as sender:
        connection = await connect(
            cloud,
            sender,
            clock,
            image_fallback=published.image if published else None,
            auth_fallback=published.identity if published else None,
        )
        endpoint = connection.image_endpoint
        profile = profile_for(urlsplit(endpoint).netloc, cloud.ims_profile)
        yield CloudService(
            images=ImsClient(
                sender=sender,
                authoriser=connection.authoriser,
                clock=clock,
                endpoint=endpoint,
                project_id=connection.project_id,
                profile=profile,
            ),
            target=Target(
                endpoint=endpoint,
                project_id=connection.project_id,
                region=cloud.region_name or "",
            ),
            profile=profile,
        )


def _published(cloud: Cloud) -> Endpoints | None:
    """Return the addresses that the cloud's profile makes of the region."""
    if cloud.ims_profile is None or cloud.region_name is None:
        return None
    return profile_for("", cloud.ims_profile).endpoints(cloud.region_name)
