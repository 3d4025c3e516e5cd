"""Credentials that need no login: a signature per request, or a token as given.

Decides: what they can do about a refusal, which is nothing. Must not know: Keystone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from batch_register.identity.signing import AccessKeys, Scope, sign
from batch_register.identity.tokens import TOKEN_HEADER
from batch_register.ports import Clock
from batch_register.transport import Request


class Signer:
    """Signs every request with an access key; an `Authoriser`."""

    def __init__(
        self,
        keys: AccessKeys,
        clock: Clock,
        *,
        project_id: str | None,
        scope: Scope | None = None,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._project_id = project_id
        self._scope = scope

    async def authorise(self, request: Request) -> Request:
        """Return the request signed as of now."""
        signed = sign(
            request,
            self._keys,
            at=self._clock.now(),
            project_id=self._project_id,
            scope=self._scope,
        )
        keys = (self._keys.secret_key, self._keys.access_key)
        return replace(signed, secrets=(*request.secrets, *keys))

    def accepted(self, sent: Request) -> None:
        """Do nothing: it changes nothing."""

    async def renew(self, refused: Request) -> bool:
        """Return False: the same key signs the same way again."""
        del refused
        return False


class FixedHeaders:
    """Headers that stay the same for ever; an `Authoriser`."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)

    def __repr__(self) -> str:
        """Return a text without the headers, which are secret."""
        return f"{type(self).__name__}(...)"

    async def authorise(self, request: Request) -> Request:
        """Return the request with the headers."""
        headers = {**request.headers, **self._headers}
        secrets = (*request.secrets, *self._headers.values())
        return replace(request, headers=headers, secrets=secrets)

    def accepted(self, sent: Request) -> None:
        """Do nothing: it changes nothing."""

    async def renew(self, refused: Request) -> bool:
        """Return False: there is nothing to get others with."""
        del refused
        return False


class FixedToken(FixedHeaders):
    """A token that somebody else got."""

    def __init__(self, token: str) -> None:
        super().__init__({TOKEN_HEADER: token})
