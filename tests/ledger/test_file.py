"""The ledger of a run: opening, repair, target, stamps, what it leaves on disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from batch_register.entry import EntryRecord
from batch_register.errors import (
    LedgerDamagedError,
    LedgerError,
    LedgerTargetError,
    LedgerVersionError,
)
from batch_register.event import Event, ImageActive
from batch_register.ledger import (
    LedgerFile,
    Replay,
    check_shard,
    cloud_observed,
    read_ledger,
    run_finished,
    run_started,
)
from batch_register.ledger.fields import stamp
from batch_register.ledger.line import Line, decode, encode
from batch_register.ledger.notes import ledger_opened
from batch_register.model import EntryKey, ImageId, RunCounts, Target
from batch_register.ports import Ledger
from batch_register.shard import Shard
from tests.ledger.disks import TARGET, FakeDisk, InlineWorker, TickingClock, session
from tests.ledger.stories import (
    DB,
    IMAGE,
    SMALL,
    TO_ACTIVE,
    WEB,
    image_spec,
    walks,
)
from tests.ledger.test_line import sealed

FEW = SMALL[:5]  # the first entry has begun, but its image was not made


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def content_of(path: Path) -> bytes:
    return path.read_bytes()


@asynccontextmanager
async def opened(
    path: Path,
    *,
    run_id: str = "run-2",
    manifest_name: str = "wave-07",
    target: Target = TARGET,
) -> AsyncIterator[LedgerFile]:
    async with LedgerFile.open(
        path,
        manifest_name=manifest_name,
        target=target,
        run_id=run_id,
        clock=TickingClock(),
    ) as ledger:
        yield ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wave.ledger.jsonl"


async def test_whole_run_is_on_disk_and_the_next_run_goes_on_from_it(path: Path):
    async with opened(path, run_id="run-1") as ledger:
        await ledger.note_many([run_started("0.1.0")])
        await ledger.declare([image_spec(WEB), image_spec(DB)], [])
        for event in TO_ACTIVE:
            await ledger.append(WEB, event)
        await ledger.declare([], [DB])
        end = run_finished(RunCounts(total=1, active=1), 0)
        await ledger.note(end.event, end.fields)
    async with opened(path, run_id="run-2") as ledger:
        replay = ledger.replay
        await ledger.note("run.started", {"tool_version": "0.2.0"})
    lines = [decode(raw) for raw in content_of(path).splitlines(keepends=True)]
    assert [(line.seq, line.run_id, line.event, line.key) for line in lines] == [
        (1, "run-1", "ledger.opened", None),
        (2, "run-1", "run.started", None),
        (3, "run-1", "entry.declared", WEB),
        (4, "run-1", "entry.declared", DB),
        (5, "run-1", "image.create_intended", WEB),
        (6, "run-1", "image.created", WEB),
        (7, "run-1", "image.register_intended", WEB),
        (8, "run-1", "image.registered", WEB),
        (9, "run-1", "image.active", WEB),
        (10, "run-1", "entry.removed", DB),
        (11, "run-1", "run.finished", None),
        (12, "run-2", "run.started", None),
    ]
    assert lines[0].fields == {
        "manifest": "wave-07",
        "endpoint": "https://ims.example.com",
        "project_id": "p1",
        "region": "eu-1",
    }
    assert replay.runs[0].counts == RunCounts(total=1, active=1)
    assert replay.records[WEB].image_id == IMAGE


async def test_empty_file_is_a_new_ledger(path: Path):
    put(path, b"")
    async with opened(path) as ledger:
        assert ledger.replay == Replay(
            manifest_name="wave-07", target=TARGET, last_seq=1
        )
        assert (ledger.cut_bytes, read_ledger(path)) == (0, ledger.replay)


async def test_ledger_is_a_ledger_to_the_engine(path: Path):
    async with opened(path) as ledger:
        port: Ledger = ledger
        assert await port.append(WEB, TO_ACTIVE[0]) == "2026-03-04T05:06:07.002Z"


async def test_many_declarations_are_committed_some_at_a_time():
    disk = FakeDisk()
    specs = [image_spec(numbered(number)) for number in range(2_500)]
    async with LedgerFile.on_disk("w", session(), disk, InlineWorker()) as ledger:
        before = disk.fsyncs
        await ledger.declare(specs, [])
        assert disk.fsyncs - before == 3
    assert disk.content.count(b"\n") == 2_501


def numbered(number: int) -> EntryKey:
    return EntryKey(f"k{number}")


@given(walks())
def test_live_record_is_the_fold_of_the_file(story: list[Event]):
    live = EntryRecord(key=WEB)
    disk = FakeDisk()

    async def run() -> None:
        async with LedgerFile.on_disk("w", session(), disk, InlineWorker()) as ledger:
            for event in story:
                live.apply(event, await ledger.append(WEB, event))

    asyncio.run(run())
    replay = Replay()
    for raw in disk.lines():
        replay.take(raw)
    assert replay.records == ({WEB: live} if story else {})


# ------------------------------------------------------------ torn ends


@pytest.mark.fault(2, 3)
async def test_ledger_that_was_torn_anywhere_goes_on(path: Path):
    """Every offset: what was whole is kept, what was torn is gone, the rest is good."""
    whole = b"".join(FEW)
    for size in range(len(whole) + 1):
        cut = whole[:size]
        put(path, cut)
        lines = cut.count(b"\n") + (cut + b"\n" in starts(FEW))
        kept = b"".join(FEW[:lines])
        async with opened(path) as ledger:
            assert ledger.cut_bytes == max(0, size - len(kept))
            assert ledger.replay.last_seq == max(1, lines)
            await ledger.note("run.started", {"tool_version": "0.1.0"})
        content = content_of(path)
        assert content.startswith(kept), size
        assert read_ledger(path).last_seq == max(1, lines) + 1, size


def starts(lines: list[bytes]) -> set[bytes]:
    """Return what a ledger is after each of its lines."""
    return {b"".join(lines[: n + 1]) for n in range(len(lines))}


async def test_whole_last_line_without_newline_counts(path: Path):
    put(path, b"".join(SMALL[:8])[:-1])
    async with opened(path) as ledger:
        assert (ledger.cut_bytes, ledger.replay.last_seq) == (0, 8)
        assert list(ledger.replay.active_since) == [WEB]
        assert content_of(path) == b"".join(SMALL[:8])


@pytest.mark.fault(2)
async def test_zeros_of_a_power_cut_are_cut_off(path: Path):
    put(path, b"".join(SMALL[:8])[:-1] + b"\0" * 100)
    async with opened(path) as ledger:
        assert (ledger.cut_bytes, ledger.replay.last_seq) == (100, 8)
    assert content_of(path) == b"".join(SMALL[:8])


async def test_last_newline_that_lost_a_bit_is_damage_and_stays(path: Path):
    content = b"".join(FEW)[:-1] + b"*"
    put(path, content)
    with pytest.raises(LedgerDamagedError, match="line 5: something other"):
        await enter(path)
    assert content_of(path) == content


@pytest.mark.fault(2)
async def test_repair_is_durable_before_anything_is_added():
    disk = FakeDisk(content=bytearray(b"".join(FEW)[:-9]))
    async with LedgerFile.on_disk("w", session(), disk, InlineWorker()):
        assert (disk.fsyncs, disk.durable) == (1, b"".join(FEW[:4]))


async def test_disk_that_refuses_the_repair_is_a_ledger_error():
    disk = FakeDisk(
        content=bytearray(b"".join(FEW)[:-9]), truncate_error=OSError(30, "ro")
    )
    with pytest.raises(LedgerError, match="cannot be written to: Read-only"):
        async with LedgerFile.on_disk("w", session(), disk, InlineWorker()):
            pass
    assert disk.is_closed


# ------------------------------------------------------------ refusals


async def enter(path: Path, **changes: str | Target) -> None:
    async with opened(path, **changes):  # type: ignore[arg-type]
        pass


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        (
            {"manifest_name": "wave-08"},
            "manifest 'wave-08', project 'p1' in region 'eu-1'",
        ),
        (
            {"target": replace(TARGET, project_id="p2")},
            "manifest 'wave-07', project 'p2' in region 'eu-1'",
        ),
        (
            {"target": replace(TARGET, region="eu-2")},
            "manifest 'wave-07', project 'p1' in region 'eu-2'",
        ),
    ],
)
async def test_ledger_of_another_target_is_refused(path: Path, changes, wanted):
    put(path, b"".join(FEW))
    with pytest.raises(LedgerTargetError) as caught:
        await enter(path, **changes)
    found = "manifest 'wave-07', project 'p1' in region 'eu-1'"
    assert (caught.value.message, caught.value.hint, caught.value.exit_code) == (
        f"{path}: belongs to {found}, not to {wanted}",
        "name another ledger, or use the manifest and cloud of this one",
        74,
    )
    assert content_of(path) == b"".join(FEW)


async def test_other_endpoint_of_the_same_project_is_the_same_target(path: Path):
    put(path, b"".join(FEW))
    async with opened(path, target=replace(TARGET, endpoint="https://new")) as ledger:
        assert ledger.replay.target == TARGET


@pytest.mark.fault(27)
@pytest.mark.parametrize("content", [b"name: web\n", b"name: web", b"{}", b'{"v":1}\n'])
async def test_file_that_is_no_ledger_is_refused_and_stays(path: Path, content):
    put(path, content)
    with pytest.raises(LedgerDamagedError, match="line 1"):
        await enter(path)
    assert content_of(path) == content


@pytest.mark.fault(27)
async def test_newer_ledger_is_refused_and_stays(path: Path):
    content = sealed('{"v":2,"anything":1')
    put(path, content)
    with pytest.raises(LedgerVersionError, match="version 2"):
        await enter(path)
    assert content_of(path) == content


async def test_damage_is_refused_and_the_lock_is_free_again(path: Path):
    put(path, b"".join(FEW).replace(b"0.1.0", b"0.1.1"))
    for _ in range(2):
        with pytest.raises(LedgerDamagedError, match="line 2"):
            await enter(path)


async def test_line_that_cannot_happen_is_refused_with_its_number(path: Path):
    put(path, b"".join(FEW))
    async with opened(path) as ledger:
        await ledger.append(WEB, ImageActive(image_id=ImageId("i"), size_bytes=1))
    with pytest.raises(LedgerDamagedError, match="line 6: web-01: ImageActive cannot"):
        await enter(path)


# ------------------------------------------------------------ stamps


def test_stamp_is_utc_in_milliseconds():
    moment = datetime(2026, 3, 4, 5, 6, 7, 8_999, tzinfo=timezone(timedelta(hours=2)))
    assert stamp(moment) == "2026-03-04T03:06:07.008Z"


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_stamps_sort_as_the_moments_do(one: datetime, other: datetime):
    earlier, later = sorted((one, other))
    assert stamp(earlier) <= stamp(later)
    assert len(stamp(one)) == len("2026-03-04T03:06:07.008Z")


async def test_observations_come_back(path: Path):
    async with opened(path) as ledger:
        await ledger.note_many([cloud_observed({"tag_filter": True, "lag_s": 0.5})])
    assert read_ledger(path).observations == {"tag_filter": True, "lag_s": 0.5}


async def test_what_a_run_observes_is_kept_beside_what_is_known(path: Path):
    async with opened(path) as ledger:
        await ledger.observe({"tag_filter": True, "list_lag_s": 0.5})
    async with opened(path) as ledger:
        await ledger.observe({"list_lag_s": 2.0})
    assert read_ledger(path).observations == {"tag_filter": True, "list_lag_s": 2.0}


# ------------------------------------------------------------ shards


async def test_a_ledger_says_of_which_shard_it_is_from_its_first_line_on(path: Path):
    one = Shard(index=0, count=4)
    for _ in range(2):
        async with LedgerFile.open(
            path,
            manifest_name="wave-07",
            target=TARGET,
            run_id="run-1",
            clock=TickingClock(),
            shard=one,
        ) as ledger:
            assert ledger.replay.shard == one
    assert read_ledger(path).shard == one


async def test_a_ledger_of_the_whole_manifest_names_no_shard(path: Path):
    async with opened(path):
        pass
    assert "shard" not in decode(content_of(path)).fields
    assert read_ledger(path).shard is None


@pytest.mark.parametrize(
    ("mine", "yours", "message"),
    [
        (None, (0, 4), "belongs to the whole manifest, not to shard 0/4"),
        ((0, 4), None, "belongs to shard 0/4, not to the whole manifest"),
        ((0, 4), (1, 4), "belongs to shard 0/4, not to shard 1/4"),
        ((0, 4), (0, 3), "belongs to shard 0/4, not to shard 0/3"),
    ],
)
def test_a_ledger_is_of_one_shard_for_ever(
    mine: tuple[int, int] | None, yours: tuple[int, int] | None, message: str
) -> None:
    def shard(numbers: tuple[int, int] | None) -> Shard | None:
        return numbers and Shard(index=numbers[0], count=numbers[1])

    replay = Replay(manifest_name="wave-07", target=TARGET, shard=shard(mine))
    check_shard("a", replay, shard(mine))
    check_shard("a", Replay(), shard(yours))
    with pytest.raises(LedgerTargetError) as caught:
        check_shard("a", replay, shard(yours))
    assert caught.value.message == f"a: {message}"
    assert "{shard}" in caught.value.hint


async def test_a_shard_that_is_none_is_damage(path: Path):
    note = ledger_opened("wave-07", TARGET)
    fields = {**note.fields, "shard": "4/4"}
    line = Line(
        key=None,
        seq=1,
        run_id="r",
        at="2026-03-01T00:00:00.000Z",
        event=note.event,
        fields=fields,
    )
    put(path, encode(line))
    with pytest.raises(LedgerDamagedError, match=r"line 1: .*shard"):
        read_ledger(path)
