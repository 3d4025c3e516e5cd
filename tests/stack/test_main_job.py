"""The main job on the real Keystone and Glance: every image once, whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.stack.build import LIMITS
from tests.stack.cloud import Stack
from tests.stack.sources import Sources
from tests.stack.wave import Wave, ended, one_each

pytestmark = pytest.mark.integration

NewWave = Callable[[str], Wave]


@pytest.fixture
def new_wave(stack: Stack, sources: Sources, tmp_path: Path) -> NewWave:
    return lambda name: Wave(name, stack, sources, tmp_path)


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.1)


def has_made(wave: Wave, count: int) -> bool:
    return wave.count("image.active") >= count


def has_registered(wave: Wave, count: int) -> bool:
    return wave.count("image.registered") >= count


@pytest.mark.fault(10)
def test_a_hundred_images_with_tokens_that_live_five_seconds(
    new_wave: NewWave, stack: Stack
) -> None:
    wave = new_wave("hundred")
    keys = wave.add_many(100)
    before = stack.glance.count("POST /v2/images 201")
    run = wave.run(token_life_s=5)
    assert run.code == 0, run.err[-3000:]
    assert run.report["summary"]["active"] == 100
    assert wave.in_glance() == one_each(keys)
    assert stack.glance.count("POST /v2/images 201") - before == 100
    hasty = stack.keystone_with(token_life_s=5)
    assert hasty.count("POST /v3/auth/tokens 201") >= 2
    again = wave.run()
    assert (again.code, again.report["summary"]["skipped"]) == (0, 100)


@pytest.mark.fault(25)
def test_two_runs_at_once_with_two_ledgers_make_one_image_each(
    new_wave: NewWave, tmp_path: Path
) -> None:
    """Glance takes an id once: no other cloud lets two runs agree in the same moment."""
    one, other = new_wave("twins"), new_wave("twins")
    other.path = tmp_path / "other.yaml"
    keys = one.add_many(20)
    assert other.add_many(20) == keys
    runs = [ended(process) for process in [one.start(), other.start()]]
    assert one.in_glance() == one_each(keys)
    for run in runs:
        assert run.code == 0, run.err[-3000:]


@pytest.mark.fault(1)
def test_a_hundred_images_in_spite_of_two_kills(
    new_wave: NewWave, sources: Sources
) -> None:
    wave = new_wave("killed")
    keys = wave.add_many(100)
    with sources.holding(map(wave.path_of, keys[-3:])):  # so that no run is done before
        for done in (15, 50):
            process = wave.start()
            try:
                wait_until(partial(has_made, wave, done))
            finally:
                process.kill()
                process.communicate()
            assert process.returncode == -9
    run = wave.run()
    assert run.code == 0, run.err[-3000:]
    assert run.report["summary"]["skipped"] >= 50
    assert wave.in_glance() == one_each(keys)


@pytest.mark.fault(35)
def test_a_source_that_is_none_fails_alone_and_is_mended(
    new_wave: NewWave, stack: Stack
) -> None:
    wave = new_wave("sources")
    wave.add("good")
    wave.add("absent", None)
    wave.add("no-image", b"plain text\n" * 1000)
    wave.add_elsewhere("forbidden", "http://127.0.0.1:9/disk.qcow2")
    run = wave.run()
    assert run.code == 3, run.err[-3000:]
    found = {image["key"]: image for image in run.report["images"]}
    states = {key: image["state"] for key, image in found.items()}
    assert states.pop("good") == "active"
    assert set(states.values()) == {"failed"}
    for key in states:
        assert found[key]["action"] == "fix_source"
    failed = [found[key]["error"] for key in ("absent", "no-image")]
    assert [error["code"] for error in failed] == ["import.failed"] * 2
    for error in failed:
        assert "cannot fetch source_url, or the file is not of" in error["reason"]
        assert error["request_id"].startswith("req-")
    refused = found["forbidden"]["error"]
    assert (refused["code"], refused["http_status"]) == ("http.400", 400)
    assert "does not pass filtering" in refused["reason"]

    for key in states:  # the source is mended, and so is the manifest
        wave.add(key)
    again = wave.run()
    assert again.code == 0, again.err[-3000:]
    assert wave.in_glance() == one_each(["good", *states])


def test_what_goes_beyond_the_limit_of_images_is_deferred(
    new_wave: NewWave, stack: Stack
) -> None:
    stack.limited.start()
    wave = new_wave("limited")
    wave.add_many(5)
    before = stack.limited.count("POST /v2/images 201")
    run = wave.run("--cloud", "small")
    assert run.code == 6, run.err[-3000:]
    summary, limit = run.report["summary"], LIMITS["image_count_total"]
    assert (summary["active"], summary["deferred"]) == (limit, 2)
    assert stack.limited.count("POST /v2/images 201") - before == limit
    assert stack.limited.count("GET /v2/info/usage 200") >= 1


def restart(stack: Stack, *, gone_s: float) -> None:
    """Kill Glance and start it again; nothing listens at its address for so long."""
    stack.glance.kill()
    time.sleep(gone_s)
    stack.glance.start()


def is_importing(wave: Wave, keys: set[str]) -> bool:
    return keys <= {name for name, status in wave.in_glance() if status == "importing"}


def test_images_that_a_killed_glance_left_are_mended_by_the_next_run(
    new_wave: NewWave, stack: Stack, sources: Sources
) -> None:
    wave = new_wave("outage")
    keys = wave.add_many(30)
    stuck = set(keys[-6:])
    often = ("--poll-interval", "0.2")
    with sources.holding(map(wave.path_of, stuck)):
        process = wave.start(*often, "--image-deadline", "15")
        wait_until(lambda: is_importing(wave, stuck) and has_made(wave, 10))
        restart(stack, gone_s=4)
    run = ended(process)
    assert run.code == 4, run.err[-3000:]
    left = {i["key"]: i for i in run.report["images"] if i["state"] == "unknown"}
    assert left.keys() >= stuck
    assert {image["error"]["code"] for image in left.values()} == {"deadline"}
    before = stack.glance.count("POST /v2/images 201")

    again = wave.run(*often)
    assert again.code == 0, again.err[-3000:]
    assert wave.in_glance() == one_each(keys)
    assert stack.glance.count("POST /v2/images 201") - before == len(left)
    lost = [line for line in wave.lines() if line["event"] == "image.failed"]
    assert {line["key"] for line in lost} == left.keys()
    assert {line["error"]["code"] for line in lost} == {"import.stalled"}


def test_an_image_whose_import_lives_is_left_alone_by_a_further_run(
    new_wave: NewWave, stack: Stack, sources: Sources
) -> None:
    wave = new_wave("slow")
    keys = wave.add_many(3)
    before = stack.glance.count("POST /v2/images 201")
    with sources.holding(map(wave.path_of, keys)):
        for _ in range(2):
            run = wave.run("--poll-interval", "0.2", "--image-deadline", "4")
            assert run.code == 4, run.err[-3000:]
    assert wave.run().code == 0
    assert wave.in_glance() == one_each(keys)
    assert stack.glance.count("POST /v2/images 201") - before == len(keys)


def test_images_that_a_glance_left_whose_end_nobody_saw_need_one_further_run(
    new_wave: NewWave, stack: Stack, sources: Sources
) -> None:
    wave = new_wave("restart")
    keys = wave.add_many(4)
    with sources.holding(map(wave.path_of, keys)):
        process = wave.start("--poll-interval", "0.2")
        wait_until(lambda: is_importing(wave, set(keys)) and has_registered(wave, 4))
        process.kill()  # it sees nothing of the outage
        process.communicate()
        restart(stack, gone_s=0)
    early = wave.run("--poll-interval", "0.2", "--image-deadline", "4")
    assert early.code == 4, early.err[-3000:]

    stack.let_hours_pass(7)
    late = wave.run()
    assert late.code == 0, late.err[-3000:]
    assert wave.in_glance() == one_each(keys)


def test_a_manifest_of_buckets_is_refused_before_anything_is_made(
    new_wave: NewWave,
) -> None:
    wave = new_wave("buckets")
    wave.add("web")
    wave.text = (
        "version: 1\nname: buckets\ndefaults: {os_version: X, min_disk: 40}\nimages:\n"
        "- {name: one, image_url: 'bkt:one.qcow2'}\n"
    )
    run = wave.run()
    assert run.code == 65
    assert "'bkt:one.qcow2' is an object in a bucket" in run.err
    assert "(image one)" in run.err
    assert wave.lines() == []
    assert not wave.in_glance()
