"""Every error that this package raises on purpose, under one root.

Decides: what an error is called, which exit code it ends a run with, what a person
should do. Must not know: files, sockets, the service's wire format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from batch_register.model import Applied, Fault, FaultKind, RequestLimit


class BatchRegisterError(Exception):
    """Root of all errors raised on purpose; anything else that escapes is a bug."""

    reference: ClassVar[str] = "internal-error"
    exit_code: int = 1  # of the class; an error that knows better has its own

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SettingsError(BatchRegisterError):
    """A flag, environment variable, settings file or credential source is wrong."""

    reference = "settings"
    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestProblem:
    """One thing wrong with a manifest; line and column count from 1."""

    line: int
    column: int
    message: str
    entry: str = ""


class ManifestError(BatchRegisterError):
    """The manifest is invalid; carries the problems in file order.

    `found` counts all problems where `problems` does not show every one of them.
    """

    reference = "manifest-invalid"
    exit_code = 65

    def __init__(
        self,
        path: str,
        problems: tuple[ManifestProblem, ...],
        *,
        found: int | None = None,
    ) -> None:
        count = len(problems) if found is None else found
        super().__init__(f"{path}: {count} problem{'' if count == 1 else 's'}")
        self.path = path
        self.problems = problems


class LedgerError(BatchRegisterError):
    """The ledger cannot be read or written."""

    reference = "ledger"
    exit_code = 74

    def __init__(self, path: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"{path}: {message}", hint=hint)
        self.path = path


class LedgerDamagedError(LedgerError):
    """A line other than an unterminated last one is damaged."""

    reference = "ledger-damaged"

    def __init__(
        self, path: str, line_number: int, message: str, *, is_none: bool = False
    ) -> None:
        hint = "move the file away and run again: images are found again by their tags"
        if is_none:
            hint = "name a ledger: this file does not begin like one"
        super().__init__(path, f"line {line_number}: {message}", hint=hint)
        self.line_number = line_number


class LedgerVersionError(LedgerError):
    """The ledger was written by a newer version of this tool."""

    reference = "ledger-version"


class LedgerTargetError(LedgerError):
    """The ledger belongs to another manifest, project, region or shard."""

    reference = "ledger-target"


class LedgerLockedError(LedgerError):
    """Another run holds the ledger's lock."""

    reference = "ledger-locked"
    exit_code = 7


class ServiceError(BatchRegisterError):
    """A call to a cloud service did not give the documented answer.

    `fault` says what happened; `applied` whether the service may have acted on it;
    `retry_after_s` how long it asked us to stay away, in seconds; `limit` the rule of
    the gateway that the call has met.
    """

    reference = "service"
    exit_code = 69

    def __init__(
        self,
        operation: str,
        fault: Fault,
        *,
        applied: Applied = Applied.NO,
        retry_after_s: float | None = None,
        limit: RequestLimit | None = None,
    ) -> None:
        super().__init__(f"{operation}: {fault.sentence()}")
        self.operation = operation
        self.fault = fault
        self.applied = applied
        self.retry_after_s = retry_after_s
        self.limit = limit

    @property
    def kind(self) -> FaultKind:
        """Return the kind of fault, the one thing that callers branch on."""
        return self.fault.kind


class AuthenticationError(ServiceError):
    """Credentials were refused or are gone; no further call can succeed."""

    reference = "not-authenticated"
    exit_code = 77


class NotAllowedError(ServiceError):
    """The service knows us and refuses; no further call of this kind can succeed."""

    reference = "not-allowed"
    exit_code = 77


class InvalidTransitionError(BatchRegisterError):
    """An event met a stage that has no row for it: a bug, which stops the run."""

    reference = "invalid-transition"


class StoppedError(BatchRegisterError):
    """The run was told to stop while it waited; nothing was left half sent."""

    reference = "stopped"
    exit_code = 4

    def __init__(self) -> None:
        super().__init__("the run was told to stop")
