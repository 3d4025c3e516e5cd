"""From a cloud that we have logged in to, to its object store.

Decides: where the store's address may come from, whose keys count, whom the connection
trusts. Must not know: what the store is asked.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec

from batch_register.identity import Cloud, Connection
from batch_register.ims.profile import Profile
from batch_register.logs.redaction import keep_secret
from batch_register.obs import NoObjectAccess, ObjectAccess, open_store
from batch_register.obs.credentials import PublishedAddresses, find_access
from batch_register.ports import Clock, ObjectStore
from batch_register.settings import Settings
from batch_register.stopping import Stop
from batch_register.transport import Sender

_LIBRARIES = ("aiobotocore", "oslo_utils")
NO_EXTRA = "the extra is not installed: pip install 'batch-register[obs]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """A cloud whose login has succeeded, and what calls to it go through."""

    cloud: Cloud
    connection: Connection
    profile: Profile
    sender: Sender
    clock: Clock


def has_libraries() -> bool:
    """Return whether what looks at an object store is installed."""
    return all(find_spec(name) is not None for name in _LIBRARIES)


@asynccontextmanager
async def object_store(
    logged_in: LoggedIn,
    settings: Settings,
    *,
    connections: int,
    stop: Stop | None = None,
) -> AsyncIterator[ObjectStore | NoObjectAccess]:
    """Give the cloud's object store until the context ends, or why there is none.

    `connections` bounds how many are open at once.

    Raises:
        StoppedError: the run stops while keys are asked for.
        SettingsError: the extra is not installed, or a certificate cannot be used.
    """
    asking = object_access(logged_in, settings)
    access = await (asking if stop is None else stop.cutting(asking))
    if isinstance(access, NoObjectAccess):
        yield access
        return
    async with opened_store(
        access, logged_in.cloud, settings, connections=connections
    ) as store:
        yield store


@asynccontextmanager
async def object_store_if_any(
    logged_in: LoggedIn,
    settings: Settings,
    *,
    connections: int,
    stop: Stop | None = None,
) -> AsyncIterator[ObjectStore | NoObjectAccess]:
    """Give the object store as `object_store` does; a missing extra is a reason, too.

    Raises:
        StoppedError: the run stops while keys are asked for.
        SettingsError: a certificate cannot be used.
    """
    if not has_libraries():
        yield NoObjectAccess(reason=NO_EXTRA)
        return
    async with object_store(
        logged_in, settings, connections=connections, stop=stop
    ) as store:
        yield store


async def object_access(
    logged_in: LoggedIn, settings: Settings
) -> ObjectAccess | NoObjectAccess:
    """Return how the cloud's object store can be asked, its secrets masked from now on.

    A rehearsal takes no keys from the environment: its cloud is in this process.
    """
    access = await find_access(
        logged_in.cloud,
        logged_in.connection,
        logged_in.sender,
        logged_in.clock,
        published=_published(logged_in.profile, logged_in.cloud.region_name),
        environ={} if settings.simulate else os.environ,
    )
    if isinstance(access, ObjectAccess):
        keep_secret(*filter(None, access.keys.secrets))
    return access


def opened_store(
    access: ObjectAccess, cloud: Cloud, settings: Settings, *, connections: int
) -> AbstractAsyncContextManager[ObjectStore]:
    """Return the store to be opened; a rehearsal takes no proxy from the environment."""
    return open_store(
        access, connections=connections, tls=cloud.tls, trust_env=not settings.simulate
    )


def _published(profile: Profile, region: str | None) -> PublishedAddresses:
    """Return what the profile makes of the region, if it knows it."""
    endpoints = profile.endpoints(region or "")
    if endpoints is None:
        return PublishedAddresses()
    return PublishedAddresses(objects=endpoints.objects, identity=endpoints.identity)
