"""The report as one page for a browser: no network, no script, light and dark."""

from __future__ import annotations
