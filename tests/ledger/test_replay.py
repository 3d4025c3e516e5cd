"""What lines add up to."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable

import pytest
from hypothesis import given

from batch_register.entry import EntryRecord
from batch_register.event import (
    CreateIntended,
    CreateRefused,
    DuplicateSeen,
    Event,
)
from batch_register.ledger.line import DamagedLineError, Line, decode, encode
from batch_register.ledger.notes import (
    Note,
    cloud_observed,
    entry_declared,
    entry_removed,
    ledger_opened,
    run_finished,
    run_started,
)
from batch_register.ledger.replay import Replay, RunRecord
from batch_register.model import (
    ImageStatus,
    RunCounts,
    SpecDigest,
    Target,
    spec_digest,
)
from batch_register.stage import Planned
from tests.ledger.disks import TARGET
from tests.ledger.stories import (
    BUSY,
    DB,
    IMAGE,
    SMALL,
    TO_ACTIVE,
    USAGE,
    WEB,
    image_spec,
    lines_of,
    noted,
    usages,
    walks,
)

START = run_started("0.1.0")


def replayed(lines: Iterable[bytes]) -> Replay:
    replay = Replay()
    for raw in lines:
        replay.take(raw)
    return replay


def active_record() -> EntryRecord:
    """Return the record of the small ledger's first entry, made without a ledger."""
    spec = image_spec(WEB, labels=(("owner", "team-é"),))
    record = EntryRecord(key=WEB)
    record.declare(spec.name, spec.image_url, spec_digest(spec), spec.labels)
    for seq, event in enumerate(TO_ACTIVE, start=4):
        record.apply(event, f"2026-03-04T05:06:07.{seq:03}Z")
    return record


def refused_record() -> EntryRecord:
    """Return the record of the small ledger's second entry, made without a ledger."""
    spec = image_spec(DB)
    record = EntryRecord(key=DB)
    record.declare(spec.name, spec.image_url, spec_digest(spec), ())
    record.apply(CreateIntended(spec=SpecDigest("s2")), "2026-03-04T05:06:07.010Z")
    record.apply(CreateRefused(error=BUSY), "2026-03-04T05:06:07.011Z")
    seen = DuplicateSeen(image_id=IMAGE, status=ImageStatus.ACTIVE)
    record.apply(seen, "2026-03-04T05:06:07.012Z")
    record.is_removed = True
    return record


def test_small_ledger_adds_up():
    assert replayed(SMALL) == Replay(
        manifest_name="wave-07",
        target=TARGET,
        last_seq=15,
        records={WEB: active_record(), DB: refused_record()},
        runs=[
            RunRecord(
                run_id="run-1",
                started_at="2026-03-04T05:06:07.002Z",
                tool_version="0.1.0",
                first_seq=2,
                finished_at="2026-03-04T05:06:07.015Z",
                exit_code=0,
                counts=RunCounts(total=1, active=1),
                usage=USAGE,
            )
        ],
        observations={"list_lag_s": 1.5},
        active_since={WEB: 8},
    )


def test_no_lines_add_up_to_nothing():
    assert replayed([]) == Replay()


def test_lines_of_one_commit_share_their_stamp():
    lines = lines_of(noted(WEB, event) for event in TO_ACTIVE)
    same = [encode(dataclasses.replace(decode(raw), at="now")) for raw in lines]
    record = replayed(same).records[WEB]
    assert record.started_at == "now"
    assert record.started_at is record.finished_at


@given(walks())
def test_fold_of_the_lines_is_the_live_record(story: list[Event]):
    live = EntryRecord(key=WEB)
    lines = lines_of(noted(WEB, event) for event in story)
    for raw, event in zip(lines[1:], story, strict=True):
        live.apply(event, decode(raw).at)
    assert replayed(lines).records == ({WEB: live} if story else {})


def test_each_line_only_adds_to_the_one_before():
    """What is replayed from fewer lines is where more lines go on from."""
    replay, states = Replay(), []
    for raw in SMALL:
        replay.take(raw)
        states.append(copy.deepcopy(replay))
    assert [replayed(SMALL[: n + 1]) for n in range(len(SMALL))] == states


