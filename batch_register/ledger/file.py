"""The ledger of a run: opened, repaired, and added to until the run ends.

Decides: whether a file may be used for this run, what is cut off it, how lines get
their numbers and stamps. Must not know: what the events lead to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path

from batch_register.collector import paused
from batch_register.errors import LedgerError, LedgerTargetError
from batch_register.event import Event
from batch_register.ledger.codec import to_fields
from batch_register.ledger.commit import GroupCommit, Tail
from batch_register.ledger.disk import (
    Disk,
    DiskWorker,
    ThreadWorker,
    open_disk,
    refused,
)
from batch_register.ledger.fields import Fields, stamp
from batch_register.ledger.line import Line, encode
from batch_register.ledger.notes import (
    Note,
    cloud_observed,
    entry_declared,
    entry_removed,
    ledger_opened,
)
from batch_register.ledger.reader import Scan
from batch_register.ledger.replay import Replay
from batch_register.model import EntryKey, ImageSpec, Target
from batch_register.ports import Clock
from batch_register.shard import Shard

_NOTES_PER_COMMIT = 1_000  # about 5 ms of encoding: the loop stays responsive


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSession:
    """Who opens a ledger, and for what."""

    manifest_name: str
    target: Target
    run_id: str
    clock: Clock
    shard: Shard | None = None  # of a ledger that is begun


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """A ledger file as it was found, made ready for the next line."""

    replay: Replay
    tail: Tail
    cut_bytes: int


class LedgerFile:
    """A ledger that this run alone writes to; implements `ports.Ledger`.

    `replay` is what the file held when it was opened: it is the caller's from then on.
    `cut_bytes` is how much of a torn last line was cut off.
    """

    def __init__(
        self, path: str, session: LedgerSession, loaded: _Loaded, commit: GroupCommit
    ) -> None:
        self._path = path
        self._session = session
        self._commit = commit
        self._last_seq = loaded.replay.last_seq
        self.replay = loaded.replay
        self.cut_bytes = loaded.cut_bytes

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path,
        *,
        manifest_name: str,
        target: Target,
        run_id: str,
        clock: Clock,
        shard: Shard | None = None,
    ) -> AsyncIterator[LedgerFile]:
        """Open a ledger file, or begin one; lock it until the context ends.

        One that is begun belongs to `shard`; of one that is there, see `check_shard`.
        What is still to be written when the context ends is written then, however it
        ends, and the loop is blocked for it.

        Raises:
            LedgerLockedError: another run holds it.
            LedgerTargetError: it belongs to another manifest, project or region.
            LedgerDamagedError, LedgerVersionError: it cannot be trusted or understood.
            LedgerError: it cannot be read or written.
        """
        session = LedgerSession(
            manifest_name=manifest_name,
            target=target,
            run_id=run_id,
            clock=clock,
            shard=shard,
        )
        disk = open_disk(path)
        async with cls.on_disk(str(path), session, disk, ThreadWorker()) as ledger:
            yield ledger

    @classmethod
    @asynccontextmanager
    async def on_disk(
        cls, path: str, session: LedgerSession, disk: Disk, worker: DiskWorker
    ) -> AsyncIterator[LedgerFile]:
        """Open a ledger on a disk and worker of the caller's; both are closed here."""
        try:
            load = partial(_load, path, session, disk)
            loaded = await worker.submit(load)
            commit = GroupCommit(path, loaded.tail, worker)
            try:
                yield cls(path, session, loaded, commit)
            except BaseException:
                with suppress(LedgerError):  # what is under way matters more
                    commit.close()
                raise
            commit.close()
        finally:
            worker.close()
            with suppress(OSError):  # whatever was promised has been flushed
                disk.close()

    async def append(self, key: EntryKey, *events: Event) -> str:
        """Make the events durable, in this order; return their stamp (UTC text).

        The lines are written even if the caller is cancelled while it waits. The
        caller has moved the entry's machine first: an event that cannot happen
        would make the ledger unreadable.

        Raises:
            LedgerError: the disk refused; nothing more may be sent to the service.
        """
        named = [to_fields(event) for event in events]
        return await self._write(
            [Note(event=name, fields=fields, key=key) for name, fields in named]
        )

    async def declare(
        self, specs: Iterable[ImageSpec], removed: Iterable[EntryKey]
    ) -> None:
        """Make durable which entries are new or changed, and which are gone.

        Raises:
            LedgerError: the disk refused; nothing more may be sent to the service.
        """
        await self.note_many(
            chain(map(entry_declared, specs), map(entry_removed, removed))
        )

    async def observe(self, facts: Fields) -> None:
        """Make durable what was learned of the cloud, beside what is known already.

        Raises:
            LedgerError: the disk refused; nothing more may be sent to the service.
        """
        known = {**self.replay.observations, **facts}
        self.replay.observations = known
        await self._write([cloud_observed(known)])

    async def note(
        self, event_name: str, fields: Fields, key: EntryKey | None = None
    ) -> str:
        """Make one line that is no machine event durable; return its stamp.

        Raises:
            LedgerError: the disk refused; nothing more may be sent to the service.
        """
        return await self._write([Note(event=event_name, fields=fields, key=key)])

    async def note_many(self, notes: Iterable[Note]) -> None:
        """Make many such lines durable, some at a time, in their order.

        Raises:
            LedgerError: the disk refused; nothing more may be sent to the service.
        """
        remaining = iter(notes)
        while some := list(islice(remaining, _NOTES_PER_COMMIT)):
            await self._write(some)

    async def _write(self, notes: list[Note]) -> str:
        """Number, stamp and encode the notes, and wait until they are durable."""
        at = stamp(self._session.clock.now())
        run_id, first = self._session.run_id, self._last_seq + 1
        data = b"".join(
            encode(_line(note, seq, run_id, at))
            for seq, note in enumerate(notes, start=first)
        )
        waiter = self._commit.put(data)
        self._last_seq += len(notes)  # only now: a refused line leaves no gap
        await waiter
        return at


