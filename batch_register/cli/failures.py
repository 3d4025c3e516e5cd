"""The one place where an error becomes text, JSON and an exit code.

Decides: what a person is told and which code ends the process. Must not know: any
command. Nothing of an unexpected error is shown but its type and redacted text, unless
the log level is debug, and never a local variable.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import click

from batch_register.cli import ErrorStyle, StdoutClosedError, stdout
from batch_register.cli.stdout import StdoutLostError
from batch_register.errors import (
    BatchRegisterError,
    ManifestError,
    ManifestProblem,
    ServiceError,
)
from batch_register.logs.redaction import redact_text

INTERRUPTED = 130
PIPE_CLOSED = 141  # what a shell shows for a program that SIGPIPE ended
INTERNAL = 1
_PRINTERS = ("click.utils", "batch_register.cli")  # modules that write or flush it
# Where several errors come at once, the first of these is the one to report.
_WORST_FIRST = (1, 74, 77, 69)
# A service's words must not steer a terminal; line breaks are ours.
_CONTROLS = {
    code: f"\\x{code:02x}"
    for code in (*range(32), *range(127, 160))
    if code != ord("\n")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What is said of an error, in either form."""

    reference: str
    message: str
    hint: str
    exit_code: int
    problems: tuple[ManifestProblem, ...] = ()


def present(error: BaseException, style: ErrorStyle) -> int:
    """Tell of an error on standard error and return the exit code."""
    lost = _lost_output(error)
    if lost is not None:
        stdout.take_out_of_use(sys.stdout)
        if isinstance(lost, BrokenPipeError):
            return PIPE_CLOSED
        error = StdoutLostError(lost)
    failure = describe(error)
    try:
        _show(error, failure, style)
        sys.stderr.flush()
    except OSError:
        stdout.take_out_of_use(sys.stderr)  # nobody is left to be told
    return failure.exit_code


def _lost_output(error: BaseException) -> OSError | None:
    """Return the error of a write to standard output, None for any other error.

    Only the frame that failed tells: a file or a socket breaks in the same words.
    """
    cause = error.__cause__ if isinstance(error, StdoutClosedError) else error
    if not isinstance(cause, OSError):
        return None
    failed_in = ""
    for frame, _ in traceback.walk_tb(cause.__traceback__):
        failed_in = str(frame.f_globals.get("__name__"))
    return cause if failed_in in _PRINTERS else None


def describe(error: BaseException) -> Failure:
    """Return what is said of an error; its words hold no secret."""
    match error:
        case BaseExceptionGroup():
            return min((describe(leaf) for leaf in _leaves(error)), key=_badness)
        case BatchRegisterError():
            return Failure(
                reference=error.reference,
                message=redact_text(error.message).translate(_CONTROLS),
                hint=error.hint or _advice(error),
                exit_code=error.exit_code,
                problems=without_secrets(error),
            )
        case click.ClickException():
            return Failure(
                reference="usage",
                message=error.format_message(),
                hint="",
                exit_code=click.UsageError.exit_code,
            )
        case KeyboardInterrupt() | click.Abort():
            return Failure(
                reference="interrupted",
                message="stopped by an interrupt",
                hint="",
                exit_code=INTERRUPTED,
            )
        case _:
            return _bug(error)


def without_secrets(error: BatchRegisterError) -> tuple[ManifestProblem, ...]:
    """Return a manifest's problems; those that quote a secret do it no longer."""
    if not isinstance(error, ManifestError):
        return ()
    return tuple(
        replace(
            problem,
            message=redact_text(problem.message),
            entry=redact_text(problem.entry),
        )
        for problem in error.problems
    )


def _advice(error: BatchRegisterError) -> str:
    """Return who must do what, where a cloud's service is what failed."""
    if not isinstance(error, ServiceError):
        return ""
    # Here and not above: a mistyped flag needs no words about clouds.
    from batch_register.report.advice import advice  # noqa: PLC0415

    return advice(error.fault.action, error.fault)


def _bug(error: BaseException) -> Failure:
    text = redact_text(str(error))
    return Failure(
        reference="internal-error",
        message=f"internal error: {type(error).__name__}{f': {text}' if text else ''}",
        hint="please report this; `--log-level debug` shows where it happened",
        exit_code=INTERNAL,
    )


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _badness(failure: Failure) -> int:
    code = failure.exit_code
    return _WORST_FIRST.index(code) if code in _WORST_FIRST else len(_WORST_FIRST)


# ------------------------------------------------------------ showing


def _show(error: BaseException, failure: Failure, style: ErrorStyle) -> None:
    if style.with_traceback and not isinstance(error, click.ClickException):
        trace = "".join(traceback.format_exception(error))
        sys.stderr.write(f"{redact_text(trace)}\n")
    if isinstance(error, click.ClickException):
        error.show(sys.stderr)
    else:
        sys.stderr.write(f"{_headline(error, failure)}\n")
        if failure.hint:
            sys.stderr.write(f"hint: {failure.hint}\n")
    if style.as_json:
        sys.stderr.write(f"{as_json(failure)}\n")


def _headline(error: BaseException, failure: Failure) -> str:
    if isinstance(error, ManifestError):
        # Here and not above: a mistyped flag need not wait for a YAML parser.
        from batch_register.cli.mistakes import mistakes_text  # noqa: PLC0415

        return mistakes_text(error, sys.stderr)
    if failure.exit_code == INTERRUPTED:
        return failure.message
    return f"error: {failure.message}"


def as_json(failure: Failure) -> str:
    """Return the failure as one line of JSON."""
    body: dict[str, object] = {
        "reference": failure.reference,
        "message": failure.message,
        "hint": failure.hint,
        "exit_code": failure.exit_code,
    }
    if failure.problems:
        body["problems"] = [asdict(problem) for problem in failure.problems]
    return json.dumps({"error": body})
