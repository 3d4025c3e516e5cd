"""What holds for every sight that a look can bring home."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, strategies as st

from batch_register.ims.profile import PROFILES
from batch_register.model import Action, Fault, FaultKind, FilePlace, ImageSpec
from batch_register.preflight.findings import Code
from batch_register.preflight.judge import judge, judge_pin
from batch_register.preflight.sight import Sight
from batch_register.source import (
    BucketView,
    DiskFormat,
    FileStamp,
    Inspection,
    ObjectView,
    SourcePin,
)
from tests.preflight.scenes import SPEC

_WORDS = st.text(max_size=12)
_CLASSES = st.sampled_from(["STANDARD", "WARM", "COLD", "DEEP_ARCHIVE", "ODD"])
_SIZES = st.integers(0, 2**42)
_FAULTS = st.builds(
    Fault,
    kind=st.sampled_from(FaultKind),
    code=st.just("obs.Test"),
    reason=st.just("as scripted"),
    action=st.sampled_from(sorted(set(Action) - {Action.NONE})),
    http_status=st.sampled_from([None, 301, 307, 400, 403, 404, 500]),
)
_BUCKETS = st.builds(
    BucketView,
    name=st.just("wave-07"),
    region=st.none() | st.sampled_from(["eu-de", "eu-nl", "EU-DE"]),
    storage_class=st.none() | _CLASSES,
    is_file_system=st.booleans(),
)
_OBJECTS = st.builds(
    ObjectView,
    pin=st.builds(SourcePin, etag=_WORDS, size_bytes=_SIZES),
    storage_class=_CLASSES,
    encryption=st.sampled_from(["", "kms", "AES256", "odd"]),
    has_customer_key=st.booleans(),
)
_CONTENTS = st.builds(
    Inspection,
    disk_format=st.none() | st.sampled_from(DiskFormat),
    virtual_size_bytes=st.none() | st.integers(0, 2**63),
    problem=st.sampled_from(["", "it is cut off"]),
)
SIGHTS = st.builds(
    Sight,
    bucket=st.none() | _BUCKETS | _FAULTS,
    stored=st.none() | _OBJECTS | _FAULTS,
    file=st.none()
    | _FAULTS
    | st.builds(FileStamp, size_bytes=_SIZES, modified_ns=st.just(1)),
    content=st.none() | _CONTENTS | _FAULTS,
)
SPECS: st.SearchStrategy[ImageSpec] = st.builds(
    lambda min_disk_gb, place, url, os_version: replace(
        SPEC,
        min_disk_gb=min_disk_gb or 0,
        min_disk_is_auto=min_disk_gb is None,
        source=place,
        image_url=url,
        os_version=os_version,
    ),
    st.none() | st.integers(1, 1024),
    st.none() | st.just(FilePlace(path="a.qcow2")),
    st.sampled_from(["wave-07:a.qcow2", "wave-07:a-flat.vmdk", "wave-07:a.iso"]),
    st.sampled_from(["Ubuntu 22.04 server 64bit", "Windows 10 64bit"]),
)
PROFILE = st.sampled_from(list(PROFILES.values()))


@given(SPECS, SIGHTS, PROFILE)
def test_every_fault_says_what_to_do_and_why(spec, sight, profile) -> None:
    fault = judge(spec, sight, profile, "eu-de").verdict.fault
    if fault is None:
        return
    assert fault.action is not Action.NONE
    assert fault.reason
    if not fault.is_passing:
        assert fault.code in set(Code)
        assert fault.action in (
            Action.FIX_MANIFEST,
            Action.FIX_SOURCE,
            Action.ASK_PERMISSION,
        )


@given(SPECS, SIGHTS, PROFILE)
def test_a_fault_that_may_pass_only_stops_who_needs_a_number(
    spec, sight, profile
) -> None:
    verdict = judge(spec, sight, profile, "eu-de").verdict
    if verdict.fault is not None and verdict.fault.is_passing:
        assert spec.min_disk_is_auto
        assert verdict.min_disk_gb is None


@given(SPECS, SIGHTS, PROFILE)
def test_auto_has_a_number_that_holds_the_disk_or_a_fault(spec, sight, profile) -> None:
    verdict = judge(spec, sight, profile, "eu-de").verdict
    if not spec.min_disk_is_auto:
        assert verdict.min_disk_gb is None
    elif verdict.fault is None:
        assert verdict.min_disk_gb is not None
        assert verdict.inspection is not None
        size_bytes = verdict.inspection.virtual_size_bytes
        assert size_bytes is not None
        assert size_bytes <= verdict.min_disk_gb * 2**30
        known = profile.without_assumptions()
        assert verdict.min_disk_gb >= known.min_disk_floor_gb(spec.os_version)
        assert verdict.min_disk_gb <= max(
            known.min_disk_ceiling_gb, profile.min_disk_floor_gb(spec.os_version)
        )


@given(SPECS, SIGHTS, PROFILE)
def test_the_same_sight_is_judged_the_same(spec, sight, profile) -> None:
    first = judge(spec, sight, profile, "eu-de")
    assert judge(spec, replace(sight), profile, "eu-de") == first


@given(SIGHTS)
def test_a_pin_is_that_of_the_object_and_nothing_else(sight) -> None:
    verdict = judge_pin(sight).verdict
    is_seen = isinstance(sight.stored, ObjectView)
    assert verdict.pin == (sight.stored.pin if is_seen else None)
    assert (verdict.fault, verdict.inspection) == (None, None)
