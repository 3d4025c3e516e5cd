"""A cloud and a shell, as the integration tests have them."""

from __future__ import annotations

from tests.integration.conftest import cloud, serve_cloud, shell

__all__ = ["cloud", "serve_cloud", "shell"]
