"""Take a whole batch from manifest to ledger."""

from __future__ import annotations

from batch_register.engine.batch import Batch, foresee
from batch_register.engine.look import Look
from batch_register.engine.outcome import RunOutcome
from batch_register.engine.run import Run, RunLimits

__all__ = ["Batch", "Look", "Run", "RunLimits", "RunOutcome", "foresee"]
