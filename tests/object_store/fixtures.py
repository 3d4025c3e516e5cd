"""The object store as fixtures, for the tests of whoever works with one.

A `conftest.py` imports those that it needs, names them in its `__all__`, and tells of
tests that were not run by `tell_unserved`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.environments import NotToBeHadError, tell_untested
from tests.object_store.server import Kind, Store, served

_WHY = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def object_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A server that believes everybody."""
    yield from _served(request, "open")


@pytest.fixture(scope="session")
def guarded_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A server that checks signatures and rights."""
    yield from _served(request, "guarded")


def _served(request: pytest.FixtureRequest, kind: Kind) -> Iterator[Store]:
    with ExitStack() as stack:
        try:
            store = stack.enter_context(served(kind))
        except NotToBeHadError as why:
            request.config.stash[_WHY] = str(why)
            pytest.skip(f"no S3 server here: {why}")
        yield store


def tell_unserved(
    reporter: pytest.TerminalReporter, config: pytest.Config, *, where: str
) -> None:
    """Say at the end of a test run that there was no S3 server for tests there."""
    if why := config.stash.get(_WHY, None):
        tell_untested(reporter, "THE OBJECT STORE", where=where, why=why)
