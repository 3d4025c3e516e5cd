"""The front itself: while it behaves, nothing is to be noticed of it."""

from __future__ import annotations

import pytest

from tests.hostile.conftest import Stage

pytestmark = pytest.mark.integration


def test_through_a_front_that_behaves_every_image_becomes_active(stage: Stage) -> None:
    ended = stage.run()
    assert ended.code == 0, ended.err
    assert set(ended.states.values()) == {"active"}
    assert stage.made() == [1, 1, 1, 1]
    counts = stage.front.counts
    assert (counts["token"], counts["create"], counts["register"]) == (1, 4, 4)
