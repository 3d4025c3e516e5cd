"""The state machine of images and jobs, with time handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from batch_register.simulator import (
    RegisterFault,
    SeedImage,
    StoredBucket,
    StoredObject,
)
from batch_register.simulator.jobs import Job, job_document, progress_document
from batch_register.simulator.options import GIB_BYTES
from batch_register.simulator.refusals import Refusal
from batch_register.simulator.registration import JobFate
from batch_register.simulator.state import CloudState
from tests.simulator.driving import CREATE, SOURCE, START_S, options

LATER_S = START_S + 10_000


def state(**changes: Any) -> CloudState:
    return CloudState(options(**changes), start_s=START_S)


def source(**changes: Any) -> StoredObject:
    given: dict[str, Any] = {"image_url": SOURCE, "size_bytes": GIB_BYTES, **changes}
    return StoredObject(**given)


def shell(cloud: CloudState, **changes: Any) -> str:
    return cloud.create({**CREATE, **changes}, cloud.now_s).id


def started(cloud: CloudState, **changes: Any) -> Job:
    image_id = shell(cloud, **changes)
    return cloud.register(image_id, {"image_url": SOURCE}, cloud.now_s)


def refused(action: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(Refusal) as caught:
        action()
    return caught.value.reply.status, caught.value.code


def test_an_import_goes_from_queued_over_saving_to_active() -> None:
    """States, times and the size follow the job."""
    cloud = state(active_offset_range_s=(2.0, 2.0))
    cloud.objects.furnish([source(detected_os="Debian GNU/Linux 12.0.0 64bit")])
    image_id = shell(cloud)
    job = cloud.register(image_id, {"image_url": SOURCE}, START_S)
    image = cloud.find_image(image_id, START_S)
    assert (image.status, image.job_id) == ("saving", job.id)
    assert job.status_at(START_S) == "INIT"
    assert job.status_at(job.running_from_s) == "RUNNING"

    cloud.advance(job.ends_s)
    assert job.status_at(cloud.now_s) == "SUCCESS"
    assert image.status == "saving"  # it follows two seconds after the job
    cloud.advance(job.ends_s + 2)
    assert (image.status, image.size_bytes) == ("active", GIB_BYTES)
    assert image.os_version == "Debian GNU/Linux 12.0.0 64bit"
    assert cloud.tally.unfinished_jobs == 0
    assert [status for _, status in image.history] == ["queued", "saving", "active"]


def test_an_image_may_be_active_before_its_job_is_done() -> None:
    """The order of the two is not documented: both happen."""
    cloud = state(active_offset_range_s=(-4.0, -4.0))
    job = started(cloud)
    cloud.advance(job.ends_s - 4)
    assert cloud.find_image(job.image_id, cloud.now_s).status == "active"
    assert job.status_at(cloud.now_s) == "RUNNING"


@pytest.mark.parametrize("failed_state", ["killed", "queued", "saving"])
def test_a_failed_job_leaves_the_image_as_the_switch_says(failed_state: Any) -> None:
    """After a failure the image is dead, whatever it is called."""
    cloud = state(failed_state=failed_state)
    cloud.objects.furnish([source(job_error_code="IMG.0057")])
    job = started(cloud)
    cloud.advance(LATER_S)
    image = cloud.find_image(job.image_id, LATER_S)
    assert (image.status, image.dead) == (failed_state, True)
    assert job.status_at(LATER_S) == "FAIL"
    assert cloud.tally.live_by_entry() == {}
    document = cloud.tally.document()
    assert (document["jobs_failed"], document["jobs_succeeded"]) == (1, 0)


def test_a_dead_shell_that_is_queued_can_be_registered_again() -> None:
    """Its second job is decided anew, and it lives again."""
    cloud = CloudState(
        options(failed_state="queued"),
        start_s=START_S,
        fate_of=lambda _url, nth: JobFate(error_code="IMG.1075") if nth == 1 else None,
    )
    job = started(cloud)
    cloud.advance(LATER_S)
    again = cloud.register(job.image_id, {"image_url": SOURCE}, LATER_S)
    cloud.advance(LATER_S + 10_000)
    assert again.id != job.id
    image = cloud.find_image(job.image_id, cloud.now_s)
    assert (image.status, image.dead) == ("active", False)
    assert cloud.tally.jobs_by_image[image.id] == 2


def test_duration_grows_with_the_file_inside_the_range() -> None:
    """A larger file takes longer; a fixed duration is exact."""
    cloud = state()
    small, large = source(size_bytes=GIB_BYTES), source(size_bytes=100 * GIB_BYTES)
    durations = []
    for found in (small, large):
        cloud.objects.furnish([found])
        job = started(cloud)
        durations.append(job.ends_s - job.running_from_s)
    assert 120 <= durations[0] < durations[1] <= 600
    cloud.objects.furnish([replace(small, job_duration_s=7.0)])
    job = started(cloud)
    assert job.ends_s - job.submitted_s == 7.0


def test_a_script_may_fix_a_job_s_duration() -> None:
    """A fate without an error changes only the time."""
    fate = JobFate(duration_s=30.0)
    cloud = CloudState(options(), start_s=START_S, fate_of=lambda _url, _nth: fate)
    job = started(cloud)
    assert (job.ends_s - job.submitted_s, job.error_code) == (30.0, None)


def test_min_disk_below_the_virtual_size_fails_the_job() -> None:
    """The register call accepts it; only the job tells."""
    cloud = state()
    cloud.objects.furnish([source(virtual_size_bytes=40 * GIB_BYTES + 1)])
    job = started(cloud)
    assert job.error_code == "IMG.1075"
    cloud.objects.furnish([source(virtual_size_bytes=40 * GIB_BYTES)])
    assert started(cloud).error_code is None


FAULTS = [
    (RegisterFault.BLANK, "bucket:a b.qcow2", {}, "IMG.0175"),
    (RegisterFault.OBJECT, SOURCE, {"missing": True}, "IMG.0057"),
    (RegisterFault.OBJECT, SOURCE, {"size_bytes": 0}, "IMG.0057"),
    (RegisterFault.OBJECT, SOURCE, {"format": "zip"}, "IMG.0057"),
    (RegisterFault.OBJECT, SOURCE, {"format": "iso"}, "IMG.0057"),
    (RegisterFault.OBJECT, SOURCE, {"encrypted": True}, "IMG.0057"),
    (RegisterFault.OBJECT, SOURCE, {"forbidden": True}, "IMG.0057"),
    (RegisterFault.STORAGE_CLASS, SOURCE, {"storage_class": "COLD"}, "IMG.0057"),
    (RegisterFault.SIZE, SOURCE, {"size_bytes": 129 * GIB_BYTES}, "IMG.0059"),
    (RegisterFault.REGION, SOURCE, {"region": "elsewhere-1"}, "IMG.0058"),
]


@pytest.mark.parametrize(("fault", "image_url", "changes", "code"), FAULTS)
def test_a_bad_source_is_refused_at_once_or_by_the_job(
    fault: RegisterFault, image_url: str, changes: dict[str, Any], code: str
) -> None:
    """Each kind of fault has its code, and a switch for where it is told."""
    for late in (False, True):
        cloud = state(late_faults=frozenset({fault} if late else ()))
        cloud.objects.furnish([source(**{"image_url": image_url, **changes})])
        image_id = shell(cloud)
        body = {"image_url": image_url}
        register = partial(cloud.register, image_id, body, START_S)
        if late:
            assert register().error_code == code
        else:
            assert refused(register) == (400, code)
            assert cloud.find_image(image_id, START_S).status == "queued"


def test_a_late_fault_of_an_object_that_is_not_there() -> None:
    """Where a missing object is told by the job, the job runs first."""
    cloud = state(
        objects_exist_by_default=False,
        late_faults=frozenset({RegisterFault.OBJECT, RegisterFault.BUCKET}),
    )
    job = started(cloud)
    assert job.error_code == "IMG.0069"
    cloud.advance(LATER_S)
    assert cloud.find_image(job.image_id, LATER_S).status == "killed"


@pytest.mark.parametrize(
    ("bucket", "code"),
    [
        (StoredBucket(name="bucket", forbidden=True), "IMG.0069"),
        (StoredBucket(name="bucket", storage_class="WARM"), "IMG.0057"),
        (StoredBucket(name="bucket", region="elsewhere-1"), "IMG.0058"),
    ],
)
def test_a_bad_bucket_is_refused(bucket: StoredBucket, code: str) -> None:
    """The bucket's own properties count as well."""
    cloud = state()
    cloud.objects.furnish_buckets([bucket])
    image_id = shell(cloud)
    body = {"image_url": SOURCE}
    assert refused(lambda: cloud.register(image_id, body, START_S)) == (400, code)