def _line(note: Note, seq: int, run_id: str, at: str) -> Line:
    return Line(
        seq=seq,
        run_id=run_id,
        at=at,
        event=note.event,
        key=note.key,
        fields=note.fields,
    )


def _load(path: str, session: LedgerSession, disk: Disk) -> _Loaded:
    """Replay what the disk holds, and make it ready for the next line."""
    replay = Replay()
    scan = Scan(path, disk.lines(), takes_tail=True)
    with paused():
        for _ in scan.through(replay.take):
            pass
    check_target(path, replay, session.manifest_name, session.target)
    tail = Tail(disk, scan.good_bytes)
    try:
        if scan.torn_bytes:
            tail.cut()
        if scan.lacks_newline:
            tail.commit(b"\n")
        if replay.last_seq == 0:
            note = ledger_opened(session.manifest_name, session.target, session.shard)
            first = encode(_line(note, 1, session.run_id, stamp(session.clock.now())))
            tail.commit(first)
            replay.take(first)
    except OSError as error:
        raise refused(path, "cannot be written to", error) from error
    return _Loaded(replay=replay, tail=tail, cut_bytes=scan.torn_bytes)


def check_target(path: str, replay: Replay, manifest_name: str, target: Target) -> None:
    """Refuse a ledger of another manifest, project or region.

    Raises:
        LedgerTargetError: it belongs to another one.
    """
    if replay.manifest_name is None or replay.target is None:
        return
    found = _belongs_to(replay.manifest_name, replay.target)
    wanted = _belongs_to(manifest_name, target)
    if found != wanted:
        message = f"belongs to {found}, not to {wanted}"
        hint = "name another ledger, or use the manifest and cloud of this one"
        raise LedgerTargetError(path, message, hint=hint)


def check_shard(path: str, replay: Replay, shard: Shard | None) -> None:
    """Refuse a ledger of another shard, or of a manifest that was split otherwise.

    Its entries would be mixed with those of runs that have ledgers of their own.

    Raises:
        LedgerTargetError: it belongs to another one.
    """
    if replay.manifest_name is None or replay.shard == shard:
        return
    found, wanted = _share(replay.shard), _share(shard)
    message = f"belongs to {found}, not to {wanted}"
    hint = (
        "give each shard a ledger of its own: leave --ledger out, or put {shard} into "
        "its name; images that are there are found by their tags"
    )
    raise LedgerTargetError(path, message, hint=hint)


def _share(shard: Shard | None) -> str:
    return "the whole manifest" if shard is None else f"shard {shard}"


def _belongs_to(manifest_name: str, target: Target) -> str:
    """Say what a ledger is pinned to; the endpoint may change, so it is not."""
    project = f"project {target.project_id!r} in region {target.region!r}"
    return f"manifest {manifest_name!r}, {project}"
