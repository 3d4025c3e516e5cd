"""Readers made by others for all tests here; skipped, loudly, where not to be had."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from batch_register.report.fold import fold, source_of
from batch_register.report.rows import Report
from tests.environments import NotToBeHadError, tell_untested
from tests.readers.build import gnu_parallel, readers
from tests.report import conftest as of_reports

Read = Callable[..., dict[str, Any]]
all_states = of_reports.all_states  # the same ledger
_WHY = pytest.StashKey[str]()


@pytest.fixture
def report(all_states: of_reports.LedgerText) -> Report:
    return fold([source_of("a.jsonl", all_states.replay())])


@pytest.fixture(scope="session")
def read(request: pytest.FixtureRequest) -> Read:
    """Return what runs one of the scripts here and gives what it found."""
    try:
        kept = readers()
    except NotToBeHadError as why:
        _skip(request, f"no readers here: {why}")

    def run(script: str, *files: Path) -> dict[str, Any]:
        words = [*files, *([kept.junit_schema] if script == "read_junit" else [])]
        program = Path(__file__).with_name(f"{script}.py")
        done = subprocess.run(
            [kept.python, "-W", "ignore", program, *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


@pytest.fixture(scope="session")
def parallel(request: pytest.FixtureRequest) -> Path:
    try:
        return gnu_parallel()
    except NotToBeHadError as why:
        _skip(request, f"no GNU parallel here: {why}")


def _skip(request: pytest.FixtureRequest, why: str) -> NoReturn:
    request.config.stash[_WHY] = why
    pytest.skip(why)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if why := config.stash.get(_WHY, None):
        where = "/readers/"
        tell_untested(terminalreporter, "EXPORTS", where=where, why=why)
