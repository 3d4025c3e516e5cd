"""Only what is certainly an abandoned probe's shell is deleted, and only if it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from batch_register.doctor import PROBE, clear, patience_for, probe_spec
from batch_register.doctor.leftover import is_abandoned
from batch_register.errors import ServiceError
from batch_register.model import (
    FaultKind,
    ImageId,
    ImageStatus,
    ImageView,
    StopReason,
    identity_tags,
)
from batch_register.stopping import Stop
from tests.fakes import FakeCloud, FakeImage, service_error
from tests.virtual_time import run_virtually

NAME = f"{PROBE}-1234"
NOW = datetime(2026, 9, 1, 12, 0, 0, tzinfo=UTC)
OLD = ImageView(
    image_id=ImageId("image-1"),
    name=NAME,
    status=ImageStatus.QUEUED,
    tags=identity_tags(PROBE, probe_spec(NAME, 40)),
    created_at="2026-09-01T10:59:59Z",
)


def test_a_shell_of_a_probe_that_is_an_hour_old_is_abandoned() -> None:
    assert is_abandoned(OLD, NOW)
    assert is_abandoned(replace(OLD, created_at="2026-09-01 10:59:59"), NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"created_at": "2026-09-01T11:00:00Z"},
        {"created_at": ""},
        {"created_at": "yesterday"},
        {"tags": ()},
        {"tags": OLD.tags[1:]},
        {"name": f"{PROBE}-5678"},  # renamed, or named so by somebody
        {"status": ImageStatus.ACTIVE},
        {"status": ImageStatus.SAVING},
        {"size_bytes": 1},
        {"is_protected": True},
    ],
)
def test_whatever_is_not_certain_stays(change: dict[str, object]) -> None:
    assert not is_abandoned(replace(OLD, **change), NOW)  # type: ignore[arg-type] # of several


def cloud_with(view: ImageView, cloud: FakeCloud | None = None) -> FakeCloud:
    cloud = cloud or FakeCloud()
    cloud.images[view.image_id] = FakeImage(view, 0.0)
    return cloud


def cleared(cloud: FakeCloud, stop: Stop | None = None) -> list[ImageId]:
    return run_virtually(
        clear(cloud, [OLD], NOW, patience=patience_for(30.0), stop=stop or Stop())
    )


def test_an_abandoned_shell_is_deleted() -> None:
    cloud = cloud_with(OLD)
    assert cleared(cloud) == [OLD.image_id]
    assert cloud.images == {}


def test_a_shell_that_the_service_shows_otherwise_stays() -> None:
    cloud = cloud_with(replace(OLD, tags=()))
    assert cleared(cloud) == []
    assert cloud.calls["delete"] == 0


def test_a_shell_that_somebody_else_deleted_is_not_ours_to_tell_of() -> None:
    assert cleared(FakeCloud()) == []


class Deaf(FakeCloud):
    """Agrees to deletions, and deletes nothing."""

    async def delete_image(self, image_id: ImageId) -> None:
        self.calls["delete"] += 1


def test_a_deletion_that_is_agreed_to_but_not_done_does_not_count() -> None:
    cloud = cloud_with(OLD, Deaf())
    assert cleared(cloud) == []
    assert cloud.calls["delete"] == 1


class Slow(FakeCloud):
    """Agrees to deletions, and carries them out ten seconds later."""

    async def delete_image(self, image_id: ImageId) -> None:
        self.calls["delete"] += 1
        asyncio.get_running_loop().call_later(10.0, self.images.pop, image_id)


def test_a_deletion_takes_its_time_and_is_asked_for_once() -> None:
    cloud = cloud_with(OLD, Slow())
    assert cleared(cloud) == [OLD.image_id]
    assert cloud.calls["delete"] == 1


def failing(call: str) -> Callable[[str], ServiceError | None]:
    refusal = service_error(FaultKind.FORBIDDEN)
    return lambda name: refusal if name == call else None


def test_a_service_that_refuses_is_asked_once() -> None:
    cloud = cloud_with(OLD)
    cloud.read_error = failing("get_image")
    assert cleared(cloud) == []
    assert cloud.images


def test_a_service_that_tells_nothing_after_a_deletion_proves_none() -> None:
    cloud = cloud_with(OLD)
    refusal = service_error(FaultKind.SERVER)
    cloud.read_error = lambda _: refusal if cloud.calls["delete"] else None
    assert cleared(cloud) == []
    assert cloud.images == {}


def test_after_a_signal_nothing_is_deleted() -> None:
    stop = Stop()
    stop.request(StopReason.SIGINT)
    cloud = cloud_with(OLD)
    assert cleared(cloud, stop) == []
    assert cloud.images
