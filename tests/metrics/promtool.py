"""Prometheus's own tool: the machine's, else Debian's, unpacked and not installed."""

from __future__ import annotations

import shutil

from tests.environments import unpacked


def promtool() -> str:
    """Return the program's path.

    Raises:
        NotToBeHadError: neither the machine nor its package index has it.
    """
    found = shutil.which("promtool")
    return found or str(unpacked("prometheus") / "usr" / "bin" / "promtool")
