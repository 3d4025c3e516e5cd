"""Differences of one entry: each named once, and none where nothing differs."""

from __future__ import annotations

from typing import Any

import pytest

from batch_register.entry import EntryRecord
from batch_register.model import (
    EntryKey,
    FaultKind,
    ImageSpec,
    ImageStatus,
    ImageView,
    spec_digest,
)
from batch_register.reconcile.drift import differences, other_spec, renamed
from batch_register.reconcile.findings import Drift, DriftKind
from batch_register.source import SourcePin
from batch_register.stage import Active, Creating, Failed, Planned, Registered
from tests.fakes import fault, spec
from tests.reconcile.scenes import (
    JOB,
    LEDGER,
    ONE,
    OTHER_SPEC,
    holding,
    known,
    record,
    retagged,
    view,
)

K = DriftKind
GONE = (
    "active in the ledger, but the image is gone, and no run makes it again: give the "
    "entry a new key, or restore the image"
)


def found(
    one: EntryRecord, seen: ImageView | None, *specs: Any
) -> list[tuple[DriftKind, str]]:
    """Return kind and words of every difference."""
    drift = differences(holding(one), seen, known(specs=list(specs) or None))
    return [(each.kind, each.what) for each in drift]


def test_an_entry_that_is_as_it_should_be_differs_in_nothing() -> None:
    assert found(record(), view()) == []


@pytest.mark.parametrize(
    ("seen", "kind", "words"),
    [
        (None, K.GONE, GONE),
        *(
            (view(status=status), K.GONE, GONE)
            for status in (ImageStatus.DELETED, ImageStatus.PENDING_DELETE)
        ),
        (
            view(status=ImageStatus.KILLED),
            K.NOT_ACTIVE,
            "active in the ledger, but the image is killed",
        ),
        (
            view(status=ImageStatus.UNRECOGNISED, raw_status="frozen"),
            K.NOT_ACTIVE,
            "active in the ledger, but the image is frozen",
        ),
        (
            view(size_bytes=0),
            K.NOT_ACTIVE,
            "active in the ledger, but the image is active without data",
        ),
        (
            view(size_bytes=0, raw_status=""),
            K.NOT_ACTIVE,
            "active in the ledger, but the image is active without data",
        ),
        (
            retagged(view(), br_spec=OTHER_SPEC),
            K.OTHER_SPEC,
            "the image was made from another spec than the ledger says",
        ),
        (
            retagged(view(), br_spec=None),
            K.TAGS,
            "the image lacks our tags br-spec: without the ledger it would not be "
            "found again",
        ),
        (
            retagged(view(), br_manifest="wave-08", br_entry=None),
            K.TAGS,
            "the image lacks our tags br-manifest, br-entry: without the ledger it "
            "would not be found again",
        ),
        (view(name="web"), K.FIELD, "name is web in the cloud, web-01 here"),
        (view(min_disk_gb=100), K.FIELD, "min_disk is 100 in the cloud, 40 here"),
        (view(min_ram_mb=512), K.FIELD, "min_ram is 512 in the cloud, 0 here"),
        (
            view(is_protected=True),
            K.FIELD,
            "protected is true in the cloud, false here",
        ),
    ],
)
def test_each_difference_is_told_by_itself(
    seen: ImageView | None, kind: DriftKind, words: str
) -> None:
    assert found(record(), seen) == [(kind, words)]


def test_what_auto_came_to_is_no_difference() -> None:
    auto = spec(min_disk_gb=0, min_disk_is_auto=True)
    made = record()
    made.made_spec = spec_digest(auto)
    tagged = retagged(view(min_disk_gb=73), br_spec=spec_digest(auto))
    assert found(made, tagged, auto) == []


def test_an_object_that_has_changed_since_is_told_with_both_etags() -> None:
    made = record()
    made.made_source = SourcePin(etag="e1", size_bytes=9)
    made.source = SourcePin(etag="e2", size_bytes=9)
    (drift,) = differences(holding(made), view(), known())
    assert (drift.kind, drift.expected, drift.found) == (K.OTHER_SOURCE, "e1", "e2")


def test_what_the_cloud_does_not_show_is_no_difference() -> None:
    bare = view(name="", min_disk_gb=None, min_ram_mb=None, is_protected=None)
    assert found(record(), bare) == []


def test_several_differences_are_all_told_with_both_values() -> None:
    drift = differences(
        holding(record()), view(min_disk_gb=100, is_protected=True), known()
    )
    assert [(each.expected, each.found) for each in drift] == [
        ("40", "100"),
        ("false", "true"),
    ]
    assert drift[0] == Drift(
        key=record().key,
        kind=K.FIELD,
        ledger=LEDGER,
        image_id=ONE,
        what="min_disk is 100 in the cloud, 40 here",
        expected="40",
        found="100",
    )


@pytest.mark.parametrize(
    ("changes", "edits"),
    [
        (
            {"image_url": "bucket:new.qcow2"},
            "source was 'bucket:web-01.qcow2', is 'bucket:new.qcow2'",
        ),
        ({"name": "web"}, "name was 'web-01', is 'web'"),
        ({"min_disk_gb": 100}, "its spec differs"),
    ],
)
def test_an_edited_manifest_is_told_and_its_fields_are_not_compared(
    changes: dict[str, Any], edits: str
) -> None:
    told = f"the manifest was edited after the image was made: {edits}"
    assert found(record(), view(), spec(**changes)) == [(K.CHANGED, told)]


