"""Follow many images to their end with few requests."""

from __future__ import annotations

from batch_register.watcher.loop import Watcher
from batch_register.watcher.verdict import Watched, WatchLimits

__all__ = ["WatchLimits", "Watched", "Watcher"]
