"""The metrics file from outside: after success, failure, signals, and with trouble."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from batch_register.ledger import read_ledger
from batch_register.report.fold import fold, source_of
from tests.integration.conftest import Cloud, Ended, Shell
from tests.notify.receiver import answer, receiving

pytestmark = pytest.mark.integration

FLAGS = ("--metrics-file", "wave.prom")
# As if the extra were not installed.
WITHOUT_EXTRA = """\
import sys
sys.modules["prometheus_client"] = None
from batch_register.__main__ import main
sys.exit(main())
"""
Values = dict[tuple[str, ...], float]


def values(file: Path) -> Values:
    """Return each value by short name and its own labels."""
    found: Values = {}
    for family in text_string_to_metric_families(file.read_text()):
        for sample in family.samples:
            own = {
                name: value
                for name, value in sorted(sample.labels.items())
                if name not in {"manifest", "project", "region"}
            }
            name = sample.name.removeprefix("batch_register_")
            found[name, *own.values()] = sample.value
    return found


def first_tick(shell: Shell) -> None:
    """Wait until a run that has begun has images in flight."""
    ledger = shell.folder / "wave-07.ledger.jsonl"
    for _ in range(600):
        if ledger.exists() and b"image.registered" in ledger.read_bytes():
            return
        time.sleep(0.05)
    pytest.fail("no image was registered")


def test_a_good_run_and_a_quiet_one_after_it(shell: Shell, cloud: Cloud) -> None:
    manifest = shell.manifest(5)
    file = shell.folder / "wave.prom"

    assert shell.run(manifest, *FLAGS).code == 0
    first, audit = values(file), cloud.audit()
    assert shell.run(manifest, *FLAGS).code == 0
    second = values(file)

    assert first["last_run_exit_code",] == 0
    ended_s = first["last_run_timestamp_seconds",]
    assert first["last_success_timestamp_seconds",] == ended_s
    assert first["entries", "active"] == 5
    assert first["last_run_image_duration_seconds_count",] == 5
    routes = audit["by_route"]  # as the cloud counted; it counts pages, not lists
    created = first["last_run_requests", "create_image", "ok"]
    registered = first["last_run_requests", "register_image", "ok"]
    assert (created, registered) == (routes["image.create"], routes["image.register"])
    pages = routes.get("image.list", 0) + routes.get("cloudimage.list", 0)
    assert 0 < first["last_run_requests", "list_images", "ok"] <= pages
    assert first["quota_limit_images",] == 5000
    assert second["last_run_image_duration_seconds_count",] == 0
    assert second["entries", "active"] == 5
    assert second["last_run_active_bytes",] == 0
    assert second["active_bytes",] == first["active_bytes",] > 0
    assert (
        second["last_success_timestamp_seconds",]
        > first["last_success_timestamp_seconds",]
    )


def test_the_file_says_what_the_ledger_says(shell: Shell) -> None:
    """A reader of the ledger finds the run as the run itself knew it."""
    shell.run(shell.manifest(3), *FLAGS)
    found = values(shell.folder / "wave.prom")

    ledger = shell.folder / "wave-07.ledger.jsonl"
    replay = read_ledger(ledger)
    (run,) = replay.runs
    assert run.usage is not None
    told = {
        ("last_run_requests", call, outcome): float(number)
        for call, outcomes in run.usage.requests.items()
        for outcome, number in outcomes.items()
    }
    assert {key: n for key, n in found.items() if key[0] == "last_run_requests"} == told
    assert fold([source_of("a", replay)]).summary.active == found["entries", "active"]
    assert found["ledger_size_bytes",] == ledger.stat().st_size


def test_failures_are_told_and_the_last_success_is_kept(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(
        """\
version: 1
jobs:
  - {object: "*:failing.qcow2", code: IMG.1075, reason: The image could not be registered.}
