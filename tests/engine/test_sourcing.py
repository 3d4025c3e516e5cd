"""Runs over sources: who is looked at, what an unfit one stops, when a file is brought."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from batch_register.engine import Batch, foresee
from batch_register.engine.errand import Errand
from batch_register.engine.sourcing import Sourcing, seen_by
from batch_register.entry import EntryRecord, EntryState
from batch_register.errors import ServiceError, StoppedError
from batch_register.event import (
    CreateIntended,
    ImageAdopted,
    ImageFailed,
    RetryStarted,
    SourceAccepted,
    SourceRefused,
    SourceSeen,
    SourceUploaded,
    UploadBegun,
)
from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    FilePlace,
    ImageSpec,
    Manifest,
    StopReason,
)
from batch_register.plan import Intention, RetryPolicy
from batch_register.ports import Note
from batch_register.source import (
    Brought,
    DiskFormat,
    FileStamp,
    Inspection,
    SourcePin,
    SourceVerdict,
    UploadMark,
)
from batch_register.stage import Registered
from batch_register.stopping import Stop
from tests.engine.rig import LoggedLedger, Rig, rig
from tests.fakes import fault, spec
from tests.virtual_time import run_virtually

MISSING = Fault(
    kind=FaultKind.NOT_FOUND,
    code="preflight.object-missing",
    reason="there is no such object",
    action=Action.FIX_SOURCE,
)
PIN = SourcePin(etag="e1", size_bytes=9)
FILE = FilePlace(path="disk.qcow2")


@dataclass
class FakeSources:
    """Verdicts as told; a file that takes `upload_s` to bring."""

    verdicts: dict[str, SourceVerdict] = field(default_factory=dict)
    upload_s: float = 0.0
    refusal: Fault | None = None
    is_same: bool = True
    reads: int = 0
    asked: list[tuple[list[str], list[str]]] = field(default_factory=list)
    known: list[Mapping[EntryKey, Brought]] = field(default_factory=list)
    brought: list[tuple[str, UploadMark | None]] = field(default_factory=list)

    async def survey(
        self,
        todo: Sequence[ImageSpec],
        done: Sequence[ImageSpec],
        brought: Mapping[EntryKey, Brought],
    ) -> Mapping[EntryKey, SourceVerdict]:
        self.known.append(brought)
        self.asked.append(([one.key for one in todo], [one.key for one in done]))
        await asyncio.sleep(1)
        wanted = {one.key for one in (*todo, *done)}
        return {
            EntryKey(key): one for key, one in self.verdicts.items() if key in wanted
        }

    async def holds(self, spec: ImageSpec, brought: Brought) -> bool:
        self.reads += 1
        await asyncio.sleep(self.upload_s)
        if self.refusal is not None:
            raise ServiceError("read", self.refusal)
        return self.is_same

    async def bring(
        self,
        spec: ImageSpec,
        mark: UploadMark | None,
        brought: Brought | None,
        note: Note,
    ) -> None:
        self.brought.append((spec.key, mark))
        if mark is None:
            begun = UploadBegun(
                upload_id="u", part_bytes=4, size_bytes=9, modified_ns=1
            )
            await note(begun)
        await asyncio.sleep(self.upload_s)
        if self.refusal is not None:
            raise ServiceError("upload", self.refusal)
        await note(SourceUploaded(etag="e1", size_bytes=9, sent_bytes=9, modified_ns=1))


def looked_at(entries: list[ImageSpec] | int, **verdicts: SourceVerdict) -> Rig:
    one = rig(entries)
    told = {key.replace("_", "-"): value for key, value in verdicts.items()}
    one.sources = FakeSources(verdicts=told)
    return one


def sources(one: Rig) -> FakeSources:
    assert isinstance(one.sources, FakeSources)
    return one.sources


def state(one: Rig, key: str = "web-0") -> EntryState:
    return one.ledger.replay()[EntryKey(key)].state


def test_an_unfit_source_stops_its_own_entry_before_any_create() -> None:
    one = looked_at(2, web_0=SourceVerdict(fault=MISSING))
    assert one.run().exit_code == 3
    assert (state(one), state(one, "web-1")) == (EntryState.FAILED, EntryState.ACTIVE)
    assert one.ledger.events("web-0") == [SourceRefused(error=MISSING)]
    assert one.cloud.calls["create"] == 1


def test_a_source_is_mended_and_the_next_run_registers_it() -> None:
    one = looked_at(1, web_0=SourceVerdict(fault=MISSING))
    one.run()
    sources(one).verdicts = {"web-0": SourceVerdict(pin=PIN)}
    assert one.run().exit_code == 0
    assert one.ledger.replay()[EntryKey("web-0")].made_source == PIN


def test_what_still_fails_for_the_same_reason_is_not_written_down_again() -> None:
    one = looked_at(1, web_0=SourceVerdict(fault=MISSING))
    one.run()
    one.run()
    assert one.ledger.events("web-0") == [SourceRefused(error=MISSING)]


def test_an_unfit_source_keeps_the_image_of_a_failed_job_from_being_deleted() -> None:
    one = looked_at(1, web_0=SourceVerdict(pin=PIN))
    one.cloud.failing_jobs = {"web-0": fault(FaultKind.JOB_FAILED)}
    one.run()
    sources(one).verdicts = {"web-0": SourceVerdict(fault=MISSING)}
    one.run()
    told = one.ledger.events("web-0")
    assert isinstance(told[-2], ImageFailed)
    assert told[-1] == SourceRefused(error=MISSING)
    assert not any(isinstance(event, RetryStarted) for event in told)
    assert len(one.cloud.images) == 1


def test_an_image_whose_create_was_lost_is_found_before_its_source_is_refused() -> None:
    one = looked_at(1, web_0=SourceVerdict(pin=PIN))
    one.cloud.replies.append("lose-after")
    one.cloud.list_lag_s = 20.0
    one.run(stop_after_s=5.0)
    sources(one).verdicts = {"web-0": SourceVerdict(fault=MISSING)}
    assert one.run().exit_code == 3
    kinds = [type(event) for event in one.ledger.events("web-0")]
    assert kinds == [SourceSeen, CreateIntended, ImageAdopted, SourceRefused]
    sources(one).verdicts = {"web-0": SourceVerdict(pin=PIN)}
    assert one.run().exit_code == 0
    assert one.images_and_jobs() == (1, [1])


def test_min_disk_auto_becomes_what_the_look_makes_of_it() -> None:
    auto = replace(spec("web-0"), min_disk_gb=0, min_disk_is_auto=True)
    one = looked_at([auto], web_0=SourceVerdict(pin=PIN, min_disk_gb=73))
    assert one.run().exit_code == 0
    assert [each.min_disk_gb for each in one.cloud.sent] == [73]


@pytest.mark.parametrize("verdicts", [{}, {"web_0": SourceVerdict(pin=PIN)}])
def test_min_disk_auto_is_never_guessed(verdicts: dict[str, SourceVerdict]) -> None:
    auto = replace(spec("web-0"), min_disk_gb=0, min_disk_is_auto=True)
    one = looked_at([auto], **verdicts)
    assert one.run().exit_code == 3
    failed = one.ledger.replay()[EntryKey("web-0")].fault
    assert failed is not None
    assert (failed.code, failed.action) == (
        "preflight.min-disk-unknown",
        Action.FIX_MANIFEST,
    )
    assert one.cloud.calls["create"] == 0


def test_active_entries_are_asked_only_what_their_objects_are_now() -> None:
    one = looked_at(2, web_0=SourceVerdict(pin=PIN), web_1=SourceVerdict(pin=PIN))
    one.run()
    one.run()
    assert sources(one).asked == [(["web-0", "web-1"], []), ([], ["web-0", "web-1"])]


def test_a_source_that_changed_after_success_is_a_conflict_and_left_alone() -> None:
    one = looked_at(1, web_0=SourceVerdict(pin=PIN))
    assert one.run().exit_code == 0
    sources(one).verdicts = {"web-0": SourceVerdict(pin=replace(PIN, etag="e2"))}
    assert one.run().exit_code == 3
    assert state(one) is EntryState.CONFLICT
    assert one.cloud.calls["create"] == 1
    sources(one).verdicts = {"web-0": SourceVerdict(pin=PIN)}
    assert one.run().exit_code == 0


def test_a_changed_source_may_be_taken_and_the_next_change_is_a_conflict_again() -> (
    None
):
    one = looked_at(2, web_0=SourceVerdict(pin=PIN), web_1=SourceVerdict(pin=PIN))
    one.run()
    other = SourceVerdict(pin=replace(PIN, etag="e2"))
    sources(one).verdicts = {"web-0": other, "web-1": other}
    one.selected, one.accepts_sources = (lambda key: key == "web-0"), True
    assert one.run().exit_code == 0
    one.selected, one.accepts_sources = (lambda _: True), False
    again = one.run()
    assert (again.exit_code, again.counts.conflict, again.counts.active) == (3, 1, 1)
    assert state(one) is EntryState.ACTIVE
    third = SourceVerdict(pin=replace(PIN, etag="e3"))
    sources(one).verdicts = {"web-0": third, "web-1": other}
    assert one.run().counts.conflict == 2
    assert one.cloud.calls["create"] == 2


def test_an_image_whose_conflict_ends_was_there_before_the_run() -> None:
    one = looked_at(1, web_0=SourceVerdict(pin=PIN))
    one.run()
    sources(one).verdicts = {"web-0": SourceVerdict(pin=replace(PIN, etag="e2"))}
    counts = one.run().counts
    assert (counts.active, counts.conflict, counts.skipped) == (0, 1, 0)
    one.accepts_sources = True
    counts = one.run().counts
    assert (counts.active, counts.conflict, counts.skipped) == (1, 0, 1)


def test_a_conflict_may_be_ended_though_nobody_can_look_now() -> None:
    one = looked_at(1, web_0=SourceVerdict(pin=PIN))
    one.run()
    sources(one).verdicts = {"web-0": SourceVerdict(pin=replace(PIN, etag="e2"))}
    one.run()
    one.accepts_sources = True
    sources(one).verdicts = {"web-0": SourceVerdict(fault=MISSING)}
    assert one.run().exit_code == 0


def test_the_source_of_an_edited_entry_is_not_taken_for_its_images() -> None:
    one = looked_at(1, web_0=SourceVerdict(pin=PIN))
    one.run()
    before = list(one.specs)
    one.specs = [replace(one.specs[0], image_url="bucket-1:other.qcow2")]
    sources(one).verdicts = {"web-0": SourceVerdict(pin=replace(PIN, etag="e2"))}
    one.accepts_sources = True
    assert one.run().exit_code == 3
    one.specs, one.accepts_sources = before, False
    sources(one).verdicts = {"web-0": SourceVerdict(pin=PIN)}
    assert one.run().exit_code == 0


def test_an_image_that_this_run_has_made_is_not_taken_for_right() -> None:
    one = looked_at(1, web_0=SourceVerdict(pin=PIN))
    one.cloud.job_s = 1000.0
    assert one.run(stop_after_s=100.0).exit_code == 143
    assert isinstance(one.ledger.replay()[EntryKey("web-0")].stage, Registered)
    sources(one).verdicts = {"web-0": SourceVerdict(pin=replace(PIN, etag="e2"))}
    one.accepts_sources = True
    assert one.run().exit_code == 3
    assert state(one) is EntryState.CONFLICT


def test_nothing_is_taken_where_nothing_has_changed() -> None:
    one = looked_at(1, web_0=SourceVerdict(pin=PIN))
    one.accepts_sources = True
    assert [one.run().exit_code for _ in range(2)] == [0, 0]
    assert SourceAccepted() not in one.ledger.events("web-0")


def test_a_source_that_was_removed_after_success_is_no_conflict() -> None:
    one = looked_at(1, web_0=SourceVerdict(pin=PIN))
    one.run()
    sources(one).verdicts = {"web-0": SourceVerdict(fault=MISSING)}
    assert one.run().exit_code == 0


def test_a_change_after_a_lost_ledger_was_made_up_for_is_a_conflict_at_once() -> None:
    one = looked_at(1, web_0=SourceVerdict(pin=PIN))
    one.run()
    one.lose_ledger()
    assert one.run().exit_code == 0
    sources(one).verdicts = {"web-0": SourceVerdict(pin=replace(PIN, etag="e2"))}
    assert one.run().exit_code == 3
    assert state(one) is EntryState.CONFLICT


def test_an_image_that_another_run_has_made_is_measured_by_its_own_look() -> None:
    one = looked_at(1, web_0=SourceVerdict(pin=PIN))
    one.cloud.failing_jobs = {"web-0": fault(FaultKind.JOB_FAILED)}
    one.run()
    one.cloud.failing_jobs = {}
    mine, one.ledger = one.ledger, LoggedLedger(log=one.ledger.log)
    newer = SourceVerdict(pin=replace(PIN, etag="e2"))
    sources(one).verdicts = {"web-0": newer}
    one.run()
    one.ledger = mine
    assert one.run().exit_code == 0
    assert state(one) is EntryState.ACTIVE


def test_what_is_registered_without_a_look_is_not_measured_by_an_older_one() -> None:
    one = looked_at(1, web_0=SourceVerdict(pin=PIN))
    one.cloud.failing_jobs = {"web-0": fault(FaultKind.JOB_FAILED)}
    one.run()
    one.cloud.failing_jobs = {}
    sources(one).verdicts = {}  # nobody looks; the object was mended meanwhile
    assert one.run().exit_code == 0
    sources(one).verdicts = {"web-0": SourceVerdict(pin=replace(PIN, etag="e2"))}
    assert one.run().exit_code == 0
    sources(one).verdicts = {"web-0": SourceVerdict(pin=replace(PIN, etag="e3"))}
    assert one.run().exit_code == 3


def test_the_object_of_an_edited_entry_is_not_what_its_image_was_made_of() -> None:
    one = looked_at(1)
    one.run()
    original, one.specs = one.specs, [spec("web-0", image_url="bucket:other.qcow2")]
    sources(one).verdicts = {"web-0": SourceVerdict(pin=replace(PIN, etag="other"))}
    assert one.run().exit_code == 3
    one.specs = original
    sources(one).verdicts = {"web-0": SourceVerdict(pin=PIN)}
    assert one.run().exit_code == 0


def test_the_same_refusal_of_another_request_is_not_written_down_again() -> None:
    one = looked_at(1, web_0=SourceVerdict(fault=replace(MISSING, request_id="r1")))
    one.run()
    again = SourceVerdict(fault=replace(MISSING, request_id="r2"))
    sources(one).verdicts = {"web-0": again}
    one.run()
    assert len(one.ledger.events("web-0")) == 1


def test_an_image_made_elsewhere_is_taken_over_though_its_source_is_gone() -> None:
    one = looked_at(1, web_0=SourceVerdict(fault=MISSING))
    one.run()
    mine, one.ledger = one.ledger, LoggedLedger(log=one.ledger.log)
    sources(one).verdicts = {"web-0": SourceVerdict(pin=PIN)}
    one.run()
    one.ledger = mine
    sources(one).verdicts = {"web-0": SourceVerdict(fault=MISSING)}
    assert one.run().exit_code == 0
    assert one.images_and_jobs() == (1, [1])


@pytest.mark.parametrize("fault_kind", [FaultKind.LOST, None])
def test_a_shell_gets_its_file_though_nobody_can_tell_its_min_disk_any_more(
    fault_kind: FaultKind | None,
) -> None:
    auto = replace(spec("web-0"), min_disk_gb=0, min_disk_is_auto=True)
    one = looked_at([auto], web_0=SourceVerdict(pin=PIN, min_disk_gb=73))
    one.cloud.replies.extend(["ok", "refuse"])
    assert one.run().exit_code == 3
    told = (
        {} if fault_kind is None else {"web-0": SourceVerdict(fault=fault(fault_kind))}
    )
    sources(one).verdicts = told
    assert one.run().exit_code == 0
    assert one.images_and_jobs() == (1, [1])


def test_sizes_that_the_look_has_shown_order_the_admission() -> None:
    small, large = SourcePin(etag="s", size_bytes=1), SourcePin(etag="l", size_bytes=9)
    one = looked_at(2, web_0=SourceVerdict(pin=small), web_1=SourceVerdict(pin=large))
    one.concurrency = 1
    one.run()
    sent = [line for line in one.cloud.log if line.startswith("send create")]
    assert sent == ["send create web-1", "send create web-0"]


# ------------------------------------------------------------ files that are brought


def with_file(**changes: object) -> list[ImageSpec]:
    return [replace(spec("web-0"), source=FILE, **changes)]  # type: ignore[arg-type]


def test_a_file_is_brought_before_the_create_and_once() -> None:
    one = looked_at(with_file())
    assert one.run().exit_code == 0
    kinds = [type(event) for event in one.ledger.events("web-0")]
    assert kinds[:3] == [UploadBegun, SourceUploaded, CreateIntended]
    assert len(sources(one).brought) == 1
    assert one.ledger.replay()[EntryKey("web-0")].made_source == PIN


def test_a_long_upload_does_not_eat_the_deadline_of_its_image() -> None:
    one = looked_at(with_file())
    sources(one).upload_s = 10 * 3600.0
    assert one.run().exit_code == 0


def test_a_stop_cuts_an_upload_short_and_the_next_run_goes_on_with_it() -> None:
    one = looked_at(with_file())
    sources(one).upload_s = 1000.0
    outcome = one.run(stop_after_s=100.0, reason=StopReason.SIGTERM)
    assert outcome.exit_code == 143
    assert state(one) is EntryState.UNFINISHED
    assert one.cloud.calls["create"] == 0
    assert one.run().exit_code == 0
    mark = sources(one).brought[1][1]
    assert mark is not None
    assert mark.upload_id == "u"


SAME = FileStamp(size_bytes=9, modified_ns=1)


@pytest.mark.parametrize(
    ("now", "holds", "code", "reads"),
    [
        (SAME, True, 0, 0),
        (replace(SAME, size_bytes=8), True, 3, 0),
        (replace(SAME, modified_ns=2), True, 0, 1),
        (replace(SAME, modified_ns=2), False, 3, 1),
    ],
    ids=["untouched", "other size", "touched", "other content"],
)
def test_a_file_that_changed_after_success_is_a_conflict_and_not_uploaded(
    now: FileStamp, code: int, reads: int, *, holds: bool
) -> None:
    one = looked_at(with_file())
    one.run()
    sources(one).verdicts = {"web-0": SourceVerdict(pin=PIN, file=now)}
    sources(one).is_same = holds
    assert [one.run().exit_code for _ in range(2)] == [code, code]
    assert (sources(one).reads, len(sources(one).brought)) == (reads, 1)
    sources(one).verdicts = {"web-0": SourceVerdict(pin=PIN, file=SAME)}
    sources(one).is_same = True
    assert one.run().exit_code == 0


@pytest.mark.parametrize(
    "now",
    [replace(SAME, size_bytes=8), replace(SAME, modified_ns=2)],
    ids=["other size", "other content"],
)
def test_a_changed_file_may_be_taken_and_is_not_uploaded(now: FileStamp) -> None:
    one = looked_at(with_file())
    one.run()
    sources(one).verdicts = {"web-0": SourceVerdict(pin=PIN, file=now)}
    sources(one).is_same = False
    one.accepts_sources = True
    assert one.run().exit_code == 0
    one.accepts_sources = False
    assert one.run().exit_code == 0
    assert len(sources(one).brought) == 1
    third = replace(now, size_bytes=7)
    sources(one).verdicts = {"web-0": SourceVerdict(pin=PIN, file=third)}
    assert one.run().exit_code == 3


def test_a_file_that_cannot_be_read_again_is_no_news() -> None:
    one = looked_at(with_file())
    one.run()
    touched = replace(SAME, modified_ns=2)
    sources(one).verdicts = {"web-0": SourceVerdict(pin=PIN, file=touched)}
    sources(one).refusal = fault(FaultKind.FORBIDDEN)
    assert one.run().exit_code == 0


def test_a_stop_cuts_the_reading_of_files_short() -> None:
    one = looked_at(with_file())
    one.run()
    touched = replace(SAME, modified_ns=2)
    sources(one).verdicts = {"web-0": SourceVerdict(pin=PIN, file=touched)}
    sources(one).upload_s = 1000.0
    assert one.run(stop_after_s=100.0).exit_code == 143


def test_a_run_knows_which_object_it_may_replace_by_a_mended_file() -> None:
    one = looked_at(with_file())
    one.cloud.failing_jobs = {"web-0": fault(FaultKind.JOB_FAILED)}
    one.run()
    one.cloud.failing_jobs = {}
    assert one.run().exit_code == 0
    own = Brought(pin=PIN, file=FileStamp(size_bytes=9, modified_ns=1), is_own=True)
    assert sources(one).known == [{}, {"web-0": own}]


def test_an_object_of_which_there_is_an_image_is_nobodys_own() -> None:
    twin = replace(with_file()[0], key=EntryKey("web-1"), name="web-1")
    one = looked_at([*with_file(), twin])
    one.cloud.failing_jobs = {"web-1": fault(FaultKind.JOB_FAILED)}
    one.run()
    one.run()
    known = sources(one).known[-1]
    assert (known[EntryKey("web-0")].is_own, known[EntryKey("web-1")].is_own) == (
        False,
        False,
    )


def test_an_event_on_its_way_to_the_disk_outlives_the_stop_that_cuts_its_upload() -> (
    None
):
    """Else the run would end without what its ledger tells."""
    written: list[object] = []

    async def note(event: object) -> None:
        await asyncio.sleep(1)
        written.append(event)

    async def scenario() -> None:
        stop = Stop()
        (entry,) = with_file()
        errand = Errand(
            spec=entry,
            record=EntryRecord(key=entry.key),
            run_started_s=0.0,
            claimed_s=0.0,
            deadline_s=100.0,
        )
        asyncio.get_running_loop().call_later(0.5, stop.request, StopReason.SIGTERM)
        with pytest.raises(StoppedError):
            await Sourcing(FakeSources(), stop=stop).bring(errand, note)

    run_virtually(scenario())
    assert [type(event) for event in written] == [UploadBegun]


@pytest.mark.parametrize(
    ("refusal", "then"),
    [
        (fault(FaultKind.SERVER), EntryState.UNFINISHED),
        (fault(FaultKind.FORBIDDEN), EntryState.FAILED),
    ],
)
def test_a_file_that_cannot_be_brought_stops_its_own_entry(
    refusal: Fault, then: EntryState
) -> None:
    one = looked_at([*with_file(), spec("web-1")])
    sources(one).refusal = refusal
    one.run()
    assert (state(one), state(one, "web-1")) == (then, EntryState.ACTIVE)
    sources(one).refusal = None
    assert one.run().exit_code == 0


def test_a_stop_cuts_the_look_itself_short() -> None:
    one = looked_at(2)
    assert one.run(stop_after_s=0.5).exit_code == 143
    assert one.cloud.calls["create"] == 0


# ------------------------------------------------------------ the forecast


def test_the_forecast_says_what_is_blocked_and_why() -> None:
    one = looked_at(2, web_0=SourceVerdict(fault=MISSING))
    batch = Batch(
        manifest=Manifest(name="wave-07", images=tuple(one.specs)),
        records={},
        is_selected=lambda _: True,
        is_new_ledger=True,
    )

    async def scenario():
        await batch.declare(*await batch.changes())
        work = await batch.work(RetryPolicy())
        sourcing = Sourcing(one.sources, stop=Stop())
        await sourcing.look(work, batch.records)
        return await foresee(batch, work, {}, None, sourcing.unfit)

    forecast = run_virtually(scenario())
    first, second = forecast.decisions
    assert (first.intention, first.reason) == (Intention.BLOCK, MISSING.sentence())
    assert second.intention is Intention.START
    assert forecast.makers == {"web-1"}


def test_what_a_look_has_shown_is_kept_as_one_event() -> None:
    header = Inspection(disk_format=DiskFormat.QCOW2, virtual_size_bytes=40)
    seen = seen_by(SourceVerdict(pin=PIN, inspection=header))
    assert seen == SourceSeen(
        etag="e1", size_bytes=9, disk_format="qcow2", virtual_size_bytes=40
    )
    assert seen_by(SourceVerdict(inspection=header)) is None
