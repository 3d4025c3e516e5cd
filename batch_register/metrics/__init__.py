"""What a run leaves for Prometheus: the table of metrics, their values, the text file."""

from __future__ import annotations
