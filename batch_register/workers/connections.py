"""Connections to a store, kept open from one part to the next.

Decides: which way leads to an address (proxy, tunnel, TLS), and when an idle connection
is still good. Must not know: files, parts, signatures.

For threads, not for the loop: http.client blocks, and a thread that sends a file's bytes
holds nobody up. It follows no redirect, keeps no cookie and reads no ~/.netrc.
"""

from __future__ import annotations

import select
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from batch_register.transport.proxy import NO_PROXIES, Route, environment_proxies
from batch_register.transport.tls import Tls

CONNECT_TIMEOUT_S = 10.0
# Servers close idle connections; the usual least is 5 s (Apache's KeepAliveTimeout).
_LONGEST_IDLE_S = 4.0
_MOST_IDLE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a request goes, and how it gets there; two equal ones share connections."""

    scheme: str
    host: str
    port: int | None
    tls: Tls
    route: Route = field(repr=False, compare=False)
    via: str | None = None

    @property
    def is_tunnelled(self) -> bool:
        """Return whether the proxy only passes bytes on."""
        return self.via is not None and self.scheme == "https"

    def request_line(self, parts: SplitResult, address: str) -> str:
        """Return what the request asks for: a proxy has to be told the host, too."""
        if self.via is not None and not self.is_tunnelled:
            return address
        return (
            f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        )


def target_of(address: str, *, tls: Tls, trust_env: bool) -> Target:
    """Return the way to an address.

    Raises:
        SettingsError: the environment's proxy has a malformed address.
    """
    parts = urlsplit(address)
    proxies = environment_proxies() if trust_env else NO_PROXIES
    route = proxies.route(address)
    return Target(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port,
        tls=tls,
        route=route,
        via=route.url,
    )


class TunnelError(OSError):
    """A proxy does not pass bytes on to the store."""


class Connections:
    """The idle connections of this process; one is lent to one sender at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[Target, HTTPConnection, float]] = []

    @contextmanager
    def lent(self, target: Target) -> Iterator[HTTPConnection]:
        """Lend a connection, opened if none is idle; closed where anything went wrong.

        Whoever borrows it must have read the whole answer.

        Raises:
            OSError: it cannot be opened; ssl.SSLError where TLS fails, TunnelError where
                a proxy refuses.
        """
        connection = self._taken(target) or _opened(target)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if connection.sock is None:  # the server has asked to close it
            return
        with self._lock:
            self._idle.append((target, connection, time.monotonic()))
            surplus = self._idle[:-_MOST_IDLE]
            del self._idle[:-_MOST_IDLE]
        for _, one, _ in surplus:
            one.close()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection, _ in idle:
            connection.close()

    def _taken(self, target: Target) -> HTTPConnection | None:
        """Take an idle connection that nobody has closed, the freshest first."""
        while True:
            with self._lock:
                fits = [n for n, one in enumerate(self._idle) if one[0] == target]
                if not fits:
                    return None
                _, connection, since_s = self._idle.pop(fits[-1])
            is_fresh = time.monotonic() - since_s <= _LONGEST_IDLE_S
            if is_fresh and not is_readable(connection):
                return connection
            connection.close()


def is_readable(connection: HTTPConnection) -> bool:
    """Return whether the other side has said something, or has closed."""
    if connection.sock is None:
        return True
    poll = select.poll()
    with suppress(ValueError):  # closed meanwhile
        poll.register(connection.sock, select.POLLIN)
        return bool(poll.poll(0))
    return True


def _opened(target: Target) -> HTTPConnection:
    place = urlsplit(target.via) if target.via is not None else None
    host = (place.hostname if place else target.host) or ""
    port = place.port if place else target.port
    if _is_encrypted(target):
        connection: HTTPConnection = HTTPSConnection(
            host, port, timeout=CONNECT_TIMEOUT_S, context=_context(target.tls)
        )
    else:
        connection = HTTPConnection(host, port, timeout=CONNECT_TIMEOUT_S)
    if target.is_tunnelled:
        headers = dict(target.route.connect_headers or {})
        connection.set_tunnel(target.host, target.port, headers)
    try:
        connection.connect()
    except BaseException as error:
        connection.close()
        # http.client tells of a proxy's refusal by an error without a number.
        if target.is_tunnelled and isinstance(error, OSError) and error.errno is None:
            raise TunnelError from None
        raise
    return connection


def _is_encrypted(target: Target) -> bool:
    """Return whether the first thing on the wire, or in the tunnel, is TLS.

    A proxy that is itself spoken to by TLS is one for plain addresses only: http.client
    cannot put one TLS into another.
    """
    if target.is_tunnelled:
        return True
    return (target.via or target.scheme).startswith("https")


@lru_cache(maxsize=4)
def _context(tls: Tls) -> ssl.SSLContext:
    """Return the context of a copy: what goes to other machines must hold none."""
    return replace(tls).context
