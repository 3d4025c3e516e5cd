"""The id of the project that stands for a region, asked of IAM.

Decides: what to make of none or several. Must not know: how the request is signed.
Source: IAM API reference, "Querying Project Information Based on the Specified Criteria".
"""

from __future__ import annotations

import json
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote

from batch_register.errors import AuthenticationError, ServiceError, SettingsError
from batch_register.identity.login import identity_root
from batch_register.identity.session import read_refusal
from batch_register.model import Action, Fault, FaultKind
from batch_register.ports import Clock
from batch_register.transport import Authoriser, Reply, Request, Sender
from batch_register.transport.skew import clock_words
from batch_register.transport.text import plain_text

_DEADLINE_S = 60.0


async def find_project_id(
    sender: Sender,
    authoriser: Authoriser,
    clock: Clock,
    *,
    auth_url: str,
    region: str,
    source: str,
) -> str:
    """Return the id of the one project that is named like the region.

    Raises:
        SettingsError: there is none, or more than one.
        AuthenticationError: IAM refused the access key.
        ServiceError: IAM did not answer as documented.
    """
    query = f"name={quote(region, safe='')}"
    request = Request(
        operation="find project",
        method="GET",
        url=f"{identity_root(auth_url)}/projects?{query}",
        headers={"Content-Type": "application/json"},
        deadline_s=_DEADLINE_S,
    )
    request = await authoriser.authorise(request)
    reply = await sender.send(request)
    if reply.status != HTTPStatus.OK:
        raise _refusal(request, reply, clock.now())
    ids = _ids(reply.body, name=region)
    if ids is None:
        raise _refusal(request, reply, clock.now())
    if len(ids) != 1:
        count = "no project" if not ids else f"{len(ids)} projects"
        message = f"{source}: {count} named {region!r}, so the project is not clear"
        raise SettingsError(message, hint="set project_id")
    return ids[0]


def _ids(body: bytes, *, name: str) -> list[str] | None:
    """Return the ids of the projects with this name; None where it is no list."""
    try:
        projects = json.loads(body)["projects"]
        ids = [item["id"] for item in projects if item.get("name") == name]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return ids if all(isinstance(each, str) and each for each in ids) else None


def _refusal(request: Request, reply: Reply, now: datetime) -> ServiceError:
    told = [
        plain_text(text, secrets=(*request.confidential, *reply.confidential))
        for text in (*read_refusal(reply), reply.request_id or "")
    ]
    code, message, request_id = told
    message = message or "IAM did not list the projects; check auth_url"
    if words := clock_words(reply, now):
        message = f"{message} ({words})"
    refused = reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    fault = Fault(
        kind=_kind(reply.status),
        code=code or "iam.projects",
        reason=message,
        action=Action.ASK_PERMISSION if refused else Action.RUN_AGAIN,
        http_status=reply.status,
        request_id=request_id or None,
    )
    kind = AuthenticationError if refused else ServiceError
    return kind(request.operation, fault)


def _kind(status: int) -> FaultKind:
    if status == HTTPStatus.UNAUTHORIZED:
        return FaultKind.UNAUTHENTICATED
    if status == HTTPStatus.FORBIDDEN:
        return FaultKind.FORBIDDEN
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return FaultKind.THROTTLED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return FaultKind.SERVER
    return FaultKind.MISREAD
