"""A token from Keystone v3, replaced before it ends and once when it is refused.

Decides: when a token is replaced, that many callers cause one login, and what a refused
login means. Must not know: how the login is worded, images.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.identity.cloud import Login, Project
from batch_register.identity.login import host, login_request, secret, who
from batch_register.identity.session import Session, read_refusal, read_session
from batch_register.model import Action, Applied, Fault, FaultKind
from batch_register.ports import Clock
from batch_register.transport import Reply, Request, Sender, redirect_host
from batch_register.transport.skew import server_time
from batch_register.transport.text import plain_text

TOKEN_HEADER = "X-Auth-Token"  # noqa: S105 - the header's name
LOGIN_DEADLINE_S = 60.0

# How long before its end a token is replaced: the smaller of the two.
_MARGIN = timedelta(seconds=60)
_MARGIN_SHARE = 0.1
# A replacement that is refused this soon is no better than what it replaced.
_TRIAL = timedelta(seconds=10)
_TRIAL_SHARE = 0.5
# After a login failed while the token still works: how long to go on with it.
_RESPITE = timedelta(seconds=5)

_REFUSED = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The token in use; times are on our clock, None where its life is unknown."""

    session: Session
    ends_at: datetime | None
    renew_at: datetime | None
    trial_until: datetime
    follows_refusal: bool

    def is_fresh(self, now: datetime) -> bool:
        return self.renew_at is None or now < self.renew_at

    def is_alive(self, now: datetime) -> bool:
        return self.ends_at is None or now < self.ends_at


class TokenAuth:
    """Adds a project's token to requests; an `Authoriser`."""

    def __init__(
        self,
        login: Login,
        project: Project,
        sender: Sender,
        clock: Clock,
        *,
        cloud_name: str,
        deadline_s: float = LOGIN_DEADLINE_S,
    ) -> None:
        self._login = login
        self._project = project
        self._sender = sender
        self._clock = clock
        self._cloud_name = cloud_name
        self._deadline_s = deadline_s
        self._lock = asyncio.Lock()
        self._held: _Held | None = None
        self._failed_logins = 0
        self._failure: ServiceError | None = None

    async def session(self) -> Session:
        """Return a token that is good for a while, logging in where there is none.

        Raises:
            AuthenticationError: Keystone refused; it is not asked again.
            ServiceError: Keystone did not answer as documented; worth another try.
        """
        held = self._held
        if held is not None and held.is_fresh(self._clock.now()):
            return held.session
        try:
            return (await self._replace(held, follows_refusal=False)).session
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
            secrets=(*request.secrets, secret(self._login)),
        )

    async def renew(self, refused: Request) -> bool:
        """Replace the token that was refused, unless that is done already.

        At most one login per refused token, however many callers bring it. False where
        the token itself had just replaced a refused one: it is not the token then.
        """
        held = self._held
        if held is None or refused.headers.get(TOKEN_HEADER) != held.session.token:
            return True
        if held.follows_refusal and self._clock.now() < held.trial_until:
            return False
        await self._replace(held, follows_refusal=True)
        return True

    async def _replace(self, old: _Held | None, *, follows_refusal: bool) -> _Held:
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
                self._held = await self._log_in(follows_refusal=follows_refusal)
            except ServiceError as failure:
                self._failed_logins += 1
                self._failure = failure
                raise
            self._failure = None
            return self._held

    async def _log_in(self, *, follows_refusal: bool) -> _Held:
        request = login_request(self._login, self._project, deadline_s=self._deadline_s)
        sent_at = self._clock.now()
        try:
            reply = await self._sender.send(request)
        except ServiceError as exc:
            # Whether Keystone made a token or not: the caller's own request is unsent.
            is_lost = exc.kind is FaultKind.LOST
            kind = FaultKind.UNREACHABLE if is_lost else exc.kind
            fault = replace(exc.fault, kind=kind)
            raise ServiceError(exc.operation, fault, applied=Applied.NO) from None
        session = read_session(reply)
        if reply.status != HTTPStatus.CREATED or session is None:
            raise self._refusal(request, reply)
        return _hold(session, reply, sent_at, follows_refusal=follows_refusal)

    def _refusal(self, request: Request, reply: Reply) -> ServiceError:
        told = [
            plain_text(text, secrets=(*request.confidential, *reply.confidential))
            for text in (*read_refusal(reply), reply.request_id or "")
        ]
        code, message, request_id = told
        kind = _kind(reply.status)
        subject = f"{who(self._login)} at {host(self._login)}, cloud {self._cloud_name}"
        fault = Fault(
            kind=kind,
            code=code or f"login.{kind}",
            reason=f"{subject}: {message or _words(kind, reply)}",
            action=_ACTIONS.get(kind, Action.RUN_AGAIN),
            http_status=reply.status,
            request_id=request_id or None,
        )
        if reply.status in _REFUSED:
            return AuthenticationError("log in", fault)
        error = ServiceError("log in", fault, retry_after_s=_retry_after_s(reply))
        if kind in _ELSEWHERE:
            error.hint = "check auth_url: something other than Keystone answers there"
        return error


