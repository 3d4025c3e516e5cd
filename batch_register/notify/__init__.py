"""Tells whoever wants to know how a run ended, and never holds the run up for long.

Decides: which ends are told, in which words and to whom. Must not know: how a run works,
where settings come from.
"""

from __future__ import annotations
