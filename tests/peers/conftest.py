"""otcextensions in an environment of its own; skipped, loudly, where not to be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.environments import NotToBeHadError, environment, tell_untested

_PACKAGE = "otcextensions==0.34.8"
_WHY = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def otc_python(request: pytest.FixtureRequest) -> Path:
    """Return the interpreter that has otcextensions."""
    try:
        with environment("otcextensions", _PACKAGE) as env:
            return env / "bin" / "python"
    except NotToBeHadError as why:
        request.config.stash[_WHY] = str(why)
        pytest.skip(f"no otcextensions here: {why}")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if why := config.stash.get(_WHY, None):
        where = "/test_otcextensions"
        tell_untested(terminalreporter, "OTCEXTENSIONS", where=where, why=why)
