"""Which workers reach a file, and the words where none does."""

from __future__ import annotations

import pytest

from batch_register.model import Action, FilePlace
from batch_register.workers.roster import (
    Pin,
    Worker,
    addresses_for,
    nobody,
    pin_of,
    unusable,
)
from tests.workers.fake_cluster import worker

NAS = worker("nas-01", host="10.0.0.5", host_name="Storage-A.example.org")
SAN = worker("w-7", host="10.0.0.6", resources={"san-a": 1.0, "half": 0.5})
BOTH = [NAS, SAN]


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("nas-01", [NAS]),
        ("NAS-01", [NAS]),
        ("10.0.0.5", [NAS]),
        ("storage-a.example.org", [NAS]),
        ("storage-a", [NAS]),
        ("storage", []),
        ("", []),
    ],
)
def test_a_host_is_a_workers_name_address_or_host_name(
    host: str, found: list[Worker]
) -> None:
    expected = {one.address for one in found}
    assert addresses_for((host, None), BOTH) == expected


def test_a_resource_is_offered_where_a_task_can_take_one_of_it() -> None:
    assert addresses_for((None, "san-a"), BOTH) == {SAN.address}
    assert not addresses_for((None, "half"), BOTH)


def test_host_and_resource_are_asked_of_the_same_worker() -> None:
    assert addresses_for(("w-7", "san-a"), BOTH) == {SAN.address}
    assert not addresses_for(("nas-01", "san-a"), BOTH)


def test_a_place_without_a_wish_takes_any_worker() -> None:
    anywhere = pin_of(FilePlace(path="/images/a.raw"))
    assert addresses_for(anywhere, BOTH) == {NAS.address, SAN.address}


def test_an_unfit_worker_is_never_taken() -> None:
    old = worker("nas-01", complaint="has Python 3.10.1, this is 3.11.7")
    assert not addresses_for((None, None), [old])
    fault = nobody(("nas-01", None), [old], was_there=False)
    assert fault.reason == (
        "no worker can be used: nas-01 has Python 3.10.1, this is 3.11.7"
    )
    assert fault.action is Action.RUN_AGAIN
    assert not fault.is_passing


@pytest.mark.parametrize(
    ("pin", "words"),
    [
        (
            ("nas-02", None),
            "the cluster has no worker called nas-02; workers: nas-01, w-7",
        ),
        (
            (None, "san-b"),
            "the cluster has no worker with the resource san-b; "
            "workers: nas-01 (no resource), w-7 (half, san-a)",
        ),
        (
            ("nas-01", "san-a"),
            "the cluster has no worker called nas-01 with the resource san-a; "
            "workers: nas-01 (no resource), w-7 (half, san-a)",
        ),
    ],
)
def test_a_place_that_no_worker_has_is_the_manifests_fault(
    pin: Pin, words: str
) -> None:
    fault = nobody(pin, BOTH, was_there=False)
    assert fault.reason == words
    assert (fault.action, fault.is_passing) == (Action.FIX_MANIFEST, False)


def test_workers_that_were_there_may_come_back() -> None:
    fault = nobody(("nas-02", None), BOTH, was_there=True)
    assert fault.reason == "every worker called nas-02 has left the cluster"
    assert (fault.action, fault.is_passing) == (Action.RUN_AGAIN, True)


def test_an_empty_cluster_is_nobodys_mistake() -> None:
    fault = nobody(("nas-02", None), [], was_there=False)
    assert fault.reason == "the cluster has no worker"
    assert fault.is_passing


def test_of_many_workers_some_are_named() -> None:
    many = [worker(f"w-{number:02}", complaint="is old") for number in range(12)]
    told = unusable(many)
    assert "w-00 is old, w-01 is old" in told
    assert told.endswith("w-09 is old and 2 more")
