"""Merging ledgers: what belongs together, which record counts, what is left out."""

from __future__ import annotations

import pytest

from batch_register.entry import EntryState
from batch_register.errors import LedgerError, LedgerTargetError
from batch_register.event import DuplicateSeen, ImageFailed
from batch_register.ledger.replay import Replay
from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageStatus,
    RunCounts,
    Target,
)
from batch_register.report.fold import Source, fold, source_of, source_of_run
from batch_register.shard import Shard

OTHER = Target(endpoint="https://other", project_id="p-2", region="eu-de")
FAULT = Fault(kind=FaultKind.JOB_FAILED, code="c", reason="r", action=Action.WAIT)


def test_a_ledger_without_entries_makes_an_empty_report(new_ledger) -> None:
    report = fold([source_of("a", new_ledger().replay())])
    assert (report.run_id, report.summary, report.images) == (None, RunCounts(), ())


def test_an_empty_file_is_refused_by_name() -> None:
    with pytest.raises(LedgerError, match=r"^a\.jsonl: the ledger is empty$"):
        source_of("a.jsonl", Replay())


def test_a_run_that_kept_its_records_current_reports_what_its_ledger_says(
    new_ledger,
) -> None:
    """The ledger is not read again, so this is what reading it would have said."""
    ledger = new_ledger()
    ledger.start("run-1")
    ledger.declare("web-01")
    ledger.activate("web-01", "image-1")
    opened_with = ledger.replay()
    ledger.start("run-2")
    ledger.declare("web-02")
    read_again = ledger.replay()
    opened_with.records[EntryKey("web-02")] = read_again.records[EntryKey("web-02")]

    assert fold([source_of_run("a", opened_with, "run-2")]) == fold(
        [source_of("a", read_again)]
    )


def test_no_ledger_at_all_is_a_bug() -> None:
    with pytest.raises(ValueError, match="at least one"):
        fold([])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"manifest": "wave-08"}, "b: is of manifest 'wave-08', but a is of 'wave-07'"),
        ({"target": OTHER}, "b: is of project 'p-2', but a is of 'p-1'"),
        (
            {"target": Target(endpoint="", project_id="p-1", region="eu-nl")},
            "b: is of region 'eu-nl', but a is of 'eu-de'",
        ),
    ],
)
def test_ledgers_of_different_batches_do_not_merge(
    other: dict[str, object], message: str, new_ledger
) -> None:
    sources = [
        source_of("a", new_ledger().replay()),
        source_of("b", new_ledger(**other).replay()),
    ]
    with pytest.raises(LedgerTargetError) as caught:
        fold(sources)
    assert caught.value.message == message


def test_shards_make_one_report_of_the_latest_run(new_ledger) -> None:
    """An entry that a shard only knows by name does not count against another's."""
    one, two = new_ledger(), new_ledger()
    one.start("run-1")
    for key in ("a", "b"):
        one.declare(key)
        two.declare(key)
    two.start("run-2")  # later than the other, by its stamp
    one.activate("a", "i-a")
    two.activate("b", "i-b")
    report = fold([source_of("one", one.replay()), source_of("two", two.replay())])
    assert [(row.key, row.state, row.image_id) for row in report.images] == [
        ("a", EntryState.ACTIVE, "i-a"),
        ("b", EntryState.ACTIVE, "i-b"),
    ]
    assert (report.run_id, report.notes) == ("run-2", ())
    assert report.summary == RunCounts(total=2, active=2)


@pytest.mark.parametrize("is_turned", [False, True])
def test_of_one_entry_in_two_ledgers_the_further_counts_and_a_note_says_so(
    is_turned: bool, new_ledger
) -> None:
    one, two = new_ledger(), new_ledger()
    one.declare("a")
    one.register("a", "i-1", "j-1")
    one.happen("a", ImageFailed(error=FAULT, stage="job", image_id=ImageId("i-1")))
    two.declare("a")
    two.activate("a", "i-2")
    sources = [source_of("one", one.replay()), source_of("two", two.replay())]
    report = fold(sources[::-1] if is_turned else sources)
    assert [row.image_id for row in report.images] == ["i-2"]
    claims = ["one (failed, image i-1)", "two (active, image i-2)"]
    first, second = claims[::-1] if is_turned else claims
    assert report.notes == (f"a is in two ledgers: {first}, {second}; two counts",)


