"""A real process, a real store, SIGKILL in the middle: `kills` at a small size."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_register.upload.parts import LEAST_PART_BYTES
from tests.object_store.server import Store
from tests.upload.kills import MIB, kill_and_judge

pytestmark = pytest.mark.integration


def test_a_kill_costs_at_most_a_part(object_store: Store, tmp_path: Path) -> None:
    figures = kill_and_judge(
        object_store,
        tmp_path,
        size_bytes=64 * MIB,
        kills=2,
        seed=1,
        part_bytes=LEAST_PART_BYTES,
    )
    assert figures.sent_twice <= figures.kills * figures.part
