"""What a caller needs to talk to an object store: its place, its region, its keys.

Decides: how buckets are addressed there. Must not know: where keys come from, requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import urlsplit

from batch_register.identity.signing import AccessKeys
from batch_register.model import Fault

# First labels of the hosts that the providers serve object storage at: obs.eu-de.…,
# oss.eu-west-0.…, and obsv3.… of private clouds ("Regions and Endpoints").
_PROVIDERS_LABELS: Final = ("obs", "oss", "obsv3")


class KeySource(Protocol):
    """Whoever has access keys to sign with."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what must not be shown, should an answer repeat it."""
        ...

    async def current(self) -> AccessKeys:
        """Return keys that work for an hour at least, where their end is known.

        Raises:
            ServiceError: new ones were due, and were not given.
        """
        ...

    async def renew(self, refused: AccessKeys) -> bool:
        """Replace keys that the store has refused; False where that cannot help.

        Many callers may ask at once for the same keys: one renewal serves all.
        """
        ...


class FixedKeys:
    """Keys that somebody gave, for as long as they work; a `KeySource`."""

    def __init__(self, keys: AccessKeys) -> None:
        self._keys = keys

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the secret key, and the token that may belong to it."""
        return (self._keys.secret_key, self._keys.security_token or "")

    async def current(self) -> AccessKeys:
        """Return the keys."""
        return self._keys

    async def renew(self, refused: AccessKeys) -> bool:
        """Return False: there is nothing to get others with."""
        del refused
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectAccess:
    """An object store that can be asked; `endpoint` has no last slash."""

    endpoint: str
    region: str  # which signatures name
    keys: KeySource = field(repr=False)

    @property
    def names_buckets_in_host(self) -> bool:
        """Return whether a bucket is a part of the host's name, not of the path.

        So do the providers' own stores (OBS, "Bucket and Object URLs"); a server at an
        address, on this machine or below a path has no names for its buckets.
        """
        parts = urlsplit(self.endpoint)
        first_label, dot, _ = (parts.hostname or "").partition(".")
        return bool(dot) and first_label in _PROVIDERS_LABELS and not parts.path


@dataclass(frozen=True, slots=True, kw_only=True)
class NoObjectAccess:
    """Why an object store cannot be asked: a sentence without an end, and what helps.

    `cause` is what the service said that was asked for keys.
    """

    reason: str
    cause: Fault | None = None
