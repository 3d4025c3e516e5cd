"""The one table from the HTTP library's failures to ours.

Decides: what a failure is called, whether the request may have been acted on, and what
a person should do. The words never hold headers, queries, user names or a foreign
exception's own text, since those carry tokens. Must not know: services.
"""

from __future__ import annotations

import errno
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from batch_register.errors import ServiceError
from batch_register.model import Action, Applied, Fault, FaultKind
from batch_register.transport.body import BodyTooLargeError, BodyUndecodableError
from batch_register.transport.certificates import certificate_trouble
from batch_register.transport.contract import Request

REFUSED: Final = "transport.refused"  # by the host itself: nothing listens there


class ProxyRefusedError(Exception):
    """A proxy that passes requests on in clear text wants another login (HTTP 407)."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What one foreign exception means."""

    code: str
    words: str
    action: Action = Action.RUN_AGAIN


_UNREACHABLE = _Row("transport.unreachable", "cannot connect")
_REFUSED = _Row(REFUSED, "cannot connect")

# The first row whose type fits counts: the special before the general.
_TABLE: tuple[tuple[type[BaseException], _Row], ...] = (
    (BodyTooLargeError, _Row("transport.body-too-large", "the answer is too large")),
    (
        BodyUndecodableError,
        _Row("transport.undecodable", "the answer's compression is broken or unknown"),
    ),
    (
        aiohttp.ClientSSLError,
        _Row("transport.tls", "TLS could not be set up", Action.CONTACT_PROVIDER),
    ),
    (
        ssl.SSLError,
        _Row("transport.tls", "the encrypted connection broke"),
    ),
    (
        aiohttp.ClientConnectorDNSError,
        _Row("transport.dns", "the host name cannot be resolved; check the endpoint"),
    ),
    (
        aiohttp.ClientProxyConnectionError,
        _Row("transport.proxy", "the proxy cannot be reached"),
    ),
    (
        aiohttp.ClientHttpProxyError,
        _Row("transport.proxy", "the proxy refused", Action.ASK_PERMISSION),
    ),
    (
        ProxyRefusedError,
        _Row("transport.proxy", "the proxy refused (HTTP 407)", Action.ASK_PERMISSION),
    ),
    (
        UnicodeError,  # a label of more than 63 letters, or an empty one
        _Row("transport.dns", "the host name is malformed; check the endpoint"),
    ),
    (aiohttp.ClientConnectorError, _UNREACHABLE),
    (TimeoutError, _Row("transport.timeout", "it took too long")),
    (aiohttp.ClientPayloadError, _Row("transport.cut-off", "the answer is cut off")),
    (
        aiohttp.ClientResponseError,
        _Row("transport.not-http", "the answer is not readable as HTTP"),
    ),
    (
        aiohttp.ServerDisconnectedError,
        _Row("transport.reset", "the server closed the connection without an answer"),
    ),
    (ConnectionError, _Row("transport.reset", "the connection was reset")),
    (OSError, _Row("transport.reset", "the connection broke")),
)
_OTHER = _Row("transport.failed", "the HTTP library gave up")

# What `send` catches: everything foreign that a network or a server can cause.
FOREIGN: tuple[type[Exception], ...] = (
    aiohttp.ClientError,
    OSError,  # with TimeoutError and ssl.SSLError
    UnicodeError,
    BodyTooLargeError,
    BodyUndecodableError,
    ProxyRefusedError,
)


def host_of(url: str) -> str:
    """Return `host:port` of a URL, without anything that could be secret."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.hostname or ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def translate(
    request: Request, exc: BaseException, *, may_be_sent: bool, via: str = ""
) -> ServiceError:
    """Return our error for a foreign one; `via` names the proxy, if there is one.

    Nothing was sent where no connection was handed to the request, so that it may be
    repeated; in every other case the service may have acted on it.
    """
    row = _row(exc)
    system_words = _system_words(exc)
    detail = f" ({system_words})" if system_words else ""
    through = f" through the proxy {via}" if via else ""
    fault = Fault(
        kind=FaultKind.LOST if may_be_sent else FaultKind.UNREACHABLE,
        code=row.code,
        reason=f"{host_of(request.url)}{through}: {row.words}{detail}",
        action=row.action,
    )
    applied = Applied.UNKNOWN if may_be_sent else Applied.NO
    return ServiceError(request.operation, fault, applied=applied)


def _row(exc: BaseException) -> _Row:
    trouble = certificate_trouble(exc)
    if trouble is not None:
        # waiting does not mend it
        return _Row(*trouble, action=Action.CONTACT_PROVIDER)
    row = next((row for kind, row in _TABLE if isinstance(exc, kind)), _OTHER)
    is_refused = isinstance(exc, OSError) and exc.errno == errno.ECONNREFUSED
    return _REFUSED if row is _UNREACHABLE and is_refused else row


def refuse(request: Request, problem: str) -> ServiceError:
    """Return the error for a request that must not be sent as it is."""
    fault = Fault(
        kind=FaultKind.REJECTED,
        code="transport.request",
        reason=f"not sent: {problem}",
        action=Action.CONTACT_PROVIDER,
    )
    return ServiceError(request.operation, fault)


def _system_words(exc: BaseException) -> str:
    """Return what the operating system, OpenSSL or a proxy says: never user data."""
    if isinstance(exc, aiohttp.ClientHttpProxyError):
        return f"HTTP {exc.status}"
    if isinstance(exc, aiohttp.ClientConnectorCertificateError):
        verdict = getattr(exc.certificate_error, "verify_message", "")
        return str(verdict)
    if isinstance(exc, OSError) and exc.errno is not None:
        return exc.strerror or ""
    return ""