def test_a_cloud_may_look_at_the_bucket_s_class_only() -> None:
    """Where only the bucket's class is documented, an object's does not matter."""
    flags = replace(options().cloud, object_class_matters=False)
    cloud = state(flags=flags)
    cloud.objects.furnish([source(storage_class="WARM")])
    assert started(cloud).error_code is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "IMG.0017"),
        ({"image_url": 5}, "IMG.0017"),
        ({"image_url": "no-colon"}, "IMG.0017"),
        ({"image_url": "bucket:"}, "IMG.0017"),
        ({"image_url": "https://bucket/key"}, "IMG.0017"),
        ({"image_url": ":key"}, "IMG.0068"),
        ({"image_url": "Bucket_1:key"}, "IMG.0109"),
    ],
)
def test_an_image_url_is_bucket_colon_key(body: dict[str, Any], code: str) -> None:
    """Other forms are refused, each with its code."""
    cloud = state()
    image_id = shell(cloud)
    assert refused(lambda: cloud.register(image_id, body, START_S)) == (400, code)


@pytest.mark.parametrize(
    ("switch", "expected"),
    [("conflict", (409, "IMG.0046")), ("refused", (400, "IMG.0046"))],
)
def test_a_second_register_is_refused(switch: Any, expected: tuple[int, str]) -> None:
    """A shell takes one file; every call is counted."""
    cloud = state(second_register=switch)
    job = started(cloud)
    body = {"image_url": SOURCE}
    assert refused(lambda: cloud.register(job.image_id, body, START_S)) == expected
    assert cloud.tally.register_calls_by_image[job.image_id] == 2
    assert cloud.tally.jobs_by_image[job.image_id] == 1


