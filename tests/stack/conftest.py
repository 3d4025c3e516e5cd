"""The real Keystone and Glance for all tests here; skipped, loudly, where not to be had."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.environments import NotToBeHadError, tell_untested
from tests.stack.build import built
from tests.stack.cloud import Stack
from tests.stack.sources import Sources, serving

_WHY = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def sources() -> Iterator[Sources]:
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def stack(
    sources: Sources,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Stack]:
    try:
        kept = built()
    except NotToBeHadError as why:
        request.config.stash[_WHY] = str(why)
        pytest.skip(f"no real Keystone and Glance here: {why}")
    cloud = Stack(
        kept, tmp_path_factory.mktemp("stack"), source_port=sources.server_port
    )
    try:
        cloud.start()
        yield cloud
    finally:
        cloud.close()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if why := config.stash.get(_WHY, None):
        what = "REAL KEYSTONE AND GLANCE"
        tell_untested(terminalreporter, what, where="/stack/", why=why)
