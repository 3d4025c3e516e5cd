"""Plain OpenStack's image service (Glance): its requests, its answers, its refusals."""

from __future__ import annotations