def test_a_second_register_may_start_a_second_job() -> None:
    """The worst reading: one image, two jobs; the tally shows it."""
    cloud = state(second_register="accepted")
    job = started(cloud)
    cloud.register(job.image_id, {"image_url": SOURCE}, START_S)
    cloud.advance(LATER_S)
    assert cloud.find_image(job.image_id, LATER_S).status == "active"
    assert cloud.tally.document()["images_with_several_jobs"] == {job.image_id: 2}


@pytest.mark.parametrize(
    ("switch", "expected"),
    [("IMG.0027", (400, "IMG.0027")), ("404", (404, "IMG.0027"))],
)
def test_an_unknown_image_cannot_be_registered(
    switch: Any, expected: tuple[int, str]
) -> None:
    """The answer's form is a switch."""
    cloud = state(unknown_image_on_register=switch)
    body = {"image_url": SOURCE}
    assert refused(lambda: cloud.register("nobody", body, START_S)) == expected


def test_unfinished_jobs_are_limited() -> None:
    """The forty-first task waits until one of the forty is done."""
    cloud = state(task_limit=2, quota=10)
    jobs = [started(cloud), started(cloud)]
    image_id = shell(cloud)
    body = {"image_url": SOURCE}
    assert refused(lambda: cloud.register(image_id, body, START_S)) == (400, "IMG.0060")
    done_s = max(job.ends_s for job in jobs)
    assert cloud.register(image_id, body, done_s).status_at(done_s) == "INIT"
    assert cloud.tally.peak_unfinished_jobs == 2