def test_new_declaration_replaces_the_old_and_takes_back_a_removal():
    changed = image_spec(WEB, name="web", image_url="b:other", labels=(("a", "b"),))
    lines = lines_of(
        (entry_declared(image_spec(WEB)), entry_removed(WEB), entry_declared(changed))
    )
    record = EntryRecord(key=WEB)
    record.declare("web", "b:other", spec_digest(changed), (("a", "b"),))
    assert replayed(lines).records == {WEB: record}


def test_event_of_an_entry_that_was_never_declared_counts():
    record = replayed(lines_of([noted(WEB, TO_ACTIVE[0])])).records[WEB]
    assert (record.name, record.attempts) == ("", 1)


def test_unknown_event_changes_nothing_but_the_number():
    unknown = Note(event="image.renamed", fields={"to": "x"}, key=WEB)
    assert replayed(lines_of([unknown])) == Replay(
        manifest_name="wave-07", target=TARGET, last_seq=2
    )


def test_latest_observation_counts():
    lines = lines_of((cloud_observed({"a": 1, "b": 2}), cloud_observed({"a": 3})))
    assert replayed(lines).observations == {"a": 3}


def test_run_without_an_end_was_cut_short():
    run = RunRecord(
        run_id="run-1",
        started_at="2026-03-04T05:06:07.002Z",
        tool_version="0.1.0",
        first_seq=2,
    )
    assert replayed(lines_of([START])).runs == [run]


def test_end_belongs_to_the_latest_run_of_its_id():
    replay = replayed(lines_of((START, START, run_finished(RunCounts(), 5))))
    assert [run.exit_code for run in replay.runs] == [None, 5]
    assert replay.run("run-1") is replay.runs[1]
    assert replay.run("run-2") is None


def test_what_was_active_before_each_run_is_known():
    story = [noted(WEB, event) for event in TO_ACTIVE]
    replay = replayed(lines_of((START, *story, START)))
    before = [list(replay.active_before(run)) for run in replay.runs]
    assert before == [[], [WEB]]


def test_count_that_an_older_tool_did_not_write_is_zero():
    end = Note(event="run.finished", fields={"exit_code": 3, "counts": {"failed": 2}})
    (run,) = replayed(lines_of((START, end))).runs
    assert (run.exit_code, run.counts) == (3, RunCounts(failed=2))


def test_what_a_run_has_asked_of_the_service_is_read_back():
    (run,) = replayed(SMALL).runs
    assert run.usage == USAGE


def test_pauses_and_requests_stand_in_the_line_as_others_read_them():
    fields = run_finished(RunCounts(), 0, USAGE).fields
    assert fields["requests"] == {
        "create_image": {"ok": 1, "throttled": 1},
        "list_images": {"ok": 4},
    }
    assert (fields["retries"], fields["throttled"]) == (1, 1)
    assert fields["pauses"] == [
        ["2026-03-04T05:06:07.001Z", "2026-03-04T05:06:37.000Z"]
    ]
    assert fields["quota"] == {"used": 7, "limit": 50}


@given(usages)
def test_whatever_a_run_has_asked_is_read_back(usage):
    (run,) = replayed(lines_of((START, run_finished(RunCounts(), 0, usage)))).runs
    assert run.usage == usage


def test_end_that_knows_no_uploads_tells_none():
    end = run_finished(RunCounts(), 0, USAGE)
    fields = dict(end.fields)
    del fields["uploaded_bytes"]
    (run,) = replayed(lines_of((START, Note(event=end.event, fields=fields)))).runs
    assert run.usage == dataclasses.replace(USAGE, uploaded_bytes=0)


