"""Which proxy, if any, a request goes through.

Decides: the proxy per URL, from the usual environment variables, and how its
credentials travel. Must not know: requests, services. aiohttp's own way is not used: it
also takes Authorization headers from ~/.netrc.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from types import MappingProxyType
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from batch_register.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How to reach one URL: directly, where `url` is None."""

    url: str | None = None
    name: str = ""  # host:port, for messages
    request_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    connect_headers: Mapping[str, str] | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)  # of the login there


_DIRECT = Route()
_SCHEMES = ("http", "https")
_HINT = (
    "give http://user:password@host:port; in a password write / as %2F, # as %23, "
    "? as %3F and @ as %40"
)


class Proxies:
    """The proxies by scheme, and the hosts that need none."""

    def __init__(self, by_scheme: Mapping[str, str]) -> None:
        self._by_scheme = MappingProxyType(dict(by_scheme))

    def route(self, url: str) -> Route:
        """Return the way to a URL; a proxy's password goes to the proxy alone.

        Raises:
            SettingsError: the proxy's address is malformed; it is not quoted, for it
                may hold a password that is not where it should be.
        """
        parts = urlsplit(url)
        kind = parts.scheme if self._by_scheme.get(parts.scheme) else "all"
        proxy = self._by_scheme.get(kind)
        if not proxy or self._is_excepted(parts.hostname or "", parts.port):
            return _DIRECT
        if not _is_address(proxy):
            message = f"the environment's {kind}_proxy is not the address of a proxy"
            raise SettingsError(message, hint=_HINT)
        return _through(proxy, tunnelled=parts.scheme == "https")

    def _is_excepted(self, host: str, port: int | None) -> bool:
        """Return whether `no_proxy` names the host, its port, or a network it is in.

        The standard library knows names alone. Source: requests, "Proxies"; curl's
        manual, "NO_PROXY".
        """
        names = [host] if port is None else [host, f"{host}:{port}"]
        return any(
            proxy_bypass(name, dict(self._by_scheme)) for name in names
        ) or _is_within(host, self._by_scheme.get("no", ""))


NO_PROXIES = Proxies({})


def _is_within(host: str, networks: str) -> bool:
    """Return whether the host is an address in one of the listed networks."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    for part in networks.split(","):
        with suppress(ValueError):  # a name
            if address in ip_network(part.strip().strip("[]"), strict=False):
                return True
    return False


def environment_proxies() -> Proxies:
    """Return the proxies that this process's environment names."""
    return Proxies(getproxies())


def _is_address(proxy: str) -> bool:
    """Return whether nothing but scheme, login, host and port is in it."""
    try:
        parts = urlsplit(_with_scheme(proxy))
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    return parts.scheme in _SCHEMES and has_place and is_bare


def _with_scheme(proxy: str) -> str:
    return proxy if "://" in proxy else f"http://{proxy}"


def _through(proxy: str, *, tunnelled: bool) -> Route:
    parts = urlsplit(_with_scheme(proxy))
    netloc = parts.netloc.rpartition("@")[2]
    headers: dict[str, str] = {}
    secrets: tuple[str, ...] = ()
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        encoded = base64.b64encode(pair.encode()).decode()
        headers["Proxy-Authorization"] = f"Basic {encoded}"
        secrets = (unquote(parts.password or ""), encoded)
    return Route(
        url=urlunsplit((parts.scheme, netloc, "", "", "")),
        name=netloc,
        request_headers={} if tunnelled else headers,
        connect_headers=headers if tunnelled else None,
        secrets=secrets,
    )
