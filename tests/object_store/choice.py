"""Which S3 server a measurement is made on, by its name on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.object_store.ceph import MEMORY_BYTES, gateway
from tests.object_store.server import Store, served

SERVERS = ("moto", "ceph")


@contextmanager
def server(name: str, place: Path, memory_bytes: int) -> Iterator[Store]:
    """Run one of SERVERS in other processes; `place` is a folder that it may use.

    Raises:
        NotToBeHadError: it cannot be got here.
        NotUpError: it did not start.
    """
    if name == "moto":
        with served("open") as store:
            yield store
        return
    folder = place / "ceph"
    folder.mkdir()
    with gateway(folder, max(memory_bytes, MEMORY_BYTES)) as store:
        yield store