def test_end_that_an_older_tool_wrote_tells_no_requests():
    (run,) = replayed(lines_of((START, run_finished(RunCounts(), 0)))).runs
    assert (run.exit_code, run.usage) == (0, None)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"requests": {"list_images": 3}}, "field requests: 3 is not an object"),
        ({"requests": {"a": {"ok": "3"}}}, "field requests: '3' is not a whole number"),
        ({"pauses": {}}, "field pauses: {} is not a list"),
        ({"pauses": [["x"]]}, "field pauses: ['x'] is not a begin and an end"),
        ({"pauses": [["x", "y"]]}, "field pauses: 'x' is not a moment"),
        ({"pauses": [["2026-03-04", 1]]}, "field pauses: '2026-03-04' is not a moment"),
        ({"quota": {"used": 1}}, "field limit is missing"),
        ({"uploaded_bytes": "1"}, "field uploaded_bytes: '1' is not a whole number"),
    ],
)
def test_requests_of_another_shape_are_damage(changed, why):
    end = run_finished(RunCounts(), 0, USAGE)
    *lines, last = lines_of(
        [START, Note(event=end.event, fields={**end.fields, **changed})]
    )
    replay = replayed(lines)
    with pytest.raises(DamagedLineError) as caught:
        replay.take(last)
    assert str(caught.value) == why


def test_key_that_is_also_the_name_is_kept_once():
    record = replayed(lines_of([entry_declared(image_spec(WEB))])).records[WEB]
    assert record.name is record.key


@pytest.mark.parametrize(
    ("notes", "why"),
    [
        (
            [noted(WEB, TO_ACTIVE[1])],
            "web-01: ImageCreated cannot happen at Planned",
        ),
        (
            [Note(event="image.deferred", fields={"error": 1}, key=WEB)],
            "field error: 1 is not an object",
        ),
        (
            [Note(event="image.create_intended", fields={"spec": "s"})],
            "image.create_intended without a key",
        ),
        ([Note(event="entry.removed")], "entry.removed without a key"),
        ([ledger_opened("wave-07", TARGET)], "ledger.opened is the first line"),
        ([Note(event="run.started")], "field tool_version is missing"),
        ([run_finished(RunCounts(), 0)], "run run-1 ends but never began"),
        (
            [START, Note(event="run.finished", fields={"counts": {}})],
            "field exit_code is missing",
        ),
        (
            [
                START,
                Note(
                    event="run.finished",
                    fields={"exit_code": 0, "counts": {"total": "1"}},
                ),
            ],
            "field total: '1' is not a whole number",
        ),
        (
            [
                Note(
                    event="entry.declared",
                    fields={"name": "n", "image_url": "u", "spec": "s", "labels": 1},
                    key=WEB,
                )
            ],
            "field labels: 1 is not an object",
        ),
        (
            [
                Note(
                    event="entry.declared",
                    fields={
                        "name": "n",
                        "image_url": "u",
                        "spec": "s",
                        "labels": {"a": 1},
                    },
                    key=WEB,
                )
            ],
            "field labels: 1 is not a text",
        ),
    ],
)
def test_line_that_cannot_be_here_is_damage(notes, why):
    *lines, last = lines_of(notes)
    replay = replayed(lines)
    with pytest.raises(DamagedLineError) as caught:
        replay.take(last)
    assert str(caught.value).startswith(why)
    assert replay.last_seq == len(lines)


@pytest.mark.parametrize("seq", [1, 2, 4])
def test_line_that_was_lost_or_repeated_is_damage(seq):
    replay = replayed(lines_of([START]))
    line = Line(seq=seq, run_id="r", at="t", event="e", key=None, fields={})
    with pytest.raises(DamagedLineError, match=f"seq is {seq}, 3 was due"):
        replay.take(encode(line))


def test_ledger_begins_with_its_target():
    line = Line(
        seq=1, run_id="r", at="t", event=START.event, key=None, fields=START.fields
    )
    with pytest.raises(DamagedLineError, match=r"ledger\.opened is the first line"):
        Replay().take(encode(line))


def test_target_is_read_back():
    target = Target(endpoint="https://e", project_id="p", region="")
    note = ledger_opened("m", target)
    line = Line(
        seq=1, run_id="r", at="t", event=note.event, key=None, fields=note.fields
    )
    assert replayed([encode(line)]) == Replay(
        manifest_name="m", target=target, last_seq=1
    )


def test_refused_create_leaves_the_entry_planned():
    record = replayed(SMALL).records[DB]
    assert record.stage == Planned(fault=BUSY)
