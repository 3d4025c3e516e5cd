"""A web server on 127.0.0.1 with disk files: tiny but valid qcow2, and others."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_CLUSTER_BYTES = 65536


def qcow2(size_bytes: int = 1 << 30) -> bytes:
    """Return an empty qcow2 image, version 2: header, refcounts, an empty L1 table."""
    l1_entries = -(-size_bytes // (_CLUSTER_BYTES * (_CLUSTER_BYTES // 8)))
    header = struct.pack(
        ">4sIQIIQIIQQIIQ",
        b"QFI\xfb",
        2,
        0,  # no backing file
        0,
        16,  # bits of a cluster
        size_bytes,
        0,  # not encrypted
        l1_entries,
        3 * _CLUSTER_BYTES,  # L1 table
        1 * _CLUSTER_BYTES,  # refcount table
        1,
        0,  # no snapshots
        0,
    )
    table = struct.pack(">Q", 2 * _CLUSTER_BYTES)
    counts = struct.pack(">4H", 1, 1, 1, 1)
    clusters = (header, table, counts, b"")
    return b"".join(part.ljust(_CLUSTER_BYTES, b"\0") for part in clusters)


class Sources(ThreadingHTTPServer):
    """Serves `files` by path, but those that are held back only later."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self._held: dict[str, threading.Event] = {}

    @contextmanager
    def holding(self, paths: Iterable[str]) -> Iterator[None]:
        """Leave whoever asks for one of these files waiting until the context ends."""
        released = threading.Event()
        self._held |= dict.fromkeys(paths, released)
        try:
            yield
        finally:
            self._held.clear()
            released.set()

    def wait_for(self, path: str) -> None:
        """Return once a file is not held back any more."""
        if (released := self._held.get(path)) is not None:
            released.wait(120)

    def handle_error(self, *_: object) -> None:
        """Stay silent about a client that was killed."""

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Sources

    def do_GET(self) -> None:
        data = self.server.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        self.server.wait_for(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def serving() -> Iterator[Sources]:
    """Serve from a thread until the context ends."""
    server = Sources()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
