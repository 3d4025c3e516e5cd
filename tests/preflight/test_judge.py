"""What is said of each thing that can be wrong with a source, and what stops nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_register.ims.profile import (
    FLEXIBLE_ENGINE,
    GENERIC,
    HUAWEI,
    OPENSTACK,
    OTC,
    Profile,
)
from batch_register.model import Action, Fault, FaultKind, FilePlace, ImageSpec
from batch_register.preflight import Code, profile_fault, unlooked
from batch_register.preflight.findings import finding, gravest
from batch_register.preflight.judge import judge, judge_pin
from batch_register.preflight.sight import Sight
from batch_register.source import Brought, DiskFormat, FileStamp, SourceVerdict
from tests.preflight.scenes import (
    AUTO,
    BUCKET,
    BUSY,
    CONTENT,
    FORBIDDEN,
    GB,
    MIB,
    ODD,
    ON_DISK,
    PIN,
    REGION,
    SIGHT,
    SPEC,
    STAMP,
    UPLOADED,
    holding,
    refused,
    sized,
    stored,
)


def verdict(
    sight: Sight = SIGHT, spec: ImageSpec = SPEC, profile: Profile = OTC
) -> SourceVerdict:
    return judge(spec, sight, profile, REGION).verdict


def fault(
    sight: Sight = SIGHT, spec: ImageSpec = SPEC, profile: Profile = OTC
) -> Fault:
    found = verdict(sight, spec, profile).fault
    assert found is not None
    return found


def told(found: Fault) -> tuple[str, Action]:
    return found.code, found.action


def test_a_good_source_has_its_pin_its_inspection_and_no_fault() -> None:
    assert verdict() == SourceVerdict(pin=PIN, inspection=CONTENT)


def test_a_good_file_to_be_uploaded_has_no_pin_yet() -> None:
    assert verdict(ON_DISK, UPLOADED) == SourceVerdict(inspection=CONTENT)


FIX_SOURCE, FIX_MANIFEST = Action.FIX_SOURCE, Action.FIX_MANIFEST
ASK = Action.ASK_PERMISSION
ISO_ON_DISK = holding(DiskFormat.ISO, virtual_size_bytes=None)
NAMED = "wave-07:disks/web-01"


@pytest.mark.parametrize(
    ("sight", "code", "action", "words"),
    [
        (Sight(bucket=None), Code.BUCKET_MISSING, FIX_MANIFEST, "no bucket 'wave-07'"),
        (
            replace(SIGHT, bucket=replace(BUCKET, region="eu-nl")),
            Code.BUCKET_REGION,
            FIX_SOURCE,
            "is in region eu-nl, the image service in eu-de; copy the file to a bucket",
        ),
        (
            replace(SIGHT, bucket=refused(FaultKind.REJECTED, 301), stored=BUSY),
            Code.BUCKET_REGION,
            FIX_SOURCE,
            "is not in region eu-de: as scripted",
        ),
        (
            replace(SIGHT, bucket=replace(BUCKET, storage_class="WARM")),
            Code.BUCKET_CLASS,
            FIX_SOURCE,
            "of storage class WARM; copy the file to a Standard bucket",
        ),
        (
            replace(SIGHT, stored=None, content=None),
            Code.OBJECT_MISSING,
            FIX_SOURCE,
            "bucket 'wave-07' has no such object; upload it, or correct its key",
        ),
        (
            replace(SIGHT, stored=FORBIDDEN, content=None),
            Code.OBJECT_FORBIDDEN,
            ASK,
            "may not read the object; have it granted (the store says: as scripted)",
        ),
        (
            replace(SIGHT, content=FORBIDDEN),
            Code.OBJECT_FORBIDDEN,
            ASK,
            "may not read the object",
        ),
        (
            Sight(bucket=FORBIDDEN, stored=FORBIDDEN),
            Code.BUCKET_FORBIDDEN,
            ASK,
            "neither bucket 'wave-07' nor the object in it",
        ),
        (sized(0), Code.OBJECT_EMPTY, FIX_SOURCE, "is empty; upload it again"),
        (
            sized(128 * GB + 1),
            Code.OBJECT_TOO_LARGE,
            FIX_SOURCE,
            "has 137438953473 bytes (128.0 GiB), and 128 GiB are taken",
        ),
        (
            stored(storage_class="COLD"),
            Code.OBJECT_ARCHIVED,
            FIX_SOURCE,
            "archived (storage class COLD); restore it, and copy it as Standard",
        ),
        (
            stored(storage_class="WARM"),
            Code.OBJECT_CLASS,
            FIX_SOURCE,
            "of storage class WARM; copy it as Standard",
        ),
        (
            stored(has_customer_key=True),
            Code.OBJECT_ENCRYPTED,
            FIX_SOURCE,
            "by a key that only its owner has (SSE-C); upload the file without",
        ),
        (
            replace(SIGHT, stored=refused(FaultKind.REJECTED, 400), content=None),
            Code.OBJECT_ENCRYPTED,
            FIX_SOURCE,
            "does not show the object without a key",
        ),
        (
            stored(encryption="kms"),
            Code.OBJECT_ENCRYPTED,
            FIX_SOURCE,
            "encrypted (kms), and the otc profile takes none",
        ),
        (
            holding(
                DiskFormat.TEXT, virtual_size_bytes=None, problem="it is an HTML page"
            ),
            Code.NOT_AN_IMAGE,
            FIX_SOURCE,
            "it is an HTML page; upload the disk image itself",
        ),
        (
            holding(DiskFormat.ARCHIVE, virtual_size_bytes=None),
            Code.NOT_AN_IMAGE,
            FIX_SOURCE,
            "it is an archive, and no disk; upload the disk image itself",
        ),
        (
            holding(
                DiskFormat.LUKS, virtual_size_bytes=None, problem="it is encrypted"
            ),
            Code.FORMAT,
            FIX_SOURCE,
            "it is encrypted, and the otc profile takes no luks; convert it",
        ),
        (
            ISO_ON_DISK,
            Code.FORMAT,
            FIX_SOURCE,
            "it is iso, and the otc profile takes no iso; convert",
        ),
        (
            holding(DiskFormat.PARALLELS),
            Code.FORMAT,
            FIX_SOURCE,
            "it is parallels, and the otc profile takes no parallels",
        ),
        (
            holding(DiskFormat.QCOW2, problem="it needs the backing file base.qcow2"),
            Code.HEADER,
            FIX_SOURCE,
            "qcow2: it needs the backing file base.qcow2; mend it, and upload it again",
        ),
        (
            holding(None, virtual_size_bytes=None, problem="its header is cut off"),
            Code.HEADER,
            FIX_SOURCE,
            "its header is cut off; mend",
        ),
        (
            holding(DiskFormat.VHD, virtual_size_bytes=40 * GB + 512),
            Code.MIN_DISK,
            FIX_MANIFEST,
            "min_disk 40 is too small: the disk in the file has 42949673472 bytes; "
            "write 41 or more",
        ),
        (
            holding(DiskFormat.RAW, virtual_size_bytes=1024 * GB + 1),
            Code.DISK_TOO_LARGE,
            FIX_SOURCE,
            "has 1099511627777 bytes, and the otc profile takes 1024 GB; shrink it",
        ),
    ],
)
def test_each_finding_has_its_code_its_action_and_a_sentence(
    sight: Sight, code: Code, action: Action, words: str
) -> None:
    found = fault(sight)
    assert told(found) == (code, action)
    assert words in found.reason
    assert not found.is_passing


def test_a_store_that_refuses_every_look_does_not_speak_of_a_key() -> None:
    odd = refused(FaultKind.REJECTED, 400)
    assert verdict(Sight(bucket=odd, stored=odd)).fault is None


def test_what_the_store_answered_can_be_quoted() -> None:
    found = fault(replace(SIGHT, stored=FORBIDDEN, content=None))
    assert (found.kind, found.http_status, found.request_id) == (
        FaultKind.FORBIDDEN,
        403,
        "r-1",
    )


@pytest.mark.parametrize(
    "sight",
    [
        SIGHT,
        replace(SIGHT, bucket=replace(BUCKET, region="EU-DE")),
        replace(SIGHT, bucket=replace(BUCKET, region=None, storage_class=None)),
        replace(SIGHT, bucket=FORBIDDEN),
        sized(128 * GB),
        holding(DiskFormat.VMDK, virtual_size_bytes=40 * GB),
        holding(DiskFormat.ZVHD2, virtual_size_bytes=None),
    ],
)
def test_what_the_service_takes_is_no_finding(sight: Sight) -> None:
    assert verdict(sight).fault is None


@pytest.mark.parametrize(
    ("profile", "encryption", "is_taken"),
    [
        (HUAWEI, "kms", True),
        (HUAWEI, "aws:kms", True),
        (HUAWEI, "AES256", False),
        (OTC, "kms", False),
        (FLEXIBLE_ENGINE, "kms", True),  # nothing is known of it
        (GENERIC, "kms", True),
    ],
)
def test_encryption_by_the_store_is_taken_where_a_page_says_so_or_none_does(
    profile: Profile, encryption: str, *, is_taken: bool
) -> None:
    found = verdict(stored(encryption=encryption), profile=profile).fault
    assert (found is None) is is_taken


def test_an_iso_file_is_taken_where_the_cloud_registers_them_whatever_its_size() -> (
    None
):
    sight = holding(DiskFormat.ISO, virtual_size_bytes=60 * GB)
    assert verdict(sight, profile=HUAWEI).fault is None


@pytest.mark.parametrize(
    "name", ["-flat.vmdk", "-Flat.vmdk", "-000001-delta.VMDK", "-sesparse.vmdk"]
)
def test_a_part_of_a_vmware_disk_is_known_by_its_name(name: str) -> None:
    found = fault(spec=replace(SPEC, image_url=NAMED + name))
    assert told(found) == (Code.FLAT_VMDK, FIX_SOURCE)


@pytest.mark.parametrize("name", [".vmdk", "-flat.vmdk.qcow2", "-000001.vmdk"])
def test_a_name_that_only_looks_like_a_part_is_none(name: str) -> None:
    assert verdict(spec=replace(SPEC, image_url=NAMED + name)).fault is None


def test_several_findings_are_one_fault_gravest_first() -> None:
    sight = replace(
        stored(storage_class="WARM"),
        content=replace(CONTENT, virtual_size_bytes=50 * GB),
    )
    found = fault(sight)
    assert found.code == Code.OBJECT_CLASS
    assert found.reason == (
        "the object is of storage class WARM; copy it as Standard; also "
        "preflight.min-disk: min_disk 40 is too small: the disk in the file has "
        "53687091200 bytes; write 50 or more"
    )


def test_the_order_of_findings_does_not_depend_on_when_they_came() -> None:
    two = [finding(Code.HEADER, "b"), finding(Code.BUCKET_CLASS, "a")]
    assert gravest(two) == gravest(reversed(two))
    assert gravest([]) is None


def test_a_store_s_own_words_are_made_plain() -> None:
    found = fault(stored(storage_class="W\x1b[2J" + "x" * 500))
    assert "\\x1b[2J" in found.reason
    assert len(found.reason) < 150


# ---------------------------------------------------------------- what may pass


@pytest.mark.parametrize(
    "sight",
    [
        replace(SIGHT, stored=BUSY, content=None),
        replace(SIGHT, content=BUSY),
        replace(SIGHT, stored=ODD, content=None),
        Sight(bucket=BUSY, stored=BUSY),
    ],
)
def test_what_could_not_be_seen_stops_nothing_and_is_told(sight: Sight) -> None:
    judgement = judge(SPEC, sight, OTC, REGION)
    assert judgement.verdict.fault is None
    assert judgement.unseen in (BUSY, ODD)


def test_a_pin_is_kept_where_only_the_content_could_not_be_read() -> None:
    assert verdict(replace(SIGHT, content=BUSY)) == SourceVerdict(pin=PIN)


def test_what_was_seen_counts_beside_what_was_not() -> None:
    small_bucket = replace(BUCKET, storage_class="WARM")
    sight = Sight(bucket=small_bucket, stored=BUSY)
    assert fault(sight).code == Code.BUCKET_CLASS


def test_a_bucket_that_is_not_shown_is_worth_a_word_where_its_object_is() -> None:
    (notice,) = judge(SPEC, replace(SIGHT, bucket=FORBIDDEN), OTC, REGION).notices
    assert "region were not checked: HTTP 403 obs.AccessDenied: as scripted" in notice


def test_a_parallel_file_system_is_worth_a_word() -> None:
    sight = replace(SIGHT, bucket=replace(BUCKET, is_file_system=True))
    judgement = judge(SPEC, sight, OTC, REGION)
    assert judgement.verdict.fault is None
    assert "'wave-07' is a parallel file system" in judgement.notices[0]


# ---------------------------------------------------------------- min_disk: auto


@pytest.mark.parametrize(
    ("virtual_size_bytes", "profile", "min_disk_gb"),
    [
        (20 * GB, OTC, 20),
        (20 * GB + 1, OTC, 21),
        (1, OTC, 1),
        (5 * GB, HUAWEI, 10),
        (5 * GB, GENERIC, 40),  # what every cloud takes, where none is known
        (1024 * GB, OTC, 1024),
    ],
)
def test_auto_comes_to_the_disk_in_the_file_and_never_less_than_the_cloud_takes(
    virtual_size_bytes: int, profile: Profile, min_disk_gb: int
) -> None:
    sight = holding(DiskFormat.QCOW2, virtual_size_bytes=virtual_size_bytes)
    found = verdict(sight, AUTO, profile)
    assert (found.min_disk_gb, found.fault) == (min_disk_gb, None)


def test_auto_of_a_disk_that_no_server_can_have_is_a_finding() -> None:
    sight = holding(DiskFormat.QCOW2, virtual_size_bytes=1024 * GB + 1)
    assert fault(sight, AUTO).code == Code.DISK_TOO_LARGE


@pytest.mark.parametrize(
    ("sight", "why"),
    [
        (holding(DiskFormat.ZVHD2, virtual_size_bytes=None), "content does not tell"),
        (replace(SIGHT, stored=ODD, content=None), "HTTP 200 obs.Shape: as scripted"),
    ],
)
def test_auto_without_a_size_to_be_had_asks_for_a_number(
    sight: Sight, why: str
) -> None:
    found = fault(sight, AUTO)
    assert told(found) == (Code.MIN_DISK_UNKNOWN, FIX_MANIFEST)
    assert why in found.reason
    assert found.reason.endswith("; write a number")


def test_auto_that_may_be_known_next_time_is_tried_again_then() -> None:
    found = fault(replace(SIGHT, content=BUSY), AUTO)
    assert (told(found), found.is_passing) == (("obs.SlowDown", Action.RUN_AGAIN), True)
    assert found.reason == (
        "min_disk auto needs the size of the disk in the file: as scripted"
    )


def test_a_finding_goes_before_a_size_that_is_not_known() -> None:
    assert fault(replace(SIGHT, stored=None, content=None), AUTO).code == (
        Code.OBJECT_MISSING
    )


@pytest.mark.parametrize(
    ("why", "code"),
    [("no access keys: set them", Code.MIN_DISK_UNKNOWN), (BUSY, "obs.SlowDown")],
)
def test_an_unlooked_entry_goes_ahead_unless_it_needs_the_look(
    why: str | Fault, code: str
) -> None:
    assert unlooked(SPEC, why) == SourceVerdict()
    found = unlooked(AUTO, why).fault
    assert found is not None
    assert found.code == code


# ---------------------------------------------------------------- files to be uploaded


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        (
            {"file": None, "content": None},
            Code.FILE_MISSING,
            "there is no file 'disks/web-01.qcow2'; put it there, or correct its path",
        ),
        (
            {"file": refused(FaultKind.REJECTED), "content": None},
            Code.FILE_UNREADABLE,
            "'disks/web-01.qcow2' cannot be read: as scripted",
        ),
        (
            {"content": FORBIDDEN},
            Code.FILE_UNREADABLE,
            "cannot be read: as scripted",
        ),
        (
            {"file": replace(STAMP, size_bytes=0), "content": None},
            Code.OBJECT_EMPTY,
            "the file is empty",
        ),
        (
            {"file": replace(STAMP, size_bytes=129 * GB)},
            Code.OBJECT_TOO_LARGE,
            "the file has 138512695296 bytes",
        ),
        ({"content": replace(CONTENT, problem="cut off")}, Code.HEADER, "cut off"),
        ({"bucket": None}, Code.BUCKET_MISSING, "no bucket"),
        (
            {"bucket": replace(BUCKET, storage_class="COLD")},
            Code.BUCKET_CLASS,
            "COLD",
        ),
    ],
)
def test_a_file_to_be_uploaded_is_judged_like_an_object(
    changes: dict[str, object], code: Code, words: str
) -> None:
    found = fault(replace(ON_DISK, **changes), UPLOADED)  # type: ignore[arg-type]
    assert found.code == code
    assert words in found.reason


@pytest.mark.parametrize(
    ("pin", "word"), [("host", "source_host"), ("resource", "source_resource")]
)
def test_a_missing_file_of_a_worker_says_when_the_worker_is_asked(
    pin: str, word: str
) -> None:
    place = replace(FilePlace(path="/san/web-01.qcow2"), **{pin: "san-a"})
    sight = replace(ON_DISK, file=None, content=None)
    assert fault(sight, replace(UPLOADED, source=place)).reason == (
        f"there is no file '/san/web-01.qcow2' ({word} counts with --dask only); put it "
        "there, or correct its path"
    )


def test_a_file_whose_machine_is_away_stops_nothing() -> None:
    sight = replace(ON_DISK, file=BUSY, content=None)
    assert verdict(sight, UPLOADED).fault is None
    assert judge(UPLOADED, sight, OTC, REGION).unseen == BUSY


def test_an_object_that_will_be_written_over_is_not_judged() -> None:
    old = replace(stored(storage_class="COLD"), file=STAMP)
    own = Brought(pin=PIN, file=STAMP, is_own=True)
    judged = judge(UPLOADED, old, OTC, REGION, brought=own)
    assert judged.verdict == SourceVerdict(inspection=CONTENT)


@pytest.mark.parametrize(
    "brought",
    [
        None,
        Brought(pin=PIN, file=STAMP),
        Brought(pin=replace(PIN, etag="other"), file=STAMP, is_own=True),
    ],
)
def test_an_object_that_is_not_the_entrys_own_is_in_the_way(
    brought: Brought | None,
) -> None:
    sight = replace(stored(), file=STAMP)
    found = judge(UPLOADED, sight, OTC, REGION, brought=brought).verdict.fault
    assert found is not None
    assert told(found) == (Code.OBJECT_DIFFERS, Action.FIX_SOURCE)


@pytest.mark.parametrize(
    ("brought", "code"),
    [
        (None, Code.FILE_MISSING),
        (Brought(pin=replace(PIN, etag="other"), file=STAMP), Code.FILE_MISSING),
        (Brought(pin=PIN, file=STAMP), None),
    ],
)
def test_a_file_that_is_gone_is_missed_unless_its_object_is_known_to_be_it(
    brought: Brought | None, code: Code | None
) -> None:
    found = judge(UPLOADED, stored(), OTC, REGION, brought=brought).verdict.fault
    assert (found and found.code) == code


@pytest.mark.parametrize("file", [replace(STAMP, size_bytes=300 * MIB), BUSY])
def test_an_object_that_is_there_counts_where_the_file_is_no_other(
    file: FileStamp | Fault,
) -> None:
    there = replace(stored(storage_class="WARM"), file=file)
    assert fault(there, UPLOADED).code == Code.OBJECT_CLASS


# ---------------------------------------------------------------- pins


def test_a_look_for_the_pin_judges_nothing() -> None:
    cold = stored(storage_class="COLD")
    assert judge_pin(cold).verdict == SourceVerdict(pin=PIN)
    assert judge_pin(Sight(bucket=BUCKET)).verdict == SourceVerdict()
    assert judge_pin(Sight(bucket=BUCKET, stored=BUSY)).unseen == BUSY


# ---------------------------------------------------------------- the profile alone


@pytest.mark.parametrize(
    ("changes", "profile", "code"),
    [
        ({"min_disk_gb": 5}, HUAWEI, Code.MIN_DISK_FLOOR),
        ({"min_disk_gb": 1025}, OTC, Code.MIN_DISK_FLOOR),
        ({"disk_format": "zvhd"}, OTC, Code.PROFILE),
        ({"name": "网络"}, OTC, Code.PROFILE),
        ({"image_url": "wave-07:a.ISO"}, OTC, Code.PROFILE),
        ({"os_version": "Windows 10 64bit"}, HUAWEI, Code.PROFILE),
        ({}, OPENSTACK, Code.PROFILE),
    ],
)
def test_what_a_cloud_is_known_to_refuse_is_found_without_a_store(
    changes: dict[str, object], profile: Profile, code: Code
) -> None:
    spec = replace(SPEC, **changes)  # type: ignore[arg-type]
    found = profile_fault(spec, profile)
    assert found is not None
    assert told(found) == (code, FIX_MANIFEST)


@pytest.mark.parametrize(
    ("changes", "profile"),
    [
        ({}, OTC),
        ({"min_disk_gb": 0, "min_disk_is_auto": True}, HUAWEI),
        ({"min_disk_gb": 10}, FLEXIBLE_ENGINE),  # its floor is assumed
        ({"min_disk_gb": 10, "disk_format": "iso"}, GENERIC),
    ],
)
def test_what_fits_or_is_only_assumed_stops_nothing(
    changes: dict[str, object], profile: Profile
) -> None:
    spec = replace(SPEC, **changes)  # type: ignore[arg-type]
    assert profile_fault(spec, profile) is None


def test_the_profile_s_limits_are_named_with_the_source_s() -> None:
    spec = replace(SPEC, min_disk_gb=5, disk_format="zvhd")
    found = fault(replace(SIGHT, stored=None, content=None), spec, HUAWEI)
    assert found.code == Code.OBJECT_MISSING
    assert "also preflight.min-disk-floor: min_disk 5: the huawei" in found.reason
    assert "also preflight.profile: disk_format 'zvhd'" in found.reason
