"""What Keystone gives for a login: a token, its life, its project, its catalogue.

Decides: how the answer of `POST /v3/auth/tokens` is read. Must not know: sockets,
clocks, when a token is replaced. Source: OpenStack Identity API v3, "Authentication and
token management"; IAM, "Obtaining a User Token Through Password Authentication".
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeGuard

from batch_register.transport import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One line of the catalogue."""

    service_type: str
    interface: str
    region: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One token; the times are Keystone's own, None where it does not tell."""

    token: str = field(repr=False)
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    project_id: str | None = None
    project_name: str | None = None
    catalog: tuple[Endpoint, ...] = ()


def read_session(reply: Reply) -> Session | None:
    """Return the session in a reply; None where it holds no token."""
    token = reply.headers.get("x-subject-token")
    body = _member(_json(reply.body), "token")
    if not token or not _is_object(body):
        return None
    project = body.get("project")
    return Session(
        token=token,
        issued_at=_instant(body.get("issued_at")),
        expires_at=_instant(body.get("expires_at")),
        project_id=_text(_member(project, "id")) or None,
        project_name=_text(_member(project, "name")) or None,
        catalog=read_catalog(body.get("catalog")),
    )


def read_refusal(reply: Reply) -> tuple[str, str]:
    """Return code and message of an error body, empty where it has none.

    Keystone nests them under `error`; IAM's own calls and the gateway write
    `error_code` and `error_msg`.
    """
    body = _json(reply.body)
    inner = _member(body, "error")
    if _is_object(inner):
        return "", _text(inner.get("message"))
    return _text(_member(body, "error_code")), _text(_member(body, "error_msg"))


def read_catalog(services: object) -> tuple[Endpoint, ...]:
    """Return the lines of a catalogue as Keystone v3 writes it, whatever is missing."""
    found: list[Endpoint] = []
    for service in _list(services):
        service_type = _text(_member(service, "type"))
        for endpoint in _list(_member(service, "endpoints")):
            region = _member(endpoint, "region_id") or _member(endpoint, "region")
            found.append(
                Endpoint(
                    service_type=service_type,
                    interface=_text(_member(endpoint, "interface")),
                    region=_text(region),
                    url=_text(_member(endpoint, "url")),
                )
            )
    return tuple(found)


def _instant(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _json(data: bytes) -> object:
    try:
        document: object = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return document


def _is_object(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _member(value: object, name: str) -> object:
    return value.get(name) if _is_object(value) else None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
