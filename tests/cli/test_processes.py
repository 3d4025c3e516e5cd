"""Whole processes: pipes that close, disks that are full, interrupts."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import GOOD_MANIFEST

pytestmark = pytest.mark.integration


def closed_pipe() -> int:
    """Return the writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.fault(38)
@pytest.mark.parametrize("arguments", [["config"], ["config", "--output", "json"]])
def test_a_reader_that_left_changes_no_exit_code(spawn, arguments: list[str]) -> None:
    writing = closed_pipe()
    process = spawn(*arguments, stdout=writing)
    os.close(writing)
    assert process.communicate(timeout=30) == (None, "")
    assert process.returncode == 0


def test_a_reader_that_left_ends_other_output_quietly(spawn) -> None:
    writing = closed_pipe()
    process = spawn("--help", stdout=writing)
    os.close(writing)
    assert process.communicate(timeout=30) == (None, "")


# A command that prints by click itself, as a large report would.
_CHATTY = """
import sys, types, click
from batch_register.cli import main
chatty = click.Command("history", callback=lambda: click.echo("x" * 1_000_000))
sys.modules["batch_register.cli.history"] = types.SimpleNamespace(command=chatty)
sys.exit(main(["history"]))
"""


def test_a_reader_that_left_ends_a_long_output_as_a_shell_expects(spawn) -> None:
    writing = closed_pipe()
    process = spawn(stdout=writing, program=("-c", _CHATTY))
    os.close(writing)
    assert process.communicate(timeout=30) == (None, "")
    assert process.returncode == 141


@pytest.mark.fault(38)
def test_where_nobody_can_be_told_the_code_still_tells(spawn) -> None:
    writing = closed_pipe()
    process = spawn("config", "--concurrency", "0", stderr=writing)
    os.close(writing)
    assert process.communicate(timeout=30) == ("", None)
    assert process.returncode == 2


@pytest.mark.fault(38)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["config", "--help"])
def test_output_that_is_lost_is_an_error(spawn, command: str) -> None:
    with Path("/dev/full").open("w") as full:
        process = spawn(command, stdout=full.fileno())
        _, said = process.communicate(timeout=30)
    assert said == (
        "error: standard output cannot be written: No space left on device\n"
        "hint: look at where it was redirected\n"
    )
    assert process.returncode == 74


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_simulator_serves_until_interrupted(spawn, number: signal.Signals) -> None:
    process = spawn("simulator", "--port", "0")
    first = process.stdout.readline()
    assert first.startswith("# http://127.0.0.1:")
    process.send_signal(number)
    with process:
        rest, said = process.stdout.read(), process.stderr.read()
    assert (process.returncode, said) == (0, "")
    assert rest.startswith("clouds:\n  simulator:\n")


def test_json_errors_are_the_last_line_even_before_parsing(spawn) -> None:
    process = spawn("config", "--output=json", "--nonsense")
    shown, said = process.communicate(timeout=30)
    assert (process.returncode, shown) == (2, "")
    assert json.loads(said.splitlines()[-1])["error"]["reference"] == "usage"


@pytest.mark.fault(39)
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_word_that_the_output_cannot_hold_is_an_escape(
    spawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    manifest, script = tmp_path / "wave.yaml", tmp_path / "faults.yaml"
    manifest.write_text(GOOD_MANIFEST)
    script.write_text("jobs: [{object: '*/web-02.qcow2', code: X.1, reason: 镜像}]\n")
    flags = ("--simulate", "--poll-interval", "0.05", "--settle", "0")
    process = spawn("run", str(manifest), *flags, "--fault-script", str(script))
    shown, said = process.communicate(timeout=60)
    assert process.returncode == 3, said
    assert "\\u955c\\u50cf" in shown