def test_an_edit_that_a_run_has_declared_already_is_told_too() -> None:
    edited = spec(image_url="bucket:new.qcow2")
    declared = record(image_url=edited.image_url, declared_spec=spec_digest(edited))
    told = "the manifest was edited after the image was made: its spec differs"
    assert found(declared, view(), edited) == [(K.CHANGED, told)]
    assert [kind for kind, _ in found(declared, None, edited)] == [K.CHANGED, K.GONE]


def test_an_edit_that_a_run_has_declared_is_told_by_what_the_image_was_made_from() -> (
    None
):
    edited = spec(image_url="bucket:new.qcow2", name="web")
    declared = record(
        image_url=edited.image_url,
        name=edited.name,
        declared_spec=spec_digest(edited),
        made_url="bucket:web-01.qcow2",
    )
    told = (
        "the manifest was edited after the image was made: source was "
        "'bucket:web-01.qcow2', is 'bucket:new.qcow2'; name was 'web-01', is 'web'"
    )
    assert found(declared, view(), edited) == [(K.CHANGED, told)]


def test_a_removed_entry_is_only_compared_with_its_ledger() -> None:
    assert found(record(), view(min_disk_gb=100), spec("other")) == []
    assert [k for k, _ in found(record(), None, spec("other"))] == [K.GONE]


def test_a_failed_entry_whose_image_is_usable_has_come_back() -> None:
    failed = record(
        Failed(fault=fault(FaultKind.NOT_FOUND, "image.vanished"), image_id=ONE)
    )
    told = "failed in the ledger (image.vanished), yet its image is active"
    assert found(failed, view()) == [(K.REVIVED, told)]
    assert found(failed, view(status=ImageStatus.KILLED)) == []
    assert found(failed, None) == []


@pytest.mark.parametrize("stage", [Planned(), Registered(image_id=ONE, job_id=JOB)])
def test_an_entry_that_never_succeeded_differs_in_nothing(stage: Any) -> None:
    assert found(record(stage), None) == []


def test_a_found_image_of_another_spec_is_a_conflict_to_come() -> None:
    creating = holding(record(Creating()))
    stranger = retagged(view(), br_spec=OTHER_SPEC)
    (drift,) = other_spec(creating, stranger, known())
    assert (drift.kind, drift.image_id) == (K.OTHER_SPEC, ONE)
    assert other_spec(creating, view(), known()) == []


def test_a_found_image_of_the_edited_spec_is_none() -> None:
    edited = spec(min_disk_gb=100)
    made = retagged(view(), br_spec=spec_digest(edited))
    creating = holding(record(Creating()))
    assert other_spec(creating, made, known(specs=[edited])) == []
    assert other_spec(creating, made, known(specs=[spec("other")])) != []


def by(*specs: ImageSpec) -> dict[str, EntryKey]:
    """Return entries by digest and by source."""
    digests = {str(spec_digest(each)): each.key for each in specs}
    return digests | {each.image_url: each.key for each in specs}


SOURCE = spec().image_url


@pytest.mark.parametrize(
    ("new", "told", "untold"),
    [
        # The run knows it by name and source, whatever its other fields say.
        (spec("web-new", name="web-01", image_url=SOURCE), "renamed-key", "second"),
        (
            spec("web-new", name="web-01", image_url=SOURCE, min_disk_gb=99),
            "renamed-key",
            "second",
        ),
        (spec("web-new", image_url=SOURCE), "second image", "renamed-key"),
    ],
)
def test_the_same_source_under_another_key_is_a_renamed_entry(
    new: ImageSpec, told: str, untold: str
) -> None:
    (drift,) = renamed(holding(record()), known(specs=[new]), by(new))
    assert drift.kind is K.RENAMED
    assert "'web-new'" in drift.what
    assert "its old key back" in drift.what
    assert told in drift.what
    assert untold not in drift.what


def test_an_image_that_is_gone_and_no_longer_wanted_needs_no_way_out() -> None:
    assert found(record(), None, spec("other")) == [
        (K.GONE, "active in the ledger, but the image is gone")
    ]


def test_an_entry_is_not_renamed_that_is_still_there_or_has_no_image() -> None:
    new = spec("web-new", image_url="bucket:web-01.qcow2")
    both = known(specs=[spec(), new])
    only_new = known(specs=[new])
    assert renamed(holding(record()), both, by(new)) == []
    assert renamed(holding(record(Planned())), only_new, by(new)) == []
    assert renamed(holding(record()), only_new, {}) == []
    assert renamed(holding(record()), only_new, by(spec("web-x"))) == []
    unmade = record(made_spec=None)
    assert renamed(holding(unmade), only_new, by(new)) != []


def test_the_image_of_the_ledger_is_the_one_that_is_named() -> None:
    active = record(Active(image_id=ONE, job_id=None, size_bytes=1))
    (drift,) = differences(holding(active), None, known())
    assert (drift.image_id, drift.ledger) == (ONE, LEDGER)
