"""A look finds at once and denies late: when "none" is proven, and when it never is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from batch_register.engine.findings import Finding
from batch_register.engine.look import Look, NotProvenError, Sought
from batch_register.errors import ServiceError, StoppedError
from batch_register.model import (
    ENTRY_TAG,
    MANIFEST_TAG,
    EntryKey,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageStatus,
    ImageView,
    StopReason,
    entry_digest,
)
from batch_register.pacing import SettleTime
from batch_register.stopping import Stop
from tests.fakes import Notebook, ScriptedService, service_error
from tests.virtual_time import run_virtually

TAG = entry_digest("wave-07", EntryKey("web-01"))
OTHER_TAG = entry_digest("wave-07", EntryKey("web-02"))
SINCE = "2026-09-01T00:00:00Z"
OUTAGE = service_error(FaultKind.SERVER)
SOUGHT = Sought(
    key=EntryKey("web-01"),
    name="web-01",
    dead=frozenset({ImageId("dead")}),
    created_since=SINCE,
)
BY_TAG = ImageQuery(tag=(ENTRY_TAG, TAG))
ALL_OWN = ImageQuery()
BY_MANIFEST = ImageQuery(tag=(MANIFEST_TAG, "wave-07"))


def view(name: str, tag: str | None = TAG, **changes: Any) -> ImageView:
    tags = () if tag is None else ((ENTRY_TAG, tag), (MANIFEST_TAG, "wave-07"))
    plain = ImageView(
        image_id=ImageId(name),
        name="web-01",
        status=ImageStatus.QUEUED,
        tags=tags,
        created_at="2026-09-01T00:30:00Z",
    )
    return replace(plain, **changes)


OURS, THEIRS = view("ours"), view("theirs", OTHER_TAG)
STRANGER = view("stranger", None)


class Bench:
    """A look over a scripted list."""

    def __init__(self, *answers: object) -> None:
        self.service = ScriptedService(answers={"list": list(answers)})
        self.stop, self.notebook = Stop(), Notebook()
        self.look = Look(
            self.service,
            "wave-07",
            poll_interval_s=5.0,
            settle=SettleTime(least_s=30.0),
            stop=self.stop,
            observer=self.notebook,
        )

    async def entry(self) -> tuple[Finding | None, float]:
        found = await self.look.entry(SOUGHT, settled_at_s=12.0, deadline_s=100.0)
        return found, asyncio.get_running_loop().time()

    def run(self) -> tuple[Finding | None, float]:
        """Return what one look for the entry found, and when."""
        return run_virtually(self.entry())

    def trusting(self) -> Bench:
        """Let it know already that tag queries show images of ours here."""
        self.look.trust.query_shows_ours = True
        return self


def test_an_image_is_found_as_soon_as_any_list_shows_it() -> None:
    assert Bench([], [OURS]).run() == (Finding(image=OURS), 5.0)


@pytest.mark.fault(31)
def test_none_is_proven_by_a_look_after_the_settle_time_only() -> None:
    bench = Bench([]).trusting()
    assert bench.run() == (None, 12.0)
    assert bench.service.times("list") == [0.0, 5.0, 10.0, 12.0]


def test_a_tag_query_that_never_showed_anything_is_backed_by_a_list_of_all() -> None:
    bench = Bench([], [], [], [], [THEIRS])
    assert bench.run() == (None, 12.0)
    assert bench.service.queries == [BY_TAG] * 4 + [ALL_OWN]


@pytest.mark.parametrize("name", ["web-01", "its-former-name"])
def test_an_image_that_only_the_list_of_all_shows_is_found_by_its_tag(
    name: str,
) -> None:
    """Whatever it is called: a manifest may give its entry another name."""
    ours = replace(OURS, name=name)
    bench = Bench([], [], [], [], [THEIRS, STRANGER, ours])
    assert bench.run() == (Finding(image=ours), 12.0)


def test_a_tag_query_that_ignores_its_filter_shows_what_is_there() -> None:
    """Other entries' images prove that the tags are kept and shown."""
    bench = Bench([THEIRS])
    assert bench.run() == (None, 12.0)
    assert bench.service.queries == [BY_TAG] * 4


