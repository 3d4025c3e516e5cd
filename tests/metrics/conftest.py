"""Ledgers to draw metrics from, and Prometheus's tool; skipped, loudly, where not to be had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from batch_register.metrics.exposition import render
from batch_register.metrics.samples import Standing
from batch_register.report.fold import fold, source_of
from tests.environments import NotToBeHadError, tell_untested
from tests.metrics import promtool as tool
from tests.metrics.test_samples import USAGE
from tests.report.conftest import LedgerText, all_states, new_ledger, source_side

__all__ = ["all_states", "new_ledger", "source_side"]

_WHY = pytest.StashKey[str]()


@pytest.fixture
def standing(new_ledger: Callable[..., LedgerText]) -> Standing:
    """A run in which everything is known."""
    ledger = new_ledger('wave "7"\\x')
    ledger.start("run-1")
    ledger.declare("web-01")
    ledger.activate("web-01", "img-1", 1000)
    ledger.finish(0)
    replay = ledger.replay()
    run = replace(replay.runs[0], usage=USAGE)
    report = fold([source_of("a", replay)])
    return Standing(report=report, runs=[run], task_limit=12, ledger_bytes=4096)


@pytest.fixture
def text(standing: Standing) -> str:
    """The text after such a run."""
    return render(standing)


@pytest.fixture(scope="session")
def promtool(request: pytest.FixtureRequest) -> str:
    """Return the program's path."""
    try:
        return tool.promtool()
    except NotToBeHadError as why:
        request.config.stash[_WHY] = str(why)
        pytest.skip(f"no promtool here: {why}")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if why := config.stash.get(_WHY, None):
        where = "/metrics/"
        tell_untested(terminalreporter, "METRICS BY PROMETHEUS", where=where, why=why)
