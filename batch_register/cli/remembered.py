"""What a ledger remembers of the cloud, made sense of.

Decides: which remembered figures are believed, and what a run begins with. Must not
know: files, how a figure was learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from batch_register.engine import LIST_LAG, OUTAGE_AT

TASK_LIMIT = "task_limit"  # as the ledger remembers it
_LONGEST_LAG_S = 3600.0  # what is remembered beyond that is a mistake


def remembered_lag_s(observations: Mapping[str, object]) -> float:
    """Return how far lists of this cloud lagged in an earlier run; 0: nothing known."""
    match observations.get(LIST_LAG):
        case bool():
            return 0.0
        case int() | float() as lag_s if lag_s > 0:
            return min(float(lag_s), _LONGEST_LAG_S)
        case _:
            return 0.0


def remembered_outage(observations: Mapping[str, object]) -> datetime | None:
    """Return when earlier runs last found the image service gone, UTC; None: never."""
    told = observations.get(OUTAGE_AT)
    if not isinstance(told, str):
        return None
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment


def remembered_tasks(observations: Mapping[str, object]) -> int | None:
    """Return how many unfinished jobs this cloud allowed in an earlier run, if known."""
    match observations.get(TASK_LIMIT):
        case bool():
            return None
        case int() as limit if limit > 0:
            return limit
        case _:
            return None


def first_tasks(observations: Mapping[str, object], told: int | None) -> int | None:
    """Return the limit of unfinished jobs that a run begins with, None if unknown.

    `told` is the operator's own figure; the smaller one is tried first.
    """
    known = (remembered_tasks(observations), told)
    return min((limit for limit in known if limit is not None), default=None)