"""
    )
    cloud = serve_cloud("--speed", "600", "--fault-script", str(script))
    shell = Shell(tmp_path, cloud.clouds_yaml)
    file = tmp_path / "wave.prom"
    assert shell.run(shell.manifest(2), *FLAGS).code == 0
    before = values(file)

    bad = shell.manifest(2, extra="  - {name: bad, object: failing.qcow2}\n")
    assert shell.run(bad, *FLAGS).code == 3
    after = values(file)

    assert after["entries", "failed"] == 1
    assert after["last_run_exit_code",] == 3
    assert (
        after["last_success_timestamp_seconds",]
        == before["last_success_timestamp_seconds",]
    )


def test_a_run_that_cannot_log_in_says_so_and_keeps_the_rest(
    shell: Shell, cloud: Cloud
) -> None:
    manifest = shell.manifest(2)
    file = shell.folder / "wave.prom"
    assert shell.run(manifest, *FLAGS).code == 0
    before = values(file)
    text = cloud.clouds_yaml.read_text()
    lines = [
        line[: line.index("password:")] + "password: wrong"
        if line.strip().startswith("password:")
        else line
        for line in text.splitlines()
    ]
    cloud.clouds_yaml.write_text("\n".join(lines) + "\n")

    assert shell.run(manifest, *FLAGS).code == 77
    after = values(file)

    assert after["last_run_exit_code",] == 77
    assert after["last_run_timestamp_seconds",] > before["last_run_timestamp_seconds",]
    assert (
        after["last_success_timestamp_seconds",]
        == before["last_success_timestamp_seconds",]
    )
    assert after["entries", "active"] == 2
    assert after["last_run_image_duration_seconds_count",] == 0


@pytest.mark.parametrize("signals", [1, 2])
def test_a_run_that_is_stopped_tells_its_code(
    signals: int, serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    cloud = serve_cloud("--speed", "1")
    shell = Shell(tmp_path, cloud.clouds_yaml)
    process = shell.begin(shell.manifest(3), *FLAGS)
    first_tick(shell)
    for _ in range(signals):
        process.send_signal(signal.SIGTERM)
    assert shell.end(process).code == 143
    found = values(tmp_path / "wave.prom")
    assert found["last_run_exit_code",] == 143
    assert found["entries", "unfinished"] == 3
    assert ("last_success_timestamp_seconds",) not in found


def test_a_run_that_is_killed_leaves_the_file_before_it(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    cloud = serve_cloud("--speed", "1")
    shell = Shell(tmp_path, cloud.clouds_yaml)
    file = tmp_path / "wave.prom"
    file.write_text("# as it was\n")
    process = shell.begin(shell.manifest(3), *FLAGS)
    first_tick(shell)
    process.kill()
    shell.end(process)
    assert file.read_text() == "# as it was\n"
    assert [one.name for one in tmp_path.glob(".*.part")] == []


def test_a_second_run_on_one_ledger_leaves_the_file_to_the_first(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    cloud = serve_cloud("--speed", "1")
    shell = Shell(tmp_path, cloud.clouds_yaml)
    manifest = shell.manifest(3)
    process = shell.begin(manifest)
    first_tick(shell)
    assert shell.end(shell.begin(manifest, *FLAGS)).code == 7
    assert not (tmp_path / "wave.prom").exists()
    process.kill()
    shell.end(process)


def test_a_file_that_cannot_be_written_is_logged_and_changes_no_code(
    shell: Shell,
) -> None:
    ended = shell.run(shell.manifest(2), "--metrics-file", "missing/wave.prom")
    assert ended.code == 0
    assert ended.document["summary"]["active"] == 2
    assert "metrics.not_written" in ended.err
    assert "missing/wave.prom: cannot be written: No such file" in ended.err


def test_without_the_extra_nothing_is_begun(tmp_path: Path) -> None:
    shell = Shell(tmp_path, flags=("--simulate",))
    manifest = shell.manifest(1)
    program = (sys.executable, "-c", WITHOUT_EXTRA)
    with receiving(answer("200 OK")) as receiver:
        told = ("--notify", receiver.url)
        process = shell.begin(manifest, *FLAGS, *told, program=program)
        ended: Ended = shell.end(process)
    assert ended.code == 2
    assert b"needs prometheus_client" in receiver.arrived[0].body
    assert "metrics_file wave.prom needs prometheus_client" in ended.err
    assert "pip install 'batch-register[metrics]'" in ended.err
    assert list(tmp_path.glob("*.jsonl")) == []
    plain: Ended = shell.end(shell.begin(manifest, program=program))
    assert plain.code == 0
