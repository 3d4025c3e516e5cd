"""One part of a file to one signed address: what a thread does, here or elsewhere.

Decides: how a range goes out (hashed first, then in blocks, at a pace) and how long it
may take. Must not know: uploads, loops, Dask.

The address is a secret: whoever has it may write that part. No message, exception or
repr holds its path or query.
"""

from __future__ import annotations

import base64
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from urllib.parse import SplitResult, urlsplit

from batch_register import __version__
from batch_register.transport.tls import Tls
from batch_register.workers.answer import PartAnswer, judged, signed_parts
from batch_register.workers.connections import (
    Connections,
    Target,
    is_readable,
    target_of,
)
from batch_register.workers.cut import Cut, shut_down
from batch_register.workers.lines import Lines
from batch_register.workers.pace import LARGEST_BLOCK_BYTES, Pace
from batch_register.workers.ranges import FileFaultError, blocks, digest
from batch_register.workers.trouble import FOREIGN, fault_of

STALL_S = 60.0  # without a byte taken, or without an answer after the last one
_START_S = 300.0  # of the deadline: connecting, waiting for the answer
_SLOWEST_BYTES_PER_S = 64 * 2**10  # the rest of the deadline
_MOST_SENDERS = 64  # that share a pace; more would make the deadline too short
_ANSWER_LIMIT_BYTES = 64 * 2**10
_ANSWER_STALLS = 2  # in which all of the answer has to come
_DEFAULT_PORTS = {"http": 80, "https": 443}

# Of this process, since what a worker is given is an order and nothing else.
_LINES = Lines()
_PACING = threading.Lock()
CONNECTIONS = Connections()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOrder:
    """Which bytes go where; may be pickled, and shows no secret in its repr."""

    path: str
    offset: int
    length: int
    address: str = field(repr=False)
    tls: Tls = field(default_factory=Tls)
    trust_env: bool = True  # take proxies from the environment
    stall_s: float = STALL_S


def send_part(
    order: PartOrder, pace: Pace | None = None, cut: Cut | None = None
) -> PartAnswer:
    """Send a range of a file by PUT, once; return what came of it.

    The range is read twice, from the page cache the second time: its MD5 goes ahead of
    it, so that the store refuses what was damaged on the way. One block of it is in
    memory at a time.

    Raises:
        CutError: it was told to end.
        SettingsError: a proxy's address or a certificate file is no good.
    """
    cut = cut or Cut()
    try:
        return _sent(order, pace, cut)
    except FileFaultError as error:
        return PartAnswer(fault=error.fault)
    except FOREIGN as error:
        failure = error
    # Outside the handler, so that nothing is chained: foreign exceptions may hold the
    # address, and whoever prints the chain would print it.
    cut.check()
    return PartAnswer(fault=fault_of(failure, order.address))


def _sent(order: PartOrder, pace: Pace | None, cut: Cut) -> PartAnswer:
    md5 = digest(order.path, order.offset, order.length, cut)
    target = target_of(order.address, tls=order.tls, trust_env=order.trust_env)
    with ExitStack() as stack:
        with _LINES.held(order.path, cut):
            connection = stack.enter_context(CONNECTIONS.lent(target))
            stack.enter_context(cut.reaching(connection.sock))
            request = _Request(connection, order, pace)
            request.send_head(target, md5)
            request.send_body(cut)
        status, headers, body = request.answer()
    secrets = (*signed_parts(order.address), *target.route.secrets)
    return judged(status, headers, body, digest=md5, secrets=secrets)


class _Request:
    """One PUT on its way, under one deadline."""

    def __init__(
        self, connection: HTTPConnection, order: PartOrder, pace: Pace | None
    ) -> None:
        self._connection = connection
        self._order = order
        self._pace = pace
        self._is_whole = False
        slowest: float = _SLOWEST_BYTES_PER_S
        if pace is not None:
            slowest = min(slowest, pace.bytes_per_s / _MOST_SENDERS)
        self._ends_s = time.monotonic() + _START_S + order.length / slowest

    def send_head(self, target: Target, md5: str) -> None:
        self._hurry()
        parts = urlsplit(self._order.address)
        line = target.request_line(parts, self._order.address)
        put = self._connection
        put.putrequest("PUT", line, skip_host=True, skip_accept_encoding=True)
        put.putheader("Host", _host(parts))
        put.putheader("User-Agent", f"batch-register/{__version__}")
        put.putheader("Content-Length", str(self._order.length))
        put.putheader("Content-MD5", base64.b64encode(bytes.fromhex(md5)).decode())
        for name, value in target.route.request_headers.items():
            put.putheader(name, value)
        put.endheaders()

    def send_body(self, cut: Cut) -> None:
        """Send the range; end early where the store has answered before its end."""
        order, pace = self._order, self._pace
        block_bytes = pace.block_bytes if pace else LARGEST_BLOCK_BYTES
        for block in blocks(order.path, order.offset, order.length, block_bytes):
            cut.pause(_turn_s(pace, len(block)))
            self._hurry()
            if self._is_answered():
                return
            try:
                self._connection.send(block)
            except (BrokenPipeError, ConnectionResetError):
                return  # refused, it may be: the answer says why, if one came
        self._is_whole = True

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers by lower-case names, and the first of the body."""
        self._hurry()
        with _cut_off(self._connection.sock, _ANSWER_STALLS * self._order.stall_s):
            response = self._connection.getresponse()
            body = response.read(_ANSWER_LIMIT_BYTES)
        if not (self._is_whole and response.isclosed()):
            self._connection.close()  # in the middle of the one or the other
        if response.status == HTTPStatus.OK and not self._is_whole:
            raise ConnectionResetError
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, body

    def _is_answered(self) -> bool:
        # On TLS what comes first is a session's ticket, and no answer.
        is_plain = not isinstance(self._connection.sock, ssl.SSLSocket)
        return is_plain and is_readable(self._connection)

    def _hurry(self) -> None:
        left_s = self._ends_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._connection.sock.settimeout(min(self._order.stall_s, left_s))


@contextmanager
def _cut_off(wire: socket.socket, after_s: float) -> Iterator[None]:
    """Shut a socket down where the block takes longer.

    http.client bounds the wait for each byte of an answer, not for all of it.
    """
    timer = threading.Timer(after_s, shut_down, [wire])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _turn_s(pace: Pace | None, length: int) -> float:
    """Take a turn at the shared pace; return how long to wait for it, in seconds."""
    if pace is None:
        return 0.0
    with _PACING:
        return pace.wait_s(length, time.monotonic())


def _host(parts: SplitResult) -> str:
    """Return the Host header, which is signed: without the port that goes without saying."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    is_usual = parts.port in (None, _DEFAULT_PORTS.get(parts.scheme))
    return host if is_usual else f"{host}:{parts.port}"
