"""Whether an object store can be asked: its address, and keys to sign with.

Decides: which address and which keys count, and how it is said that there are none.
Must not know: what the store is asked.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from batch_register.errors import ServiceError
from batch_register.identity import Cloud, Connection
from batch_register.identity.cloud import GivenToken, KeyPair
from batch_register.identity.signing import AccessKeys
from batch_register.identity.temporary import TemporaryKeys
from batch_register.obs.access import (
    FixedKeys,
    KeySource,
    NoObjectAccess,
    ObjectAccess,
)
from batch_register.obs.tries import Patience, tried
from batch_register.ports import Clock
from batch_register.transport import Sender

# The names that OBS's own Python SDK looks for ("Initializing an Instance of ObsClient").
ACCESS_KEY_VARIABLE: Final = "OBS_ACCESS_KEY_ID"
SECRET_KEY_VARIABLE: Final = "OBS_SECRET_ACCESS_KEY"  # noqa: S105 - a name
TOKEN_VARIABLE: Final = "OBS_SECURITY_TOKEN"  # noqa: S105 - a name
_SET_KEYS: Final = f"set {ACCESS_KEY_VARIABLE} and {SECRET_KEY_VARIABLE}"
# Whoever asks waits for the keys before anything else, and goes on without.
_PATIENCE: Final = Patience(tries=3, try_s=10.0, total_s=20.0)
# A signature names some region; stores that have none take any.
_ANY_REGION: Final = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedAddresses:
    """What a cloud's profile makes of the region; None where it knows none."""

    objects: str | None = None
    identity: str | None = None


async def find_access(
    cloud: Cloud,
    connection: Connection,
    sender: Sender,
    clock: Clock,
    *,
    published: PublishedAddresses,
    environ: Mapping[str, str],
) -> ObjectAccess | NoObjectAccess:
    """Return how to ask the cloud's object store, or why it cannot be asked.

    An address of the cloud's own entry comes first, then the profile's, then the token's
    catalogue. Keys are the cloud's own, else the environment's, else temporary ones that
    IAM makes from the token; these are made now, so that a cloud which makes none is
    known within 20 s. `environ` must be empty in a rehearsal: its cloud knows no other keys.
    """
    endpoint = cloud.obs_endpoint or published.objects or connection.listed_store
    if not endpoint:
        reason = "no address of an object store is known: set obs_endpoint_override"
        return NoObjectAccess(reason=reason)
    keys = given_keys(cloud, environ)
    if keys is None:
        keys = await _temporary(cloud, connection, sender, clock, published.identity)
    if isinstance(keys, NoObjectAccess):
        return keys
    return ObjectAccess(
        endpoint=endpoint.rstrip("/"),
        region=cloud.region_name or _ANY_REGION,
        keys=keys,
    )


def given_keys(
    cloud: Cloud, environ: Mapping[str, str]
) -> KeySource | NoObjectAccess | None:
    """Return the keys of the cloud's entry or the environment; None: there are none."""
    if isinstance(cloud.auth, KeyPair):
        return FixedKeys(cloud.auth.keys)
    access = environ.get(ACCESS_KEY_VARIABLE, "").strip()
    secret = environ.get(SECRET_KEY_VARIABLE, "").strip()
    if not access and not secret:
        return None
    if not (access and secret):
        here, missing = ACCESS_KEY_VARIABLE, SECRET_KEY_VARIABLE
        if not access:
            here, missing = missing, here
        return NoObjectAccess(reason=f"{here} is set and {missing} is not: set both")
    token = environ.get(TOKEN_VARIABLE, "").strip() or None
    return FixedKeys(
        AccessKeys(access_key=access, secret_key=secret, security_token=token)
    )


async def _temporary(
    cloud: Cloud,
    connection: Connection,
    sender: Sender,
    clock: Clock,
    published: str | None,
) -> KeySource | NoObjectAccess:
    own = None if isinstance(cloud.auth, GivenToken) else cloud.auth.auth_url
    auth_url = own or published
    if auth_url is None:
        reason = f"no access keys, and no auth_url to ask for some: {_SET_KEYS}"
        return NoObjectAccess(reason=reason)
    keys = TemporaryKeys(sender, connection.authoriser, clock, auth_url=auth_url)
    try:
        await tried(
            keys.current,
            operation="make temporary access keys",
            patience=_PATIENCE,
            rng=random.Random(),  # noqa: S311 - jitter
        )
    except ServiceError as error:
        reason = f"no access keys ({error.fault.sentence()}): {_SET_KEYS}"
        return NoObjectAccess(reason=reason, cause=error.fault)
    return keys
