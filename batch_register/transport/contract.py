"""What goes out and what comes back: requests, replies, and who handles them.

Decides: the shape of one HTTP call for everyone above. Must not know: any HTTP
library, images, how a token is got or a request is signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

_SECRET_HEADERS = frozenset({"authorization", "x-auth-token", "x-security-token"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, to the byte: `url` is already encoded, `body` already serialised."""

    operation: str  # for messages: "create image", "list images"
    method: str
    url: str = field(repr=False)  # a query may be signed
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    deadline_s: float = 60.0  # total, from connecting to the last byte of the answer
    # What must not be shown, beside what the headers carry; not part of what is sent.
    secrets: tuple[str, ...] = field(default=(), repr=False, compare=False)

    @property
    def confidential(self) -> tuple[str, ...]:
        """Return everything that must not be shown, should an answer repeat it."""
        carried = (
            value
            for name, value in self.headers.items()
            if name.lower() in _SECRET_HEADERS
        )
        return (*carried, *self.secrets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer, whole; header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    # What to mask in words of this answer that are shown.
    confidential: tuple[str, ...] = field(default=(), repr=False, compare=False)

    @property
    def request_id(self) -> str | None:
        """Return the service's own id of this request, for its support."""
        for name in ("x-request-id", "x-iam-trace-id", "x-openstack-request-id"):
            if value := self.headers.get(name):
                return value
        return None


def redirect_host(reply: Reply) -> str:
    """Return the host that a redirect names, for a message; nobody goes there."""
    try:
        host = urlsplit(reply.headers.get("location", "")).hostname
    except ValueError:
        host = None
    return host or "another address"


class Sender(Protocol):
    """Whoever sends a request once and returns its answer, whatever its status."""

    async def send(self, request: Request) -> Reply:
        """Send once, follow nothing; raise ServiceError where no answer came."""
        ...


class Authoriser(Protocol):
    """Whoever adds credentials to a request."""

    async def authorise(self, request: Request) -> Request:
        """Return the request with credentials; raise ServiceError where there are none."""
        ...

    def accepted(self, sent: Request) -> None:
        """Take note that the service took the credentials of a request."""
        ...

    async def renew(self, refused: Request) -> bool:
        """Replace the credentials that `refused` carried; False where that cannot help.

        Many callers may ask at once for the same credentials: one renewal serves all.
        """
        ...
