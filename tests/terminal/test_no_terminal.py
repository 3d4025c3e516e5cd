"""Without a terminal: no control characters anywhere, and silence for schedulers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.conftest import Shell

ROOT = Path(__file__).parents[2]
CONTROLS = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]")
MANIFEST = """version: 1
name: wave-07
defaults: {bucket: bucket-1, os_version: Ubuntu 22.04 server 64bit, min_disk: 40, size_bytes: 1000000}
images:
  - {name: quiet-1, object: quiet-1.qcow2}
"""
FAILING = "  - {name: failing-1, object: failing-1.qcow2}\n"
HOSTILE = r"""  - key: "key\e[31m-\u009b2J\u202e"
    name: "web\e[2J"
    labels: {owner: "team\r\e]0;title\a"}
"""
NAME = "wa\x1b[31mve"  # of a file
FAULTS = r"""version: 1
rules:
  - match: {route: image.create, image: failing-*}
    effect: {status: 400, body: ims, code: IMG.0056, message: "bad \e[2J\r\x9b31m\u202eOS"}
"""

pytestmark = pytest.mark.integration


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "faults.yaml").write_text(FAULTS)
    (tmp_path / f"{NAME}.yaml").write_text(MANIFEST + FAILING)
    (tmp_path / "hostile.yaml").write_text(MANIFEST + HOSTILE)
    (tmp_path / "good.yaml").write_text(MANIFEST)
    return Shell(tmp_path, flags=("--simulate",))


def flags_of(output: str, progress: str) -> tuple[str, ...]:
    return (
        *("--output", output, "--progress", progress, "--log-level", "debug"),
        *("--log-file", "run.log", "--report", "report.md"),
        *("--fault-script", "faults.yaml"),
    )


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("output", "progress"),
    [("table", "auto"), ("table", "bar"), ("json", "plain"), ("quiet", "auto")],
)
def test_what_goes_to_files_holds_no_control_characters(
    shell: Shell, output: str, progress: str
) -> None:
    ended = shell.run(shell.folder / f"{NAME}.yaml", *flags_of(output, progress))

    assert ended.code == 3, ended.err
    ledger = f"{NAME}.simulated.ledger.jsonl"
    written = {
        "stdout": ended.out.encode(),
        "stderr": ended.err.encode(),
        **{
            name: (shell.folder / name).read_bytes()
            for name in ("run.log", "report.md", ledger)
        },
        "report": shell("report", ledger).out.encode(),
        "history": shell("history", ledger, "quiet-1").out.encode(),
        "no key": shell("history", ledger, "k\x1b[2J").err.encode(),
    }
    assert {name: CONTROLS.findall(text) for name, text in written.items()} == {
        name: [] for name in written
    }
    assert b"IMG.0056" in written["run.log"]


@pytest.mark.parametrize("command", ["run", "validate", "plan"])
def test_a_manifest_full_of_them_is_refused_without_any(
    shell: Shell, command: str
) -> None:
    flags = () if command == "validate" else shell.flags
    ended = shell(command, "hostile.yaml", *flags)
    assert ended.code == 65
    assert CONTROLS.findall((ended.out + ended.err).encode()) == []


def test_a_quiet_run_that_ends_well_says_nothing_at_all(shell: Shell) -> None:
    """Nor where it was throttled on its way: cron would send a mail for a word."""
    (shell.folder / "throttled.yaml").write_text(
        "version: 1\nrules:\n  - match: {route: image.create, nth: 1}\n"
        "    effect: {status: 429, body: gateway, code: APIGW.0308, message: slowly}\n"
    )
    flags = ("--output", "quiet", "--fault-script", "throttled.yaml")
    logged = ("--log-file", "run.log")
    ended = shell.run(shell.folder / "good.yaml", *flags, *logged)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert "service.throttled" in (shell.folder / "run.log").read_text()


def test_a_quiet_run_in_trouble_says_what_failed_why_and_who_must_act(
    shell: Shell,
) -> None:
    flags = ("--output", "quiet", "--fault-script", "faults.yaml")
    ended = shell.run(shell.folder / f"{NAME}.yaml", *flags)
    assert (ended.code, ended.out) == (3, "")
    first, action, keys, failed, last = ended.err.splitlines()
    assert first == "wave-07: 1 of 2 images active, 1 failed"
    assert action.startswith("  fix_manifest (1): ")
    assert keys == "    failing-1"
    assert failed.startswith("failed failing-1: HTTP 400 IMG.0056: bad ")
    assert last == r"exit code 3; ledger: wa\x1b[31mve.simulated.ledger.jsonl"
