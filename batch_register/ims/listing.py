"""A whole list, or none: page after page, begun anew where its thread is lost.

Decides: how often a list is begun anew. Must not know: how a page is asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from batch_register.errors import ServiceError
from batch_register.ims.paging import PageSizes, Walk
from batch_register.model import FaultKind, ImageView

LIST_LIMIT: Final = 500  # images in a page: what the service gives unasked

_ATTEMPTS: Final = 3  # the image that a page starts from may vanish meanwhile
_MARKER_GONE: Final = frozenset({FaultKind.NOT_FOUND, FaultKind.REJECTED})

# Takes one page that begins behind a marker; returns the next one, None at the end.
TakePage = Callable[[Walk, str | None], Awaitable[str | None]]


class Begun(NamedTuple):
    """A list of which the first page is there; `marker` leads to the next one."""

    walk: Walk
    marker: str | None
    take_page: TakePage


async def begin_list(
    sizes: PageSizes, take_page: TakePage, *, is_single: bool
) -> Begun:
    """Take a list's first page; `is_single`: at most one image can match.

    Raises:
        ServiceError: it could not be had.
    """
    walk = Walk(sizes, limit=LIST_LIMIT, single=is_single)
    return Begun(walk, await take_page(walk, None), take_page)


async def whole_list(begin: Callable[[], Awaitable[Begun]]) -> list[ImageView]:
    """Return the images of all pages.

    Raises:
        ServiceError: a page could not be had; there is no partial list.
    """
    for _ in range(_ATTEMPTS - 1):
        begun = await begin()
        try:
            return await _rest(begun)
        except ServiceError as error:
            if error.kind not in _MARKER_GONE:
                raise
    return await _rest(await begin())


async def _rest(begun: Begun) -> list[ImageView]:
    """Take the other pages by the same call, and return all images."""
    marker = begun.marker
    while marker is not None:
        marker = await begun.take_page(begun.walk, marker)
    return begun.walk.images
