"""Patience and manners towards the image service: windows, places, gates, retries."""

from __future__ import annotations

from batch_register.throttle.counted import CountedLists
from batch_register.throttle.lessons import Lessons
from batch_register.throttle.meter import Meter, Metered
from batch_register.throttle.policy import ThrottlePolicy
from batch_register.throttle.service import Throttle
from batch_register.throttle.tasks import TaskPolicy

__all__ = [
    "CountedLists",
    "Lessons",
    "Meter",
    "Metered",
    "TaskPolicy",
    "Throttle",
    "ThrottlePolicy",
]
