"""How long ago the service was gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from batch_register.outage import Outage

NINE = datetime(2026, 9, 1, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("remembered_at", "ago_s"),
    [(None, None), (NINE - SECOND, 1.0), (NINE, 0.0), (NINE + SECOND, None)],
)
def test_an_outage_that_is_still_to_come_is_none(
    remembered_at: datetime | None, ago_s: float | None
) -> None:
    assert Outage(remembered_at=remembered_at).ago_s(NINE) == ago_s


def test_what_this_run_has_seen_is_for_the_next_one() -> None:
    assert Outage(seen_at=NINE - SECOND).ago_s(NINE) is None
