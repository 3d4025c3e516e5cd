"""Servers made of raw sockets, for answers that no HTTP library would give."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from batch_register.transport.http import HttpOptions, HttpSender
from batch_register.transport.tls import Tls

Handler = Callable[["Conversation"], Awaitable[None]]


@dataclass
class RawServer:
    """Counts what arrives; each connection is given to `handler`."""

    handler: Handler
    url: str = ""
    port: int = 0
    connections: int = 0
    arrivals: list[bytes] = field(default_factory=list)


class Conversation:
    """One connection as the server sees it."""

    def __init__(
        self,
        server: RawServer,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer

    async def read(self) -> bytes:
        """Return one whole request, head and body, and count it."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: *([0-9]+)", head.lower())
        body = await self.reader.readexactly(int(length[1])) if length else b""
        self.server.arrivals.append(head + body)
        return head + body

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, status: str, body: bytes = b"", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        await self.write("\r\n".join(lines).encode() + body)

    def reset(self) -> None:
        """Close so that the other side sees a reset rather than an end."""
        self.writer.transport.abort()


Serve = Callable[..., Awaitable[RawServer]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start raw servers; end them and their connections afterwards."""
    servers: list[asyncio.Server] = []
    writers: list[asyncio.StreamWriter] = []

    async def start(
        handler: Handler, *, context: ssl.SSLContext | None = None
    ) -> RawServer:
        raw = RawServer(handler=handler)

        async def talk(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            raw.connections += 1
            writers.append(writer)
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await raw.handler(Conversation(raw, reader, writer))
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
        servers.append(server)
        raw.port = server.sockets[0].getsockname()[1]
        raw.url = f"{'https' if context else 'http'}://127.0.0.1:{raw.port}"
        return raw

    yield start
    for server in servers:
        server.close()
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)


def options(**changes: object) -> HttpOptions:
    fields: dict[str, object] = {"connections": 4, "trust_env": False, "tls": Tls()}
    return HttpOptions(**{**fields, **changes})  # type: ignore[arg-type]


Open = Callable[..., Awaitable[HttpSender]]


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    """A sender with the usual options."""
    async with HttpSender(options()) as opened:
        yield opened


@pytest.fixture
async def open_sender() -> AsyncIterator[Open]:
    """Open senders with other options; close them afterwards."""
    opened: list[HttpSender] = []

    async def start(**changes: object) -> HttpSender:
        sender = await HttpSender(options(**changes)).__aenter__()
        opened.append(sender)
        return sender

    yield start
    for sender in opened:
        await sender.__aexit__(None, None, None)
