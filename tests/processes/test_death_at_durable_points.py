"""SIGKILL at every moment at which the ledger makes something durable.

A death before a write and one within it leave the same ledger but for the torn line, so
only the worse of the two is shown.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Cloud
from tests.processes.dooming import every_doomed
from tests.processes.judging import (
    SPEED,
    each_made_once,
    nothing_is_left_to_send,
    run_all,
)
from tests.processes.mortal import Fate

pytestmark = pytest.mark.integration

ENTRIES = 3
# opened, started, declared, and 6 lines per entry of which two at most share a commit
FEWEST_POINTS = 12


@pytest.mark.fault(1, 26)
@pytest.mark.parametrize("fate", [fate for fate in Fate if fate.is_death])
def test_a_death_at_any_durable_point_loses_nothing_and_makes_nothing_twice(
    serve_cloud: Callable[..., Cloud], tmp_path: Path, fate: Fate
) -> None:
    cloud = serve_cloud(*SPEED)
    runs = every_doomed(cloud, tmp_path, fate, ENTRIES)
    codes = [ended.code for _, ended in runs]
    deaths = codes.count(-signal.SIGKILL)
    assert set(codes) == {-signal.SIGKILL, 0}
    assert deaths >= FEWEST_POINTS

    shells = [shell for shell, _ in runs]
    resumed = run_all(shells)

    assert {ended.code for ended in resumed} == {0}, [ended.err for ended in resumed]
    audit = cloud.audit()
    each_made_once(audit, resumed, ENTRIES * len(shells))
    nothing_is_left_to_send(cloud, shells)
    print(f"{fate}: {deaths} deaths, {audit['images_created']} images")
