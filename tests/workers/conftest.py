"""A file, a server of raw sockets, and our threads between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from batch_register.transport.tls import Tls
from batch_register.workers.local import LocalFiles
from batch_register.workers.send import CONNECTIONS
from tests.transport.conftest import serve

__all__ = ["serve"]  # a fixture

DATA = bytes(range(256)) * 4096  # 1 MiB
Open = Callable[..., Awaitable[LocalFiles]]


@pytest.fixture(autouse=True)
def no_connection_left() -> Iterator[None]:
    """Close what a test leaves idle: later on it would be some other test's leak."""
    yield
    CONNECTIONS.close()


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "web-01.raw"
    path.write_bytes(DATA)
    return path


@pytest.fixture
async def open_files() -> AsyncIterator[Open]:
    """Open `LocalFiles` with some options; close them afterwards."""
    opened: list[LocalFiles] = []

    async def start(**changes: object) -> LocalFiles:
        plain: dict[str, object] = {"tls": Tls(), "trust_env": False, "threads": 4}
        files = LocalFiles(**{**plain, **changes})  # type: ignore[arg-type]
        opened.append(files)
        return files

    yield start
    for files in opened:
        await files.close()


@pytest.fixture
async def files(open_files: Open) -> LocalFiles:
    return await open_files()