def test_the_quota_counts_shells_until_they_are_gone() -> None:
    """A deleted image frees its place only after it lingered."""
    cloud = state(quota=1, delete_linger_range_s=(5.0, 5.0))
    image_id = shell(cloud)
    assert refused(lambda: shell(cloud)) == (400, "IMG.0015")
    cloud.delete(image_id, START_S)
    assert refused(lambda: shell(cloud)) == (400, "IMG.0015")
    cloud.advance(START_S + 5)
    assert shell(cloud) != image_id


def test_a_name_may_be_taken() -> None:
    """Names are free by default; a switch makes them unique."""
    free = state()
    assert shell(free) != shell(free)
    unique = state(duplicate_names_refused=True)
    image_id = shell(unique)
    assert refused(lambda: shell(unique)) == (400, "IMG.0009")
    unique.delete(image_id, START_S)
    unique.advance(LATER_S)
    shell(unique)


def test_a_deleted_image_lingers_and_goes() -> None:
    """It is shown as pending, then unknown; a second call changes nothing."""
    cloud = state(delete_linger_range_s=(5.0, 5.0))
    image_id = shell(cloud)
    cloud.delete(image_id, START_S)
    cloud.delete(image_id, START_S + 1)
    assert cloud.find_image(image_id, START_S + 4).status == "pending_delete"
    assert refused(lambda: cloud.find_image(image_id, START_S + 5)) == (404, "IMG.0027")
    cloud.delete(image_id, START_S + 6)  # 204 no matter what


def test_a_deleted_image_may_look_unchanged() -> None:
    """The switch hides the pending state; registering it is refused all the same."""
    cloud = state(delete_shows="unchanged")
    image_id = shell(cloud)
    cloud.delete(image_id, START_S)
    assert cloud.find_image(image_id, START_S).status == "queued"
    assert cloud.tally.live_by_entry() == {}
    body = {"image_url": SOURCE}
    assert refused(lambda: cloud.register(image_id, body, START_S)) == (409, "IMG.0046")


def test_an_unknown_image_may_be_a_404_for_delete() -> None:
    """The other reading of the page."""
    cloud = state(delete_unknown="not_found")
    assert refused(lambda: cloud.delete("nobody", START_S)) == (404, "IMG.0027")


@pytest.mark.parametrize(
    ("profile", "code"), [("otc", "IMG.0028"), ("huawei", "IMG.0091")]
)
def test_a_protected_image_stays(profile: Any, code: str) -> None:
    """The code depends on the cloud."""
    cloud = state(profile=profile)
    image_id = shell(cloud, protected=True)
    assert refused(lambda: cloud.delete(image_id, START_S)) == (400, code)


def test_an_image_under_creation_cannot_be_deleted() -> None:
    """It can, where the switch says so: then its job fails and counts as ended."""
    cloud = state()
    job = started(cloud)
    assert refused(lambda: cloud.delete(job.image_id, START_S)) == (400, "IMG.0090")

    kind = state(delete_saving="cancels")
    job = started(kind)
    kind.delete(job.image_id, START_S + 1)
    assert (job.status_at(START_S + 1), job.error_code) == ("FAIL", "IMG.1075")
    assert kind.tally.unfinished_jobs == 0
    kind.advance(LATER_S)
    assert kind.tally.existing == 0
    assert kind.tally.jobs_failed == 1


def test_deleting_between_job_end_and_activation_leaves_no_active_image() -> None:
    """An activation that comes too late finds nothing to do."""
    cloud = state(active_offset_range_s=(5.0, 5.0), delete_saving="cancels")
    job = started(cloud)
    cloud.delete(job.image_id, job.ends_s + 1)
    assert cloud.find_image(job.image_id, job.ends_s + 1).status == "pending_delete"
    cloud.advance(LATER_S)
    assert len(cloud.memory.index) == 0


