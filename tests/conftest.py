"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes tells of the machine's load, not of what is tested.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
