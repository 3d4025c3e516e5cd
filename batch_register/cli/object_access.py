"""From a cloud that we have logged in to, to its object store.

Decides: where the store's address may come from, whose keys count, whom the connection
trusts. Must not know: what the store is asked.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from batch_register.identity import Cloud, Connection
from batch_register.ims.profile import Profile
from batch_register.logs.redaction import keep_secret
from batch_register.obs import NoObjectAccess, open_store
from batch_register.obs.credentials import PublishedAddresses, find_access
from batch_register.ports import Clock, ObjectStore
from batch_register.settings import Settings
from batch_register.stopping import Stop
from batch_register.transport import Sender
from batch_register.transport.tls import Tls


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """A cloud whose login has succeeded, and what calls to it go through."""

    cloud: Cloud
    connection: Connection
    profile: Profile
    sender: Sender
    clock: Clock


@asynccontextmanager
async def object_store(
    logged_in: LoggedIn,
    settings: Settings,
    *,
    connections: int,
    stop: Stop | None = None,
) -> AsyncIterator[ObjectStore | NoObjectAccess]:
    """Give the cloud's object store until the context ends, or why there is none.

    A rehearsal takes neither keys nor proxies from the environment: its cloud is in this
    process. `connections` bounds how many are open at once.

    Raises:
        StoppedError: the run stops while keys are asked for.
        SettingsError: the extra is not installed, or a certificate cannot be used.
    """
    cloud = logged_in.cloud
    finding = find_access(
        cloud,
        logged_in.connection,
        logged_in.sender,
        logged_in.clock,
        published=_published(logged_in.profile, cloud.region_name),
        environ={} if settings.simulate else os.environ,
    )
    access = await (finding if stop is None else stop.cutting(finding))
    if isinstance(access, NoObjectAccess):
        yield access
        return
    keep_secret(*filter(None, access.keys.secrets))
    tls = Tls(
        verify=cloud.verify,
        ca_file=cloud.cacert,
        cert_file=cloud.cert,
        key_file=cloud.key,
    )
    async with open_store(
        access,
        connections=connections,
        tls=tls,
        trust_env=not settings.simulate,
    ) as store:
        yield store


def _published(profile: Profile, region: str | None) -> PublishedAddresses:
    """Return what the profile makes of the region, if it knows it."""
    endpoints = profile.endpoints(region or "")
    if endpoints is None:
        return PublishedAddresses()
    return PublishedAddresses(objects=endpoints.objects, identity=endpoints.identity)
