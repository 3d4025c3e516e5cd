"""SIGKILL at random moments; `python -m tests.processes.kills` does the same for longer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Cloud
from tests.processes.kills import fresh_seed, kill_and_judge, slow_cloud

pytestmark = pytest.mark.integration

KILLS = int(os.environ.get("RANDOM_KILLS", "20"))


@pytest.mark.fault(1, 26)
def test_kills_at_random_moments_lose_nothing_and_make_nothing_twice(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    seed = fresh_seed()
    print(f"seed {seed}")
    cloud = serve_cloud(*slow_cloud(tmp_path))
    print(kill_and_judge(cloud, tmp_path, kills=KILLS, seed=seed))
