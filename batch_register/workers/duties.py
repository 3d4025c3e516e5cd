"""What a worker does, in its own process: one function for each kind of task.

Decides: that whatever happens comes back as a value. A worker logs and a scheduler keeps
what a task raises, and a foreign exception's text may hold the signed address. Must not
know: Dask, loops.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from batch_register.errors import SettingsError
from batch_register.model import Action, Fault, FaultKind
from batch_register.source import FileStamp
from batch_register.workers import ranges
from batch_register.workers.cut import CutError
from batch_register.workers.runs import Runs
from batch_register.workers.send import PartOrder, send_part

_T = TypeVar("_T")

# Of this process, since what a worker is given is a function and its arguments.
_RUNS = Runs()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Generic[_T]):
    """What came of a task: a value, or a fault."""

    value: _T | None = None
    fault: Fault | None = None
    retry_after_s: float | None = None


def stamp(path: str) -> Done[FileStamp]:
    """Look at a file; neither value nor fault where there is none."""
    return _told(lambda: Done(value=ranges.stamp_of(path)))


def read(path: str, offset: int, length: int) -> Done[bytes]:
    """Read a range of a file."""
    return _told(lambda: Done(value=ranges.read(path, offset, length)))


def digest(run: str, path: str, offset: int, length: int) -> Done[str]:
    """Return the MD5 of a range of a file as hex, unless the run is ended before."""

    def work() -> Done[str]:
        with _RUNS.work_for(run) as cut:
            return Done(value=ranges.digest(path, offset, length, cut))

    return _told(work)


def send(run: str, order: PartOrder, bytes_per_s: float | None) -> Done[str]:
    """Send a part; `bytes_per_s` is what all parts of the run take here together."""

    def work() -> Done[str]:
        with _RUNS.work_for(run) as cut:
            answer = send_part(order, _RUNS.pace_of(run, bytes_per_s), cut)
        return Done(
            value=answer.digest or None,
            fault=answer.fault,
            retry_after_s=answer.retry_after_s,
        )

    return _told(work)


def end_run(run: str) -> None:
    """End at once what this process does for a run."""
    _RUNS.end(run)


def _told(work: Callable[[], Done[_T]]) -> Done[_T]:
    try:
        return work()
    except ranges.FileFaultError as error:
        return Done(fault=error.fault)
    except CutError:
        return Done(fault=_passing("ended", "the run was ended"))
    except SettingsError as error:  # its words are ours: a proxy, a certificate
        return Done(
            fault=Fault(
                kind=FaultKind.REJECTED,
                code="dask.worker-settings",
                reason=f"a worker's settings are no good: {error.message}",
                action=Action.RUN_AGAIN,
            )
        )
    except Exception as error:  # noqa: BLE001 - any text may hold the address
        words = f"a worker failed with {type(error).__name__}"
        return Done(fault=_passing("worker-failed", words))


def _passing(code: str, reason: str) -> Fault:
    return Fault(
        kind=FaultKind.LOST,
        code=f"dask.{code}",
        reason=reason,
        action=Action.RUN_AGAIN,
    )
