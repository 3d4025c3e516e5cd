"""What became of every image, for people and for programs, from the ledger alone."""

from __future__ import annotations
