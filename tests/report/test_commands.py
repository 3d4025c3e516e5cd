"""The commands `report` and `history`, from a ledger file to what a person reads."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from batch_register.cli import GROUP
from batch_register.cli.history import command as history
from batch_register.cli.report import command as report
from batch_register.errors import LedgerError, SettingsError

GOLDEN = Path(__file__).parent / "golden"
_RENDERED = re.compile("Rendered [^<]*")


@pytest.fixture
def ledger(all_states, tmp_path: Path) -> Path:
    path = tmp_path / "a.jsonl"
    path.write_bytes(all_states.raw)
    return path


def _run(command, *arguments: object) -> Result:
    # through the group, as a user does: it gives every command its settings
    words = [command.name, *(str(argument) for argument in arguments)]
    return CliRunner().invoke(GROUP, words)


@pytest.mark.parametrize(
    ("form", "golden", "told_apart"),
    [
        ("json", "report.json", "note: running has further images"),
        ("csv", "report.csv", "note: running has further images"),
        ("junit", "report.xml", "note: running has further images"),
        ("joblog", "report.joblog", "note: running has further images"),
        ("markdown", "report.md", ""),
        ("table", "report.txt", ""),
    ],
)
def test_a_report_goes_to_standard_output_and_notes_beside_it(
    form: str, golden: str, told_apart: str, ledger: Path
) -> None:
    result = _run(report, ledger, "--format", form)
    assert (result.exit_code, result.stdout_bytes) == (
        0,
        (GOLDEN / golden).read_bytes(),
    )
    assert result.stderr.partition(",")[0] == told_apart


def test_without_a_format_a_table_is_shown(ledger: Path) -> None:
    assert _run(report, ledger).stdout_bytes == (GOLDEN / "report.txt").read_bytes()


@pytest.mark.parametrize(
    ("name", "options", "golden"),
    [
        ("r.md", (), "report.md"),
        ("r.csv", (), "report.csv"),
        ("r.txt", ("--format", "table"), "report.txt"),
        ("r.json", ("--format", "csv"), "report.csv"),
    ],
)
def test_a_file_gets_the_form_asked_for_else_that_of_its_suffix(
    name: str, options: tuple[str, ...], golden: str, ledger: Path, tmp_path: Path
) -> None:
    result = _run(report, ledger, "-o", tmp_path / name, *options)
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / name).read_bytes() == (GOLDEN / golden).read_bytes()


def test_a_page_tells_what_only_the_ledger_knows(ledger: Path, tmp_path: Path) -> None:
    result = _run(report, ledger, "-o", tmp_path / "r.html")
    assert (result.exit_code, result.output) == (0, "")
    page = (tmp_path / "r.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "about to register the file for image img-hostile" in page
    assert '<h2 id="night">' in page
    assert "running has further images" in page
    shown = _run(report, ledger, "--format", "html").stdout
    assert _RENDERED.sub("", shown) == _RENDERED.sub("", page)


def test_the_nights_of_shards_are_one(new_ledger, tmp_path: Path) -> None:
    paths = []
    for key in ("a", "b"):
        shard = new_ledger()
        shard.start(f"run-{key}")
        shard.declare(key)
        shard.activate(key, f"img-{key}")
        paths.append(tmp_path / f"{key}.jsonl")
        paths[-1].write_bytes(shard.raw)
    page = _run(report, *paths, "--format", "html").stdout
    assert "2 runs," in page
    assert "2 attempts" in page


def test_the_same_ledger_twice_counts_once(ledger: Path) -> None:
    expected = (GOLDEN / "report.txt").read_bytes()
    assert _run(report, ledger, ledger).stdout_bytes == expected


def test_shards_are_merged(new_ledger, tmp_path: Path) -> None:
    paths = []
    for key in ("a", "b"):
        shard = new_ledger()
        shard.declare(key)
        paths.append(tmp_path / f"{key}.jsonl")
        paths[-1].write_bytes(shard.raw)
    document = json.loads(_run(report, *paths, "--format", "json").stdout)
    assert [image["key"] for image in document["images"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("missing.jsonl",), LedgerError, "missing.jsonl: "),
        (("a.jsonl", "-o", "r.txt"), SettingsError, "no report form has the suffix"),
    ],
)
def test_what_is_wrong_is_raised_for_the_command_line_to_tell(
    arguments: tuple[str, ...], error: type[Exception], message: str
) -> None:
    result = _run(report, *arguments)
    assert isinstance(result.exception, error)
    assert message in str(result.exception)


def test_a_report_never_takes_the_place_of_a_ledger(
    ledger: Path, tmp_path: Path
) -> None:
    before = ledger.read_bytes()
    (tmp_path / "link.json").symlink_to(ledger)
    (tmp_path / "other.json").write_bytes(before)
    for name in ("a.jsonl", "link.json", "other.json"):
        result = _run(report, ledger, "-o", tmp_path / name, "--format", "json")
        assert isinstance(result.exception, SettingsError)
    assert ledger.read_bytes() == before == (tmp_path / "other.json").read_bytes()


def test_a_report_takes_the_place_of_an_earlier_one(
    ledger: Path, tmp_path: Path
) -> None:
    written = set()
    for _ in range(2):
        assert _run(report, ledger, "-o", tmp_path / "r.json").exit_code == 0
        written.add((tmp_path / "r.json").read_text())
    assert len(written) == 1


def test_a_report_without_a_ledger_is_a_usage_error() -> None:
    assert _run(report).exit_code == 2


@pytest.mark.parametrize("form", ["text", "json"])
def test_history_tells_one_entry(form: str, ledger: Path) -> None:
    result = _run(history, ledger, "=cmd|'/c calc'!A1", "--format", form)
    golden = GOLDEN / {"text": "story.txt", "json": "story.json"}[form]
    assert (result.exit_code, result.stdout_bytes) == (0, golden.read_bytes())


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("WEB", "did you mean web-01?"),
        ("wbe-01", "did you mean web-01?"),
        ("gone", "did you mean gone-active, gone-unsent?"),
        ("数据库", "did you mean 数据库-主?"),
        ("zzz", "the report command lists all 11 keys"),
    ],
)
def test_an_unknown_key_is_answered_with_those_that_are_near(
    key: str, hint: str, ledger: Path
) -> None:
    error = _run(history, ledger, key).exception
    assert isinstance(error, SettingsError)
    assert (error.exit_code, error.message, error.hint) == (
        2,
        f"{ledger}: no entry has the key {key!r}",
        hint,
    )


def test_a_terminal_gets_a_table_of_its_width(ledger: Path) -> None:
    ours, theirs = os.openpty()
    code = "from batch_register.cli.report import command; command()"
    try:
        subprocess.run(
            [sys.executable, "-c", code, str(ledger)],
            stdout=theirs,
            env={**os.environ, "COLUMNS": "80", "PYTHONUTF8": "1"},
            check=True,
            timeout=60,
        )
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # a terminal that nobody holds any more
            while piece := os.read(ours, 65536):
                shown += piece
    finally:
        os.close(ours)
    golden = (GOLDEN / "report-80.txt").read_bytes()
    assert shown.replace(b"\r\n", b"\n") == golden