_LONGEST_WAIT_S = 3600.0  # a longer Retry-After is a mistake, or not worth obeying
_WORDS = {
    FaultKind.UNAUTHENTICATED: "the credentials are wrong or have ended",
    FaultKind.FORBIDDEN: "these credentials may not log in here",
    FaultKind.REJECTED: "the login was not accepted; check the cloud's settings",
    FaultKind.NOT_FOUND: "there is no Keystone v3; check auth_url",
    FaultKind.THROTTLED: "too many logins",
    FaultKind.SERVER: "Keystone has trouble",
    FaultKind.MISREAD: "the answer is not Keystone's; check auth_url",
}
_ELSEWHERE = frozenset({FaultKind.NOT_FOUND, FaultKind.MISREAD})
_ACTIONS = {
    FaultKind.UNAUTHENTICATED: Action.ASK_PERMISSION,
    FaultKind.FORBIDDEN: Action.ASK_PERMISSION,
    FaultKind.REJECTED: Action.ASK_PERMISSION,
}
_KINDS = {
    HTTPStatus.UNAUTHORIZED: FaultKind.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: FaultKind.FORBIDDEN,
    HTTPStatus.NOT_FOUND: FaultKind.NOT_FOUND,
    HTTPStatus.TOO_MANY_REQUESTS: FaultKind.THROTTLED,
}


def _kind(status: int) -> FaultKind:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return FaultKind.SERVER
    if status < HTTPStatus.BAD_REQUEST:
        return FaultKind.MISREAD
    return next((v for k, v in _KINDS.items() if k == status), FaultKind.REJECTED)


def _words(kind: FaultKind, reply: Reply) -> str:
    """Return our own words for an answer that has none."""
    if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
        where = redirect_host(reply)
        return f"redirected to {where}; redirects are never followed; check auth_url"
    return _WORDS[kind]


def _hold(
    session: Session, reply: Reply, sent_at: datetime, *, follows_refusal: bool
) -> _Held:
    """Return the token with its times moved to our clock.

    What counts is how long Keystone says it has left, so that a clock that is wrong,
    here or there, does no harm.
    """
    keystone_now = server_time(reply) or session.issued_at or sent_at
    ends = session.expires_at
    left = ends - keystone_now if ends is not None else timedelta(0)
    is_known = left > timedelta(0)
    margin = min(_MARGIN, left * _MARGIN_SHARE)
    trial = min(_TRIAL, left * _TRIAL_SHARE) if is_known else _TRIAL
    return _Held(
        session=session,
        ends_at=sent_at + left if is_known else None,
        renew_at=sent_at + left - margin if is_known else None,
        trial_until=sent_at + trial,
        follows_refusal=follows_refusal,
    )


def _retry_after_s(reply: Reply) -> float | None:
    value = reply.headers.get("retry-after", "")
    if not (value.isascii() and value.isdigit()):
        return None
    return min(float(value), _LONGEST_WAIT_S)


def _differs(held: _Held, old: _Held) -> bool:
    return held.session.token != old.session.token


def _again(error: ServiceError) -> ServiceError:
    """Return a copy: one exception raised in many tasks would grow with each."""
    return type(error)(
        error.operation,
        error.fault,
        applied=error.applied,
        retry_after_s=error.retry_after_s,
    )