@pytest.mark.parametrize(
    "stranger",
    [
        STRANGER,
        replace(STRANGER, status=ImageStatus.UNRECOGNISED),
        replace(STRANGER, created_at=""),
        replace(STRANGER, created_at=SINCE),
    ],
    ids=["recent", "strange status", "no age", "just then"],
)
def test_a_namesake_without_tags_that_may_be_ours_proves_nothing(
    stranger: ImageView,
) -> None:
    with pytest.raises(NotProvenError) as caught:
        Bench([], [], [], [], [stranger]).run()
    assert str(caught.value) == (
        "image stranger has this name and no tag: it may or may not be ours"
    )


@pytest.mark.parametrize(
    "stranger",
    [
        replace(STRANGER, created_at="2026-08-31T23:59:59Z"),
        replace(STRANGER, status=ImageStatus.KILLED),
        replace(STRANGER, status=ImageStatus.DELETED),
        replace(STRANGER, image_id=ImageId("dead")),
        replace(STRANGER, name="web-02"),
        view("theirs", OTHER_TAG),
    ],
    ids=["older", "killed", "deleted", "buried", "other name", "other entry"],
)
def test_a_stranger_that_cannot_be_ours_does_not_matter(stranger: ImageView) -> None:
    assert Bench([], [], [], [], [stranger]).run() == (None, 12.0)


def test_a_cloud_that_drops_our_tags_never_proves_that_there_is_none() -> None:
    bench = Bench([]).trusting()
    bench.look.trust.note_created(view("made", None, tags=(("other", "x"),)))
    with pytest.raises(NotProvenError, match="drops our tags"):
        bench.run()


def test_an_answer_to_a_create_without_any_tags_tells_nothing_about_them() -> None:
    bench = Bench([]).trusting()
    bench.look.trust.note_created(STRANGER)
    bench.look.trust.note_created(OURS)
    assert bench.run() == (None, 12.0)


def test_failed_lists_delay_the_proof() -> None:
    bench = Bench([], OUTAGE, OUTAGE, OUTAGE, OUTAGE, []).trusting()
    assert bench.run() == (None, 22.0)
    assert (
        bench.notebook.notices
        == [("look.failed", {"key": "web-01", "error": "test: as scripted"})] * 4
    )


def test_lists_that_fail_until_the_deadline_prove_nothing() -> None:
    bench = Bench(OUTAGE)
    with pytest.raises(NotProvenError, match="test: as scripted"):
        bench.run()
    assert 100.0 <= bench.service.times("list")[-1] <= 105.0


@pytest.mark.parametrize("kind", [FaultKind.REJECTED, FaultKind.FORBIDDEN])
def test_a_list_that_is_refused_for_good_proves_nothing_at_once(
    kind: FaultKind,
) -> None:
    """Asking again until the deadline would only cost requests."""
    bench = Bench([], service_error(kind))
    with pytest.raises(NotProvenError, match="test: as scripted"):
        bench.run()
    assert bench.service.times("list") == [0.0, 5.0]
    assert bench.notebook.notices == [
        ("look.failed", {"key": "web-01", "error": "test: as scripted"})
    ]


def test_a_stop_ends_a_look() -> None:
    bench = Bench([])

    async def scenario() -> list[float]:
        asyncio.get_running_loop().call_later(7, bench.stop.request, StopReason.SIGINT)
        with pytest.raises(StoppedError):
            await bench.entry()
        return bench.service.times("list")

    assert run_virtually(scenario()) == [0.0, 5.0]


def test_all_entries_are_told_apart_by_their_tags() -> None:
    """Images of other manifests may be among them where the filter is ignored."""
    second = view("second")
    foreign = view("foreign", tags=((ENTRY_TAG, TAG), (MANIFEST_TAG, "wave-08")))
    bench = Bench([OURS, THEIRS, foreign, second, STRANGER])
    assert run_virtually(bench.look.all_entries()) == {
        TAG: [OURS, second],
        OTHER_TAG: [THEIRS],
    }
    assert bench.service.queries == [BY_MANIFEST]


def test_all_entries_are_found_where_tag_queries_show_nothing() -> None:
    bench = Bench([], [OURS, STRANGER])
    assert run_virtually(bench.look.all_entries()) == {TAG: [OURS]}
    assert bench.service.queries == [BY_MANIFEST, ALL_OWN]


def test_the_look_for_all_entries_fails_where_the_list_does() -> None:
    with pytest.raises(ServiceError):
        run_virtually(Bench(OUTAGE).look.all_entries())


