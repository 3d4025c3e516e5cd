"""Take a whole batch from manifest to ledger."""

from __future__ import annotations

from batch_register.engine.batch import Batch
from batch_register.engine.chronicle import LIST_LAG, OUTAGE_AT
from batch_register.engine.forecast import foresee
from batch_register.engine.look import Look
from batch_register.engine.lookout import Lookout
from batch_register.engine.outcome import RunOutcome
from batch_register.engine.run import Run, RunLimits, RunPorts
from batch_register.engine.sourcing import Sourcing

__all__ = [
    "LIST_LAG",
    "OUTAGE_AT",
    "Batch",
    "Look",
    "Lookout",
    "Run",
    "RunLimits",
    "RunOutcome",
    "RunPorts",
    "Sourcing",
    "foresee",
]
