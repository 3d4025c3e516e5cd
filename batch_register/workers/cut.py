"""The end of a thread's work before its time, told from the loop.

Decides: how a thread that waits for the network is woken. Must not know: what it does.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class CutError(Exception):
    """The work was told to end."""


class Cut:
    """One piece of work's end; `tell` may be called by any thread, at any time."""

    def __init__(self) -> None:
        self._told = threading.Event()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def tell(self) -> None:
        """End the work, even while it waits for the network."""
        with self._lock:
            self._told.set()
            if self._socket is not None:
                shut_down(self._socket)

    @contextmanager
    def reaching(self, wire: socket.socket) -> Iterator[None]:
        """Reach this socket, too, while the block runs.

        Raises:
            CutError: the work was told to end.
        """
        with self._lock:
            self._socket = wire
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._socket = None

    def pause(self, seconds: float) -> None:
        """Wait so long; raise CutError where the work is told to end."""
        if seconds > 0:
            self._told.wait(seconds)
        self.check()

    def check(self) -> None:
        """Raise CutError where the work was told to end."""
        if self._told.is_set():
            raise CutError


def shut_down(wire: socket.socket) -> None:
    """Wake whoever waits for a socket: it has come to its end."""
    with suppress(OSError):
        # Not the TLS socket's own method: that one also takes its state apart.
        socket.socket.shutdown(wire, socket.SHUT_RDWR)
