"""`reconcile` and multipart uploads: whose they are, and which of them may go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from batch_register.identity.signing import AccessKeys
from batch_register.ledger import read_ledger
from batch_register.ledger.line import decode
from batch_register.obs import FixedKeys, ObjectAccess, open_store
from batch_register.ports import ObjectStore
from batch_register.simulator import SimulatorOptions
from batch_register.transport.tls import Tls
from tests.integration.conftest import Cloud, Ended, Shell
from tests.integration.test_reconcile import DELETE, LEDGER, NAME, Hand, post

pytestmark = pytest.mark.integration

_T = TypeVar("_T")
FILE = {"part_bytes": 5 << 20, "size_bytes": 9, "modified_ns": 1}
OBJECT = "web-0.qcow2"
ENTRY = f"  - {{name: web-0, object: {OBJECT}, source: disk.raw}}\n"
AT_ONCE = ("--orphan-age", "1s", "--config", "quick.yaml")


@dataclass
class Bench:
    """A cloud, and somebody who begins uploads in its store."""

    hand: Hand

    def ask(self, call: Callable[[ObjectStore], Awaitable[_T]]) -> _T:
        """Ask the cloud's object store, past the tool."""
        options = SimulatorOptions()
        key = options.access_keys[0]
        keys = AccessKeys(access_key=key.access, secret_key=key.secret)
        access = ObjectAccess(
            endpoint=f"{self.hand.cloud.url}/obs",
            region=options.region,
            keys=FixedKeys(keys),
        )

        async def asking() -> _T:
            async with open_store(
                access, connections=2, tls=Tls(), trust_env=False
            ) as store:
                return await call(store)

        return asyncio.run(asking())

    def begin(self, name: str) -> str:
        return self.ask(lambda store: store.begin_upload("bucket-1", name))

    def open(self) -> set[str]:
        listed = self.ask(lambda store: store.list_uploads("bucket-1", ""))
        return {each.upload_id for each in listed}

    def note(self, event: str, **fields: object) -> None:
        self.hand.note(self.ledger, event, "web-0", **fields)

    @property
    def ledger(self) -> Path:
        return self.hand.shell.folder / LEDGER


@pytest.fixture
def bench(serve_cloud: Callable[..., Cloud], tmp_path: Path) -> Bench:
    """Return a cloud without any file, a ledger that says so, and a file to bring."""
    cloud = serve_cloud("--only-listed")
    hand = Hand(Shell(tmp_path, cloud.clouds_yaml), cloud)
    assert hand.shell.run(hand.shell.manifest(1)).code == 3
    other = {"image_url": "bucket-1:other", "size_bytes": 1}
    post(f"{cloud.url}/_simulator/objects", [other])
    (tmp_path / "disk.raw").write_bytes(b"\0" * 4096)
    (tmp_path / "quick.yaml").write_text("image_deadline: 1s\n")
    hand.shell.manifest(0, extra=ENTRY)
    return Bench(hand)


def kinds(ended: Ended) -> dict[str, str]:
    return {each["upload_id"]: each["kind"] for each in ended.document["uploads"]}


def test_only_uploads_that_no_run_goes_on_with_are_given_up(bench: Bench) -> None:
    hand = bench.hand
    theirs, other = bench.begin(OBJECT), bench.begin(f"{OBJECT}.bak")
    late, going = bench.begin(OBJECT), bench.begin(OBJECT)
    bench.note("source.upload_begun", upload_id=late, **FILE)
    bench.note("source.upload_begun", upload_id=going, **FILE)

    shown = hand.reconcile()
    assert shown.code == 0, shown.err
    assert kinds(shown) == {theirs: "unknown", late: "abandoned", going: "goes_on"}
    assert shown.document["summary"]["stray_uploads"] == 2
    assert shown.document["summary"]["other_uploads"] == 1
    young = hand.reconcile(*DELETE)
    assert young.document["upload_deletions"] == []
    assert bench.open() == {theirs, other, late, going}

    while bench.open() != {other, going}:
        ended = hand.reconcile(*DELETE, *AT_ONCE)
        assert ended.code == 0, ended.err

    lines = bench.ledger.read_bytes().splitlines(keepends=True)
    noted = [decode(line) for line in lines]
    told = [(e.event, e.key) for e in noted if e.event.startswith("upload.")]
    assert told == [("upload.abort_intended", "web-0"), ("upload.aborted", "web-0")] * 2
    assert read_ledger(bench.ledger).last_seq == len(lines)
    assert kinds(hand.reconcile()) == {going: "goes_on"}


def test_the_next_run_goes_on_with_what_reconcile_has_left(bench: Bench) -> None:
    going = bench.begin(OBJECT)
    file = (bench.ledger.parent / "disk.raw").stat()
    stamp = {"size_bytes": file.st_size, "modified_ns": file.st_mtime_ns}
    bench.note("source.upload_begun", upload_id=going, **FILE | stamp)
    time.sleep(2)  # old enough to go
    assert kinds(bench.hand.reconcile(*DELETE, *AT_ONCE)) == {going: "goes_on"}
    assert bench.open() == {going}
    window = ("--max-duration", "5s")  # the image itself takes longer
    bench.hand.shell.run(bench.hand.shell.folder / f"{NAME}.yaml", *window)
    assert bench.ledger.read_bytes().count(b"source.upload_begun") == 1
    assert bench.ledger.read_bytes().count(b"source.uploaded") == 1
    assert bench.open() == set()


def test_an_upload_of_a_removed_entry_is_found_by_its_ledger(bench: Bench) -> None:
    late = bench.begin(OBJECT)
    bench.note("source.upload_begun", upload_id=late, **FILE)
    bench.hand.shell.manifest(1, images="db")
    assert kinds(bench.hand.reconcile()) == {late: "abandoned"}


def test_a_store_that_cannot_be_asked_is_one_line_and_no_failure(bench: Bench) -> None:
    clouds = bench.hand.cloud.clouds_yaml
    text = clouds.read_text().replace("/obs", "/nowhere")
    clouds.write_text(text)
    ended = bench.hand.reconcile(*DELETE)
    assert ended.code == 0, ended.err
    assert [each["bucket"] for each in ended.document["uploads_unseen"]] == ["bucket-1"]
    table = bench.hand.shell("reconcile", f"{NAME}.yaml")
    assert "uploads to bucket bucket-1 were not looked at: " in table.out

    lines = [line for line in text.splitlines() if "obs_endpoint" not in line]
    clouds.write_text("\n".join(lines).replace("otc", "generic") + "\n")
    ended = bench.hand.reconcile(*DELETE)
    assert ended.code == 0, ended.err
    assert "no address" in ended.document["uploads_not_looked_at"]


def test_a_forbidden_abort_reaches_a_scheduler(bench: Bench) -> None:
    late = bench.begin(OBJECT)
    rule = {"match": {"route": "object.delete"}, "effect": {"status": 403}}
    address = f"{bench.hand.cloud.url}/_simulator/faults"
    post(address, {"version": 1, "rules": [rule]})
    flags = (*DELETE, *AT_ONCE)
    while not (ended := bench.hand.reconcile(*flags)).document["upload_deletions"]:
        assert ended.code == 0, ended.err  # it is too young still
    assert ended.code == 77, ended.err
    (deletion,) = ended.document["upload_deletions"]
    assert (deletion["upload_id"], deletion["hindrance"]) == (late, "forbidden")
    assert bench.open() == {late}
