"""Which ledgers a comparison goes by, and how they are opened.

Decides: that the first is written to and the others only read, and which are locked.
Must not know: what is compared.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from batch_register.cli.assembly import ledger_path, shard_ledgers
from batch_register.cli.connection import WallClock
from batch_register.errors import LedgerError, SettingsError
from batch_register.ledger import (
    LedgerFile,
    Replay,
    check_target,
    held,
    read_ledger,
    torn_tail,
)
from batch_register.model import Manifest, Target
from batch_register.reconcile import LedgerView
from batch_register.settings import Settings


def default_ledgers(manifest: Path, settings: Settings) -> tuple[Path, ...]:
    """Return where runs are recorded: as the settings say, and beside the manifest.

    Beside it may be those of all its shards.
    """
    beside = ledger_path(manifest, replace(settings, ledger=None, shard=None))
    shards = shard_ledgers(manifest, settings)
    return ledger_path(manifest, settings), beside, *shards


def chosen_ledgers(
    given: tuple[Path, ...],
    defaults: tuple[Path, ...],
    settings: Settings,
    *,
    deletes: bool,
) -> tuple[Path, ...]:
    """Return the ledgers to compare with, each once, the one that is written to first.

    Where something is to be deleted, a default ledger that exists is a witness beside
    those that were named: nobody must think of it. Where none was named, all of them
    are looked at: a manifest that was split has one for each shard.

    Raises:
        LedgerError: one that was named is not there.
        SettingsError: there is none and something is to be deleted, or the log would
            be written into one.
    """
    default = defaults[0]
    named = given or ((default,) if settings.ledger is not None else ())
    for path in named:
        if not path.exists():
            hint = (
                "check --ledger: what a ledger names is protected only if it is given"
            )
            raise LedgerError(str(path), "there is no such ledger", hint=hint)
    witnesses = [path for path in defaults if path.exists()]
    chosen = _each_once([*named, *(witnesses if deletes or not named else ())])
    if not chosen:
        if deletes:
            message = (
                f"{default}: there is no ledger that tells which images are in use"
            )
            hint = "name it with --ledger, or run first: images are found by their tags"
            raise SettingsError(message, hint=hint)
        return ()
    log_file = settings.log_file
    if log_file is not None and log_file.resolve() in {p.resolve() for p in chosen}:
        message = f"ledger and log_file are the same file, {log_file}"
        raise SettingsError(message, hint="give each a file of its own")
    return chosen


def _each_once(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return the paths as they were spelled first, no file twice."""
    spelled: dict[Path, Path] = {}
    for path in paths:
        spelled.setdefault(path.resolve(), path)
    return tuple(spelled.values())


@asynccontextmanager
async def open_ledgers(
    ledgers: tuple[Path, ...], manifest: Manifest, target: Target, *, locks_all: bool
) -> AsyncIterator[tuple[LedgerFile | None, tuple[LedgerView, ...]]]:
    """Lock and read the ledgers; give the first to write to, and what all hold.

    Raises:
        LedgerLockedError: another run holds one that is to be locked.
        LedgerError: one cannot be read, or belongs to something else.
    """
    if not ledgers:
        yield None, ()
        return
    first, *others = ledgers
    clock = WallClock()
    run_id = f"reconcile-{clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    async with AsyncExitStack() as stack:
        torn = torn_tail(first)  # opening cuts it off, and it may name an image
        opened = LedgerFile.open(
            first,
            manifest_name=manifest.name,
            target=target,
            run_id=run_id,
            clock=clock,
        )
        record = await stack.enter_async_context(opened)
        records = record.replay.records
        shard = record.replay.shard
        views = [LedgerView(path=str(first), records=records, torn=torn, shard=shard)]
        for path in others:
            if locks_all:
                stack.enter_context(held(path))
            replay = _checked(path, manifest, target)
            views.append(
                LedgerView(path=str(path), records=replay.records, shard=replay.shard)
            )
        yield record, tuple(views)


def _checked(path: Path, manifest: Manifest, target: Target) -> Replay:
    replay = read_ledger(path)
    check_target(str(path), replay, manifest.name, target)
    return replay
