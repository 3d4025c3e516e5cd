"""Temporary access keys, made from a token: one pair for many callers, replaced in time.

Decides: how long they are asked for, when they are replaced, that many callers cause one
request. Must not know: what the keys are for. Source: IAM API reference, "Obtaining a
Temporary Access Key and Security Token Through a Token".
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from batch_register.errors import ServiceError
from batch_register.identity.keystone import refused_login, send_login
from batch_register.identity.login import identity_root
from batch_register.identity.signing import AccessKeys
from batch_register.model import Action, Fault, FaultKind
from batch_register.ports import Clock
from batch_register.transport import Authoriser, Reply, Request, Sender
from batch_register.transport.skew import server_time

# IAM gives 15 minutes to 24 hours; what tells of more, or of none, is believed no further.
_LONGEST: Final = timedelta(hours=24)
_LIFE: Final = timedelta(hours=6)
# Signed addresses that live for an hour die with their keys: these live longer.
_LEAST_LEFT: Final = timedelta(minutes=90)
# Where IAM gives less than was asked for, half of it.
_LEAST_SHARE: Final = 0.5
# How long to go on with keys after a renewal failed, or where they are given for less.
_RESPITE: Final = timedelta(seconds=30)
# Keys that are refused so soon after they were made are not refused for their age.
_TOO_YOUNG: Final = timedelta(seconds=60)
_DEADLINE_S: Final = 60.0
# How plain Keystone, and whatever else, answers a call that it has not got.
_UNKNOWN_CALL: Final = (
    HTTPStatus.MULTIPLE_CHOICES,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The keys in use; times are on our clock."""

    keys: AccessKeys
    made_at: datetime
    renew_at: datetime
    ends_at: datetime


class TemporaryKeys:
    """Gives keys that IAM makes for the bearer of a token."""

    def __init__(
        self, sender: Sender, authoriser: Authoriser, clock: Clock, *, auth_url: str
    ) -> None:
        self._sender = sender
        self._authoriser = authoriser
        self._clock = clock
        root = identity_root(auth_url)
        self._url = f"{root}.0/OS-CREDENTIAL/securitytokens"
        self._lock = asyncio.Lock()
        self._held: _Held | None = None
        self._secrets: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the secret parts of the keys in use, and of those before them."""
        return self._secrets

    async def current(self) -> AccessKeys:
        """Return keys that work for another 90 minutes, where IAM gives as long.

        Raises:
            AuthenticationError: IAM refuses to make any.
            ServiceError: it did not answer as documented; NOT_FOUND where it makes none
                at all, such as plain Keystone.
        """
        held = self._held
        if held is not None and self._clock.now() < held.renew_at:
            return held.keys
        return (await self._replaced(held)).keys

    async def renew(self, refused: AccessKeys) -> bool:
        """Replace keys that were refused, unless that is done, or they are new."""
        held = self._held
        if held is None or held.keys != refused:
            return True
        if self._clock.now() - held.made_at < _TOO_YOUNG:
            return False
        self._held = None
        await self._replaced(None)
        return True

    async def _replaced(self, old: _Held | None) -> _Held:
        """Ask for keys, or share what another caller got while we waited."""
        async with self._lock:
            held = self._held
            if held is not None and held is not old:
                return held
            try:
                self._held = await self._made()
            except ServiceError:
                now = self._clock.now()
                if held is None or now >= held.ends_at:
                    raise
                self._held = replace(held, renew_at=now + _RESPITE)
            return self._held

    async def _made(self) -> _Held:
        asked_at = self._clock.now()
        request = await self._authoriser.authorise(self._request())
        reply = await send_login(self._sender, request)
        if reply.status == HTTPStatus.UNAUTHORIZED and await self._authoriser.renew(
            request
        ):
            request = await self._authoriser.authorise(self._request())
            reply = await send_login(self._sender, request)
        made = _read(reply) if reply.status == HTTPStatus.CREATED else None
        if made is None:
            raise self._refused(request, reply)
        self._authoriser.accepted(request)
        keys, ends = made
        self._secrets = (
            keys.secret_key,
            keys.security_token or "",
            *self._secrets[:2],
        )
        # By IAM's own clock, so that a wrong one, here or there, does no harm.
        told = ends - (server_time(reply) or asked_at)
        left = min(max(told, _RESPITE), _LONGEST)
        margin = min(_LEAST_LEFT, left * _LEAST_SHARE)
        return _Held(
            keys=keys,
            made_at=asked_at,
            renew_at=asked_at + left - margin,
            ends_at=asked_at + left,
        )

    def _refused(self, request: Request, reply: Reply) -> ServiceError:
        where = urlsplit(self._url).netloc
        if reply.status not in _UNKNOWN_CALL:
            return refused_login(request, reply, f"temporary access keys at {where}")
        fault = Fault(
            kind=FaultKind.NOT_FOUND,
            code="iam.no-temporary-keys",
            reason=f"{where} makes no temporary access keys",
            action=Action.ASK_PERMISSION,
            http_status=reply.status,
        )
        return ServiceError(request.operation, fault)

    def _request(self) -> Request:
        life = {"duration_seconds": int(_LIFE.total_seconds())}
        auth = {"identity": {"methods": ["token"], "token": life}}
        return Request(
            operation="make temporary access keys",
            method="POST",
            url=self._url,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            body=json.dumps({"auth": auth}).encode(),
            deadline_s=_DEADLINE_S,
        )


def _read(reply: Reply) -> tuple[AccessKeys, datetime] | None:
    """Return the keys and their end; None where the answer is something else."""
    try:
        told = json.loads(reply.body)["credential"]
        access, secret, token = told["access"], told["secret"], told["securitytoken"]
        ends = datetime.fromisoformat(told["expires_at"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if not all(isinstance(text, str) and text for text in (access, secret, token)):
        return None
    if ends.tzinfo is None:
        return None
    keys = AccessKeys(access_key=access, secret_key=secret, security_token=token)
    return keys, ends
