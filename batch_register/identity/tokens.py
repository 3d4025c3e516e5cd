"""Tokens: one for many callers, replaced before it ends and once when it is refused.

Decides: when a token is replaced, that many callers cause one login, what a failed one
means for those who wait. Must not know: how a login is made, images.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.identity.session import Session
from batch_register.ports import Clock
from batch_register.transport import Request

TOKEN_HEADER = "X-Auth-Token"  # noqa: S105 - the header's name

# How long before its end a token is replaced: the smaller of the two.
_MARGIN = timedelta(seconds=60)
_MARGIN_SHARE = 0.1
# After a login failed while the token still works: how long to go on with it.
_RESPITE = timedelta(seconds=5)
# A life that no token has; the end of the calendar is some Keystone's word for never.
_LONGEST_LIFE = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A new token, and the time by Keystone's own clock; None where it did not tell."""

    session: Session
    keystone_now: datetime | None


class TokenSource(Protocol):
    """Whoever logs in; `secrets` are what it does it with."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what must not be shown, should an answer repeat it."""
        ...

    async def issue(self) -> Issued:
        """Log in once.

        Raises:
            AuthenticationError: the login was refused.
            ServiceError: it was not answered as documented; worth another try.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The token in use; times are on our clock, None where its life is unknown."""

    session: Session
    ends_at: datetime | None
    renew_at: datetime | None

    def is_fresh(self, now: datetime) -> bool:
        return self.renew_at is None or now < self.renew_at

    def is_alive(self, now: datetime) -> bool:
        return self.ends_at is None or now < self.ends_at


class TokenAuth:
    """Adds a project's token to requests; an `Authoriser`."""

    def __init__(self, source: TokenSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._lock = asyncio.Lock()
        self._held: _Held | None = None
        # Kinds of call that a token was replaced for, and that none succeeded in since.
        self._unproven: set[str] = set()
        self._failed_logins = 0
        self._failure: ServiceError | None = None

    async def session(self) -> Session:
        """Return a token that is good for a while, logging in where there is none.

        Raises:
            AuthenticationError: the login was refused; there is no other one.
            ServiceError: Keystone did not answer as documented; worth another try.
        """
        held = self._held
        if held is not None and held.is_fresh(self._clock.now()):
            return held.session
        try:
            return (await self._replace(held)).session
        except AuthenticationError:
            raise
        except ServiceError:
            now = self._clock.now()
            held = self._held
            if held is None or not held.is_alive(now):
                raise
            self._held = replace(held, renew_at=now + _RESPITE)
            return held.session

    async def authorise(self, request: Request) -> Request:
        """Return the request with a token; raises as `session` does."""
        token = (await self.session()).token
        return replace(
            request,
            headers={**request.headers, TOKEN_HEADER: token},
            # not sent here, but a careless cloud may remember it from the login
            secrets=(*request.secrets, *self._source.secrets),
        )

    def accepted(self, sent: Request) -> None:
        """Take note that the token is good for this kind of call."""
        if _carries(sent, self._held):
            self._unproven.discard(sent.operation)

    async def renew(self, refused: Request) -> bool:
        """Replace the token that was refused, unless that is done already.

        At most one login per refused token, however many callers bring it. False where
        it had replaced one for this kind of call, and none has succeeded since: it is
        not the token then.
        """
        held = self._held
        if not _carries(refused, held):
            return True
        if refused.operation in self._unproven:
            return False
        await self._replace(held, refused_for=refused.operation)
        return True

    async def _replace(
        self, old: _Held | None, *, refused_for: str | None = None
    ) -> _Held:
        """Log in, or share what another caller's login gave while we waited."""
        failed_before = self._failed_logins
        async with self._lock:
            held = self._held
            if held is not None and (old is None or _differs(held, old)):
                return held
            if self._failure is not None and (
                self._failed_logins != failed_before
                or isinstance(self._failure, AuthenticationError)
            ):
                raise _again(self._failure)
            try:
                self._held = await self._log_in()
            except ServiceError as failure:
                self._failed_logins += 1
                self._failure = failure
                raise
            self._failure = None
            if refused_for is not None:
                self._unproven.add(refused_for)
            return self._held

    async def _log_in(self) -> _Held:
        sent_at = self._clock.now()
        issued = await self._source.issue()
        return _hold(issued, sent_at)


def _hold(issued: Issued, sent_at: datetime) -> _Held:
    """Return the token with its times moved to our clock.

    What counts is how long Keystone says it has left, so that a clock that is wrong,
    here or there, does no harm.
    """
    session = issued.session
    keystone_now = issued.keystone_now or session.issued_at or sent_at
    ends = session.expires_at
    left = ends - keystone_now if ends is not None else timedelta(0)
    left = min(left, _LONGEST_LIFE)
    is_known = left > timedelta(0)
    margin = min(_MARGIN, left * _MARGIN_SHARE)
    return _Held(
        session=session,
        ends_at=sent_at + left if is_known else None,
        renew_at=sent_at + left - margin if is_known else None,
    )


def _carries(request: Request, held: _Held | None) -> bool:
    token = request.headers.get(TOKEN_HEADER)
    return held is not None and token == held.session.token


def _differs(held: _Held, old: _Held) -> bool:
    # not by their tokens: some Keystones and caches before them give one twice
    return held.session is not old.session


def _again(error: ServiceError) -> ServiceError:
    """Return a copy: one exception raised in many tasks would grow with each."""
    copy = type(error)(
        error.operation,
        error.fault,
        applied=error.applied,
        retry_after_s=error.retry_after_s,
    )
    copy.hint = error.hint
    return copy
