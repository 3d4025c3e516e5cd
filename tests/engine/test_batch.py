"""Manifest beside ledger: what is declared, what is worked on, what a plan foresees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from batch_register.engine import Batch, foresee
from batch_register.engine.forecast import Forecast
from batch_register.entry import EntryRecord
from batch_register.event import ShellFate
from batch_register.model import (
    EntryKey,
    FaultKind,
    ImageId,
    ImageSpec,
    ImageStatus,
    ImageView,
    Manifest,
    entry_digest,
    identity_tags,
    spec_digest,
)
from batch_register.plan import Decision, Intention, RetryPolicy
from batch_register.stage import (
    Active,
    Created,
    Creating,
    Failed,
    Planned,
    Registered,
    Stage,
    Unknown,
)
from tests.fakes import fault, spec
from tests.virtual_time import run_virtually

POLICY = RetryPolicy()
IMAGE = ImageId("image-1")
ACTIVE = Active(image_id=IMAGE, job_id=None, size_bytes=1)


def batch(*specs: ImageSpec, selected: str | None = None, **stages: Stage) -> Batch:
    """Return a batch whose records stand where `stages` says, all declared."""
    by_key = {one.key: one for one in specs}
    one = Batch(
        manifest=Manifest(name="wave-07", images=specs),
        records={},
        is_selected=lambda key: selected is None or key == selected,
        is_new_ledger=False,
    )
    for key, stage in stages.items():
        declared = by_key.get(EntryKey(key), spec(key))
        run_virtually(one.declare([declared], []))
        one.records[declared.key].stage = stage
        one.records[declared.key].made_spec = spec_digest(declared)
    return one


def declare_changes(one: Batch) -> None:
    run_virtually(one.declare(*run_virtually(one.changes())))


def forecast(
    one: Batch, found: dict[str, list[ImageView]], room: int | None
) -> Forecast:
    return run_virtually(foresee(one, run_virtually(one.work(POLICY)), found, room))


def foreseen(
    one: Batch, found: dict[str, list[ImageView]], *, room: int | None
) -> list[Decision]:
    """Return the decisions of a forecast."""
    return forecast(one, found, room).decisions


def start(key: str) -> Decision:
    return Decision(
        key=EntryKey(key), intention=Intention.START, reason="nothing was sent yet"
    )


def test_work_comes_in_the_order_of_admission() -> None:
    a, b, c = spec("a", size_bytes=1), spec("b", size_bytes=9), spec("c", priority=1)
    one = batch(a, b, c, a=Planned(), b=Planned(), c=Planned())
    assert [made for made, _ in run_virtually(one.work(POLICY))] == [c, b, a]


def test_only_what_is_selected_is_wanted() -> None:
    a, b = spec("a"), spec("b", size_bytes=9)
    assert batch(a, b).wanted() == [a, b]
    assert batch(a, b, selected="a").wanted() == [a]


def test_new_entries_are_changes_and_known_ones_are_not() -> None:
    a, b = spec("a"), spec("b")
    assert run_virtually(batch(a, b, a=Planned()).changes()) == ([b], [])


def test_what_is_unmade_is_wanted_and_not_active() -> None:
    specs = [spec(key) for key in ("made", "open", "new", "other")]
    one = batch(*specs, made=ACTIVE, open=Creating())
    assert [each.key for each in one.unmade()] == ["open", "new", "other"]
    assert batch(*specs, selected="made", made=ACTIVE).unmade() == []


@pytest.mark.parametrize(
    "change",
    [{"min_disk_gb": 99}, {"labels": (("owner", "x"),)}, {"name": "other"}],
)
def test_a_changed_entry_is_declared_again(change: dict[str, Any]) -> None:
    before = batch(spec("a"), a=Planned())
    after = spec("a", **change)
    before.manifest = Manifest(name="wave-07", images=(after,))
    assert run_virtually(before.changes()) == ([after], [])
    declare_changes(before)
    assert run_virtually(before.changes()) == ([], [])


@pytest.mark.fault(28)
def test_a_removed_entry_is_told_once_and_comes_back_when_it_is_named_again() -> None:
    one = batch(a=Planned())
    assert run_virtually(one.changes()) == ([], ["a"])
    declare_changes(one)
    assert run_virtually(one.changes()) == ([], [])
    one.manifest = Manifest(name="wave-07", images=(spec("a"),))
    assert run_virtually(one.changes()) == ([spec("a")], [])


def test_work_names_wanted_entries_first_and_open_ones_that_are_not() -> None:
    a, b = spec("a"), spec("b")
    one = batch(a, b, selected="b", a=Creating(), b=Planned(), gone=ACTIVE)
    work = run_virtually(one.work(POLICY))
    assert [(made, decision.key, decision.intention) for made, decision in work] == [
        (b, "b", Intention.START),
        (None, "a", Intention.RESOLVE),
        (None, "gone", Intention.LEAVE),
    ]


def test_only_wanted_entries_count_as_active() -> None:
    one = batch(spec("a"), spec("b"), selected="a", a=ACTIVE, b=ACTIVE)
    assert run_virtually(one.made()) == {"a"}
    counts = run_virtually(one.counts({EntryKey("a"), EntryKey("b")}))
    assert (counts.total, counts.active, counts.skipped) == (1, 1, 1)


def test_an_active_entry_that_is_in_conflict_does_not_count_as_active() -> None:
    one = batch(spec("a"), spec("b"), a=ACTIVE, b=ACTIVE)
    run_virtually(one.declare([spec("b", min_disk_gb=99)], []))
    made = run_virtually(one.made())
    counts = run_virtually(one.counts(made))
    assert sorted(made) == ["a", "b"]
    assert (counts.active, counts.conflict, counts.skipped) == (1, 1, 1)


def found(one: ImageSpec, made_of: ImageSpec, **changes: Any) -> ImageView:
    return ImageView(
        image_id=IMAGE,
        name=one.name,
        status=ImageStatus.SAVING,
        tags=identity_tags("wave-07", made_of),
        **changes,
    )


def test_a_plan_foresees_adoption_conflict_start_and_quota() -> None:
    specs = [spec(key) for key in "abcd"]
    a, b = specs[:2]
    one = batch(*specs, a=Planned(), b=Planned(), c=Planned(), d=Planned())
    shown = {
        entry_digest("wave-07", a.key): [found(a, a)],
        entry_digest("wave-07", b.key): [found(b, spec("b", min_disk_gb=99))],
    }
    assert foreseen(one, shown, room=1) == [
        Decision(
            key=a.key,
            intention=Intention.ADOPT,
            reason="image image-1 (saving) is there already",
        ),
        Decision(
            key=b.key,
            intention=Intention.CONFLICT,
            reason="image image-1 (saving) is there already, made from another spec",
        ),
        start("c"),
        Decision(
            key=EntryKey("d"),
            intention=Intention.DEFER,
            reason="the image quota has no room for it",
        ),
    ]


def test_what_the_cloud_shows_already_takes_no_place() -> None:
    specs = [spec(key) for key in "abc"]
    one = batch(*specs, a=Creating(), b=Planned(), c=Planned())
    shown = {entry_digest("wave-07", specs[0].key): [found(specs[0], specs[0])]}
    told = forecast(one, shown, 1)
    assert [sorted(told.makers), sorted(told.waiting)] == [["b"], ["c"]]
    told = forecast(one, {}, 1)
    assert [sorted(told.makers), sorted(told.waiting)] == [["a"], ["b", "c"]]


def renamed(stage: Stage) -> tuple[Batch, ImageSpec]:
    """Return a batch in which `old` has become `new`, with its name and source."""
    old = spec("old")
    one = batch(old, old=stage)
    new = replace(old, key=EntryKey("new"))
    one.manifest = Manifest(name="wave-07", images=(new,))
    declare_changes(one)
    return one, old


@pytest.mark.fault(28)
@pytest.mark.parametrize(
    ("stage", "is_renamed"),
    [
        (ACTIVE, True),
        (Creating(), True),
        (Unknown(fault=fault(FaultKind.LOST), was=Creating()), True),
        (Created(image_id=IMAGE), True),
        (Registered(image_id=IMAGE, job_id=None), True),
        (Failed(fault=fault(FaultKind.JOB_FAILED), image_id=IMAGE), True),
        (Failed(fault=fault(FaultKind.REJECTED)), False),
        (Planned(), False),
    ],
)
def test_a_new_key_for_the_same_name_and_source_is_a_renamed_entry(
    stage: Stage, is_renamed: bool
) -> None:
    one, _ = renamed(stage)
    assert list(one.renames()) == ([EntryKey("new")] if is_renamed else [])


@pytest.mark.fault(28)
@pytest.mark.parametrize("change", [{"name": "other"}, {"image_url": "b:other"}])
def test_another_name_or_source_is_another_image(change: dict[str, Any]) -> None:
    one, _ = renamed(ACTIVE)
    other = replace(one.manifest.images[0], **change)
    one.manifest = Manifest(name="wave-07", images=(other,))
    declare_changes(one)
    assert one.renames() == {}


def test_an_entry_with_an_image_of_its_own_was_not_renamed() -> None:
    one, _ = renamed(ACTIVE)
    one.records[EntryKey("new")].stage = Created(image_id=ImageId("image-2"))
    assert one.renames() == {}


@pytest.mark.fault(28)
def test_a_plan_says_that_a_renamed_entry_is_not_made_again() -> None:
    one, old = renamed(ACTIVE)
    shown = {entry_digest("wave-07", old.key): [found(old, old)]}
    decision, leave = foreseen(one, shown, room=None)
    assert decision == Decision(
        key=EntryKey("new"),
        intention=Intention.CONFLICT,
        reason=(
            "image image-1 of the same name and source was made for 'old', which the "
            "manifest no longer names: restore that key, or delete the image"
        ),
    )
    assert leave.intention is Intention.LEAVE


@pytest.mark.fault(28)
def test_a_plan_says_that_a_file_has_an_image_already_under_another_name() -> None:
    one, old = renamed(ACTIVE)
    other = replace(one.manifest.images[0], name="another")
    one.manifest = Manifest(name="wave-07", images=(other,))
    declare_changes(one)
    shown = {entry_digest("wave-07", old.key): [found(old, old)]}
    decision = foreseen(one, shown, room=None)[0]
    assert (decision.intention, decision.reason) == (
        Intention.START,
        "nothing was sent yet; the same file was registered for 'old' ('old', image "
        "image-1), which the manifest no longer names",
    )


@pytest.mark.parametrize("stage", [Creating(), Planned()])
def test_a_former_entry_without_an_image_is_nobodys_namesake(stage: Stage) -> None:
    one, _ = renamed(stage)
    assert one.namesakes() == {}


JOB_FAILED = Failed(fault=fault(FaultKind.JOB_FAILED), image_id=IMAGE)
REFUSED = Failed(fault=fault(FaultKind.REJECTED), image_id=IMAGE, shell_reusable=True)


@pytest.mark.parametrize(
    ("stage", "status", "is_conflict"),
    [
        (ACTIVE, ImageStatus.ACTIVE, True),
        (ACTIVE, ImageStatus.QUEUED, True),
        (ACTIVE, ImageStatus.KILLED, False),
        (JOB_FAILED, ImageStatus.QUEUED, False),
        (JOB_FAILED, ImageStatus.KILLED, False),
        (JOB_FAILED, ImageStatus.SAVING, True),
        (JOB_FAILED, ImageStatus.ACTIVE, True),
        (REFUSED, ImageStatus.QUEUED, True),
    ],
)
def test_only_an_image_that_may_hold_data_is_in_the_way_of_a_renamed_entry(
    stage: Stage, status: ImageStatus, is_conflict: bool
) -> None:
    one, old = renamed(stage)
    view = replace(found(old, old), status=status)
    shown = {entry_digest("wave-07", old.key): [view]}
    decision = foreseen(one, shown, room=None)[0]
    assert (decision.intention is Intention.CONFLICT) is is_conflict


@pytest.mark.fault(28)
@pytest.mark.parametrize("is_known", [True, False])
def test_a_plan_sees_an_image_of_the_very_spec_under_a_key_that_is_gone(
    is_known: bool,
) -> None:
    """The ledger was lost as well: only the tags tell."""
    one, old = renamed(Planned())
    if not is_known:
        del one.records[old.key]
    shown = {entry_digest("wave-07", old.key): [found(old, old)]}
    decision = foreseen(one, shown, room=None)[0]
    assert decision.intention is Intention.CONFLICT
    assert decision.reason.startswith("image image-1 (saving) was made from the same")


def test_an_image_of_the_very_spec_in_another_shard_is_in_nobodys_way() -> None:
    """A manifest may name one file twice, and this ledger knows of one of them only."""
    one, old = renamed(Planned())
    del one.records[old.key]
    tag = entry_digest("wave-07", old.key)
    one.manifest = replace(one.manifest, elsewhere=frozenset({tag}))
    assert foreseen(one, {tag: [found(old, old)]}, room=None) == [start("new")]


def test_an_image_of_another_spec_under_a_key_that_is_gone_is_in_nobodys_way() -> None:
    one, old = renamed(Planned())
    other = spec("old", min_disk_gb=99)
    shown = {entry_digest("wave-07", old.key): [found(old, other)]}
    assert foreseen(one, shown, room=None)[0] == start("new")


def test_a_plan_makes_a_renamed_entry_whose_image_is_gone_from_the_cloud() -> None:
    one, _ = renamed(ACTIVE)
    decision = foreseen(one, {}, room=None)[0]
    assert decision.intention is Intention.START
    assert decision.reason.startswith("nothing was sent yet; the same file was")


def test_a_plan_does_not_make_a_renamed_entry_whose_create_is_open() -> None:
    one, _ = renamed(Creating())
    decision = foreseen(one, {}, room=None)[0]
    assert decision.intention is Intention.CONFLICT
    assert decision.reason.startswith("an image of the same name and source")


def test_a_plan_without_a_known_quota_defers_nothing() -> None:
    one = batch(spec("a"), spec("b"), a=Planned(), b=Planned())
    assert foreseen(one, {}, room=None) == [start("a"), start("b")]


def test_a_plan_passes_over_images_that_the_ledger_calls_dead() -> None:
    a = spec("a")
    one = batch(a, a=Planned())
    one.records[a.key].dead_images = frozenset({IMAGE})
    shown = {entry_digest("wave-07", a.key): [found(a, a)]}
    assert foreseen(one, shown, room=None) == [start("a")]


def test_what_is_done_or_failed_keeps_its_own_decision() -> None:
    failed = Failed(fault=fault(FaultKind.REJECTED), image_id=IMAGE)
    one = batch(spec("a"), spec("b"), a=ACTIVE, b=failed)
    assert foreseen(one, {}, room=0) == [
        Decision(
            key=EntryKey("b"),
            intention=Intention.RETRY,
            reason="failed before: test",
            shell=ShellFate.REPLACE,
        ),
        Decision(key=EntryKey("a"), intention=Intention.SKIP, reason="active already"),
    ]


def test_a_record_is_made_for_each_entry_of_the_manifest() -> None:
    one = batch(spec("a"))
    declare_changes(one)
    expected = EntryRecord(key=EntryKey("a"))
    expected.declare("a", "bucket:a.qcow2", spec_digest(spec("a")), ())
    assert one.records == {"a": expected}