def test_an_entry_is_removed_only_if_no_ledger_names_it(new_ledger) -> None:
    one, two = new_ledger(), new_ledger()
    for ledger in (one, two):
        ledger.declare("a")
        ledger.declare("b")
        ledger.remove("b")
    one.activate("a", "i-a")
    one.remove("a")
    report = fold([source_of("one", one.replay()), source_of("two", two.replay())])
    assert [(row.key, row.is_removed) for row in report.images] == [("a", False)]


def test_removed_entries_come_last_and_only_with_something_in_the_cloud(
    new_ledger,
) -> None:
    ledger = new_ledger()
    for key in ("made", "unsent", "kept"):
        ledger.declare(key)
    ledger.activate("made", "i-1")
    ledger.remove("made")
    ledger.remove("unsent")
    report = fold([source_of("a", ledger.replay())])
    assert [row.key for row in report.images] == ["kept", "made"]


def test_what_was_active_before_the_last_run_is_skipped(new_ledger) -> None:
    ledger = new_ledger()
    ledger.start("run-1")
    ledger.declare("a")
    ledger.declare("b")
    ledger.activate("a", "i-a")
    ledger.start("run-2")
    ledger.activate("b", "i-b")
    report = fold([source_of("a", ledger.replay())])
    assert report.summary == RunCounts(total=2, active=2, skipped=1)


def test_further_images_of_an_entry_are_noted(new_ledger) -> None:
    ledger = new_ledger()
    ledger.declare("a")
    for image in ("i-3", "i-2"):
        seen = DuplicateSeen(image_id=ImageId(image), status=ImageStatus.ACTIVE)
        ledger.happen("a", seen)
    report = fold([source_of("a", ledger.replay())])
    assert report.notes == ("a has further images, left alone by every run: i-2, i-3",)


# ------------------------------------------------------------ shards


def shards_of(new_ledger, *numbers: tuple[int, int]) -> list[Source]:
    """Return what ledgers of these shards say, each of one active entry."""
    sources = []
    for index, count in numbers:
        ledger = new_ledger(shard=Shard(index=index, count=count))
        ledger.start(f"run-{index}")
        ledger.declare(f"web-{index}")
        ledger.activate(f"web-{index}", f"image-{index}")
        sources.append(source_of(f"{index}.jsonl", ledger.replay()))
    return sources


def test_a_report_on_one_shard_says_so(new_ledger) -> None:
    report = fold(shards_of(new_ledger, (1, 4)))
    assert (str(report.shard), report.title) == ("1/4", "wave-07, shard 1/4")
    assert report.notes == ()
    assert [str(row.shard) for row in report.images] == ["1/4"]


def test_all_shards_together_are_the_whole_manifest(new_ledger) -> None:
    report = fold(shards_of(new_ledger, (0, 2), (1, 2)))
    assert (report.shard, report.title, report.notes) == (None, "wave-07", ())
    assert report.summary == RunCounts(total=2, active=2)


def test_shards_that_were_not_given_are_named(new_ledger) -> None:
    """Otherwise some of the images could pass for all of them."""
    words = "not in this report, as no ledger of theirs was given: shard "
    assert fold(shards_of(new_ledger, (0, 4), (2, 4))).notes == (f"{words}1/4, 3/4",)
    (note,) = fold(shards_of(new_ledger, (0, 20), (19, 20))).notes
    assert note.startswith(f"{words}1/20, ")
    assert note.endswith("10/20 and 8 more")


def test_a_ledger_of_the_whole_manifest_lacks_no_shard(new_ledger) -> None:
    whole = source_of("whole", new_ledger().replay())
    assert fold([whole, *shards_of(new_ledger, (0, 4))]).notes == ()


def test_an_image_that_was_adopted_into_another_shards_ledger_is_no_clash(
    new_ledger,
) -> None:
    (one,) = shards_of(new_ledger, (0, 1))
    other = new_ledger(shard=Shard(index=1, count=2))
    other.declare("web-0")
    other.activate("web-0", "image-0")
    report = fold([one, source_of("other", other.replay())])
    assert [row.image_id for row in report.images] == ["image-0"]
    assert not [note for note in report.notes if "two ledgers" in note]
