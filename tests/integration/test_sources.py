"""Whole runs over sources: looked at first, uploaded where they are files, watched."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Cloud, Ended, Shell
from tests.integration.disks import (
    BUCKET,
    GIB,
    LEDGER,
    MIB,
    UNEXTENDED,
    disk,
    events,
    looks,
    manifest,
    names,
    until,
    uploaded,
    with_store,
)
from tests.object_store.server import Store

pytestmark = pytest.mark.integration

SIZE_BYTES = 48 * MIB  # three parts
PART_BYTES = 16 * MIB
SLOWLY = ("--max-upload-rate", "8M")
STORED = "name: web-1, object: web-1.qcow2"


def thing(name: str = "web-1.qcow2", **facts: object) -> dict[str, object]:
    """Return an object for the simulated store."""
    return {"image_url": f"{BUCKET}:{name}", "size_bytes": 5 * MIB, **facts}


@pytest.fixture
def bare(serve_cloud: Callable[..., Cloud]) -> Cloud:
    """Return a quick cloud whose one bucket holds nothing yet."""
    return serve_cloud("--speed", "600", "--only-listed", "--bucket", BUCKET)


@pytest.fixture
def sourced(tmp_path: Path, bare: Cloud) -> Shell:
    """Return a shell whose commands find that cloud."""
    return Shell(tmp_path, bare.clouds_yaml)


# ------------------------------------------------------------ uploads


async def test_files_are_in_a_real_bucket_before_their_images_are_made(
    object_store: Store, shell: Shell, cloud: Cloud
) -> None:
    bucket = await object_store.bucket("runs")
    with_store(shell, cloud, object_store)
    keys = [f"web-{n}" for n in range(3)]
    files = {key: disk(shell.folder, f"{key}.raw", 20 * MIB) for key in keys}

    ended = shell.run(manifest(shell, *map(uploaded, keys), bucket=bucket))

    assert ended.code == 0, ended.err
    for key in keys:
        assert await object_store.content(bucket, f"{key}.raw") == files[key]
        told = names(shell, key)
        assert told.index("source.uploaded") < told.index("image.create_intended")
    assert cloud.audit()["images_created"] == 3
    again = shell.run(shell.folder / "wave-07.yaml")
    assert again.document["summary"]["skipped"] == 3
    assert [line["event"] for line in events(shell)].count("source.uploaded") == 3


def test_an_upload_may_be_tried_on_the_simulated_cloud(
    tmp_path: Path, serve_cloud: Callable[..., Cloud]
) -> None:
    """As README tells it: a bucket that is named holds what was put there, and no more."""
    cloud = serve_cloud("--speed", "600", "--bucket", BUCKET)
    shell = Shell(tmp_path, cloud.clouds_yaml)
    disk(shell.folder, "web-1.raw", 6 * MIB)
    assert shell.run(manifest(shell, uploaded("web-1"))).code == 0
    scanned = shell("scan", f"obs://{BUCKET}/")
    assert scanned.out.count("object: ") == 1
    elsewhere = manifest(shell, "name: web-2, image_url: 'others:made-up.qcow2'")
    assert shell.run(elsewhere).code == 0


@pytest.mark.fault(1)
async def test_a_run_killed_in_an_upload_goes_on_with_it_and_makes_each_image_once(
    object_store: Store, shell: Shell, cloud: Cloud
) -> None:
    bucket = await object_store.bucket("runs")
    with_store(shell, cloud, object_store)
    content = disk(shell.folder, "web-0.raw", SIZE_BYTES)
    path = manifest(shell, uploaded("web-0"), STORED, bucket=bucket)
    await object_store.put(bucket, {"web-1.qcow2": qcow2()})
    process = shell.begin(path, *SLOWLY)
    upload_id = until(process, shell, "source.upload_begun")["upload_id"]
    async with object_store.raw() as s3:
        place = {"Bucket": bucket, "Key": "web-0.raw", "UploadId": upload_id}
        while not (parts := (await s3.list_parts(**place)).get("Parts", [])):
            assert process.poll() is None
        process.kill()
        shell.end(process)
        parts = (await s3.list_parts(**place))["Parts"]

    ended = shell.run(path)

    assert ended.code == 0, ended.err
    assert await object_store.content(bucket, "web-0.raw") == content
    (done,) = [x for x in events(shell, "web-0") if x["event"] == "source.uploaded"]
    assert done["sent_bytes"] == SIZE_BYTES - PART_BYTES * len(parts)
    assert set(cloud.audit()["images_created_by_entry"].values()) == {1}
    assert cloud.audit()["images_created"] == 2


def qcow2() -> bytes:
    """Return the header of an empty disk of 1 GiB."""
    tables = (0).to_bytes(8, "big") + (0).to_bytes(4, "big")
    head = b"QFI\xfb" + (2).to_bytes(4, "big") + bytes(8) + bytes(4)
    head += (16).to_bytes(4, "big") + GIB.to_bytes(8, "big") + bytes(4)
    head += (2).to_bytes(4, "big") + (65536).to_bytes(8, "big") + bytes(8) + tables
    return head.ljust(128 * 1024, b"\0")


def test_a_file_that_two_entries_share_is_sent_once(
    sourced: Shell, bare: Cloud
) -> None:
    disk(sourced.folder, "web-0.raw", SIZE_BYTES)
    twin = uploaded("web-0").replace("name: web-0", "name: twin")
    ended = sourced.run(manifest(sourced, uploaded("web-0"), twin))
    assert ended.code == 0, ended.err
    assert bare.audit()["images_created"] == 2
    done = [x for x in events(sourced) if x["event"] == "source.uploaded"]
    assert sorted(x["sent_bytes"] for x in done) == [0, SIZE_BYTES]


@pytest.mark.fault(24)
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_signal_cuts_an_upload_short_and_the_report_tells_how_far_it_is(
    sourced: Shell, bare: Cloud, number: signal.Signals, code: int
) -> None:
    disk(sourced.folder, "web-0.raw", SIZE_BYTES)
    path = manifest(sourced, uploaded("web-0"))
    process = sourced.begin(path, *SLOWLY)
    until(process, sourced, "source.upload_begun")
    while bare.audit()["executed_by_route"].get("object.put", 0) < 1:
        assert process.poll() is None
        time.sleep(0.02)
    began_s = time.monotonic()
    process.send_signal(number)
    stopped = sourced.end(process, timeout_s=30)

    assert stopped.code == code, stopped.err
    assert time.monotonic() - began_s < 30
    (row,) = stopped.document["images"]
    assert row["state"] == "unfinished"
    assert row["upload"]["size_bytes"] == SIZE_BYTES
    assert row["action"] == "run_again"
    assert sourced("report", LEDGER, "--format=json").document == stopped.document
    ended = sourced.run(path)
    assert ended.code == 0, ended.err
    assert names(sourced, "web-0").count("source.upload_begun") == 1
    assert bare.audit()["images_created"] == 1


@pytest.mark.fault(24)
def test_a_window_that_ends_in_an_upload_leaves_it_to_the_next_run(
    sourced: Shell, bare: Cloud
) -> None:
    disk(sourced.folder, "web-0.raw", SIZE_BYTES)
    path = manifest(sourced, uploaded("web-0"))

    first = sourced.run(path, "--max-upload-rate", "4M", "--max-duration", "5")

    assert first.code == 5, first.err
    assert first.document["images"][0]["state"] == "unfinished"
    assert bare.audit()["images_created"] == 0
    assert sourced.run(path).code == 0
    assert names(sourced, "web-0").count("source.upload_begun") == 1


@pytest.mark.fault(24)
def test_a_window_that_ends_while_sources_are_looked_at_makes_nothing(
    sourced: Shell, bare: Cloud
) -> None:
    bare.use_faults(
        "{version: 1, rules: [{match: {route: object.head}, effect: {delay_s: 36000}}]}"
    )
    bare.furnish("objects", thing())
    path = manifest(sourced, STORED)

    first = sourced.run(path, "--max-duration", "2")

    assert first.code == 5, first.err
    assert first.document["summary"]["pending"] == 1
    assert bare.audit()["writes"] == 0
    bare.use_faults("{version: 1, rules: []}")
    assert sourced.run(path).code == 0


def test_a_file_without_a_store_to_upload_it_to_is_refused_before_anything(
    tokens_only: Cloud, tmp_path: Path
) -> None:
    shell = Shell(tmp_path, tokens_only.clouds_yaml)
    disk(tmp_path, "web-0.raw", MIB)

    ended = shell.run(manifest(shell, uploaded("web-0"), uploaded("web-2")))

    assert (ended.code, ended.out) == (2, "")
    assert "the file of 'web-0' and 1 more is to be uploaded, but the" in ended.err
    assert "object store cannot be used: no access keys" in ended.err
    assert "set OBS_ACCESS_KEY_ID and OBS_SECRET_ACCESS_KEY" in ended.err
    assert tokens_only.audit()["writes"] == 0


@pytest.mark.parametrize(("status", "code"), [(503, 69), (429, 69), (401, 77)])
def test_a_cloud_that_makes_no_access_keys_for_now_is_one_that_cannot_be_used(
    bare: Cloud, sourced: Shell, status: int, code: int
) -> None:
    """So that a scheduler tries again, and nobody looks for a mistake in the settings."""
    bare.use_faults(
        "{version: 1, rules: [{match: {route: key.create}, "
        f"effect: {{status: {status}}}}}]}}"
    )
    disk(sourced.folder, "web-0.raw", MIB)

    ended = sourced.run(manifest(sourced, uploaded("web-0")))

    assert (ended.code, ended.out) == (code, ""), ended.err
    assert "the file of 'web-0' is to be uploaded, but there are no access" in ended.err
    assert f"HTTP {status}" in ended.err
    bare.use_faults("{version: 1, rules: []}")
    assert sourced.run(sourced.folder / "wave-07.yaml").code == 0


# ------------------------------------------------------------ the look


@pytest.mark.fault(35)
def test_plan_blocks_what_is_unfit_tells_what_has_changed_and_writes_nothing(
    sourced: Shell, bare: Cloud
) -> None:
    bare.furnish("objects", thing(etag="first"))
    path = manifest(sourced, STORED, "name: web-2, object: none.qcow2")
    assert sourced.run(path).code == 3
    bare.furnish("objects", thing(etag="second"))
    before, writes = ledger_bytes(sourced), bare.audit()["writes"]

    ended = sourced("plan", path.name, "--output", "json")

    assert ended.code == 0, ended.err
    told = {each["key"]: each for each in ended.document["entries"]}
    assert told["web-1"]["intention"] == "conflict"
    assert "its source has changed" in told["web-1"]["reason"]
    assert told["web-2"]["intention"] == "block"
    assert told["web-2"]["reason"].startswith("preflight.object-missing: ")
    assert ledger_bytes(sourced) == before
    assert bare.audit()["writes"] == writes


def ledger_bytes(shell: Shell) -> bytes:
    return (shell.folder / LEDGER).read_bytes()


@pytest.mark.fault(35)
def test_an_object_that_changed_after_success_is_a_conflict_until_it_is_put_back(
    sourced: Shell, bare: Cloud
) -> None:
    bare.furnish("objects", thing(etag="first"))
    path = manifest(sourced, STORED)
    assert sourced.run(path).code == 0
    bare.furnish("objects", thing(etag="second"))

    changed = sourced.run(path)

    assert changed.code == 3, changed.err
    (row,) = changed.document["images"]
    assert (row["state"], row["error"]["code"]) == ("conflict", "source.changed")
    assert row["action"] == "fix_source"
    assert sourced.run(path).code == 3
    bare.furnish("objects", thing(etag="first"))
    assert sourced.run(path).code == 0
    assert bare.audit()["images_created"] == 1


def test_a_changed_object_is_taken_where_the_operator_says_so(
    sourced: Shell, bare: Cloud
) -> None:
    bare.furnish("objects", thing(etag="first"))
    path = manifest(sourced, STORED)
    sourced.run(path)
    bare.furnish("objects", thing(etag="second"))

    taken = sourced.run(path, "--accept-sources", "--select", "web-1")

    assert taken.code == 0, taken.err
    assert taken.document["images"][0]["state"] == "active"
    assert names(sourced, "web-1")[-2:] == ["source.seen", "source.accepted"]
    assert sourced.run(path).code == 0
    assert bare.audit()["images_created"] == 1


def test_min_disk_auto_is_the_size_of_the_disk_in_the_file(
    sourced: Shell, bare: Cloud
) -> None:
    bare.furnish("objects", thing(virtual_size_bytes=72 * GIB + MIB))
    path = manifest(sourced, f"{STORED}, min_disk: auto")

    blind = sourced.run(path, "--no-preflight")
    ended = sourced.run(path)

    assert blind.code == 3
    assert blind.document["images"][0]["error"]["code"] == "preflight.min-disk-unknown"
    assert ended.code == 0, ended.err
    assert [image["min_disk"] for image in bare.images()] == [73]


def test_without_the_look_nothing_is_asked_of_the_store(
    sourced: Shell, bare: Cloud
) -> None:
    bare.furnish("objects", thing())
    ended = sourced.run(manifest(sourced, STORED), "--no-preflight")
    assert ended.code == 0, ended.err
    assert looks(bare) == bare.audit()["by_route"].get("bucket.head", 0) == 0


@pytest.fixture
def tokens_only(serve_cloud: Callable[..., Cloud]) -> Cloud:
    """Return a cloud that makes no access keys for its users."""
    cloud = serve_cloud("--speed", "600")
    cloud.use_faults(
        "{version: 1, rules: [{match: {route: key.create},"
        " effect: {status: 403, body: iam, message: Not allowed.}}]}"
    )
    return cloud


def unlooked(ended: Ended) -> list[str]:
    """Return the lines that tell of sources which were not looked at."""
    return [line for line in ended.err.splitlines() if "not looked at" in line]


def test_without_access_keys_one_line_says_so_and_the_run_goes_on(
    tokens_only: Cloud, tmp_path: Path
) -> None:
    shell = Shell(tmp_path, tokens_only.clouds_yaml)
    ended = shell.run(shell.manifest(5))
    assert (ended.code, ended.document["summary"]["active"]) == (0, 5), ended.err
    (line,) = unlooked(ended)
    assert "sources were not looked at: no access keys" in line
    assert "set OBS_ACCESS_KEY_ID and OBS_SECRET_ACCESS_KEY" in line


@pytest.fixture
def keys_never(serve_cloud: Callable[..., Cloud]) -> Cloud:
    """Return a cloud that does not answer whoever asks for access keys."""
    cloud = serve_cloud("--speed", "600")
    cloud.use_faults(
        "{version: 1, rules: [{match: {route: key.create}, effect: {delay_s: 360000}}]}"
    )
    return cloud


@pytest.mark.fault(24)
def test_a_signal_while_keys_are_asked_for_ends_the_run_at_once(
    keys_never: Cloud, tmp_path: Path
) -> None:
    shell = Shell(tmp_path, keys_never.clouds_yaml)
    process = shell.begin(shell.manifest(2))
    while not keys_never.audit()["by_route"].get("key.create", 0):
        assert process.poll() is None
        time.sleep(0.02)
    began_s = time.monotonic()
    process.send_signal(signal.SIGTERM)
    ended = shell.end(process)
    assert ended.code == 143, ended.err
    assert time.monotonic() - began_s < 10
    assert keys_never.audit()["writes"] == 0


def test_without_the_extra_the_main_job_is_as_before(
    shell: Shell, cloud: Cloud
) -> None:
    process = shell.begin(shell.manifest(5), program=UNEXTENDED)
    ended = shell.end(process)
    assert (ended.code, ended.document["summary"]["active"]) == (0, 5), ended.err
    (line,) = unlooked(ended)
    assert "pip install 'batch-register[obs]'" in line
    assert looks(cloud) == 0


def test_without_the_extra_no_upload_is_begun_and_the_extra_is_named(
    shell: Shell, cloud: Cloud
) -> None:
    disk(shell.folder, "web-0.raw", MIB)
    path = manifest(shell, uploaded("web-0"))
    ended = shell.end(shell.begin(path, program=UNEXTENDED))
    assert (ended.code, ended.out) == (2, ""), ended.err
    assert "pip install 'batch-register[obs]'" in ended.err
    assert "Traceback" not in ended.err
    assert cloud.audit()["writes"] == 0


@pytest.mark.parametrize("flags", [("--select", "web-1*"), ("--shard", "1/4")])
def test_only_the_sources_of_the_entries_that_are_meant_are_looked_at(
    shell: Shell, cloud: Cloud, flags: tuple[str, ...]
) -> None:
    ended = shell.run(shell.manifest(20), *flags)
    assert ended.code == 0, ended.err
    assert 0 < looks(cloud) == cloud.audit()["images_created"] < 20


def test_a_quiet_run_says_nothing_of_sources_that_are_fit(
    sourced: Shell, bare: Cloud
) -> None:
    bare.furnish("objects", thing())
    disk(sourced.folder, "web-0.raw", 20 * MIB)
    path = manifest(sourced, STORED, uploaded("web-0"))
    quick = ("--poll-interval", "0.05", "--settle", "1")
    ended = sourced("run", path.name, *quick, "--output", "quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_the_log_tells_of_a_refused_source_and_not_of_every_step(
    sourced: Shell, bare: Cloud
) -> None:
    bare.furnish("objects", thing())
    disk(sourced.folder, "web-0.raw", SIZE_BYTES)
    path = manifest(sourced, STORED, uploaded("web-0"), "name: x, object: x.raw")

    ended = sourced.run(path, "--log-level", "debug")

    assert ended.code == 3, ended.err
    lines = [line for line in ended.err.splitlines() if '"source.refused"' in line]
    assert len(lines) == 1
    assert '"level": "warning"' in lines[0]
    for step in ("preflight.progress", "upload.progress"):
        assert f'"{step}"' not in ended.err


def test_a_ledger_from_before_there_were_pins_takes_them_over(
    sourced: Shell, bare: Cloud
) -> None:
    """What an image was made of then is what its object is at the first look."""
    bare.furnish("objects", thing(etag="first"))
    path = manifest(sourced, STORED)
    assert sourced.run(path, "--no-preflight").code == 0
    assert "source.seen" not in names(sourced, "web-1")

    assert sourced.run(path).code == 0
    bare.furnish("objects", thing(etag="second"))
    assert sourced.run(path).code == 3
