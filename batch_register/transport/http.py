"""The sender over aiohttp: one call, one request on the wire, one whole answer.

Decides: how aiohttp is kept from helping (no second try, no redirect, no cookies, no
headers of its own, no unlimited bodies) and when a request may have reached the server.
Must not know: services, tokens, signatures.

Two habits guard the writes. aiohttp repeats GET, PUT and DELETE by itself when a
kept-alive connection closes unanswered; a middleware per call hides that failure from
it, so that there is no second try. And writes go out on fresh connections only: an idle
connection that the server closes in that moment would leave us in doubt for nothing.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from http import HTTPStatus
from types import SimpleNamespace, TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from batch_register import __version__
from batch_register.errors import ServiceError
from batch_register.transport.body import ACCEPTED_ENCODING, body_reader
from batch_register.transport.contract import Reply, Request
from batch_register.transport.failure import (
    FOREIGN,
    ProxyRefusedError,
    refuse,
    translate,
)
from batch_register.transport.proxy import NO_PROXIES, Proxies, environment_proxies
from batch_register.transport.secrecy import unrepeated
from batch_register.transport.tls import Tls

BODY_LIMIT_BYTES = 4 * 2**20
CONNECT_TIMEOUT_S = 10.0
# Tokens of several kB come in one header line (IAM: "Obtaining a User Token").
HEADER_LIMIT_BYTES = 64 * 2**10

_OWN_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_READS = frozenset({"GET", "HEAD"})
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_NOT_IN_URL = re.compile(r"[^\x21-\x7e]")
_METHOD = re.compile(r"[A-Z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """What a sender may be told; sizes in bytes, times in seconds.

    `connections` bounds the open connections for reads, and those for writes.
    `trust_env`: take proxies from the environment (`HTTPS_PROXY`, `NO_PROXY`, ...);
    ~/.netrc is never read. `reads_bodies`: where it is False, the status and the headers
    are the whole answer, whatever follows them. `decodes_bodies`: where it is False, a
    body is given as it was sent, whatever its Content-Encoding.
    """

    connections: int
    trust_env: bool
    tls: Tls
    body_limit_bytes: int = BODY_LIMIT_BYTES
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    reads_bodies: bool = True
    decodes_bodies: bool = True


class HttpSender:
    """A `Sender` over aiohttp; open it with `async with` inside a running loop."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._proxies: Proxies = NO_PROXIES
        self._reading: aiohttp.ClientSession | None = None
        self._writing: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open no connection yet; raise SettingsError where certificates are bad."""
        if self._options.tls.has_files:
            _ = self._options.tls.context  # say so now, not at the first call
        if self._options.trust_env:
            self._proxies = environment_proxies()
        self._reading = self._session(keep_alive=True)
        self._writing = self._session(keep_alive=False)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for session in (self._reading, self._writing):
            if session is not None:
                await session.close()
        self._reading = self._writing = None

    async def send(self, request: Request) -> Reply:
        """Send once, follow nothing, return the whole answer whatever its status.

        Raises:
            ServiceError: no whole answer came; `applied` says whether the service may
                have acted on the request all the same.
            SettingsError: the proxy for it has a malformed address.
        """
        if problem := _problem(request):
            raise refuse(request, problem)
        attempt = _Attempt()
        try:
            async with asyncio.timeout(request.deadline_s):
                return await self._exchange(request, attempt)
        except _StoppedError as stopped:
            failure: Exception = stopped.foreign
        except FOREIGN as exc:
            failure = exc
        # Outside the handler, so that nothing is chained: foreign exceptions hold the
        # request's headers, and whoever prints the chain would print the token.
        raise self._error(request, attempt, failure)

    async def _exchange(self, request: Request, attempt: _Attempt) -> Reply:
        session = self._reading if request.method in _READS else self._writing
        if session is None:
            message = "HttpSender is used outside its `async with`"
            raise RuntimeError(message)
        proxy = self._proxies.route(request.url)
        async with session.request(
            request.method,
            URL(request.url, encoded=True),
            headers={**request.headers, **proxy.request_headers},
            data=request.body or None,
            allow_redirects=False,
            proxy=proxy.url,
            proxy_headers=proxy.connect_headers,
            ssl=self._options.tls.context if request.url.startswith("https:") else True,
            middlewares=(attempt,),
            trace_request_ctx=attempt,
        ) as response:
            attempt.check()
            if (
                proxy.url
                and response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
            ):
                response.close()
                raise ProxyRefusedError
            return unrepeated(await self._whole(response), proxy.secrets)

    async def _whole(self, response: aiohttp.ClientResponse) -> Reply:
        if self._options.reads_bodies:
            body = await self._body(response)
        else:
            response.close()
            body = b""
        headers: dict[str, str] = {}
        for name, value in response.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        return Reply(status=response.status, headers=headers, body=body)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        encoding = ""
        if self._options.decodes_bodies:
            encoding = response.headers.get("Content-Encoding", "")
        try:
            reader = body_reader(encoding, limit_bytes=self._options.body_limit_bytes)
            async for piece in response.content.iter_any():
                reader.feed(piece)
            return reader.finish()
        except BaseException:
            response.close()  # never drain what we do not want
            raise

    def _session(self, *, keep_alive: bool) -> aiohttp.ClientSession:
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(_note_connected)
        trace.on_connection_reuseconn.append(_note_connected)
        limit = self._options.connections
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit, force_close=not keep_alive),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={
                "Accept-Encoding": ACCEPTED_ENCODING,
                "User-Agent": f"batch-register/{__version__}",
            },
            skip_auto_headers=_OWN_HEADERS,
            auto_decompress=False,
            trust_env=False,
            max_line_size=HEADER_LIMIT_BYTES,
            max_field_size=HEADER_LIMIT_BYTES,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._options.connect_timeout_s
            ),
            trace_configs=[trace],
        )

    def _error(
        self, request: Request, attempt: _Attempt, failure: Exception
    ) -> ServiceError:
        via = self._proxies.route(request.url).name
        return translate(request, failure, may_be_sent=attempt.may_be_sent, via=via)


class _StoppedError(Exception):
    """A foreign failure in a wrapper that aiohttp does not take for a retryable one."""

    def __init__(self, foreign: Exception) -> None:
        super().__init__(type(foreign).__name__)
        self.foreign = foreign


class _Attempt:
    """One try of one call: an aiohttp middleware, and a note of how far it came."""

    def __init__(self) -> None:
        self.may_be_sent = False
        self._tries = 0

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Let the request through once, and let no failure look retryable."""
        self._tries += 1
        self.check_single()
        try:
            return await handler(request)
        except (aiohttp.ClientError, OSError) as exc:
            raise _StoppedError(exc) from None

    def check_single(self) -> None:
        """Stop a second try, whatever a later aiohttp may think of."""
        if self._tries > 1:
            message = "aiohttp sent a request twice: this version cannot be used"
            raise RuntimeError(message)

    def check(self) -> None:
        """Refuse an aiohttp that answers without telling us of the connection.

        All that we say about `applied` rests on its telling us.
        """
        if not self.may_be_sent or self._tries != 1:
            message = "aiohttp does not report its connections: cannot be used"
            raise RuntimeError(message)


async def _note_connected(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: object
) -> None:
    """Note that a connection was handed to the request: from now on, who knows."""
    attempt: _Attempt = context.trace_request_ctx
    attempt.may_be_sent = True


def _problem(request: Request) -> str:
    """Return why a request must not be sent, or nothing."""
    if not _METHOD.fullmatch(request.method):
        return "the method is not in capitals"
    for name, value in request.headers.items():
        if _UNPRINTABLE.search(name) or _UNPRINTABLE.search(value):
            return "a header holds a control character"
    return _address_problem(request.url)


def _address_problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "the URL's host or port is malformed"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "the URL has no http(s) scheme or no host"
    if _NOT_IN_URL.search(url) or "@" in parts.netloc:
        return "the URL is not encoded, or holds a user name"
    return ""
