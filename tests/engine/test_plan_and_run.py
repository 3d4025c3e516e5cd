"""What a plan says of sources is what the run then does, whatever came before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from batch_register.engine import Batch, foresee
from batch_register.engine.sourcing import Sourcing
from batch_register.entry import EntryState
from batch_register.event import ImageAdopted
from batch_register.model import (
    ENTRY_TAG,
    EntryKey,
    FaultKind,
    ImageQuery,
    ImageView,
    Manifest,
)
from batch_register.plan import Decision, Intention
from batch_register.source import SourcePin, SourceVerdict
from batch_register.stopping import Stop
from tests.engine.rig import LoggedLedger, Rig
from tests.engine.test_sourcing import MISSING, PIN, looked_at, sources
from tests.fakes import fault, spec

PASSING = fault(FaultKind.LOST)
VERDICTS = {
    "fit": SourceVerdict(pin=PIN, min_disk_gb=40),
    "changed": SourceVerdict(pin=SourcePin(etag="e2", size_bytes=9), min_disk_gb=40),
    "missing": SourceVerdict(fault=MISSING),
    "size unknown": SourceVerdict(pin=PIN, fault=PASSING),
    "unlooked": SourceVerdict(),
}
KEY = EntryKey("web-0")


def nothing(_one: Rig) -> None:
    """Leave the entry new."""


def active(one: Rig) -> None:
    one.run()


def job_failed(one: Rig) -> None:
    one.cloud.failing_jobs = {KEY: fault(FaultKind.JOB_FAILED)}
    one.run()
    one.cloud.failing_jobs = {}


def register_refused(one: Rig) -> None:
    one.cloud.replies.extend(["ok", "refuse"])
    one.run()


def create_lost(one: Rig) -> None:
    one.cloud.replies.append("lose-after")
    one.cloud.list_lag_s = 20.0
    one.run(stop_after_s=5.0)


def blocked(one: Rig) -> None:
    sources(one).verdicts = {KEY: VERDICTS["missing"]}
    one.run()


def made_elsewhere(one: Rig) -> None:
    """Let a run with another ledger make what this one was refused."""
    blocked(one)
    mine, one.ledger = one.ledger, LoggedLedger(log=one.ledger.log)
    sources(one).verdicts = {KEY: VERDICTS["fit"]}
    one.run()
    one.ledger = mine


def renamed(one: Rig) -> None:
    """Let the image be there under a former key."""
    (entry,) = one.specs
    one.specs = [replace(entry, key=EntryKey("web-old"))]
    sources(one).verdicts = {"web-old": VERDICTS["fit"]}
    one.run()
    one.specs = [entry]


def renamed_and_told(one: Rig) -> None:
    renamed(one)
    one.run()


PASTS = (
    nothing,
    active,
    job_failed,
    register_refused,
    create_lost,
    blocked,
    made_elsewhere,
    renamed,
    renamed_and_told,
)


def after(past: Callable[[Rig], None], *, is_auto: bool) -> Rig:
    """Return a rig whose ledger has that past."""
    entry = spec(KEY)
    if is_auto:
        entry = replace(entry, min_disk_gb=0, min_disk_is_auto=True)
    one = looked_at([entry], web_0=VERDICTS["fit"])
    past(one)
    return one


def planned(one: Rig) -> Decision:
    """Return what `plan` says of the entry."""
    batch = Batch(
        manifest=Manifest(name="wave-07", images=tuple(one.specs)),
        records=one.ledger.replay(),
        is_selected=lambda _: True,
        is_new_ledger=one.runs == 0,
    )
    found: dict[str, list[ImageView]] = {}

    async def scenario() -> Decision:
        for view in await one.cloud.list_images(ImageQuery()):
            found.setdefault(view.tag(ENTRY_TAG) or "", []).append(view)
        await batch.declare(*await batch.changes())
        sourcing = Sourcing(one.sources, stop=Stop())
        await sourcing.look(await batch.work(one.retry), batch.records)
        for record, seen in sourcing.news(batch.records):
            record.apply(seen, "")
        work = await batch.work(one.retry)
        return (await foresee(batch, work, found, None, sourcing.unfit)).decisions[0]

    return one.play(scenario())


@pytest.mark.parametrize("is_lost", [False, True], ids=["", "ledger lost"])
@pytest.mark.parametrize("is_auto", [False, True], ids=["", "auto"])
@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("past", PASTS)
def test_the_run_does_what_the_plan_says(
    past: Callable[[Rig], None], verdict: str, *, is_auto: bool, is_lost: bool
) -> None:
    one = after(past, is_auto=is_auto)
    if is_lost:
        one.ledger, one.runs = LoggedLedger(log=one.ledger.log), 0
    told = VERDICTS[verdict]
    if not is_auto and told.fault is PASSING:
        told = replace(told, fault=None)  # nothing else that may pass stops an entry
    sources(one).verdicts = {KEY: told}
    decision = planned(one)
    lines, events = len(one.cloud.log), len(one.ledger.events(KEY))

    one.run()

    sent = [line for line in one.cloud.log[lines:] if line.startswith("send")]
    news = one.ledger.events(KEY)[events:]
    now = one.ledger.replay()[KEY].state
    match decision.intention:
        case Intention.BLOCK:
            assert sent == []
            assert now is not EntryState.ACTIVE
        case Intention.SKIP:
            assert (sent, now) == ([], EntryState.ACTIVE)
        case Intention.CONFLICT:
            assert (sent, now) == ([], EntryState.CONFLICT)
        case Intention.ADOPT:
            assert any(isinstance(event, ImageAdopted) for event in news)
        case Intention.START | Intention.RETRY:
            assert now is EntryState.ACTIVE
        case _:
            assert decision.intention is Intention.RESUME
            assert len(one.cloud.images) == 1
    live = [each for each in one.cloud.images.values() if each.view.size_bytes]
    assert len(live) <= 1
