"""A relay before a store that counts what goes towards it, from outside of everybody."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit

_BUFFER_BYTES = 2**20
_QUIET_S = 0.05


class Relay:
    """Passes connections on; `received_bytes` counts heads of requests, too.

    What a killed process had given to its kernel still arrives, as without a relay.
    """

    def __init__(self, host: str, port: int) -> None:
        self._place = (host, port)
        self._lock = threading.Lock()
        self.received_bytes = 0

    def settled_bytes(self) -> int:
        """Return what has been received once nothing more comes: from a dead process."""
        received_bytes = -1
        while received_bytes != self.received_bytes:
            received_bytes = self.received_bytes
            time.sleep(_QUIET_S)
        return received_bytes

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # closed: the end
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with closing(client), socket.create_connection(self._place) as store:
            back = threading.Thread(target=_pass, args=(store, client), daemon=True)
            back.start()
            _pass(client, store, self._count)
            back.join()

    def _count(self, count: int) -> None:
        with self._lock:
            self.received_bytes += count


def _pass(
    source: socket.socket,
    target: socket.socket,
    count: Callable[[int], None] = lambda _: None,
) -> None:
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    with suppress(OSError):
        while length := source.recv_into(buffer):
            count(length)
            target.sendall(buffer[:length])
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def relayed(endpoint: str) -> Iterator[tuple[str, Relay]]:
    """Run a relay before a store; give its own endpoint, and what it counts."""
    place = urlsplit(endpoint)
    relay = Relay(place.hostname or "", place.port or 80)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=relay.serve, args=(listener,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", relay
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
