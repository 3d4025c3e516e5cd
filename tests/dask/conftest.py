"""A Dask cluster of three workers, and a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dask.cluster import Farm, farm
from tests.object_store.fixtures import object_store, tell_unserved

__all__ = ["object_store"]  # a fixture

NAMES = ("nas-01", "nas-02", "nas-03")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Farm]:
    """Return a cluster of three workers; each runs in a folder of its own name.

    nas-03 offers the resource san-a.
    """
    with farm(tmp_path / "dask") as ours:
        ours.start_scheduler()
        for name in NAMES:
            (tmp_path / name).mkdir()
            flags = ("--resources", "san-a=1") if name == "nas-03" else ()
            ours.start_worker(name, *flags, folder=tmp_path / name)
        yield ours


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    tell_unserved(terminalreporter, config, where="/dask/")