def test_a_vanished_object_does_not_stop_a_running_import() -> None:
    """What the source becomes during the import is not looked at."""
    cloud = state(objects_exist_by_default=False)
    cloud.objects.furnish([source()])
    job = started(cloud)
    cloud.objects.furnish([source(missing=True)])
    cloud.advance(LATER_S)
    image = cloud.find_image(job.image_id, LATER_S)
    assert (image.status, image.size_bytes) == ("active", 1)


def test_lags_hide_what_happened() -> None:
    """Reads by id, reads of jobs and lists each lag by their own switch."""
    cloud = state(
        get_create_lag_s=2.0,
        list_create_lag_s=4.0,
        list_status_lag_s=3.0,
        list_delete_lag_s=6.0,
        job_get_lag_s=2.0,
        delete_linger_range_s=(1.0, 1.0),
        unknown_job_status=404,
    )
    image_id = shell(cloud)
    assert refused(lambda: cloud.find_image(image_id, START_S + 1)) == (404, "IMG.0027")
    image = cloud.find_image(image_id, START_S + 2)
    assert cloud.listed_status(image) is None
    job = cloud.register(image_id, {"image_url": SOURCE}, START_S + 4)
    assert cloud.listed_status(image) == "queued"
    assert refused(lambda: cloud.find_job(job.id, START_S + 5)) == (404, "IMG.0023")
    assert cloud.find_job(job.id, START_S + 6) is job
    cloud.advance(START_S + 7)
    assert cloud.listed_status(image) == "saving"

    cloud.advance(LATER_S)
    cloud.delete(image_id, LATER_S)
    assert cloud.listed_status(image) == "active"
    cloud.advance(LATER_S + 3)
    assert cloud.listed_status(image) == "pending_delete"
    assert len(cloud.memory.index) == 1
    cloud.advance(LATER_S + 7)
    assert len(cloud.memory.index) == 0


def test_jobs_may_be_forgotten() -> None:
    """After its retention a job is unknown; its image is not touched by that."""
    cloud = state(job_retention_s=60.0)
    job = started(cloud)
    cloud.advance(job.ends_s + 59)
    assert cloud.find_job(job.id, cloud.now_s) is job
    gone_s = job.ends_s + 60
    assert refused(lambda: cloud.find_job(job.id, gone_s)) == (400, "IMG.0023")
    assert cloud.find_image(job.image_id, cloud.now_s).status == "active"


def test_twins_are_noticed() -> None:
    """Two live images for one entry are counted, also after one is gone."""
    cloud = state()
    first, second = shell(cloud), shell(cloud)
    assert cloud.tally.live_by_entry() == {"e1": sorted([first, second])}
    cloud.delete(first, START_S)
    assert cloud.tally.duplicates() == {"e1": 2}
    assert cloud.tally.live_by_entry() == {"e1": [second]}
    shell(cloud, tags=[])
    assert "name:web-01" in cloud.tally.live_by_entry()


def test_seeded_images_go_on() -> None:
    """A saving image of an earlier run keeps its ids and ends its job here."""
    cloud = state(active_offset_range_s=(0.0, 0.0))
    seeds = [
        SeedImage(id="a", name="a", image_url=SOURCE, created_s=START_S - 60),
        SeedImage(id="b", name="b", status="queued", tags=("br-entry=b",)),
        SeedImage(
            id="c", name="c", status="saving", job_id="j", image_url="bucket:c",
            remaining_s=30.0,
        ),
        SeedImage(id="d", name="d", status="saving", image_url="bucket:d"),
        SeedImage(id="e", name="e", size_bytes=5),
    ]  # fmt: skip
    for seed in seeds:
        cloud.seed(seed, START_S)
    assert cloud.find_image("a", START_S).size_bytes > 0
    assert cloud.find_image("a", START_S).active_s == START_S - 60
    assert cloud.find_image("e", START_S).size_bytes == 5
    job = cloud.find_job("j", START_S)
    assert (job.status_at(START_S), job.ends_s) == ("RUNNING", START_S + 30)
    cloud.advance(START_S + 30)
    assert cloud.find_image("c", cloud.now_s).status == "active"
    cloud.advance(LATER_S)
    assert cloud.find_image("d", cloud.now_s).status == "active"
    body = {"image_url": SOURCE}
    assert cloud.register("b", body, LATER_S).image_id == "b"
    with pytest.raises(ValueError, match="image a exists already"):
        cloud.seed(SeedImage(id="a", name="a"), LATER_S)


