"""How many requests a survey sends, how many at once, and when it gives up."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest

from batch_register.ims.profile import OTC
from batch_register.model import EntryKey, FaultKind, FilePlace, ImageSpec
from batch_register.preflight import Looks, Survey
from batch_register.source import Brought, DiskFormat, SourceVerdict
from tests.fakes import spec
from tests.preflight.fakes import FakeFiles, FakeStore, inspect
from tests.preflight.scenes import (
    BUCKET,
    BUSY,
    CONTENT,
    FORBIDDEN,
    GB,
    OBJECT,
    PIN,
    REGION,
    STAMP,
    refused,
)
from tests.virtual_time import run_virtually

SILENT = refused(FaultKind.UNREACHABLE)
UNKNOWN_KEY = refused(FaultKind.UNAUTHENTICATED, 403, "obs.InvalidAccessKeyId")


def entries(count: int, bucket: str = "b") -> list[ImageSpec]:
    return [
        spec(f"{bucket}-{number}", image_url=f"{bucket}:{number}.qcow2")
        for number in range(count)
    ]


def survey(
    store: FakeStore, *, files: FakeFiles | None = None, parallel: int = 32
) -> Survey:
    return Survey(
        store,
        files or FakeFiles(),
        inspect,
        profile=OTC,
        region=REGION,
        parallel=parallel,
    )


def looked(
    specs: Sequence[ImageSpec],
    store: FakeStore,
    *,
    files: FakeFiles | None = None,
    pins_only: Collection[EntryKey] = (),
    parallel: int = 32,
) -> Looks:
    surveying = survey(store, files=files, parallel=parallel)
    return run_virtually(surveying.look(specs, pins_only=pins_only))


def codes(looks: Looks) -> dict[str, str | None]:
    return {
        key: verdict.fault.code if verdict.fault else None
        for key, verdict in looks.verdicts.items()
    }


def test_a_format_that_its_name_alone_tells_is_not_read() -> None:
    store = FakeStore()
    looks = looked([spec(image_url="b:x.zvhd2")], store)
    (verdict,) = looks.verdicts.values()
    assert (verdict.fault, verdict.pin, looks.summary.requests) == (None, PIN, 2)
    assert verdict.inspection is not None
    assert verdict.inspection.disk_format is DiskFormat.ZVHD2


def test_an_object_that_another_entry_is_to_upload_is_missed_with_a_hint() -> None:
    ours = spec("ours", image_url="b:new.raw", source=FilePlace(path="new.raw"))
    waiting, alone = (spec(url, image_url=f"b:{url}") for url in ("new.raw", "x.raw"))
    store = FakeStore({"b:new.raw": None, "b:x.raw": None})
    found = looked([ours, waiting, alone], store).verdicts
    hints = {
        key: verdict.fault.reason.partition("; entry ")[2]
        for key, verdict in found.items()
        if verdict.fault
    }
    hint = "'ours' uploads it: give this entry the same source"
    assert hints == {"new.raw": hint, "x.raw": ""}
    there = looked([ours, spec("waiting", image_url="b:new.raw")], FakeStore())
    assert codes(there)["waiting"] is None


def test_a_bucket_is_asked_once_and_an_object_once_and_once_for_its_header() -> None:
    store = FakeStore()
    looks = looked([*entries(50), *entries(50, "c")], store)
    assert (len(store.calls), set(store.calls.values())) == (202, {1})
    summary = looks.summary
    assert (summary.requests, summary.sources, summary.fit) == (202, 100, 100)
    assert set(looks.verdicts.values()) == {
        SourceVerdict(pin=PIN, inspection=CONTENT),
    }


@pytest.mark.parametrize(("parallel", "took_s"), [(1, 20.1), (10, 2.1), (500, 0.3)])
def test_no_more_are_under_way_than_may_be(parallel: int, took_s: float) -> None:
    store = FakeStore()
    looks = looked(entries(100), store, parallel=parallel)
    assert store.peak == min(parallel, 100)
    assert looks.summary.took_s == pytest.approx(took_s)


def test_few_tasks_do_the_work_of_many_entries() -> None:
    async def most_tasks() -> int:
        counts: list[int] = []
        await survey(FakeStore(), parallel=8).look(
            entries(200),
            progress=lambda *_: counts.append(len(asyncio.all_tasks())),
        )
        return max(counts)

    assert run_virtually(most_tasks()) <= 8 + 1


def test_entries_that_share_an_object_cost_one_look_and_are_judged_apart() -> None:
    small = spec("small", image_url="b:x.qcow2", min_disk_gb=10)
    large = spec("large", image_url="b:x.qcow2", min_disk_gb=20)
    store = FakeStore()
    looks = looked([small, large], store)
    assert codes(looks) == {"small": "preflight.min-disk", "large": None}
    assert (looks.summary.sources, looks.summary.requests) == (1, 3)


def test_objects_of_a_bucket_that_is_not_there_are_not_asked_for() -> None:
    store = FakeStore(answers={"b": None})
    looks = looked(entries(100), store)
    assert set(codes(looks).values()) == {"preflight.bucket-missing"}
    assert store.calls == {"b": 1}


def test_nothing_is_read_of_what_cannot_be_read_or_holds_nothing() -> None:
    answers = {
        "b:0.qcow2": replace(OBJECT, storage_class="COLD"),
        "b:1.qcow2": replace(OBJECT, has_customer_key=True),
        "b:2.qcow2": replace(OBJECT, pin=replace(PIN, size_bytes=0)),
        "b:3.qcow2": None,
        "b:4.qcow2": FORBIDDEN,
    }
    store = FakeStore(answers=answers)
    looks = looked(entries(5), store)
    assert looks.summary.requests == 6
    assert looks.summary.faulty == 5


def test_each_entry_gets_what_its_own_object_deserves() -> None:
    answers = {
        "b:1.qcow2": None,
        "b:2.qcow2": FORBIDDEN,
        "b:3.qcow2 content": BUSY,
    }
    looks = looked(entries(5), FakeStore(answers=answers))
    assert codes(looks) == {
        "b-0": None,
        "b-1": "preflight.object-missing",
        "b-2": "preflight.object-forbidden",
        "b-3": None,
        "b-4": None,
    }
    summary = looks.summary
    assert (summary.fit, summary.faulty) == (2, 2)
    (unlooked,) = summary.unlooked
    assert (unlooked.code, unlooked.count) == ("obs.SlowDown", 1)


def test_what_was_not_seen_is_counted_by_reason_the_most_first() -> None:
    lost = refused(FaultKind.LOST, code="obs.Timeout")
    answers = {"b:1.qcow2": lost, "b:2.qcow2": BUSY, "b:3.qcow2 content": BUSY}
    looks = looked(entries(5), FakeStore(answers=answers))
    assert [(each.code, each.count) for each in looks.summary.unlooked] == [
        ("obs.SlowDown", 2),
        ("obs.Timeout", 1),
    ]


def test_a_notice_of_a_bucket_is_given_once() -> None:
    answers = {"b": replace(BUCKET, is_file_system=True)}
    looks = looked(entries(10), FakeStore(answers=answers))
    assert len(looks.summary.notices) == 1
    assert looks.summary.fit == 10


def test_a_source_in_the_web_is_no_object_of_a_store() -> None:
    store = FakeStore()
    looks = looked([spec(image_url="https://example.com/x.qcow2")], store)
    assert (looks.verdicts, store.calls, looks.summary.sources) == ({}, {}, 0)


# ---------------------------------------------------------------- pins


def test_for_a_pin_alone_nothing_is_read_and_nothing_judged() -> None:
    store = FakeStore(
        answers={"b:1.qcow2": None, "b:2.qcow2": replace(OBJECT, storage_class="COLD")}
    )
    specs = entries(3)
    looks = looked(specs, store, pins_only={each.key for each in specs})
    assert [looks.verdicts[each.key] for each in specs] == [
        SourceVerdict(pin=PIN),
        SourceVerdict(),
        SourceVerdict(pin=PIN),
    ]
    assert (looks.summary.requests, looks.summary.pinned) == (4, 3)


def test_an_object_is_looked_at_whole_where_one_of_its_entries_needs_it() -> None:
    one, two = (spec(key, image_url="b:x.qcow2") for key in ("one", "two"))
    store = FakeStore()
    looks = looked([one, two], store, pins_only={one.key})
    assert (looks.verdicts[one.key], looks.summary.requests) == (
        SourceVerdict(pin=PIN),
        3,
    )
    assert looks.verdicts[two.key].inspection == CONTENT


# ---------------------------------------------------------------- lists

MANY = [spec(f"web-{n:05}", image_url=f"b:d/web-{n:05}") for n in range(2_500)]
KEYS = [each.image_url.removeprefix("b:") for each in MANY]


def pinned(store: FakeStore, specs: Sequence[ImageSpec] = MANY) -> Looks:
    return looked(specs, store, pins_only={each.key for each in specs})


def test_many_active_images_are_looked_at_by_the_list_of_their_bucket() -> None:
    store = FakeStore(listing=["a", *KEYS[1:], "e"], answers={"b:d/gone": None})
    looks = pinned(store)
    gone, *others = (looks.verdicts[each.key].pin for each in MANY)
    assert (gone, set(others)) == (None, {PIN})
    assert store.calls == {"b": 1, "b list": 3}
    assert looks.summary.requests == 4


def test_a_few_are_asked_for_one_by_one() -> None:
    store = FakeStore(listing=KEYS)
    pinned(store, MANY[:5])
    assert (store.calls["b list"], store.calls.total()) == (0, 6)


def test_what_a_refused_list_does_not_show_is_asked_for_one_by_one() -> None:
    store = FakeStore(listing=KEYS, answers={"b list": FORBIDDEN})
    looks = pinned(store, MANY[:50])
    assert {one.pin for one in looks.verdicts.values()} == {PIN}
    assert store.calls.total() == 1 + 1 + 50


def test_a_bucket_of_many_other_objects_is_not_listed_to_its_end() -> None:
    others = [f"{key}-{n:03}" for key in KEYS[:100] for n in range(999)]
    store = FakeStore(listing=[*KEYS[:100], *others])
    looks = pinned(store, MANY[:100])
    assert {one.pin for one in looks.verdicts.values()} == {PIN}
    assert store.calls["b list"] <= 3
    assert store.calls.total() <= 104


def test_what_is_to_be_judged_is_never_taken_from_a_list() -> None:
    store = FakeStore(listing=KEYS)
    looked(MANY[:50], store, pins_only={each.key for each in MANY[1:50]})
    assert (store.calls["b list"], store.calls["b:d/web-00000"]) == (1, 1)


# ---------------------------------------------------------------- files


def uploads(*paths: str) -> list[ImageSpec]:
    return [
        spec(path, image_url=f"b:{path}", source=FilePlace(path=path)) for path in paths
    ]


def test_a_file_is_inspected_where_its_object_is_not_there_or_is_another() -> None:
    same = replace(OBJECT, pin=replace(PIN, size_bytes=STAMP.size_bytes))
    store = FakeStore(answers={"b:new": None, "b:same": same, "b:gone": None})
    files = FakeFiles(stamps={"gone": None})
    looks = looked(uploads("new", "old", "same", "gone"), store, files=files)
    assert codes(looks) == {
        "new": None,
        "old": "preflight.object-differs",
        "same": None,
        "gone": "preflight.file-missing",
    }
    reads = [name for name in files.calls if name.startswith("read")]
    assert sorted(reads) == ["read new", "read old"]
    assert [name for name in store.calls if name.endswith("content")] == [
        "b:same content"
    ]


def test_the_file_of_an_active_entry_is_only_looked_at_where_it_was_brought() -> None:
    entries = uploads("kept", "gone", "never")
    own = Brought(pin=PIN, file=replace(STAMP, modified_ns=7))
    brought = {entries[0].key: own, entries[1].key: own}
    files = FakeFiles(stamps={"gone": None})
    surveying = survey(FakeStore(), files=files)
    keys = {entry.key for entry in entries}
    looks = run_virtually(
        surveying.look(entries, pins_only=keys, brought=brought)
    ).verdicts
    assert [looks[entry.key].file for entry in entries] == [STAMP, own.file, None]
    assert sorted(files.calls) == ["stamp gone", "stamp kept"]


def test_an_empty_file_is_not_inspected() -> None:
    files = FakeFiles(stamps={"new": replace(STAMP, size_bytes=0)})
    looks = looked(uploads("new"), FakeStore(answers={"b:new": None}), files=files)
    assert codes(looks) == {"new": "preflight.object-empty"}
    assert list(files.calls) == ["stamp new"]


def test_no_file_is_asked_for_where_the_store_does_not_tell() -> None:
    files = FakeFiles()
    looks = looked(uploads("new"), FakeStore(answers={"b:new": BUSY}), files=files)
    assert (codes(looks), files.calls) == ({"new": None}, {})


# ---------------------------------------------------------------- giving up


def test_a_store_that_refuses_the_keys_is_asked_no_more_and_nothing_is_judged() -> None:
    auto = spec("auto", image_url="b:a.qcow2", min_disk_gb=0, min_disk_is_auto=True)
    store = FakeStore(always=UNKNOWN_KEY)
    looks = looked([*entries(500), auto], store)
    assert looks.summary.gone == UNKNOWN_KEY
    assert sum(store.calls.values()) == looks.summary.requests == 1
    assert len(looks.verdicts) == 501
    assert looks.verdicts[EntryKey("b-0")] == SourceVerdict()
    found = looks.verdicts[auto.key].fault
    assert found is not None
    assert found.is_passing


def test_what_the_profile_refuses_is_found_without_any_store() -> None:
    large = spec("large", image_url="b:x.qcow2", min_disk_gb=2000)
    looks = looked([large, *entries(1)], FakeStore(always=UNKNOWN_KEY))
    assert codes(looks) == {"large": "preflight.min-disk-floor", "b-0": None}


def test_keys_that_are_refused_half_way_leave_nothing_judged() -> None:
    store = FakeStore(answers={"b:1.qcow2": None, "b:400.qcow2": UNKNOWN_KEY})
    looks = looked(entries(500), store)
    assert looks.summary.gone == UNKNOWN_KEY
    assert set(codes(looks).values()) == {None}
    assert store.under_way == 0


def test_a_store_that_answers_for_no_bucket_is_given_up() -> None:
    store = FakeStore(always=SILENT)
    looks = looked([*entries(250), *entries(250, "c")], store)
    assert (looks.summary.gone, store.calls) == (SILENT, {"b": 1, "c": 1})


def test_a_store_that_answers_no_more_is_given_up_after_one_round() -> None:
    answers = {f"b:{number}.qcow2": SILENT for number in range(100, 500)}
    store = FakeStore(answers=answers)
    looks = looked(entries(500), store, parallel=10)
    assert looks.summary.gone == SILENT
    assert sum(store.calls.values()) <= 1 + 2 * 100 + 2 * 10


def test_silence_now_and_then_is_no_reason_to_give_up() -> None:
    answers = {f"b:{number}.qcow2": SILENT for number in range(0, 500, 2)}
    looks = looked(entries(500), FakeStore(answers=answers), parallel=10)
    assert (looks.summary.gone, looks.summary.fit) == (None, 250)


def test_a_stop_ends_it_at_once_and_leaves_nothing_under_way() -> None:
    store = FakeStore(takes_s=3600.0)

    async def stopped_after_s() -> float:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(survey(store).look(entries(500)))
            await asyncio.sleep(3601.0)
            began_s = loop.time()
            task.cancel()
        return loop.time() - began_s

    assert run_virtually(stopped_after_s()) == 0.0
    assert (store.under_way, store.peak) == (0, 32)


def test_progress_is_told_source_by_source() -> None:
    told: list[tuple[int, int]] = []

    def tell(done: int, total: int) -> None:
        told.append((done, total))

    run_virtually(survey(FakeStore()).look(entries(40), progress=tell))
    assert told == [(done, 40) for done in range(1, 41)]


def test_large_manifests_let_the_loop_turn() -> None:
    store = FakeStore(takes_s=0.0)
    looks = looked(entries(3000), store)
    assert looks.summary.fit == 3000


def test_no_sources_are_no_work() -> None:
    looks = looked([], FakeStore())
    assert (looks.verdicts, looks.summary.requests, looks.summary.took_s) == ({}, 0, 0)


def test_a_disk_that_is_too_small_is_named_with_the_least_that_fits() -> None:
    looks = looked([spec(image_url="b:x", min_disk_gb=19)], FakeStore())
    (verdict,) = looks.verdicts.values()
    assert verdict.fault is not None
    assert f"{20 * GB} bytes; write 20 or more" in verdict.fault.reason
