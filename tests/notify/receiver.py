"""A receiver of notifications on 127.0.0.1, in threads, that may misbehave."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Arrived:
    """One request as it arrived; header names are lower-case."""

    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers each request by its behaviour; keeps what arrived."""

    behave: Behaviour
    port: int = 0
    arrived: list[Arrived] = field(default_factory=list)
    has_arrived: threading.Event = field(default_factory=threading.Event)
    is_over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"


Behaviour = Callable[[Receiver, socket.socket], None]


def answer(head: str, body: bytes = b"") -> Behaviour:
    """Answer with a status line, further header lines and a body."""

    def behave(_receiver: Receiver, peer: socket.socket) -> None:
        lines = f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n"
        peer.sendall(lines.encode() + body)

    return behave


def never_answer(receiver: Receiver, _peer: socket.socket) -> None:
    """Keep the sender waiting."""
    receiver.is_over.wait()


def hang_up(_receiver: Receiver, _peer: socket.socket) -> None:
    """Close without a word."""


def close_in_the_middle(_receiver: Receiver, peer: socket.socket) -> None:
    """Close in the middle of the head."""
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")


def talk_nonsense(_receiver: Receiver, peer: socket.socket) -> None:
    """Answer in no protocol at all."""
    peer.sendall(b"\x00\xff nonsense \r\n\r\n")


def never_end(receiver: Receiver, peer: socket.socket) -> None:
    """Answer 200 and a body without an end."""
    peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with suppress(OSError):
        while not receiver.is_over.is_set():
            peer.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")


@contextmanager
def receiving(behave: Behaviour) -> Iterator[Receiver]:
    """Receive until the block ends."""
    receiver = Receiver(behave)
    with socket.create_server(("127.0.0.1", 0)) as server:
        receiver.port = server.getsockname()[1]
        listening = threading.Thread(
            target=_listen, args=(receiver, server), daemon=True
        )
        listening.start()
        try:
            yield receiver
        finally:
            receiver.is_over.set()
            server.shutdown(socket.SHUT_RDWR)
            listening.join(10)


def _listen(receiver: Receiver, server: socket.socket) -> None:
    talks: list[threading.Thread] = []
    with suppress(OSError):
        while True:
            peer, _ = server.accept()
            talk = threading.Thread(target=_talk, args=(receiver, peer), daemon=True)
            talk.start()
            talks.append(talk)
    for talk in talks:
        talk.join(10)


def _talk(receiver: Receiver, peer: socket.socket) -> None:
    with peer, suppress(OSError):
        peer.settimeout(10)
        receiver.arrived.append(_read(peer))
        receiver.has_arrived.set()
        receiver.behave(receiver, peer)


def _read(peer: socket.socket) -> Arrived:
    data = b""
    while b"\r\n\r\n" not in data:
        data += peer.recv(65_536) or _cut_off()
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (re.split(r": *", line, maxsplit=1) for line in lines)
    headers = {name.lower(): value for name, value in pairs}
    while len(body) < int(headers.get("content-length", "0")):
        body += peer.recv(65_536) or _cut_off()
    return Arrived(first.split()[1], headers, body)


def _cut_off() -> bytes:
    raise ConnectionError
