"""The ledger that a check-up is given: what it remembers, and what is noted in it.

Decides: which of a ledger's troubles is a problem of the check-up. Must not know: what
a probe measures, or how.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from batch_register.cli.remembered import remembered_lag_s, remembered_tasks
from batch_register.doctor import Finding, State, Topic
from batch_register.doctor.judge import Remembered
from batch_register.engine import LIST_LAG
from batch_register.errors import LedgerError, LedgerLockedError
from batch_register.ledger import LedgerFile, Replay, check_target, read_ledger
from batch_register.model import Target
from batch_register.ports import Clock


class ExaminedLedger:
    """One ledger, or none: then it has nothing to say."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._replay = Replay()
        self._target: Target | None = None
        self.remembered = Remembered()

    def read(self) -> list[Finding]:
        """Read it, and return what is to be said of it."""
        if self._path is None:
            return []
        try:
            self._replay = _existing(self._path)
        except LedgerError as error:
            return [_problem(error)]
        return [self._well("")]

    def check(self, target: Target) -> list[Finding]:
        """See whether it is this project's, and only then believe it."""
        name = self._replay.manifest_name
        if self._path is None or name is None:
            return []
        try:
            check_target(str(self._path), self._replay, name, target)
        except LedgerError as error:
            return [_problem(error)]
        self._target = target
        self.remembered = Remembered(
            ledger=str(self._path),
            task_limit=remembered_tasks(self._replay.observations),
            list_lag_s=remembered_lag_s(self._replay.observations),
        )
        return []

    async def note_lag(self, lag_s: float, clock: Clock) -> list[Finding]:
        """Note a lag that is longer than what is remembered, for the next run.

        A shorter one proves nothing: it was measured on one image, at one moment.
        """
        name, lag_s = self._replay.manifest_name, round(lag_s, 1)
        is_longer = lag_s > self.remembered.list_lag_s
        if self._path is None or name is None or self._target is None or not is_longer:
            return []
        run_id = f"doctor-{clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        try:
            async with LedgerFile.open(
                self._path,
                manifest_name=name,
                target=self._target,
                run_id=run_id,
                clock=clock,
            ) as ledger:
                await ledger.observe({LIST_LAG: lag_s})
        except LedgerLockedError:
            seen = f"{self._path} is held by a run: the list lag is not noted there"
            return [Finding(topic=Topic.LEDGER, state=State.WARNING, seen=seen)]
        except LedgerError as error:
            return [_problem(error)]
        return [self._well(f"; list_lag_s {lag_s:g} noted for the next run")]

    def _well(self, more: str) -> Finding:
        runs = len(self._replay.runs)
        name = self._replay.manifest_name
        seen = f"{self._path}: manifest {name!r}, runs so far: {runs}{more}"
        if name is None:
            seen = f"{self._path} is empty"
        return Finding(topic=Topic.LEDGER, state=State.OK, seen=seen)


def _existing(path: Path) -> Replay:
    if not path.exists():
        message = "there is no such ledger"
        raise LedgerError(str(path), message, hint="check --ledger")
    return read_ledger(path)


def _problem(error: LedgerError) -> Finding:
    return Finding(
        topic=Topic.LEDGER,
        state=State.PROBLEM,
        seen=error.message,
        advice=error.hint,
        exit_code=error.exit_code,
    )
