"""The whole comparison: which findings there are, and what is looked at for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batch_register.entry import EntryRecord, EntryState
from batch_register.model import EntryKey, FaultKind, ImageId, ImageStatus
from batch_register.reconcile import (
    Findings,
    Judging,
    Known,
    Sight,
    compare,
    jobs_around,
    late_finishers,
    looks,
)
from batch_register.reconcile.findings import (
    DriftKind,
    LeftoverKind,
    OrphanKind,
    Untraced,
)
from batch_register.reconcile.removal import Obstacle
from batch_register.shard import Shard
from batch_register.stage import (
    Active,
    Created,
    Creating,
    Failed,
    Planned,
    Registered,
    Unknown,
)
from tests.fakes import fault, spec
from tests.reconcile.scenes import (
    JOB,
    KEY,
    LEDGER,
    NAME,
    ONE,
    OTHER_SPEC,
    THREE,
    TWO,
    known,
    ledger,
    record,
    retagged,
    sight,
    view,
)

S = ImageStatus
JUDGING = Judging(now=datetime(2026, 9, 9, tzinfo=UTC), age=timedelta(hours=24))
REGISTERED = Registered(image_id=ONE, job_id=JOB)
LOST = fault(FaultKind.LOST)


def found(what: Known, seen: Sight, *named: ImageId) -> Findings:
    return compare(what, seen, named, late_finishers(what, seen), JUDGING)


def test_a_ledger_and_a_cloud_that_agree_give_no_findings() -> None:
    assert found(known(ledger(record())), sight(view()), ONE) == Findings()
    assert found(known(), sight()) == Findings()


# ------------------------------------------------------------ orphans


def test_an_image_that_no_ledger_names_is_an_orphan_that_may_go() -> None:
    shell = view(TWO, S.QUEUED)
    seen = sight(view(), shell, jobs={JOB: None})
    (orphan,) = found(known(ledger(record())), seen, ONE).orphans
    assert (orphan.view, orphan.kind, orphan.key) == (shell, OrphanKind.UNNAMED, KEY)
    assert orphan.obstacles == ()


def test_an_image_of_a_removed_entry_is_an_orphan_that_stays() -> None:
    without = known(ledger(record()), specs=[spec("other")])
    (orphan,) = found(without, sight(view(status=S.QUEUED)), ONE).orphans
    assert (orphan.kind, orphan.key) == (OrphanKind.REMOVED, KEY)
    assert orphan.obstacles == (Obstacle.NAMED,)


def test_an_image_of_an_entry_that_nobody_knows_is_an_orphan_without_a_key() -> None:
    stray = view(TWO, S.KILLED, key="long-gone")
    (orphan,) = found(known(ledger(record())), sight(stray)).orphans
    assert (orphan.kind, orphan.key, orphan.obstacles) == (OrphanKind.UNNAMED, None, ())


def test_an_image_with_the_manifests_tag_alone_is_an_orphan_that_stays() -> None:
    bare = retagged(view(TWO, S.QUEUED), br_entry=None, br_spec=None)
    (orphan,) = found(known(ledger(record())), sight(bare)).orphans
    assert orphan.obstacles == (Obstacle.NO_ENTRY, Obstacle.NO_SPEC)


@pytest.mark.parametrize("status", [S.DELETED, S.PENDING_DELETE])
def test_an_image_on_its_way_out_is_no_orphan(status: ImageStatus) -> None:
    assert found(known(), sight(view(TWO, status))) == Findings()


def test_an_image_that_a_look_no_longer_shows_is_no_orphan() -> None:
    assert found(known(), sight(view(TWO, S.QUEUED), looked={TWO: None})).orphans == ()


def test_without_a_ledger_every_image_is_an_orphan_and_none_may_go() -> None:
    (orphan,) = found(known(), sight(view(TWO, S.QUEUED))).orphans
    assert orphan.obstacles == (Obstacle.NO_LEDGER,)


def test_an_empty_ledger_tells_of_no_image_so_none_may_go() -> None:
    shell = sight(view(TWO, S.QUEUED))
    (orphan,) = found(known(ledger()), shell).orphans
    assert orphan.obstacles == (Obstacle.NO_ENTRIES,)
    one_of_two = known(ledger(), ledger(record(key="db-01"), path="b.jsonl"))
    (orphan,) = found(one_of_two, shell).orphans
    assert orphan.obstacles == ()


def test_an_open_call_in_any_ledger_keeps_an_entrys_orphans() -> None:
    second = ledger(record(Creating()), path="second.jsonl")
    both = known(ledger(record()), second)
    seen = sight(view(), view(TWO, S.QUEUED), jobs={JOB: None})
    (orphan,) = found(both, seen, ONE).orphans
    assert orphan.obstacles == (Obstacle.OPEN_CALL,)


@pytest.mark.parametrize(
    ("jobs", "obstacles"), [({}, (Obstacle.RUNNING_JOB,)), ({JOB: None}, ())]
)
def test_a_job_of_its_entry_that_was_not_asked_for_keeps_an_orphan(
    jobs: dict[Any, Any], obstacles: tuple[Obstacle, ...]
) -> None:
    seen = sight(view(), view(TWO, S.QUEUED), jobs=jobs)
    (orphan,) = found(known(ledger(record())), seen, ONE).orphans
    assert orphan.obstacles == obstacles


def test_deletable_are_the_orphans_without_obstacles() -> None:
    seen = sight(view(TWO, S.QUEUED), view(THREE, S.ACTIVE))
    what = known(ledger(record(key="db-01")))
    findings = found(what, seen)
    assert [orphan.view.image_id for orphan in findings.deletable] == [TWO]


# ------------------------------------------------------------ leftovers


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (record(dead_images=frozenset({TWO})), LeftoverKind.DEAD),
        (record(duplicates=frozenset({TWO})), LeftoverKind.DUPLICATE),
        (record(), LeftoverKind.MENTIONED),
        (record(Failed(fault=LOST, image_id=None)), LeftoverKind.MENTIONED),
    ],
)
def test_a_named_image_that_its_entry_does_not_stand_by_is_a_leftover(
    one: EntryRecord, kind: LeftoverKind
) -> None:
    kept = view(TWO, S.KILLED)
    findings = found(known(ledger(one)), sight(view(), kept), ONE, TWO)
    left = [each for each in findings.leftovers if each.view.image_id == TWO]
    assert [(each.view, each.kind, each.key) for each in left] == [(kept, kind, KEY)]
    assert findings.orphans == ()
    assert findings.deletable == ()


def test_a_shell_that_only_a_reason_names_is_a_leftover() -> None:
    in_conflict = record(Failed(fault=LOST, image_id=None))
    findings = found(known(ledger(in_conflict)), sight(view(status=S.QUEUED)), ONE)
    assert [each.view.image_id for each in findings.leftovers] == [ONE]
    assert replace(findings, leftovers=()) == Findings()


@pytest.mark.parametrize(
    ("one", "seen"),
    [
        (record(), sight(view())),
        (record(Failed(fault=LOST, image_id=ONE)), sight(view(status=S.KILLED))),
        (record(Creating()), sight(view(status=S.QUEUED))),  # the next run's
        (record(), sight(view(), view(TWO, S.QUEUED))),  # a duplicate
        (record(), sight(view(), view(TWO, S.DELETED))),
        (record(), sight(view(), view(TWO), looked={TWO: None})),
        (record(key="gone"), sight(view(key="gone"))),  # an orphan: removed
        (record(), sight(view(), view(TWO, key="long-gone"))),  # the same
    ],
)
def test_what_an_entry_stands_by_or_another_finding_shows_is_no_leftover(
    one: EntryRecord, seen: Sight
) -> None:
    assert found(known(ledger(one)), seen, ONE, TWO).leftovers == ()


# ------------------------------------------------------------ duplicates


def test_of_several_live_images_the_furthest_then_oldest_counts() -> None:
    young = view(THREE, created_at="2026-09-02T00:00:00Z")
    seen = sight(view(TWO, S.QUEUED), young, view())
    (duplicate,) = found(known(ledger(record())), seen, ONE).duplicates
    assert duplicate.key == KEY
    assert duplicate.kept.image_id == ONE
    assert [other.image_id for other in duplicate.others] == [THREE, TWO]
    assert duplicate.in_ledger == ONE


def test_killed_and_dead_images_are_no_duplicates_unless_they_came_alive() -> None:
    one = record(dead_images=frozenset({THREE}))
    killed = view(TWO, S.KILLED)
    what = known(ledger(one))
    dead = sight(view(), killed, view(THREE, S.QUEUED))
    assert found(what, dead, ONE, TWO, THREE).duplicates == ()
    (duplicate,) = found(what, sight(view(), view(THREE)), ONE, THREE).duplicates
    assert [other.image_id for other in duplicate.others] == [THREE]


def test_duplicates_of_an_entry_that_nobody_knows_are_told_too() -> None:
    seen = sight(view(ONE, key="gone"), view(TWO, key="gone"))
    (duplicate,) = found(known(), seen).duplicates
    assert (duplicate.key, duplicate.in_ledger) == (None, None)


def test_an_entry_without_a_live_image_has_no_duplicate() -> None:
    seen = sight(view(ONE, S.KILLED), view(TWO, S.KILLED))
    assert found(known(), seen).duplicates == ()


# ------------------------------------------------------------ drift and traces


def test_drift_is_told_of_every_ledger() -> None:
    other = record(key="db-01", stage=Active(image_id=TWO, job_id=None, size_bytes=1))
    both = known(
        ledger(record()), ledger(other, path="b.jsonl"), specs=[spec(), spec("db-01")]
    )
    drift = found(both, sight()).drift
    assert [(each.kind, each.ledger) for each in drift] == [
        (DriftKind.GONE, LEDGER),
        (DriftKind.GONE, "b.jsonl"),
    ]


def test_what_could_not_be_looked_at_is_told_instead_of_guessed_at() -> None:
    findings = found(known(ledger(record())), sight(unseen={ONE: "HTTP 500"}))
    assert findings == Findings(unseen=((ONE, "HTTP 500"),))


def test_a_late_finisher_is_told_once() -> None:
    one = record(Unknown(fault=LOST, was=REGISTERED))
    findings = found(known(ledger(one)), sight(view()), ONE)
    assert [late.key for late in findings.late] == [KEY]
    assert (findings.drift, findings.untraced) == ((), ())


def test_a_late_finisher_of_another_ledger_is_not_to_be_written() -> None:
    one = record(Unknown(fault=LOST, was=REGISTERED))
    both = known(ledger(), ledger(one, path="b.jsonl"))
    (late,) = found(both, sight(view()), ONE).late
    assert (late.ledger, late.events, bool(late.why_not)) == ("b.jsonl", (), True)


def test_a_lost_creates_image_of_another_spec_is_drift() -> None:
    stranger = retagged(view(), br_spec=OTHER_SPEC)
    findings = found(known(ledger(record(Creating()))), sight(stranger))
    assert [each.kind for each in findings.drift] == [DriftKind.OTHER_SPEC]
    assert (findings.late, findings.untraced) == ((), ())


def test_a_renamed_entry_is_drift_and_its_image_an_orphan() -> None:
    new = spec("web-new", image_url=spec(KEY).image_url)
    planned = record(Planned(), key="web-new")
    what = known(ledger(record(), planned), specs=[new])
    findings = found(what, sight(view()), ONE)
    assert [each.kind for each in findings.drift] == [DriftKind.RENAMED]
    assert [each.kind for each in findings.orphans] == [OrphanKind.REMOVED]


def test_an_entry_that_has_its_own_image_is_no_new_name_of_another() -> None:
    new = spec("web-new", image_url=spec(KEY).image_url)
    held = record(Active(image_id=TWO, job_id=None, size_bytes=1), key="web-new")
    planned = ledger(record(), record(Planned(), key="web-new"))
    what = known(planned, ledger(held, path="b.jsonl"), specs=[new])
    drift = found(what, sight(view(), view(TWO)), ONE, TWO).drift
    assert DriftKind.RENAMED not in {each.kind for each in drift}


@pytest.mark.parametrize(
    ("one", "seen"),
    [
        (record(Unknown(fault=LOST, was=Creating())), sight()),
        (record(Unknown(fault=LOST, was=REGISTERED)), sight(looked={ONE: None})),
        (record(Unknown(fault=LOST, was=REGISTERED)), sight(view(status=S.DELETED))),
        (record(Creating()), sight()),
        (record(Created(image_id=ONE)), sight()),
    ],
)
def test_an_open_entry_of_which_the_cloud_shows_nothing_has_no_trace(
    one: EntryRecord, seen: Sight
) -> None:
    (untraced,) = found(known(ledger(one)), seen, ONE).untraced
    assert untraced == Untraced(
        key=KEY, ledger=LEDGER, was=one.state, image_id=one.image_id
    )
    assert untraced.was in (EntryState.UNKNOWN, EntryState.UNFINISHED)


@pytest.mark.parametrize(
    ("one", "seen"),
    [
        (record(Planned()), sight()),
        (record(Creating()), sight(view(TWO, S.QUEUED))),
        (record(Creating()), sight(view(TWO, S.KILLED))),
        (record(REGISTERED), sight(view(status=S.SAVING))),
        (record(REGISTERED), sight(view(TWO, S.QUEUED), looked={ONE: None})),
        (record(REGISTERED), sight(unseen={ONE: "HTTP 500"})),
    ],
)
def test_an_entry_that_left_a_trace_or_was_not_seen_is_not_without_one(
    one: EntryRecord, seen: Sight
) -> None:
    assert found(known(ledger(one)), seen, ONE).untraced == ()


# ------------------------------------------------------------ what is looked at


@pytest.mark.parametrize(
    ("one", "seen", "images", "jobs"),
    [
        (record(), sight(view()), set(), set()),
        (record(), sight(), {ONE}, set()),
        (record(), sight(view(status=S.QUEUED)), {ONE}, set()),
        (record(Planned()), sight(view()), set(), set()),
        (record(REGISTERED), sight(), {ONE}, {JOB}),
        (record(Registered(image_id=ONE, job_id=None)), sight(), {ONE}, set()),
        (record(Creating()), sight(), set(), set()),
        (record(Creating()), sight(view(TWO)), {TWO}, set()),
        (record(Unknown(fault=LOST, was=Planned())), sight(view(TWO)), {TWO}, set()),
        (record(Failed(fault=LOST, image_id=ONE)), sight(view()), {ONE}, set()),
        (record(Failed(fault=LOST, image_id=ONE)), sight(), set(), set()),
    ],
)
def test_only_what_the_list_does_not_explain_is_looked_at(
    one: EntryRecord, seen: Sight, images: set[str], jobs: set[str]
) -> None:
    assert looks(known(ledger(one)), seen) == (images, jobs)


def test_the_jobs_of_an_entry_with_an_unnamed_image_are_asked_for() -> None:
    what = known(ledger(record()))
    assert jobs_around([view(), view(TWO)], what, {ONE}) == {JOB}
    assert jobs_around([view(), view(TWO)], what, {ONE, TWO}) == set()
    assert jobs_around([view(TWO, key="gone")], what, set()) == set()


# ------------------------------------------------------------ shards

SHARDS = [Shard(index=index, count=2) for index in range(2)]
MINE, THEIRS = sorted(SHARDS, key=lambda each: not each.holds(NAME, EntryKey(KEY)))


def test_an_image_of_a_shard_whose_ledger_was_not_given_is_no_finding() -> None:
    """Its twin, too, is nothing that this ledger could tell of."""
    partial = known(ledger(shard=THEIRS))
    told = partial.told_of(sight(view(), view(TWO)))
    assert found(partial, told) == Findings(elsewhere=2)


@pytest.mark.parametrize("shards", [(None,), (MINE,), (MINE, THEIRS)])
def test_an_image_of_a_given_shard_is_an_orphan_as_ever(
    shards: tuple[Shard | None, ...],
) -> None:
    one = known(*(ledger(shard=shard) for shard in shards))
    (orphan,) = found(one, one.told_of(sight(view(TWO)))).orphans
    assert Obstacle.OTHER_SHARD not in orphan.obstacles


def test_a_ledger_from_before_the_split_does_not_free_a_shards_image() -> None:
    """It knows the entry, but not what the shard's own runs have made of it since."""
    one = known(ledger(record()), ledger(shard=THEIRS))
    shell = view(TWO, S.QUEUED)
    told = one.told_of(sight(view(), shell))
    (orphan,) = found(one, told, ONE).orphans
    assert (told.elsewhere, orphan.view) == (0, shell)
    assert Obstacle.OTHER_SHARD in orphan.obstacles


def test_all_ledgers_of_an_earlier_split_do_not_free_a_shards_image_either() -> None:
    earlier = [Shard(index=index, count=3) for index in range(3)]
    shell = view(TWO, S.QUEUED)
    for shard, is_kept in ((THEIRS, True), (MINE, False)):
        one = known(*(ledger(record(), shard=each) for each in (*earlier, shard)))
        (orphan,) = found(one, one.told_of(sight(view(), shell)), ONE).orphans
        assert (Obstacle.OTHER_SHARD in orphan.obstacles) is is_kept


def test_an_image_without_an_entrys_tag_is_in_every_shard() -> None:
    one = known(ledger(shard=THEIRS))
    bare = retagged(view(), br_entry=None)
    assert one.told_of(sight(bare)).elsewhere == 0


def test_an_entry_of_a_shard_that_was_not_given_is_no_new_name_of_another() -> None:
    gone = record(key="gone", image_url=spec(KEY).image_url)
    for shard, is_renamed in ((MINE, True), (THEIRS, False)):
        one = known(ledger(gone, shard=shard))
        kinds = [each.kind for each in found(one, sight(view())).drift]
        assert (DriftKind.RENAMED in kinds) is is_renamed
