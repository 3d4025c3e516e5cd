"""Which workers of a cluster can reach a file, and what to say where none can. No I/O.

Decides: what a place's `host` and `resource` mean. Must not know: Dask, tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from batch_register.model import Action, Fault, FaultKind, FilePlace

_MOST_NAMES = 10

# What a place asks of a worker: its host, its resource.
Pin: TypeAlias = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker process, as its scheduler and it itself tell; `complaint` if unfit.

    `address` is Dask's, such as tcp://10.0.0.5:40123; `host` the part of it that names
    the machine; `host_name` what the machine calls itself.
    """

    address: str
    name: str
    host: str = ""
    host_name: str = ""
    resources: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    complaint: str = ""

    def is_called(self, host: str) -> bool:
        """Return whether somebody who says `host` means this worker.

        Host names are compared as DNS does (RFC 4343: the case is nothing), and the first
        label alone will do.
        """
        said = host.casefold()
        names = {self.name.casefold(), self.host.casefold(), self.host_name.casefold()}
        names.add(self.host_name.casefold().partition(".")[0])
        return said in names - {""}

    def offers(self, resource: str) -> bool:
        """Return whether a task that takes one of a resource can ever run there."""
        return self.resources.get(resource, 0) >= 1

    def suits(self, pin: Pin) -> bool:
        """Return whether it is one of those that a place asks for."""
        host, resource = pin
        return (host is None or self.is_called(host)) and (
            resource is None or self.offers(resource)
        )


def pin_of(place: FilePlace) -> Pin:
    """Return what a place asks of a worker."""
    return place.host, place.resource


def addresses_for(pin: Pin, workers: Iterable[Worker]) -> frozenset[str]:
    """Return the addresses of the fit workers that a place asks for."""
    return frozenset(
        one.address for one in workers if not one.complaint and one.suits(pin)
    )


def nobody(pin: Pin, workers: Sequence[Worker], *, was_there: bool) -> Fault:
    """Return the fault of a place that no worker can reach.

    It passes where a worker was there before, or none is there at all.
    """
    unfit = [one for one in workers if one.suits(pin) and one.complaint]
    if unfit:
        return _fault("unfit-worker", unusable(unfit), Action.RUN_AGAIN)
    if was_there:
        return left(pin)
    if not workers:
        return _passing("no-worker", "the cluster has no worker")
    reason = f"the cluster has no worker{_asked(pin)}; workers: {_names(pin, workers)}"
    return _fault("no-such-worker", reason, Action.FIX_MANIFEST)


def left(pin: Pin) -> Fault:
    """Return the fault of a place whose workers were there, and are no longer."""
    return _passing("worker-left", f"every worker{_asked(pin)} has left the cluster")


def unusable(workers: Iterable[Worker]) -> str:
    """Return why none of these workers can be used, in one line."""
    told = _some(f"{one.name} {one.complaint}" for one in workers)
    return f"no worker can be used: {told}"


def _asked(pin: Pin) -> str:
    host, resource = pin
    called = f" called {host}" if host is not None else ""
    return called + (f" with the resource {resource}" if resource is not None else "")


def _names(pin: Pin, workers: Iterable[Worker]) -> str:
    """Return what the workers are called, and what they offer where that was asked."""
    if pin[1] is None:
        return _some(one.name for one in workers)
    return _some(
        f"{one.name} ({', '.join(sorted(one.resources)) or 'no resource'})"
        for one in workers
    )


def _some(words: Iterable[str]) -> str:
    known = sorted(words)
    rest = len(known) - _MOST_NAMES
    return ", ".join(known[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def _fault(code: str, reason: str, action: Action) -> Fault:
    return Fault(
        kind=FaultKind.REJECTED, code=f"dask.{code}", reason=reason, action=action
    )


def _passing(code: str, reason: str) -> Fault:
    return Fault(
        kind=FaultKind.UNREACHABLE,
        code=f"dask.{code}",
        reason=reason,
        action=Action.RUN_AGAIN,
    )
