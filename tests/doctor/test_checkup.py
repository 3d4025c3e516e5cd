"""What a service shows when it is only asked."""

from __future__ import annotations

import pytest

from batch_register.doctor import PROBE, Checkup, Sight, TagFilter
from batch_register.doctor.checkup import tag_filter
from batch_register.errors import ServiceError
from batch_register.model import (
    ENTRY_TAG,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageStatus,
    ImageView,
    Quota,
)
from tests.fakes import FakeCloud, service_error, spec
from tests.virtual_time import run_virtually


def view(name: str, tag: str | None = "x", status: str = "active") -> ImageView:
    return ImageView(
        image_id=ImageId(name),
        name=name,
        status=ImageStatus(status),
        tags=() if tag is None else ((ENTRY_TAG, tag),),
    )


OURS, OTHER = view("ours"), view("other", None)


@pytest.mark.parametrize(
    ("ours", "by_ours", "by_none", "found"),
    [
        (OURS, [OURS], [], TagFilter.HONOURED),
        (OURS, [], [], TagFilter.FINDS_NOTHING),
        (OURS, [OTHER], [], TagFilter.FINDS_NOTHING),
        (OURS, [OURS, OTHER], [OURS, OTHER], TagFilter.IGNORED),
        (None, [], [OTHER], TagFilter.IGNORED),
        (None, [], [], TagFilter.NOT_KNOWN),
    ],
)
def test_what_lists_by_tag_prove(
    ours: ImageView | None,
    by_ours: list[ImageView],
    by_none: list[ImageView],
    found: TagFilter,
) -> None:
    assert tag_filter(ours, by_ours, by_none) is found


def looked(cloud: FakeCloud) -> Sight:
    async def look() -> Sight:
        await cloud.create_image(spec(), ((ENTRY_TAG, "x"),))
        return await Checkup(cloud).look()

    return run_virtually(look())


@pytest.mark.parametrize("honours", [True, False])
def test_an_image_of_ours_proves_the_filter_without_any_write(honours: bool) -> None:
    cloud = FakeCloud(honours_tag_query=honours)
    sight = looked(cloud)
    found = TagFilter.HONOURED if honours else TagFilter.FINDS_NOTHING
    assert sight.tag_filter is found
    assert sight.quota == Quota(used=1, limit=1000)
    assert (cloud.calls["create"], cloud.calls["delete"]) == (1, 0)


def test_what_is_not_told_stands_as_a_fault_and_hinders_nothing_else() -> None:
    def fails(call: str) -> ServiceError | None:
        return None if call == "list" else service_error(FaultKind.FORBIDDEN)

    sight = looked(FakeCloud(read_error=fails))
    assert sight.job_fault is not None
    assert sight.quota_fault is not None
    assert len(sight.images) == 1


def test_a_list_by_tag_that_is_refused_leaves_the_filter_open() -> None:
    class Cloud(FakeCloud):
        async def list_images(self, query: ImageQuery) -> list[ImageView]:
            if query.tag is not None:
                raise service_error(FaultKind.REJECTED)
            return await super().list_images(query)

    sight = looked(Cloud())
    assert sight.tag_fault is not None
    assert sight.tag_filter is TagFilter.NOT_KNOWN


def test_shells_of_earlier_probes_are_known_by_their_names() -> None:
    old, gone = view(f"{PROBE}-1"), view(f"{PROBE}-2", status="deleted")
    assert Sight(images=[OURS, old, gone]).old_probes == [old]
