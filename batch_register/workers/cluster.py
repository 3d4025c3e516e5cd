"""What is needed of a cluster, as contracts.

Decides: which calls exist and what each promises. Must not know: Dask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from batch_register.workers.roster import Worker


class Notice(Protocol):
    """Who is told of what befalls a cluster; must not block nor raise."""

    def __call__(self, name: str, **facts: object) -> None:
        """Take note of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Where a task may run, and before which others: the higher goes first.

    `resource` is one that the task takes one of while it runs.
    """

    addresses: frozenset[str]
    resource: str | None = None
    priority: int = 0


class Task(Protocol):
    """One call that a worker makes for us."""

    async def has_ended(self, *, within_s: float) -> bool:
        """Return whether it has ended, after so many seconds at the latest."""
        ...

    async def result(self) -> object:
        """Return what the function returned.

        Raises:
            ServiceError: it was lost on the way; another try may do.
        """
        ...

    def release(self) -> None:
        """Let it go: it is dropped where it has not begun; its result is not kept."""
        ...


class Cluster(Protocol):
    """A scheduler and its workers.

    Every method raises `errors.ServiceError` where the scheduler cannot be reached.
    """

    async def workers(self) -> list[Worker]:
        """Return the workers that the scheduler shows now."""
        ...

    async def ask(
        self, address: str | None, work: Callable[..., object], *args: object
    ) -> object:
        """Have one worker, or the scheduler itself (None), call a function at once.

        What the function raises is returned, as is what keeps it from being called.
        """
        ...

    async def begin(
        self, operation: str, wish: Wish, work: Callable[..., object], *args: object
    ) -> Task:
        """Have a function called by a worker, as soon as one is free."""
        ...
