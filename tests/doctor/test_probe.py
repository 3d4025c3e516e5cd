"""A probe measures with one shell, leaves nothing behind, and says so where it must."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from batch_register.doctor import (
    PROBE,
    Probe,
    ProbeEnd,
    ProbePatience,
    ProbeRecord,
    TagFilter,
    patience_for,
    probe_spec,
)
from batch_register.errors import ServiceError
from batch_register.ims.profile import PROFILES, Profile, check_spec
from batch_register.model import (
    MANIFEST_TAG,
    Applied,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageView,
    Pairs,
    StopReason,
)
from batch_register.stopping import Stop
from tests.fakes import FakeCloud, service_error
from tests.virtual_time import run_virtually

NAME = f"{PROBE}-1234"
PATIENCE = ProbePatience(shown_s=120.0, tagged_s=30.0, gone_s=20.0, step_s=1.0)


@dataclass
class Cloud(FakeCloud):
    """A cloud whose deletes and looks can be spoilt, and whose lists may show all."""

    delete_errors: list[ServiceError] = field(default_factory=list)
    deletes_nothing: bool = False
    ignores_tags: bool = False
    on_call: Callable[[str], None] = lambda _: None

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        self.on_call("create")
        return await super().create_image(spec, tags)

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        self.on_call("list")
        return await super().list_images(ImageQuery() if self.ignores_tags else query)

    async def delete_image(self, image_id: ImageId) -> None:
        self.on_call("delete")
        if self.delete_errors:
            self.calls["delete"] += 1
            raise self.delete_errors.pop(0)
        if not self.deletes_nothing:
            await super().delete_image(image_id)


def probed(cloud: Cloud, stop: Stop | None = None) -> ProbeRecord:
    """Return the record of one probe on this cloud."""
    probe = Probe(
        service=cloud,
        spec=probe_spec(NAME, 40),
        patience=PATIENCE,
        stop=stop or Stop(),
    )
    run_virtually(probe.take())
    return probe.record


def test_a_plain_cloud_is_measured_with_one_shell_that_is_deleted() -> None:
    cloud = Cloud()
    record = probed(cloud)
    assert record == ProbeRecord(
        name=NAME,
        end=ProbeEnd.DELETED,
        image_id=ImageId("image-1"),
        are_tags_kept=True,
        tag_filter=TagFilter.HONOURED,
        list_lag_s=0.0,
    )
    assert (cloud.made, cloud.images) == (1, {})
    assert cloud.calls["register"] == 0


def test_the_shell_is_named_and_tagged_as_a_probe() -> None:
    cloud = Cloud(deletes_nothing=True)
    probed(cloud)
    (image,) = cloud.images.values()
    assert image.view.name == NAME
    assert image.view.tag(MANIFEST_TAG) == PROBE


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_shell_is_what_every_profile_takes(profile: Profile) -> None:
    shell = probe_spec(NAME, profile.min_disk_floor_gb("Other Linux(64 bit)"))
    source = "https://files.example/x" if profile.fetches_from_web else "bucket:x"
    assert check_spec(replace(shell, image_url=source), profile) == []


def test_a_list_that_lags_is_measured_to_the_next_look() -> None:
    record = probed(Cloud(list_lag_s=7.0))
    assert record.end is ProbeEnd.DELETED
    assert record.list_lag_s is not None
    assert 7.0 <= record.list_lag_s <= 8.0
    assert record.tag_filter is TagFilter.HONOURED


def test_a_list_that_lags_for_too_long_is_given_up() -> None:
    cloud = Cloud(list_lag_s=1000.0)
    record = probed(cloud)
    assert (record.list_lag_s, record.tag_filter) == (None, TagFilter.NOT_KNOWN)
    assert 120.0 <= record.looked_s <= 122.0
    assert (record.end, cloud.images) == (ProbeEnd.DELETED, {})


def test_a_filter_that_finds_nothing_is_told_from_a_lag() -> None:
    record = probed(Cloud(honours_tag_query=False))
    assert (record.tag_filter, record.list_lag_s) == (TagFilter.FINDS_NOTHING, 0.0)
    assert record.end is ProbeEnd.DELETED


def test_a_filter_that_shows_everything_is_ignored() -> None:
    assert probed(Cloud(ignores_tags=True)).tag_filter is TagFilter.IGNORED


def test_tags_that_the_cloud_drops_are_seen_in_its_answer() -> None:
    assert probed(Cloud(keeps_tags=False)).are_tags_kept is False


@pytest.mark.parametrize("reply", ["refuse", "quota", "throttle", "unreachable"])
def test_a_create_that_is_refused_leaves_nothing_and_is_not_repeated(
    reply: str,
) -> None:
    cloud = Cloud()
    cloud.replies.append(reply)
    record = probed(cloud)
    assert (record.end, record.image_id) == (ProbeEnd.NOTHING_MADE, None)
    assert record.create_fault is not None
    assert (cloud.calls["create"], cloud.calls["delete"]) == (1, 0)


@pytest.mark.parametrize("lag_s", [0.0, 40.0])
@pytest.mark.parametrize("honours_tags", [True, False])
@pytest.mark.parametrize("keeps_tags", [True, False])
def test_a_create_whose_answer_is_lost_is_found_and_deleted_never_repeated(
    lag_s: float, honours_tags: bool, keeps_tags: bool
) -> None:
    cloud = Cloud(
        list_lag_s=lag_s, honours_tag_query=honours_tags, keeps_tags=keeps_tags
    )
    cloud.replies.append("lose-after")
    record = probed(cloud)
    assert (record.end, record.is_lost) == (ProbeEnd.DELETED, True)
    assert (cloud.calls["create"], cloud.images) == (1, {})


def test_a_create_that_no_list_ever_shows_is_unclear() -> None:
    cloud = Cloud()
    cloud.replies.append("lose-before")
    record = probed(cloud)
    assert (record.end, record.image_id) == (ProbeEnd.UNCLEAR, None)
    assert cloud.calls["create"] == 1
    assert cloud.calls["list"] >= 120


def test_a_delete_that_fails_for_a_while_is_tried_again() -> None:
    errors = [service_error(FaultKind.SERVER, applied=Applied.UNKNOWN)] * 3
    cloud = Cloud(delete_errors=[*errors, service_error(FaultKind.CONFLICT)])
    record = probed(cloud)
    assert (record.end, record.delete_fault) == (ProbeEnd.DELETED, None)
    assert cloud.images == {}


@pytest.mark.parametrize(
    "kind", [FaultKind.FORBIDDEN, FaultKind.UNAUTHENTICATED, FaultKind.REJECTED]
)
def test_a_delete_that_is_refused_for_good_is_tried_once(kind: FaultKind) -> None:
    cloud = Cloud(delete_errors=[service_error(kind)] * 99)
    record = probed(cloud)
    assert (record.end, record.image_id) == (ProbeEnd.LEFT, "image-1")
    assert record.delete_fault is not None
    assert cloud.calls["delete"] == 1


def test_a_service_that_never_deletes_is_not_waited_for_without_end() -> None:
    cloud = Cloud(delete_errors=[service_error(FaultKind.SERVER)] * 99)
    assert probed(cloud).end is ProbeEnd.LEFT
    assert 2 <= cloud.calls["delete"] <= 22


def test_a_delete_that_is_agreed_to_but_not_done_is_no_deletion() -> None:
    record = probed(Cloud(deletes_nothing=True))
    assert (record.end, record.delete_fault) == (ProbeEnd.LEFT, None)


def test_a_look_that_fails_is_no_proof_that_the_shell_is_gone() -> None:
    def fails(call: str) -> ServiceError | None:
        return service_error(FaultKind.SERVER) if call == "get_image" else None

    assert probed(Cloud(read_error=fails)).end is ProbeEnd.LEFT


def test_lists_that_fail_measure_nothing_and_leave_nothing() -> None:
    def fails(call: str) -> ServiceError | None:
        return service_error(FaultKind.SERVER) if call == "list" else None

    cloud = Cloud(read_error=fails)
    record = probed(cloud)
    assert (record.end, record.list_lag_s) == (ProbeEnd.DELETED, None)
    assert cloud.images == {}


class Blind(Cloud):
    """A cloud that shows and deletes a shell only from its tenth second on."""

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        return await super().get_image(image_id) if self._has_come() else None

    async def delete_image(self, image_id: ImageId) -> None:
        self.calls["delete"] += 1
        if self._has_come():
            await super().delete_image(image_id)

    def _has_come(self) -> bool:
        return asyncio.get_running_loop().time() >= 10.0


def test_a_service_that_deletes_what_it_does_not_know_yet_is_asked_again() -> None:
    """It agrees to delete anything, so agreement alone proves nothing."""
    stop = Stop()

    def interrupt(call: str) -> None:
        if call == "list":
            stop.request(StopReason.SIGINT)

    cloud = Blind(list_lag_s=10.0, on_call=interrupt)
    record = probed(cloud, stop)
    assert (record.end, cloud.images) == (ProbeEnd.DELETED, {})


@pytest.mark.parametrize("call", ["create", "list", "delete"])
def test_an_interrupt_cuts_the_measuring_short_and_still_deletes(call: str) -> None:
    stop = Stop()

    def interrupt(name: str) -> None:
        if name == call:
            stop.request(StopReason.SIGINT)

    cloud = Cloud(list_lag_s=60.0, on_call=interrupt)
    record = probed(cloud, stop)
    assert (record.end, cloud.images, cloud.made) == (ProbeEnd.DELETED, {}, 1)
    assert record.is_cut_short is (call != "delete")
    if call != "delete":
        assert record.list_lag_s is None


def test_an_interrupt_is_not_waited_out_where_the_service_shows_the_shell() -> None:
    stop = Stop()
    cloud = Cloud(list_lag_s=60.0, on_call=lambda _: stop.request(StopReason.SIGINT))
    probe = Probe(
        service=cloud, spec=probe_spec(NAME, 40), patience=PATIENCE, stop=stop
    )

    async def timed() -> float:
        await probe.take()
        return asyncio.get_running_loop().time()

    assert run_virtually(timed()) < 3.0
    assert probe.record.end is ProbeEnd.DELETED


def test_an_interrupt_before_the_create_makes_nothing() -> None:
    stop = Stop()
    stop.request(StopReason.SIGTERM)
    cloud = Cloud()
    record = probed(cloud, stop)
    assert (record.end, cloud.calls["create"]) == (ProbeEnd.NOTHING_MADE, 0)


@pytest.mark.parametrize(
    ("lag_s", "end"), [(10.0, ProbeEnd.DELETED), (100.0, ProbeEnd.UNCLEAR)]
)
def test_after_an_interrupt_a_lost_create_is_looked_for_a_little_longer(
    lag_s: float, end: ProbeEnd
) -> None:
    stop = Stop()
    cloud = Cloud(list_lag_s=lag_s, on_call=lambda _: stop.request(StopReason.SIGINT))
    cloud.replies.append("lose-after")
    assert probed(cloud, stop).end is end


@pytest.mark.parametrize(
    ("call", "end"), [("create", ProbeEnd.UNCLEAR), ("list", ProbeEnd.LEFT)]
)
def test_a_probe_that_is_cancelled_says_what_may_be_left(
    call: str, end: ProbeEnd
) -> None:
    async def cancelled() -> ProbeRecord:
        task = asyncio.current_task()
        assert task is not None

        def cancel(name: str) -> None:
            if name == call:
                task.cancel()

        cloud = Cloud(on_call=cancel)
        probe = Probe(
            service=cloud,
            spec=probe_spec(NAME, 40),
            patience=PATIENCE,
            stop=Stop(),
        )
        with pytest.raises(asyncio.CancelledError):
            await probe.take()
        task.uncancel()
        return probe.record

    assert run_virtually(cancelled()).end is end


@pytest.mark.parametrize(
    ("settle_s", "shown_s", "gone_s", "step_s"),
    [(30.0, 120.0, 20.0, 1.0), (0.15, 0.6, 0.15, 0.05), (0.0, 0.0, 0.0, 0.05)],
)
def test_patience_follows_the_settle_time(
    settle_s: float, shown_s: float, gone_s: float, step_s: float
) -> None:
    patience = patience_for(settle_s)
    assert patience.shown_s == pytest.approx(shown_s)
    assert (patience.tagged_s, patience.gone_s) == (settle_s, gone_s)
    assert patience.step_s == pytest.approx(step_s)
