"""What earlier probes left behind, and its deletion.

Decides: which shell is certainly an abandoned probe's, and when its deletion counts.
Must not know: words, flags, HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from batch_register.doctor.probe import ProbePatience
from batch_register.doctor.record import PROBE
from batch_register.errors import ServiceError
from batch_register.model import (
    ENTRY_TAG,
    MANIFEST_TAG,
    EntryKey,
    ImageId,
    ImageStatus,
    ImageView,
    entry_digest,
)
from batch_register.ports import ImageService
from batch_register.stopping import Stop

# Far longer than a probe takes with the usual settings: a younger one may be at work.
ABANDONED_AFTER = timedelta(hours=1)


def is_abandoned(view: ImageView, now: datetime) -> bool:
    """Return whether an image is a probe's shell that nobody looks after any more.

    A name alone proves nothing, since anybody may give it; the tag that a probe makes
    of it does. `now` is the service's time, UTC. What is not certain does not count.
    """
    is_ours = view.tag(MANIFEST_TAG) == PROBE and view.tag(ENTRY_TAG) == entry_digest(
        PROBE, EntryKey(view.name)
    )
    is_empty = view.status is ImageStatus.QUEUED and view.size_bytes == 0
    created = _moment(view.created_at)
    return (
        is_ours
        and is_empty
        and view.is_protected is not True
        and created is not None
        and now - created > ABANDONED_AFTER
    )


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


async def clear(
    service: ImageService,
    views: Iterable[ImageView],
    now: datetime,
    *,
    patience: ProbePatience,
    stop: Stop,
) -> list[ImageId]:
    """Delete what is abandoned, and return what is certainly gone; each is tried once.

    Each is judged again as the service itself shows it just before: lists lag. It goes
    some time after the service has agreed, so all of them are waited for together.
    """
    agreed = [
        view.image_id
        for view in views
        if is_abandoned(view, now)
        and not stop.is_requested
        and await _is_agreed(service, view.image_id, now)
    ]
    ends_s = _now_s() + patience.gone_s
    while True:
        gone = [each for each in agreed if await _is_gone(service, each)]
        if len(gone) == len(agreed) or stop.is_requested or _now_s() >= ends_s:
            return gone
        await asyncio.sleep(patience.step_s)


async def _is_agreed(service: ImageService, image_id: ImageId, now: datetime) -> bool:
    try:
        view = await service.get_image(image_id)
        if view is None or not is_abandoned(view, now):
            return False
        await service.delete_image(image_id)
    except ServiceError:
        return False
    return True


async def _is_gone(service: ImageService, image_id: ImageId) -> bool:
    try:
        view = await service.get_image(image_id)
    except ServiceError:
        return False
    return view is None or view.is_gone


def _now_s() -> float:
    return asyncio.get_running_loop().time()