class Settling(Bench):
    """A look for all entries that settles at a certain time."""

    def run_settled(
        self, settled_at_s: float
    ) -> tuple[dict[str, list[ImageView]], float]:
        """Return what was found, and when."""

        async def scenario() -> tuple[dict[str, list[ImageView]], float]:
            found = await self.look.all_entries_settled(settled_at_s)
            return found, asyncio.get_running_loop().time()

        return run_virtually(scenario())


def test_a_first_look_that_shows_images_is_repeated_once_lists_have_settled() -> None:
    bench = Settling([OURS], [OURS, THEIRS])
    assert bench.run_settled(30.0) == ({TAG: [OURS], OTHER_TAG: [THEIRS]}, 30.0)
    assert bench.service.times("list") == [0.0, 30.0]
    assert bench.notebook.notices == [("look.waits_for_lists", {"seconds": 30.0})]


def test_a_first_look_that_shows_nothing_of_ours_is_not_waited_for() -> None:
    bench = Settling([], [STRANGER])
    assert bench.run_settled(30.0) == ({}, 0.0)
    assert bench.notebook.notices == []


def test_a_first_look_after_the_settle_time_is_enough() -> None:
    bench = Settling([OURS])
    assert bench.run_settled(0.0) == ({TAG: [OURS]}, 0.0)
    assert bench.service.times("list") == [0.0]


def test_a_look_that_was_asked_before_the_settle_time_is_repeated_however_long_it_took() -> (
    None
):
    """What counts is when the list was asked for, not when its answer came."""
    bench = Settling([OURS], [OURS, THEIRS])
    bench.service.takes_s = 40.0
    assert bench.run_settled(30.0) == ({TAG: [OURS], OTHER_TAG: [THEIRS]}, 80.0)
    assert bench.service.times("list") == [0.0, 40.0]


def test_a_stop_ends_the_wait_for_lists_to_settle() -> None:
    bench = Settling([OURS])

    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(7, bench.stop.request, StopReason.SIGINT)
        with pytest.raises(StoppedError):
            await bench.look.all_entries_settled(30.0)
        return loop.time()

    assert run_virtually(scenario()) == 7.0


@pytest.mark.fault(31)
def test_a_found_image_is_taken_by_its_own_status_not_by_the_lists() -> None:
    saving = replace(OURS, status=ImageStatus.SAVING)
    bench = Bench()
    bench.service.answers["get_image"] = [saving]
    fresh = run_virtually(bench.look.fresh(Finding(image=OURS, others=(THEIRS,))))
    assert fresh == Finding(image=saving, others=(THEIRS,))
    assert bench.service.sent == [(0.0, "get_image")]


@pytest.mark.parametrize(
    ("answer", "notices"),
    [
        (replace(OURS, tags=(), status=ImageStatus.SAVING), []),
        (OUTAGE, [("look.failed", {"error": "test: as scripted"})]),
    ],
    ids=["without tags", "no answer"],
)
def test_where_the_image_itself_tells_nothing_the_lists_word_stands(
    answer: object, notices: list[tuple[str, dict[str, object]]]
) -> None:
    bench = Bench()
    bench.service.answers["get_image"] = [answer]
    assert run_virtually(bench.look.fresh(Finding(image=OURS))) == Finding(image=OURS)
    assert bench.notebook.notices == notices


@pytest.mark.parametrize(
    "answers",
    [
        {"get_image": [None], "list": [[]]},
        {"get_image": [replace(OURS, status=ImageStatus.KILLED)]},
        {"get_image": [replace(OURS, status=ImageStatus.DELETED)]},
    ],
)
def test_an_image_that_is_no_more_is_no_finding_whatever_lists_show(
    answers: dict[str, list[object]],
) -> None:
    bench = Bench()
    bench.service.answers |= answers
    assert run_virtually(bench.look.fresh(Finding(image=OURS))) is None


def test_an_image_that_a_list_by_id_shows_is_there_whatever_a_get_says() -> None:
    bench = Bench()
    bench.service.answers |= {"get_image": [None], "list": [[THEIRS, OURS]]}
    assert run_virtually(bench.look.fresh(Finding(image=OURS))) == Finding(image=OURS)
    assert bench.service.times("get_image") == [0.0, 30.0]
