"""A file becomes an object, whatever is killed, lost, changed or forgotten."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from batch_register.errors import LedgerError, ServiceError
from batch_register.event import SourceUploaded, UploadBegun, UploadProgressed
from batch_register.model import Action, FaultKind, ImageSpec
from batch_register.source import FileStamp, ObjectView, SourcePin, UploadMark
from batch_register.upload import Uploader, UploadOptions
from batch_register.upload.parts import MIB
from tests.fakes import service_error, spec
from tests.upload.ports import (
    BUCKET,
    KEY,
    PLACE,
    Death,
    FakeFiles,
    FakeStore,
    KilledError,
    Notes,
    md5,
)
from tests.virtual_time import run_virtually

PART = 5 * MIB
# Three parts and a bit; cheap to make, no two parts alike.
DATA = b"".join(bytes([n]) * PART for n in range(3)) + b"the rest"
ENTRY: ImageSpec = spec("web-01", image_url=f"{BUCKET}:{KEY}", source=PLACE)
OPTIONS = UploadOptions(part_bytes=PART)


@dataclass
class Scene:
    """One file, one store, one ledger; each run may be given another death."""

    store: FakeStore = field(default_factory=FakeStore)
    files: FakeFiles = field(init=False)
    notes: Notes = field(default_factory=Notes)
    progress: list[tuple[str, int, int]] = field(default_factory=list)
    options: UploadOptions = OPTIONS
    took_s: float = 0.0  # the last run, on virtual time

    def __post_init__(self) -> None:
        self.files = FakeFiles(self.store, DATA)

    def bring(self, death: Death | None = None, **changes: Any) -> SourcePin:
        death = death or Death()
        self.store.death = self.files.death = self.notes.death = death
        mark = changes.get("mark", self.notes.mark)

        async def run() -> SourcePin:
            uploader = Uploader(
                self.store,
                self.files,
                options=self.options,
                rng=random.Random(0),
                progress=lambda *told: self.progress.append(told),
            )
            brought = self.notes.brought
            try:
                return await uploader.bring(ENTRY, mark, self.notes, brought=brought)
            finally:
                self.took_s = asyncio.get_running_loop().time()

        return run_virtually(run())

    def refused(self) -> ServiceError:
        with pytest.raises(ServiceError) as caught:
            self.bring()
        return caught.value

    @property
    def sent_bytes(self) -> int:
        return sum(length for _, length in self.files.sent)

    def last(self) -> SourceUploaded:
        event = self.notes.events[-1]
        assert isinstance(event, SourceUploaded)
        return event


@pytest.fixture
def scene() -> Scene:
    return Scene()


def etag(data: bytes, part_bytes: int) -> str:
    pieces = [data[n : n + part_bytes] for n in range(0, len(data), part_bytes)]
    digests = b"".join(bytes.fromhex(md5(piece)) for piece in pieces)
    return f"{md5(digests)}-{len(pieces)}"


def test_a_file_goes_out_in_parts_and_is_the_object(scene: Scene) -> None:
    pin = scene.bring()
    assert scene.store.objects[KEY] == DATA
    assert pin == SourcePin(etag=etag(DATA, PART), size_bytes=len(DATA))
    assert scene.notes.events == [
        UploadBegun(
            upload_id="upload-1", part_bytes=PART, size_bytes=len(DATA), modified_ns=1
        ),
        SourceUploaded(
            etag=pin.etag,
            size_bytes=len(DATA),
            sent_bytes=len(DATA),
            modified_ns=1,
        ),
    ]
    assert scene.progress[0] == ("web-01", 0, len(DATA))
    assert scene.progress[-1] == ("web-01", len(DATA), len(DATA))


@pytest.mark.parametrize(
    "there", [md5(DATA), etag(DATA, PART), etag(DATA, 8 * MIB)], ids=["md5", "5", "8"]
)
def test_the_same_content_is_not_sent_again(scene: Scene, there: str) -> None:
    scene.store.put(DATA, there)
    pin = scene.bring()
    assert (pin.etag, scene.files.sent, scene.store.begun) == (there, [], 0)
    assert scene.last().sent_bytes == 0


@pytest.mark.parametrize("there", [etag(DATA, 7 * MIB), "f" * 32, "odd"])
def test_other_or_unknown_content_of_somebody_else_is_not_overwritten(
    scene: Scene, there: str
) -> None:
    scene.store.put(b"x" * len(DATA), there)
    fault = scene.refused().fault
    assert (fault.code, fault.action) == ("upload.object-differs", Action.FIX_SOURCE)
    assert (scene.store.objects[KEY], scene.store.begun) == (b"x" * len(DATA), 0)


def test_an_object_of_another_size_stays_without_a_look_at_the_file(
    scene: Scene,
) -> None:
    scene.store.put(DATA[:-1])
    assert scene.refused().fault.code == "upload.object-differs"
    assert (scene.files.hashed, scene.store.objects[KEY]) == ([], DATA[:-1])


def test_a_mended_file_takes_the_place_of_the_entrys_own_object(scene: Scene) -> None:
    scene.bring()
    scene.files.data, scene.files.modified_ns = DATA[::-1], 2
    scene.bring()
    assert scene.store.objects[KEY] == DATA[::-1]


def test_an_own_object_that_somebody_has_replaced_since_is_not_overwritten(
    scene: Scene,
) -> None:
    scene.bring()
    scene.store.put(b"theirs")
    assert scene.refused().fault.code == "upload.object-differs"
    assert scene.store.objects[KEY] == b"theirs"


def test_content_that_somebody_else_brought_is_not_the_entrys_own(scene: Scene) -> None:
    scene.store.put(DATA)
    scene.bring()
    scene.files.data, scene.files.modified_ns = DATA[::-1], 2
    assert scene.refused().fault.code == "upload.object-differs"


def test_an_object_that_was_brought_is_known_again_without_reading_the_file(
    scene: Scene,
) -> None:
    scene.store.encrypts = True  # nothing else would tell
    scene.bring()
    scene.files.hashed.clear()
    scene.bring()
    assert (scene.store.begun, scene.files.hashed) == (1, [])


def test_an_encrypted_object_that_was_killed_at_its_end_is_made_again(
    scene: Scene,
) -> None:
    scene.store.encrypts = True
    scene.bring()
    scene.notes.events.pop()  # the word of it was lost
    scene.bring()
    assert scene.store.objects[KEY] == DATA


@pytest.mark.parametrize("data", [DATA, DATA[::-1], DATA[:-1]])
def test_a_file_is_read_again_to_tell_whether_it_was_only_touched(
    scene: Scene, data: bytes
) -> None:
    scene.bring()
    brought = scene.notes.brought
    assert brought is not None
    scene.files.data, scene.files.modified_ns = data, 2
    uploader = Uploader(scene.store, scene.files, options=OPTIONS)
    assert run_virtually(uploader.holds(ENTRY, brought)) is (data == DATA)


def test_of_an_encrypted_object_the_size_alone_tells_whether_a_file_is_another(
    scene: Scene,
) -> None:
    scene.store.encrypts = True
    scene.bring()
    brought = scene.notes.brought
    assert brought is not None
    scene.files.modified_ns = 2
    uploader = Uploader(scene.store, scene.files, options=OPTIONS)
    assert run_virtually(uploader.holds(ENTRY, brought))


def _put_during_the_upload(scene: Scene, data: bytes, etag: str) -> None:
    def put() -> None:
        scene.store.before.pop("part_address")
        scene.store.put(data, etag)

    scene.store.before["part_address"] = put


def test_what_somebody_puts_there_during_an_upload_is_not_overwritten(
    scene: Scene,
) -> None:
    _put_during_the_upload(scene, b"theirs", md5(b"theirs"))
    assert scene.refused().fault.code == "upload.object-differs"
    assert (scene.store.objects[KEY], scene.store.uploads) == (b"theirs", {})


def test_the_same_content_of_another_run_is_not_replaced_under_its_import(
    scene: Scene,
) -> None:
    _put_during_the_upload(scene, DATA, etag(DATA, PART))
    scene.bring()
    assert "complete_upload" not in scene.store.calls
    assert scene.store.uploads == {}


def test_entries_that_share_a_file_upload_it_once(scene: Scene) -> None:
    async def both() -> None:
        uploader = Uploader(scene.store, scene.files, options=OPTIONS)
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(uploader.bring(ENTRY, None, scene.notes))

    run_virtually(both())
    assert (scene.store.begun, scene.sent_bytes) == (1, len(DATA))


def _steps() -> int:
    whole = Scene()
    death = Death()
    whole.bring(death)
    return death.steps


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(_steps()))
def test_killed_at_any_step_the_next_run_finishes(
    scene: Scene, step: int, *, after: bool
) -> None:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - alone or in a group
        scene.bring(Death(at=step, after=after))
    assert _is_killed(caught.value)
    stored = sum(len(parts) for parts in scene.store.uploads.values())
    sent_before = len(scene.files.sent)
    scene.bring()
    assert scene.store.objects[KEY] == DATA
    if scene.notes.mark is not None and stored:
        # what the store had taken is not sent again
        assert len(scene.files.sent) - sent_before == 4 - stored
    assert [e for e in scene.notes.events if isinstance(e, SourceUploaded)]


def _is_killed(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_killed, error.exceptions))
    return isinstance(error, KilledError)


def test_killed_again_and_again_it_still_comes_to_its_end(scene: Scene) -> None:
    for step in range(200):
        try:
            scene.bring(Death(at=6 + step % 7, after=step % 2 == 0))
        except BaseException as error:
            if not _is_killed(error):
                raise
        else:
            break
    assert scene.store.objects[KEY] == DATA
    assert scene.store.begun == 1


def test_a_stored_part_that_is_not_the_files_is_sent_again(scene: Scene) -> None:
    _half_done(scene)
    scene.store.uploads["upload-1"][2] = b"?" * PART
    scene.bring()
    assert scene.store.objects[KEY] == DATA
    assert (PART, PART) in scene.files.sent[2:]


def _half_done(scene: Scene) -> None:
    """Leave an upload behind that has the first two parts."""
    scene.options = replace(OPTIONS, per_file=1)
    scene.files.refuses_from = 2 * PART
    assert scene.refused().kind is FaultKind.FORBIDDEN
    scene.files.refuses_from = None
    scene.files.sent.pop()
    assert set(scene.store.uploads["upload-1"]) == {1, 2}


def test_a_refusal_leaves_the_upload_for_the_next_run(scene: Scene) -> None:
    _half_done(scene)
    scene.bring()
    assert (scene.store.begun, scene.sent_bytes) == (1, len(DATA))
    assert scene.last().sent_bytes == len(DATA) - 2 * PART
    assert scene.progress[-3][1:] == (2 * PART, len(DATA))


def test_a_forgotten_upload_is_begun_anew(scene: Scene) -> None:
    _half_done(scene)
    scene.store.uploads.clear()
    scene.bring()
    assert (scene.store.begun, scene.store.objects[KEY]) == (2, DATA)


def test_an_upload_ended_in_the_middle_is_begun_anew(scene: Scene) -> None:
    scene.files.troubles = [service_error(FaultKind.NOT_FOUND)]
    del_once = iter([True])

    def forget() -> None:
        if next(del_once, False):
            scene.store.uploads.clear()

    scene.store.before["list_parts"] = forget
    scene.bring()
    assert (scene.store.begun, scene.store.objects[KEY]) == (2, DATA)


def test_uploads_that_always_end_are_given_up(scene: Scene) -> None:
    scene.store.before["complete_upload"] = scene.store.uploads.clear
    error = scene.refused()
    assert (error.fault.code, scene.store.begun) == ("upload.gone", 3)


def test_another_file_of_that_name_does_not_continue_an_upload(scene: Scene) -> None:
    _half_done(scene)
    scene.files.modified_ns = 2
    scene.bring()
    assert scene.store.aborted == ["upload-1"]
    assert scene.store.objects[KEY] == DATA


def test_a_file_that_changes_while_it_is_read_is_not_completed(scene: Scene) -> None:
    def touch() -> None:
        scene.files.modified_ns = 2

    scene.store.before["part_address"] = touch
    error = scene.refused()
    assert (error.fault.code, error.fault.action) == (
        "upload.file-changed",
        Action.FIX_SOURCE,
    )
    assert (scene.store.aborted, scene.store.objects) == (["upload-1"], {})


def test_a_change_explains_a_refusal(scene: Scene) -> None:
    def touch() -> None:
        scene.files.modified_ns = 2

    scene.store.before["part_address"] = touch
    scene.files.troubles = [service_error(FaultKind.REJECTED)]
    assert scene.refused().fault.code == "upload.file-changed"


def test_a_change_during_the_comparison_is_seen(scene: Scene) -> None:
    scene.store.put(DATA)

    async def digest(*_: object) -> str:
        scene.files.modified_ns = 2
        return md5(DATA)

    scene.files.digest = digest  # type: ignore[method-assign, assignment] # a fake's
    assert scene.refused().fault.code == "upload.file-changed"


@pytest.mark.parametrize("lost", [1, 2])
def test_a_lost_answer_to_the_end_is_looked_after(scene: Scene, lost: int) -> None:
    scene.store.loses_complete = lost
    scene.bring()
    assert scene.store.calls.count("complete_upload") == 1
    assert scene.store.objects[KEY] == DATA


def test_an_end_that_did_not_arrive_is_asked_for_again(scene: Scene) -> None:
    scene.store.troubles["complete_upload"] = [service_error(FaultKind.LOST)] * 2
    scene.bring()
    assert scene.store.calls.count("complete_upload") == 3


def test_passing_trouble_with_a_part_is_waited_out(scene: Scene) -> None:
    scene.files.troubles = [
        service_error(FaultKind.THROTTLED, retry_after_s=50.0),
        service_error(FaultKind.LOST),
    ]
    scene.files.spoils = 1
    scene.bring()
    assert scene.store.objects[KEY] == DATA
    assert scene.store.signed == len(scene.files.sent) == 7  # each try by a fresh one
    assert scene.took_s >= 50.0  # as the store has asked


def test_trouble_that_does_not_pass_ends_it_after_so_many_tries(scene: Scene) -> None:
    scene.options = replace(OPTIONS, per_file=1)
    scene.files.troubles = [service_error(FaultKind.SERVER) for _ in range(9)]
    assert scene.refused().kind is FaultKind.SERVER
    assert len(scene.files.sent) == OPTIONS.attempts


def test_a_part_that_the_store_lost_is_told(scene: Scene) -> None:
    def lose() -> None:
        scene.store.uploads["upload-1"].pop(3)

    scene.store.before["list_parts"] = lose
    assert scene.refused().fault.code == "upload.part-lost"


def test_an_object_of_other_content_is_no_success(scene: Scene) -> None:
    def spoil() -> None:
        if KEY in scene.store.views:
            pin = SourcePin(etag="0" * 32 + "-4", size_bytes=len(DATA))
            scene.store.views[KEY] = ObjectView(pin=pin)

    scene.store.before["head_object"] = spoil
    assert scene.refused().fault.code == "upload.content-differs"


def test_an_object_that_does_not_show_is_no_success(scene: Scene) -> None:
    scene.store.before["head_object"] = scene.store.views.clear
    assert scene.refused().fault.code == "upload.object-missing"


def test_where_keys_hide_the_md5_the_size_is_compared(scene: Scene) -> None:
    scene.store.encrypts = True
    scene.bring()
    assert scene.store.objects[KEY] == DATA


def test_where_keys_hide_the_md5_nothing_is_taken_for_the_same(scene: Scene) -> None:
    scene.store.encrypts = True
    scene.store.put(DATA, scene.store.etag(DATA))
    scene.store.views[KEY] = replace(scene.store.views[KEY], encryption="kms")
    assert scene.refused().fault.code == "upload.object-differs"


def test_a_missing_file_is_the_sources_fault(scene: Scene) -> None:
    scene.files.modified_ns = 0
    fault = scene.refused().fault
    assert (fault.code, fault.action) == ("upload.file-missing", Action.FIX_SOURCE)
    assert PLACE.path in fault.reason


def test_a_file_that_was_removed_once_it_was_brought_is_not_missed(
    scene: Scene,
) -> None:
    pin = scene.bring()
    scene.files.modified_ns = 0
    assert scene.bring() == pin
    assert scene.last() == SourceUploaded(
        etag=pin.etag, size_bytes=len(DATA), sent_bytes=0, modified_ns=1
    )
    scene.store.put(DATA[::-1], "f" * 32)
    assert scene.refused().fault.code == "upload.file-missing"


def test_a_missing_bucket_is_the_manifests_fault(scene: Scene) -> None:
    scene.store.troubles["begin_upload"] = [service_error(FaultKind.NOT_FOUND)]
    fault = scene.refused().fault
    assert (fault.code, fault.action) == ("upload.bucket-missing", Action.FIX_MANIFEST)
    assert BUCKET in fault.reason


def test_a_refused_begin_is_told_as_it_is(scene: Scene) -> None:
    scene.store.troubles["begin_upload"] = [service_error(FaultKind.FORBIDDEN)]
    assert scene.refused().kind is FaultKind.FORBIDDEN


def test_a_file_that_no_upload_holds_is_the_sources_fault(scene: Scene) -> None:
    scene.files.claims_bytes = 51 * 10**12
    assert scene.refused().fault.code == "upload.file-too-large"


def test_an_empty_file_is_the_sources_fault(scene: Scene) -> None:
    scene.files.data = b""
    assert scene.refused().fault.code == "upload.file-empty"


def test_an_upload_that_is_not_needed_any_more_is_given_up(scene: Scene) -> None:
    _half_done(scene)
    scene.store.put(DATA)
    scene.bring()
    assert scene.store.aborted == ["upload-1"]


def test_progress_is_durable_now_and_then(scene: Scene) -> None:
    scene.options = replace(OPTIONS, per_file=1, note_every_s=30.0)
    scene.files.takes_s = 20.0
    scene.bring()
    told = [e.sent_bytes for e in scene.notes.events if isinstance(e, UploadProgressed)]
    assert told == [2 * PART, len(DATA)]


def test_a_full_disk_goes_before_a_refusal(scene: Scene) -> None:
    scene.options = replace(OPTIONS, note_every_s=0.0)

    async def note(event: object) -> None:
        if isinstance(event, UploadProgressed):
            raise LedgerError("ledger", "the disk is full")
        await Notes.__call__(scene.notes, event)  # type: ignore[arg-type]

    async def run() -> None:
        uploader = Uploader(scene.store, scene.files, options=scene.options)
        await uploader.bring(ENTRY, None, note)

    with pytest.raises(LedgerError):
        run_virtually(run())


def test_streams_bound_all_files_together() -> None:
    store = FakeStore()
    files = FakeFiles(store, DATA, takes_s=1.0)
    options = replace(OPTIONS, streams=2, per_file=3)

    async def run() -> None:
        uploader = Uploader(store, files, options=options)
        await uploader.bring(ENTRY, None, Notes())

    run_virtually(run())
    assert files.most_under_way == 2


def test_a_mark_of_other_parts_keeps_them(scene: Scene) -> None:
    stamp = FileStamp(size_bytes=len(DATA), modified_ns=1)
    scene.store.uploads["old"] = {1: DATA[: 8 * MIB]}
    mark = UploadMark(upload_id="old", part_bytes=8 * MIB, file=stamp)
    scene.bring(mark=mark)
    assert scene.sent_bytes == len(DATA) - 8 * MIB
    assert scene.store.objects[KEY] == DATA