def test_a_seeded_job_does_not_look_at_its_source_again() -> None:
    """It was accepted in its earlier life; only a script makes it fail."""
    seed = SeedImage(id="c", name="c", status="saving", job_id="j", image_url=SOURCE)
    empty = state(objects_exist_by_default=False)
    empty.seed(seed, START_S)
    assert empty.find_job("j", START_S).error_code is None
    fate = JobFate(error_code="IMG.1075")
    doomed = CloudState(options(), start_s=START_S, fate_of=lambda _url, _nth: fate)
    doomed.seed(seed, START_S)
    assert doomed.find_job("j", START_S).error_code == "IMG.1075"


def test_ids_repeat_for_one_start_and_differ_for_another() -> None:
    """A later run may be furnished with an earlier one's images."""
    assert shell(state()) == shell(state())
    other = CloudState(options(), start_s=START_S + 1)
    assert shell(other) != shell(state())


def test_job_documents_have_the_documented_types() -> None:
    """Percent is a fraction while running and integer 1 when done."""
    cloud = state(profile="huawei", active_offset_range_s=(0.0, 0.0))
    job = started(cloud)
    form = cloud.job_form
    assert job_document(job, form, START_S) == {
        "status": "INIT",
        "job_id": job.id,
        "job_type": "imsNativeImportImageJob",
        "begin_time": "2026-09-01T01:00:00.000Z",
        "end_time": "",
        "error_code": None,
        "fail_reason": None,
        "entities": {},
    }
    half_s = (job.running_from_s + job.ends_s) / 2
    assert progress_document(job, form, half_s)["entities"] == {
        "image_name": "web-01",
        "image_id": job.image_id,
        "process_percent": 0.5,
        "current_task": "ImportImageTask:",
    }
    done = progress_document(job, form, job.ends_s)
    assert isinstance(done["entities"], dict)
    assert repr(done["entities"]["process_percent"]) == "1"
    assert done["entities"]["current_task"] == ""
    assert job_document(job, form, job.ends_s)["entities"] == {
        "image_id": job.image_id,
        "image_name": "web-01",
    }


@pytest.mark.parametrize(
    ("place", "top", "entities"),
    [
        ("top", ("IMG.0057", "torn"), {}),
        ("entities", (None, None), {"error_code": "IMG.0057", "error": "torn"}),
        ("both", ("IMG.0057", "torn"), {"error_code": "IMG.0057", "error": "torn"}),
    ],
)
def test_a_failed_job_names_its_error_where_the_switch_says(
    place: Any, top: tuple[str | None, str | None], entities: dict[str, str]
) -> None:
    """The place of the code in a failed job is not documented."""
    cloud = state(job_error_place=place, legacy_job_times=True)
    error = {"job_error_code": "IMG.0057", "job_error_reason": "torn"}
    cloud.objects.furnish([source(**error)])
    job = started(cloud)
    document = job_document(job, cloud.job_form, LATER_S)
    assert (document["error_code"], document["fail_reason"]) == top
    assert document["entities"] == entities
    assert document["begin_time"] == "01-Sep-2026 01:00:00:000"


def test_a_successful_job_may_lack_its_entities() -> None:
    """As other kinds of job did once."""
    cloud = state(job_entities_empty=True)
    job = started(cloud)
    assert job_document(job, cloud.job_form, LATER_S)["entities"] == {}
