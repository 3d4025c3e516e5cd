"""Registers whole batches of virtual-machine images on Huawei-style clouds."""

from __future__ import annotations

__version__ = "0.1.0"
