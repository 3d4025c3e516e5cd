"""The object store as a check-up sees it: trouble is a problem for who needs it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_register.doctor import Finding, State, Topic
from batch_register.doctor.objects import (
    BucketLook,
    StoreSight,
    buckets_finding,
    is_of_bucket,
    store_finding,
    web_finding,
)
from batch_register.model import FaultKind
from batch_register.source import BucketView
from tests.fakes import fault

SIGHT = StoreSight(
    address="https://obs.example, from obs_endpoint_override", keys="keys of the entry"
)
GOOD = BucketLook(
    name="wave", view=BucketView(name="wave", region="eu-de", storage_class="STANDARD")
)


def test_a_store_that_answers_is_told_with_the_place_of_its_keys() -> None:
    assert store_finding(SIGHT, is_needed=False) == Finding(
        topic=Topic.OBJECTS,
        state=State.OK,
        seen=f"{SIGHT.address}; it answers; keys of the entry",
    )


@pytest.mark.parametrize(
    ("kind", "code", "advice"),
    [
        (FaultKind.UNAUTHENTICATED, 77, "check the keys (keys of the entry)"),
        (FaultKind.UNREACHABLE, 69, "check obs_endpoint_override and region_name, the"),
        (FaultKind.SERVER, 69, "try again in a few minutes"),
        (FaultKind.MISREAD, 69, "something else may answer there"),
    ],
)
def test_trouble_with_the_store_is_a_problem_only_where_a_bucket_was_named(
    kind: FaultKind, code: int, advice: str
) -> None:
    sight = replace(SIGHT, fault=fault(kind))
    asked, unasked = (store_finding(sight, is_needed=need) for need in (True, False))
    assert (asked.state, asked.exit_code) == (State.PROBLEM, code)
    assert (unasked.state, unasked.exit_code) == (State.WARNING, 0)
    assert advice in asked.advice
    assert asked.advice == unasked.advice
    assert "test: as scripted" in asked.seen


def test_a_clock_that_is_far_off_is_told_from_wrong_keys() -> None:
    skewed = fault(FaultKind.UNAUTHENTICATED, code="obs.RequestTimeTooSkewed")
    finding = store_finding(replace(SIGHT, fault=skewed), is_needed=False)
    assert finding.advice.endswith("set this machine's clock, best by NTP")


@pytest.mark.parametrize("address", ["", SIGHT.address])
def test_a_store_that_cannot_be_asked_says_what_it_takes(address: str) -> None:
    sight = StoreSight(address=address, why_not="no access keys: set them")
    needed, unneeded = (store_finding(sight, is_needed=need) for need in (True, False))
    assert (needed.state, needed.exit_code) == (State.PROBLEM, 2)
    assert (unneeded.state, unneeded.exit_code) == (State.NOT_LOOKED_AT, 0)
    assert needed.advice.endswith("look at sources: no access keys: set them")
    assert needed.seen == (f"{address}; not asked" if address else "not asked")


def test_a_cloud_that_takes_files_from_the_web_needs_no_store() -> None:
    assert web_finding().state is State.NOT_LOOKED_AT


def test_good_buckets_are_told_by_class_and_region() -> None:
    files = BucketView(name="files", is_file_system=True)
    finding = buckets_finding([GOOD, BucketLook(name="files", view=files)])
    assert (finding.state, finding.exit_code) == (State.OK, 0)
    assert finding.seen == (
        "wave: class STANDARD, region eu-de; "
        "files: class not told, region not told, a parallel file system"
    )


def test_a_bucket_that_nothing_is_registered_from_says_why() -> None:
    none = BucketLook(name="x", wrong=("there is no bucket 'x'; make it",))
    finding = buckets_finding([GOOD, none])
    assert (finding.state, finding.exit_code) == (State.PROBLEM, 2)
    assert finding.seen.endswith("region eu-de; there is no bucket 'x'; make it")


@pytest.mark.parametrize(
    ("kind", "code", "advice"),
    [
        (FaultKind.FORBIDDEN, 77, "the owner of bucket x: let these keys list and"),
        (FaultKind.REJECTED, 2, "check the name of bucket x, and the region"),
    ],
)
def test_a_bucket_that_may_not_be_looked_at_is_a_problem(
    kind: FaultKind, code: int, advice: str
) -> None:
    none = BucketLook(name="y", wrong=("there is no bucket 'y'",))
    finding = buckets_finding([none, BucketLook(name="x", fault=fault(kind))])
    assert (finding.state, finding.exit_code) == (State.PROBLEM, code)
    assert advice in finding.advice
    assert "x: test: as scripted" in finding.seen


@pytest.mark.parametrize("kind", FaultKind)
def test_only_what_a_store_says_of_one_bucket_is_the_bucket_s(kind: FaultKind) -> None:
    of_one = {"forbidden", "not_found", "rejected", "conflict"}
    assert is_of_bucket(fault(kind)) is (str(kind) in of_one)
