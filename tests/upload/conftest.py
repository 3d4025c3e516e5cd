"""A real S3 server for the tests that need one; skipped, loudly, where not to be had."""

from __future__ import annotations

import pytest

from tests.object_store.fixtures import guarded_store, object_store, tell_unserved

__all__ = ["guarded_store", "object_store"]  # fixtures


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    tell_unserved(terminalreporter, config, where="/upload/")
