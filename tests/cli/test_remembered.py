"""What a ledger remembers of the cloud, and what is made of rubbish there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from batch_register.cli.remembered import (
    first_tasks,
    remembered_lag_s,
    remembered_outage,
    remembered_tasks,
)


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


@pytest.mark.parametrize(
    ("observations", "moment"),
    [
        ({}, None),
        (
            {"outage_at": "2026-09-01T09:00:00+00:00"},
            datetime(2026, 9, 1, 9, tzinfo=UTC),
        ),
        ({"outage_at": "2026-09-01T09:00:00"}, None),
        ({"outage_at": "soon"}, None),
        ({"outage_at": 12}, None),
    ],
)
def test_only_a_time_with_its_zone_is_remembered_as_an_outage(
    observations: dict[str, object], moment: datetime | None
) -> None:
    assert remembered_outage(observations) == moment


@pytest.mark.parametrize(
    ("remembered", "told", "first"),
    [(None, None, None), (12, None, 12), (None, 10, 10), (12, 10, 10), (8, 10, 8)],
)
def test_a_run_begins_with_the_smaller_of_what_is_remembered_and_told(
    remembered: int | None, told: int | None, first: int | None
) -> None:
    assert first_tasks({"task_limit": remembered}, told) == first
