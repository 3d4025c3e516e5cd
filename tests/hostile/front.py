"""A front before a simulated cloud that misbehaves on chosen calls.

Everything else it passes on to the cloud and back, one connection per call. Made of raw
sockets, so that it can answer what no HTTP library would.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

_ORIGIN = re.compile(r"^https?://[^/]+")  # as a client writes it that asks a proxy
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_ROUTES = (
    ("token", "POST", r"/v3/auth/tokens"),
    ("project", "GET", r"/v3/projects"),
    ("create", "POST", r"/v2/images"),
    ("register", "PUT", r"/v1/cloudimages/[^/]+/upload"),
    ("list", "GET", r"/v2/cloudimages"),
    ("quota", "GET", r"/v1/cloudimages/quota"),
    ("get", "GET", r"/v2/images/[^/]+"),
    ("delete", "DELETE", r"/v2/images/[^/]+"),
    ("bucket", "HEAD", r"/obs/[^/]+"),
    ("object", "HEAD", r"/obs/[^/]+/.+"),
    ("content", "GET", r"/obs/[^/]+/.+"),
    ("part", "PUT", r"/obs/[^/]+/.+"),
    ("job", "GET", r"/v1/(?:[^/]+/jobs|cloudimages/job)/[^/]+"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it arrived; `number` counts the calls of this name from 1."""

    name: str
    method: str
    target: str
    head: bytes
    body: bytes
    number: int

    def header(self, name: str) -> str:
        """Return a header's value, empty where it is missing."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.strip().lower() == name.lower():
                return value.strip()
        return ""


class Exchange:
    """One call and the ways to answer it."""

    def __init__(
        self,
        call: Call,
        writer: asyncio.StreamWriter,
        forward: Callable[[Call], Awaitable[bytes]],
    ) -> None:
        self.call = call
        self._writer = writer
        self._forward = forward

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, status: str, body: bytes = b"", *headers: str) -> None:
        """Answer with a body and its right length."""
        lines = [
            f"HTTP/1.1 {status}",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *headers,
        ]
        await self.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def through(self) -> bytes:
        """Let the cloud carry the call out; return its whole answer."""
        return await self.send_on(self.call)

    async def send_on(self, call: Call) -> bytes:
        """Send the cloud another call; return its whole answer."""
        return await self._forward(call)

    async def reset(self) -> None:
        """Break the connection."""
        self._writer.transport.abort()


Misdeed = Callable[[Exchange], Awaitable[None]]


def always(_call: Call) -> bool:
    """Misbehave on every call."""
    return True


def first(count: int) -> Callable[[Call], bool]:
    """Misbehave on the first so many calls of a name."""
    return lambda call: call.number <= count


def about(word: str, *, times: int = 1) -> Callable[[Call], bool]:
    """Misbehave on the first calls whose body holds the word."""
    left = [times]

    def is_meant(call: Call) -> bool:
        if word.encode() not in call.body or left[0] == 0:
            return False
        left[0] -= 1
        return True

    return is_meant


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is done to which calls; `executed`: the cloud carries the call out first."""

    misdeed: Misdeed
    name: str
    when: Callable[[Call], bool] = always
    executed: bool = False


@dataclass
class Front:
    """The misbehaving front; `troubles` may change at any time."""

    upstream_port: int
    troubles: list[Trouble] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    port: int = 0
    scheme: str = "http"
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where to find it."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def open(self, context: ssl.SSLContext | None = None) -> None:
        """Start to serve."""
        self.scheme = "https" if context else "http"
        self._server = await asyncio.start_server(
            self._talk, "127.0.0.1", 0, ssl=context, limit=1 << 20
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop to serve, whatever is under way."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writers.add(writer)
        try:
            with suppress(
                asyncio.IncompleteReadError, OSError, asyncio.LimitOverrunError
            ):
                await self._serve(await self._read(reader), writer)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Call:
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1])) if length else b""
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        target = _ORIGIN.sub("", target)
        name = _name(method, target)
        self.counts[name] += 1
        call = Call(
            name=name,
            method=method,
            target=target,
            head=head,
            body=body,
            number=self.counts[name],
        )
        self.calls.append(call)
        return call

    async def _serve(self, call: Call, writer: asyncio.StreamWriter) -> None:
        exchange = Exchange(call, writer, self._forward)
        for trouble in self.troubles:
            if trouble.name == call.name and trouble.when(call):
                if trouble.executed:
                    await exchange.through()
                await trouble.misdeed(exchange)
                return
        await exchange.write(await exchange.through())

    async def _forward(self, call: Call) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream_port)
        try:
            first_line = f"{call.method} {call.target} HTTP/1.1".encode()
            rest = call.head.partition(b"\r\n")[2]
            rest = re.sub(rb"(?i)connection:[^\r]*\r\n", b"", rest)
            writer.write(first_line + b"\r\nConnection: close\r\n" + rest + call.body)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()


def _name(method: str, target: str) -> str:
    path = target.partition("?")[0]
    for name, wanted, pattern in _ROUTES:
        if method == wanted and re.fullmatch(pattern, path):
            return name
    return "other"
