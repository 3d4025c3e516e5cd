"""Open uploads: which go on, which nobody goes on with, which are not ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from batch_register.errors import StoppedError
from batch_register.model import EntryKey, FaultKind, StopReason
from batch_register.reconcile import (
    Known,
    Uploads,
    judge_uploads,
    may_have_uploads,
    prefixes,
    see_uploads,
    upload_places,
)
from batch_register.reconcile.findings import UploadFound, UploadKind
from batch_register.reconcile.removal import Obstacle
from batch_register.reconcile.uploads import SeenUploads
from batch_register.shard import Shard
from batch_register.source import OpenUpload
from batch_register.stage import Active
from batch_register.stopping import Stop
from tests.fakes import service_error, spec
from tests.reconcile.scenes import JOB, KEY, ONE, known, ledger, record
from tests.reconcile.upload_scenes import (
    BUCKET,
    JUDGING,
    OBJECT,
    URL,
    YOUNG,
    ListingStore,
    begun,
    on_the_way,
    open_upload,
    with_file,
)
from tests.virtual_time import run_virtually

K, Ob = UploadKind, Obstacle
USUAL = known(ledger(on_the_way()), specs=[with_file()])
ACTIVE = Active(image_id=ONE, job_id=JOB, size_bytes=1000)


def judged(
    of: Known, *listed: OpenUpload, named: tuple[Any, ...] = (begun(),)
) -> Uploads:
    return judge_uploads(of, named, SeenUploads(listed={BUCKET: [*listed]}), JUDGING)


def only(uploads: Uploads) -> UploadFound:
    (one,) = uploads.found
    return one


def test_an_upload_that_the_next_run_goes_on_with_stays_however_old_it_is() -> None:
    one = only(judged(USUAL, open_upload()))
    assert (one.kind, one.obstacles, one.key) == (K.GOES_ON, (Ob.GOES_ON,), KEY)
    assert judged(USUAL, open_upload()).stray == ()


@pytest.mark.parametrize(
    "of",
    [
        pytest.param(
            known(ledger(on_the_way("u2")), specs=[with_file()]), id="a later one"
        ),
        pytest.param(
            known(ledger(on_the_way(upload=None)), specs=[with_file()]), id="complete"
        ),
        pytest.param(
            known(ledger(on_the_way(stage=ACTIVE)), specs=[with_file()]), id="active"
        ),
        pytest.param(known(ledger(on_the_way()), specs=[]), id="entry removed"),
        pytest.param(
            known(ledger(on_the_way()), specs=[spec(KEY, image_url=URL)]),
            id="no file any more",
        ),
        pytest.param(
            known(ledger(on_the_way()), specs=[with_file(url=f"{BUCKET}:other")]),
            id="to another object",
        ),
        pytest.param(
            known(ledger(record(key="db-01")), specs=[with_file()]), id="no record"
        ),
    ],
)
def test_an_upload_that_no_run_goes_on_with_is_abandoned_and_may_go(of: Known) -> None:
    one = only(judged(of, open_upload()))
    assert (one.kind, one.obstacles, one.key) == (K.ABANDONED, (), KEY)


def test_any_ledger_that_stands_by_an_upload_keeps_it() -> None:
    both = known(ledger(record()), ledger(on_the_way()), specs=[with_file()])
    assert only(judged(both, open_upload())).kind is K.GOES_ON


def test_an_upload_that_no_ledger_names_is_told_under_the_entry_of_its_object() -> None:
    uploads = judged(USUAL, open_upload("theirs"))
    one = only(uploads)
    assert (one.kind, one.obstacles, one.key) == (K.UNKNOWN, (), KEY)
    assert uploads.stray == uploads.deletable == (one,)


def test_uploads_of_other_objects_are_only_counted() -> None:
    uploads = judged(USUAL, open_upload("u9", name="other"), open_upload())
    assert (len(uploads.found), uploads.others) == (1, 1)


@pytest.mark.parametrize(
    ("of", "upload", "obstacle"),
    [
        (known(specs=[with_file()]), open_upload(), Ob.NO_LEDGER),
        (known(ledger(), specs=[with_file()]), open_upload(), Ob.NO_ENTRIES),
        (USUAL, open_upload("theirs", begun_at=YOUNG), Ob.YOUNG),
        (USUAL, open_upload("theirs", begun_at="soon"), Ob.AGE_UNKNOWN),
    ],
)
def test_what_is_not_certain_keeps_an_upload(
    of: Known, upload: OpenUpload, obstacle: Obstacle
) -> None:
    one = only(judged(of, upload, named=()))
    assert one.obstacles == (obstacle,)


def test_an_upload_stays_where_the_ledger_of_its_shard_was_not_given() -> None:
    shards = [Shard(index=n, count=2) for n in (0, 1)]
    obstacles = [
        only(
            judged(
                known(ledger(record(key="x"), shard=each), specs=[with_file()]),
                open_upload("theirs"),
            )
        ).obstacles
        for each in shards
    ]
    assert sorted(obstacles, key=len) == [(), (Ob.OTHER_SHARD,)]


def test_an_upload_is_of_all_entries_whose_file_lies_there() -> None:
    of = known(specs=[with_file(), with_file("web-02"), spec("db-01")])
    places = upload_places(
        of, [begun(), begun("u2", "old", f"{BUCKET}:a"), begun(url="")]
    )
    assert places == {URL: [KEY, EntryKey("web-02")], f"{BUCKET}:a": [EntryKey("old")]}
    assert prefixes(places) == {BUCKET: ""}
    assert prefixes({URL: [], f"{BUCKET}:wave/web-02": []}) == {BUCKET: "wave/web-0"}


@pytest.mark.parametrize(
    ("of", "may"),
    [
        (known(ledger(record())), False),
        (known(specs=[with_file()]), True),
        (known(ledger(on_the_way())), True),
        (known(ledger(record(uploaded_bytes=5))), True),
    ],
)
def test_a_manifest_without_files_to_upload_asks_no_store(
    of: Known, *, may: bool
) -> None:
    assert may_have_uploads(of) is may


# ------------------------------------------------------------ asking the store


def seen(store: ListingStore, *buckets: str, stop: Stop | None = None) -> SeenUploads:
    asked = dict.fromkeys(buckets, "p")
    return run_virtually(see_uploads(store, asked, stop or Stop()))


def test_each_bucket_is_asked_for_what_begins_like_its_objects() -> None:
    store = ListingStore(listed={"a": [open_upload()]})
    assert seen(store, "a", "b").listed == {"a": [open_upload()], "b": []}
    assert store.asked == [("a", "p"), ("b", "p")]


def test_a_bucket_that_may_not_be_listed_hides_no_other() -> None:
    trouble = [service_error(FaultKind.FORBIDDEN)]
    found = seen(ListingStore(troubles={"list_uploads": trouble}), "a", "b")
    assert (list(found.listed), list(found.unseen)) == (["b"], ["a"])
    uploads = judge_uploads(USUAL, [], found, JUDGING)
    assert uploads.unseen == (("a", "test: as scripted"),)


@pytest.mark.parametrize("kind", [FaultKind.UNREACHABLE, FaultKind.UNAUTHENTICATED])
def test_a_store_that_answers_nobody_is_asked_once(kind: FaultKind) -> None:
    store = ListingStore(troubles={"list_uploads": [service_error(kind)]})
    found = seen(store, "a", "b", "c")
    assert (found.listed, list(found.unseen)) == ({}, ["a", "b", "c"])
    assert len(store.asked) == 1


def test_a_stop_ends_the_asking() -> None:
    stop = Stop()
    stop.request(StopReason.SIGTERM)
    store = ListingStore()
    with pytest.raises(StoppedError):
        seen(store, "a", stop=stop)
    assert store.asked == []


def test_the_place_of_an_upload_is_bucket_and_whole_name() -> None:
    named = f"{BUCKET}:a:b"
    of = known(ledger(on_the_way()), specs=[with_file(url=named)])
    listed = replace(open_upload("theirs"), key="a:b")
    assert only(judged(of, listed)).key == KEY
    assert judged(of, open_upload(name=OBJECT), named=()).others == 1
