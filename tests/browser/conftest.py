"""A real browser for all tests here; skipped, loudly, where it is not to be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.build import Tools, built
from tests.browser.nights import write_night
from tests.browser.visit import Visitor
from tests.environments import NotToBeHadError, tell_untested

_WHY = pytest.StashKey[str]()
SIZES = (30, 10_000)


@pytest.fixture(scope="session")
def tools(request: pytest.FixtureRequest) -> Tools:
    try:
        return built()
    except NotToBeHadError as why:
        request.config.stash[_WHY] = str(why)
        pytest.skip(f"no browser here: {why}")


@pytest.fixture(scope="session")
def visitor(tools: Tools) -> Visitor:
    return Visitor(tools)


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The ledgers of nights, by their number of images."""
    folder = tmp_path_factory.mktemp("nights")
    for images in SIZES:
        write_night(folder / f"{images}.jsonl", images)
    return {images: folder / f"{images}.jsonl" for images in SIZES}


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if why := config.stash.get(_WHY, None):
        where = "/browser/"
        tell_untested(terminalreporter, "PAGES IN A BROWSER", where=where, why=why)
