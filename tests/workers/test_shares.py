"""A rate is shared by the workers in use: the shares of all make it up."""

from __future__ import annotations

import pytest

from batch_register.workers.shares import Shares


def test_one_worker_has_all_of_it_however_many_parts_it_sends() -> None:
    shares = Shares(900.0)
    with shares.taken(["a"]), shares.taken(["a"]) as share:
        assert share == 900.0


def test_workers_in_use_share_it_until_they_are_done() -> None:
    shares = Shares(900.0)
    with shares.taken(["a"]):
        with shares.taken(["b", "c"]) as share:
            assert share == pytest.approx(300.0)
        with shares.taken(["a"]) as share:
            assert share == 900.0


def test_without_a_rate_there_is_no_share() -> None:
    with Shares(None).taken(["a"]) as share:
        assert share is None
