"""The real S3 server for the benchmarks that need one; skipped, loudly, without."""

from __future__ import annotations

import pytest

from tests.object_store.fixtures import object_store, tell_unserved

__all__ = ["object_store"]  # fixtures


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    tell_unserved(terminalreporter, config, where="/benchmarks/")
