"""Help pages and the manual page: they fit, explain everything, and are well formed."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime
from importlib import import_module

import click
import pytest

from batch_register.cli import COMMANDS, GROUP
from batch_register.cli.manual import manual_page
from batch_register.cli.pages import Page, options_by_purpose
from batch_register.settings import SETTINGS

SECTIONS = [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "COMMANDS",
    "OPTIONS",
    "EXIT STATUS",
    "FILES",
    "ENVIRONMENT",
    "EXAMPLES",
]


def page_of(name: str) -> Page:
    command = import_module(f"batch_register.cli.{name}").command
    assert isinstance(command, Page)
    return command


def the_manual() -> str:
    pages = [page_of(name) for name in COMMANDS]
    date = datetime(2026, 3, 1, tzinfo=UTC)
    return manual_page(GROUP, pages, version="1.2.3", date=date)


# ------------------------------------------------------------ help


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)])
def test_help_fits_eighty_columns(invoke, arguments: list[str]) -> None:
    lines = invoke(*arguments, "--help").out.splitlines()
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_and_stands_once(invoke, name: str) -> None:
    text = invoke(name, "--help").out
    options = [p for p in page_of(name).params if isinstance(p, click.Option)]
    assert [option.name for option in options if not option.help] == []
    for option in options:
        spelling = re.escape(max(option.opts, key=len))
        assert len(re.findall(rf"^  .*?{spelling}\b(?!-)", text, re.MULTILINE)) >= 1
    assert text.count("-h, --help") == 1


def test_the_options_of_run_stand_by_purpose() -> None:
    page = page_of("run")
    ctx = click.Context(page, help_option_names=["-h", "--help"])
    grouped = options_by_purpose(page, ctx)
    assert [*grouped] == ["Cloud", "Images", "Pace", "Files", "Output", "General"]
    names = [option.name for options in grouped.values() for option in options]
    assert len(names) == len(SETTINGS) + 2  # --config and --help


def test_few_options_need_no_headings() -> None:
    page = page_of("schema")
    assert [*options_by_purpose(page, click.Context(page))] == ["Options"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_is_a_command_line_that_parses(name: str) -> None:
    page = page_of(name)
    assert page.examples
    for example in page.examples:
        program, command, *rest = (
            example.partition(" > ")[0].partition(" | ")[0].split()
        )
        assert (program, command) == ("batch-register", name)
        page.make_context(name, rest)  # raises a UsageError where it does not


# ------------------------------------------------------------ the manual


def test_the_manual_has_the_usual_sections_and_every_command() -> None:
    text = the_manual()
    assert re.findall(r'^\.SH "(.*)"$', text, re.MULTILINE) == SECTIONS
    commands = re.findall(r'^\.SS "(\w+)', text, re.MULTILINE)
    assert commands == list(COMMANDS)
    assert 'BATCH-REGISTER 1 2026-03-01 "batch-register 1.2.3"' in text


def test_the_manual_names_every_flag_of_run() -> None:
    text = the_manual().replace("\\-", "-")
    assert [each.flag for each in SETTINGS if f"\n.B {each.flag}" not in text] == []


def test_every_line_is_a_known_request_or_text_that_roff_leaves_alone() -> None:
    for line in the_manual().splitlines():
        if line.startswith("."):
            assert line.split()[0] in {
                *(".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".br", ".nf", ".fi"),
            }
        assert re.search(r"\\(?!-|e|&|\(dq)", line) is None


def test_a_text_cannot_become_a_request() -> None:
    page = Page("x", help=".so /etc/passwd\n\n'br \\fB", examples=(".x",))
    text = manual_page(
        GROUP, [page], version="1", date=datetime(2026, 3, 1, tzinfo=UTC)
    )
    assert "\n\\&.so /etc/passwd\n" in text
    assert "\n\\&'br \\efB\n" in text


@pytest.mark.parametrize(
    "command", [["groff", "-man", "-ww", "-Tutf8"], ["mandoc", "-Tlint", "-Wwarning"]]
)
def test_the_tools_that_read_manuals_have_no_complaint(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]} here")
    read = subprocess.run(
        command, input=the_manual(), capture_output=True, text=True, check=False
    )
    complaints = read.stderr + (read.stdout if command[0] == "mandoc" else "")
    assert (read.returncode, complaints) == (0, "")


def test_the_manual_is_the_same_for_the_same_date(invoke) -> None:
    pages = {invoke("man", SOURCE_DATE_EPOCH="86400").out for _ in range(2)}
    assert len(pages) == 1
    assert " 1970-01-02 " in pages.pop()
    this_year = str(datetime.now(UTC).year)
    for wrong in ("", "soon", "9" * 30):
        assert this_year in invoke("man", SOURCE_DATE_EPOCH=wrong).out
