"""The cloud's own image service (IMS): its requests, its answers, its refusals."""

from __future__ import annotations
