"""README says what the code does: commands, codes, settings, events, drawings."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from batch_register import errors
from batch_register.cli import COMMANDS
from batch_register.engine.outcome import exit_code
from batch_register.entry import EntryState
from batch_register.exit_codes import by_meaning
from batch_register.ledger import notes
from batch_register.model import Action, FaultKind, RunCounts, StopReason
from tests.documentation.fault_classes import shown_by
from tests.documentation.readme_parts import README, redrawn

TEXT = README.read_text()
SHOWN_BY = shown_by()
ROOT = README.parent


def section(title: str) -> str:
    """Return the text under a heading, up to the next one of any depth."""
    found = re.search(
        rf"^#+ {re.escape(title)}$(.*?)(?=^#+ |\Z)", TEXT, re.MULTILINE | re.DOTALL
    )
    assert found is not None, title
    return found[1]


def test_the_drawn_parts_are_up_to_date() -> None:
    assert redrawn(TEXT) == TEXT, "run: poe docs"


def test_the_quick_start_holds_two_commands_and_ci_runs_the_second() -> None:
    fences = re.findall(r"```\w*\n(.*?)```", section("Quick start"), re.DOTALL)
    commands = [line for fence in fences for line in fence.splitlines() if line]
    assert len(commands) == 2
    assert commands[1] in (ROOT / ".ci" / "run").read_text().splitlines()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_described(command: str) -> None:
    assert re.search(rf"^\| `{command}[ `]", section("Commands"), re.MULTILINE)


def codes() -> set[int]:
    """Return every exit code that an error or an outcome can give."""
    classes = vars(errors).values()
    from_errors = {
        kind.exit_code
        for kind in classes
        if isinstance(kind, type) and issubclass(kind, errors.BatchRegisterError)
    }
    troubles = [
        RunCounts(),
        RunCounts(failed=1),
        RunCounts(unknown=1),
        RunCounts(deferred=1),
    ]
    from_outcomes = {
        exit_code(counts, reason, has_moved=has_moved)
        for counts in troubles
        for reason in (None, *StopReason)
        for has_moved in (True, False)
    }
    return from_errors | from_outcomes


def test_every_exit_code_is_in_the_table_and_no_other() -> None:
    table = section("Exit codes of `run`")
    cells = re.findall(r"^\| ([0-9, ]+) \|", table, re.MULTILINE)
    listed = {int(code) for cell in cells for code in cell.split(",")}
    assert listed == codes()


def test_every_exit_code_means_what_the_table_says() -> None:
    table = section("Exit codes of `run`")
    rows = re.findall(r"^\| ([0-9, ]+) \| (.*) \|$", table, re.MULTILINE)
    assert dict(rows) == by_meaning()


@pytest.mark.parametrize("word", [*EntryState, *Action])
def test_every_word_of_the_report_is_explained(word: str) -> None:
    assert f"`{word}`" in section("The report")


def fault_rows() -> dict[int, list[str]]:
    """Return the cells of each fault class in README."""
    rows = re.findall(
        r"^\| (\d+) \|(.*)\|$", section("What happens when..."), re.MULTILINE
    )
    return {
        int(number): [c.strip() for c in cells.split("|")] for number, cells in rows
    }


def test_every_fault_class_has_a_row_that_says_what_happens() -> None:
    rows = fault_rows()
    assert list(rows) == list(range(1, 43))
    assert all(len(cells) == 3 and all(cells) for cells in rows.values())


@pytest.mark.parametrize("number", range(1, 43))
def test_every_fault_class_names_a_test_that_shows_it(number: int) -> None:
    """Every name is that of a test which carries the class's mark."""
    _, _, named = fault_rows()[number]
    assert set(re.findall(r"`([^`]+)`", named)) - SHOWN_BY.get(number, set()) == set()
    assert named.count("`") == 2 * (named.count(",") + 1)


def test_no_test_shows_a_class_that_is_none() -> None:
    assert set(SHOWN_BY) <= set(range(1, 43))


def test_every_ledger_line_that_is_no_image_event_is_named() -> None:
    names = {
        notes.LEDGER_OPENED,
        notes.RUN_STARTED,
        notes.RUN_FINISHED,
        notes.CLOUD_OBSERVED,
        notes.ENTRY_DECLARED,
        notes.ENTRY_REMOVED,
        *notes.ORPHAN_EVENTS,
        *notes.UPLOAD_EVENTS,
    }
    assert {name for name in names if f"`{name}`" not in section("The ledger")} == set()


def test_every_package_has_its_floor_in_the_overview() -> None:
    package = ROOT / "batch_register"
    names = {path.stem for path in package.iterdir() if not path.stem.startswith("__")}
    missing = {
        name for name in names - {"py"} if f"`{name}`" not in section("How it works")
    }
    assert missing == set()


def test_nothing_that_git_keeps_names_this_machine() -> None:
    """Paths of one machine, and registries' hosts, have no place in the repository."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    pattern = re.compile("/" + "root/|/" + "home/[a-z]|python" + "hosted|pyp" + "i.org")
    named = [
        name
        for name in tracked
        if (ROOT / name).is_file() and pattern.search(_text(ROOT / name))
    ]
    assert named == []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _what_it_says() -> list[str]:
    rows = re.findall(r"^\| (`.*?) \|", section("Troubleshooting"), re.MULTILINE)
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("word", _what_it_says())
def test_what_troubleshooting_explains_is_what_the_tool_says(word: str) -> None:
    # Of the service's own codes only some are named in our source.
    source = "".join(path.read_text() for path in ROOT.glob("batch_register/**/*.py"))
    composed = {f"login.{kind}" for kind in FaultKind}
    is_said = re.search(rf"[\"' `(]{re.escape(word)}[\"' `),]", source) is not None
    assert is_said or word in composed


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"\]\((?!http|#)([^)]+)\)", TEXT)))
)
def test_what_readme_links_to_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("anchor", sorted(set(re.findall(r"\]\(#([^)]+)\)", TEXT))))
def test_where_readme_leads_inside_itself_is_a_heading(anchor: str) -> None:
    titles = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    # GitHub's rule: lower case, punctuation left out, blanks as hyphens.
    anchors = [
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles
    ]
    assert anchor in anchors
