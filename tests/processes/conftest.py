"""A cloud and a shell, as the integration tests have them, but not measured.

What is killed and started again by the hundred is slower by half under coverage, and the
integration tests go through the same lines.
"""

from __future__ import annotations

import pytest

from tests.integration.conftest import cloud, serve_cloud, shell

__all__ = ["cloud", "serve_cloud", "shell"]


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep coverage out of the processes that these tests start."""
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
