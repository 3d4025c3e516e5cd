"""A real browser for all tests here; skipped, loudly, where it is not to be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.build import NotToBeHadError, Tools, built
from tests.browser.nights import write_night
from tests.browser.visit import Visitor

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
    why = config.stash.get(_WHY, None)
    if why is None:
        return
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum("/browser/" in f"/{report.nodeid}" for report in skipped)
    terminalreporter.write_sep("!", "PAGES NOT TESTED IN A BROWSER", red=True)
    terminalreporter.write_line(f"{count} tests were not run: {why}", red=True)
