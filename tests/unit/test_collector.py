"""When garbage is collected while a run prepares many entries."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from batch_register.collector import paused, preparing


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_a_pause_ends_with_its_block_and_may_be_nested() -> None:
    with paused():
        with paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_many_entries_are_made_into_is_spared_before_collecting_goes_on() -> None:
    gc.unfreeze()
    with preparing(10_000):
        assert not gc.isenabled()
        made = [[n] for n in range(1000)]
        assert gc.get_freeze_count() == 0
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(made)


def test_few_entries_change_nothing() -> None:
    gc.unfreeze()
    with preparing(9_999):
        assert gc.isenabled()
    assert gc.get_freeze_count() == 0
