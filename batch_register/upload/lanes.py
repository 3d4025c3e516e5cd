"""Many things done by a few at a time, of which the first failure ends all.

Decides: how many are under way, which error comes out. Must not know: what is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

from batch_register.errors import ServiceError

_T = TypeVar("_T")


async def in_lanes(
    items: Iterable[_T], work: Callable[[_T], Awaitable[None]], *, lanes: int
) -> None:
    """Do the work for each item, in their order, at most `lanes` at a time.

    Raises:
        Exception: what the first work that failed has raised; the others are cancelled.
            An error that is no ServiceError (a full disk, a bug) goes before those.
    """
    rest = iter(items)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(lanes):
                group.create_task(_lane(rest, work))
    except BaseExceptionGroup as errors:
        raise _gravest(errors) from None


async def _lane(rest: Iterator[_T], work: Callable[[_T], Awaitable[None]]) -> None:
    for item in rest:
        await work(item)


def _gravest(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    found = errors.exceptions  # of plain coroutines: no groups among them
    others = [one for one in found if not isinstance(one, ServiceError)]
    return (others or list(found))[0]
