"""What holds for single commands, whichever way they were reached."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from batch_register.engine.errand import Errand
from batch_register.engine.findings import Finding
from batch_register.engine.look import Look
from batch_register.engine.lookout import SeenError
from batch_register.engine.perform import Performer
from batch_register.engine.sightings import Sightings
from batch_register.entry import EntryRecord
from batch_register.event import (
    ImageAdopted,
    NoneFound,
    RegisterAccepted,
    RetryStarted,
    ShellFate,
)
from batch_register.model import (
    EntryKey,
    ImageId,
    ImageSpec,
    ImageStatus,
    ImageView,
    JobId,
    Pairs,
    identity_tags,
    spec_digest,
)
from batch_register.stage import Command, CreateImage, FindImage, RegisterImage
from batch_register.stopping import Stop
from batch_register.watcher import Watcher
from tests.engine.rig import watch_limits
from tests.fakes import Notebook, ScriptedService, spec
from tests.unit.samples import IMAGE
from tests.virtual_time import run_virtually


def performer(
    service: ScriptedService, sightings: Sightings | None = None
) -> Performer:
    stop, notebook = Stop(), Notebook()
    limits = watch_limits()
    look = Look(
        service,
        "wave-07",
        poll_interval_s=5.0,
        settle=limits.settle,
        stop=stop,
        observer=notebook,
    )
    watcher = Watcher(service, "wave-07", limits, stop=stop, observer=notebook)
    return Performer(
        service,
        limits,
        look=look,
        sightings=sightings or sightings_of({}),
        watcher=watcher,
        stop=stop,
    )


def sightings_of(records: Mapping[EntryKey, EntryRecord]) -> Sightings:
    return Sightings(
        manifest_name="wave-07",
        records=records,
        settle=watch_limits().settle,
        patience_s=3600.0,
    )


def errand(**changes: object) -> Errand:
    record = EntryRecord(key=EntryKey("web-01"), name="web-01")
    plain = Errand(
        spec=None, record=record, run_started_s=0.0, claimed_s=0.0, deadline_s=3600.0
    )
    for name, value in changes.items():
        setattr(plain, name, value)
    return plain


@pytest.mark.parametrize("command", [CreateImage(), RegisterImage(IMAGE)])
def test_an_entry_that_the_manifest_does_not_name_is_never_written(
    command: Command,
) -> None:
    service = ScriptedService()
    with pytest.raises(AssertionError, match="must not be written"):
        run_virtually(performer(service).perform(command, errand()))
    assert service.sent == []


@pytest.mark.parametrize(
    ("call_ended_s", "asked_until_s"), [(None, 30.0), (100.0, 130.0)]
)
def test_none_is_found_only_a_settle_time_after_the_later_of_call_and_start(
    call_ended_s: float | None, asked_until_s: float
) -> None:
    service = ScriptedService(answers={"list": [[]]})
    sought = errand(spec=spec(), call_ended_s=call_ended_s)
    found = run_virtually(performer(service).perform(FindImage(), sought))
    assert found == [NoneFound()]
    assert service.times("list")[-1] == asked_until_s


SAVING = ImageView(
    image_id=IMAGE,
    name="web-01",
    status=ImageStatus.SAVING,
    tags=identity_tags("wave-07", spec()),
)


def test_a_look_that_finds_none_takes_back_what_lists_have_shown() -> None:
    wanted = errand(spec=spec())
    seen = sightings_of({wanted.record.key: wanted.record})
    seen.note_listed([SAVING], 0.0)
    assert seen.of(wanted.record.key) == [SAVING]
    service = ScriptedService(answers={"list": [[]]})
    found = run_virtually(performer(service, seen).perform(FindImage(), wanted))
    assert found == [NoneFound()]
    assert seen.of(wanted.record.key) == []  # else a create would wait for it for ever


class SightedService(ScriptedService):
    """Refuses to create, or to register, what another run has made meanwhile."""

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        raise SeenError(Finding(image=SAVING))

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        raise SeenError(Finding(image=SAVING))


def test_a_create_that_is_needless_in_the_end_takes_over_what_was_seen() -> None:
    wanted = errand(spec=spec())
    (event,) = run_virtually(
        performer(SightedService(answers={"get_image": [SAVING]})).perform(
            CreateImage(), wanted
        )
    )
    assert event == ImageAdopted(
        image_id=IMAGE, status=ImageStatus.SAVING, spec=spec_digest(spec())
    )


def test_a_register_that_comes_second_replaces_its_shell() -> None:
    shell = ImageId("shell")
    (event,) = run_virtually(
        performer(SightedService()).perform(RegisterImage(shell), errand(spec=spec()))
    )
    # kept, the shell would be a twin that nobody ever registers
    assert event == RetryStarted(shell=ShellFate.REPLACE)


def test_a_register_that_another_run_has_sent_for_the_same_image_is_not_sent_again() -> (
    None
):
    events = run_virtually(
        performer(SightedService()).perform(RegisterImage(IMAGE), errand(spec=spec()))
    )
    assert events == [RegisterAccepted(image_id=IMAGE, job_id=None)]
