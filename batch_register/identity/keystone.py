"""Logging in at Keystone v3, for a project or as an agency of another account.

Decides: what a refused login means and how it is told. Must not know: how the login is
worded, how long a token is used, images.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.identity.cloud import Agency, Login, Project
from batch_register.identity.login import (
    agency_request,
    for_project,
    host,
    login_request,
    secret,
    who,
    who_is_agency,
)
from batch_register.identity.session import read_refusal, read_session
from batch_register.identity.tokens import Issued
from batch_register.model import Action, Applied, Fault, FaultKind
from batch_register.transport import Reply, Request, Sender, redirect_host
from batch_register.transport.skew import server_time
from batch_register.transport.text import plain_text

LOGIN_DEADLINE_S = 60.0

_REFUSED = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
)


class KeystoneSource:
    """Logs in with our own means; a `tokens.TokenSource`."""

    def __init__(
        self,
        login: Login,
        project: Project,
        sender: Sender,
        *,
        cloud_name: str,
        agency: Agency | None = None,
        deadline_s: float = LOGIN_DEADLINE_S,
    ) -> None:
        self._login = login
        self._project = project
        self._sender = sender
        self._cloud_name = cloud_name
        self._agency = agency
        self._deadline_s = deadline_s

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the password, secret or token that is logged in with."""
        return (secret(self._login),)

    async def issue(self) -> Issued:
        """Return a new token, with an agency by way of the user's own."""
        agency = self._agency
        request = login_request(
            self._login,
            self._project,
            deadline_s=self._deadline_s,
            for_agency=agency is not None,
        )
        # Keystone does not tell a wrong password from a project that is not there.
        project = "" if agency else for_project(self._login, self._project)
        issued = await self._ask(request, who(self._login) + project)
        if agency is None:
            return issued
        request = agency_request(
            agency,
            self._project,
            auth_url=self._login.auth_url,
            token=issued.session.token,
            deadline_s=self._deadline_s,
        )
        request = replace(request, secrets=self.secrets)
        subject = who_is_agency(agency) + for_project(self._login, self._project)
        return await self._ask(request, subject)

    async def _ask(self, request: Request, subject: str) -> Issued:
        reply = await send_login(self._sender, request)
        session = read_session(reply)
        if reply.status != HTTPStatus.CREATED or session is None:
            where = f"at {host(self._login)}, cloud {self._cloud_name}"
            raise refused_login(request, reply, f"{subject} {where}")
        return Issued(session=session, keystone_now=server_time(reply))


async def send_login(sender: Sender, request: Request) -> Reply:
    """Return the answer to a part of a login.

    Raises:
        ServiceError: there was none. Whether Keystone made a token or not, the caller's
            own request is unsent.
    """
    try:
        return await sender.send(request)
    except ServiceError as exc:
        is_lost = exc.kind is FaultKind.LOST
        fault = replace(exc.fault, kind=FaultKind.UNREACHABLE if is_lost else exc.kind)
        raise ServiceError(exc.operation, fault, applied=Applied.NO) from None


def refused_login(request: Request, reply: Reply, subject: str) -> ServiceError:
    """Return the error for an answer that is no token; `subject` says who, and where."""
    told = [
        plain_text(text, secrets=(*request.confidential, *reply.confidential))
        for text in (*read_refusal(reply), reply.request_id or "")
    ]
    code, message, request_id = told
    kind = _kind(reply.status)
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


def _retry_after_s(reply: Reply) -> float | None:
    value = reply.headers.get("retry-after", "")
    if not (value.isascii() and value.isdigit()):
        return None
    return min(float(value), _LONGEST_WAIT_S)
