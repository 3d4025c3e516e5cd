"""`validate --watch`: again after every change, however an editor writes the file."""

from __future__ import annotations

import signal
from pathlib import Path
from subprocess import Popen

import pytest

from batch_register.cli.watching import LOOK_EVERY_S, Stamp, changes, watch

A, B, GONE = (1, 1, 10), (2, 1, 12), None


@pytest.mark.parametrize(
    ("stamps", "due"),
    [
        ([A, A, A, A], "01 00"),
        ([A, A, B, B, B], "01 010"),
        ([A, A, B, A, A], "01 000"),  # back before anybody read it
        ([A, A, GONE, B, B], "01 001"),  # replaced
        ([A, A, GONE, A, A], "01 000"),  # the very same file, moved away and back
        ([A, A, GONE, GONE, GONE, B, B], "01 010 01"),  # stays away
        ([A, B, A, B, B], "00 001"),  # still being written
        ([GONE, GONE, A, A], "01 01"),
    ],
)
def test_a_file_is_read_once_it_has_changed_and_stands_still(
    stamps: list[Stamp | None], due: str
) -> None:
    expected = [digit == "1" for digit in due.replace(" ", "")]
    assert list(changes(iter(stamps))) == expected


class EnoughError(Exception):
    """The watching has been seen."""


def test_a_file_replaced_by_rename_is_checked_again(tmp_path: Path) -> None:
    """As editors save; the new file may be as long and as old as the other."""
    path = tmp_path / "wave.yaml"
    path.write_text("a", encoding="utf-8")
    seen: list[str] = []
    pauses: list[float] = []

    def replace(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            other = tmp_path / "other"
            other.write_text("b", encoding="utf-8")
            other.rename(path)
        if len(pauses) == 6:
            raise EnoughError

    with pytest.raises(EnoughError):
        watch(path, lambda: seen.append(path.read_text(encoding="utf-8")), replace)
    assert seen == ["a", "b"]
    assert set(pauses) == {LOOK_EVERY_S}


def block(process: Popen[str]) -> list[str]:
    """Return the lines of the next block, without the time."""
    assert process.stdout is not None
    lines: list[str] = []
    while line := process.stdout.readline().rstrip("\n"):
        lines.append(line)
    assert len(lines[0].split(" ", 1)[0]) == len("12:00:00")
    return [lines[0].split(" ", 1)[1], *lines[1:]]


@pytest.mark.integration
def test_each_change_makes_one_block_until_an_interrupt(spawn, manifest: Path) -> None:
    good = manifest.read_text(encoding="utf-8")
    with spawn("validate", str(manifest), "--watch") as process:
        assert block(process) == [str(manifest), "OK: 2 images"]
        manifest.write_text(good.replace("min_disk", "min_dsk", 1), encoding="utf-8")
        told = block(process)
        assert told[1].startswith(f"{manifest}:6:3: `min_dsk` is not a field")
        assert told[2:] == [
            "     6 |   min_dsk: 40",
            "       |   ^~~~~~~",
            f"{manifest}: 1 problem",
        ]
        manifest.unlink()
        assert block(process)[1].startswith("cannot read the manifest ")
        manifest.write_text(good, encoding="utf-8")
        assert block(process) == [str(manifest), "OK: 2 images"]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err


@pytest.mark.integration
def test_a_reader_who_has_left_ends_it(spawn, manifest: Path) -> None:
    with spawn("validate", str(manifest), "--watch") as process:
        block(process)
        process.stdout.close()
        manifest.write_text("version: 1\n", encoding="utf-8")
        assert process.wait(30) == 141
        assert process.stderr.read() == ""


def test_a_file_that_is_not_there_ends_it_at_once(invoke, tmp_path: Path) -> None:
    ended = invoke("validate", tmp_path / "none.yaml", "--watch")
    assert (ended.code, ended.out) == (2, "")
    assert "none.yaml" in ended.err


def test_one_document_and_many_checks_do_not_go_together(
    invoke, manifest: Path
) -> None:
    ended = invoke("validate", manifest, "--watch", "--output", "json")
    assert (ended.code, ended.out) == (2, "")
    assert "--watch and --output json are both given" in ended.err
