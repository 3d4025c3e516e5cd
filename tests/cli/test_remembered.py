"""What a ledger remembers of the cloud, and what is made of rubbish there."""

from __future__ import annotations

import pytest

from batch_register.cli.assembly import remembered_tasks
from batch_register.cli.main_job import remembered_lag_s


@pytest.mark.parametrize(
    ("observations", "lag_s"),
    [
        ({}, 0.0),
        ({"list_lag_s": 12.5}, 12.5),
        ({"list_lag_s": 12}, 12.0),
        ({"list_lag_s": -3}, 0.0),
        ({"list_lag_s": True}, 0.0),
        ({"list_lag_s": "12"}, 0.0),
        ({"list_lag_s": None}, 0.0),
        ({"list_lag_s": float("nan")}, 0.0),
        ({"list_lag_s": 1e300}, 3600.0),
    ],
)
def test_only_a_sensible_number_is_remembered(
    observations: dict[str, object], lag_s: float
) -> None:
    assert remembered_lag_s(observations) == lag_s


@pytest.mark.parametrize(
    ("observations", "limit"),
    [
        ({}, None),
        ({"task_limit": 10}, 10),
        ({"task_limit": 0}, None),
        ({"task_limit": -1}, None),
        ({"task_limit": True}, None),
        ({"task_limit": 2.5}, None),
        ({"task_limit": "10"}, None),
    ],
)
def test_only_a_sensible_task_limit_is_remembered(
    observations: dict[str, object], limit: int | None
) -> None:
    assert remembered_tasks(observations) == limit
