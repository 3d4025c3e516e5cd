"""The group: every command by name, and nothing imported before it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import click
import pytest
from click.shell_completion import ShellComplete

from batch_register import __version__
from batch_register.cli import COMMANDS, GROUP, PROGRAM, ErrorStyle
from batch_register.settings import SETTINGS

HEAVY = {"aiohttp", "asyncio", "pydantic", "rich", "structlog", "yaml"}

_LIST_MODULES = """
import json, sys
sys.argv = json.loads({arguments!r})
from batch_register.__main__ import main
code = main()
sys.stderr.write(json.dumps(sorted(sys.modules)))
sys.exit(code)
"""


def modules_after(*arguments: str) -> tuple[str, set[str]]:
    """Return what a command line printed and which modules it imported."""
    script = _LIST_MODULES.format(arguments=json.dumps([PROGRAM, *arguments]))
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return ended.stdout, set(json.loads(ended.stderr))


# ------------------------------------------------------------ start-up


def test_version_imports_nothing_of_ours_but_the_version() -> None:
    printed, modules = modules_after("--version")
    assert printed == f"batch-register {__version__}\n"
    assert {name for name in modules if name.startswith("batch_register")} == {
        "batch_register",
        "batch_register.__main__",
    }
    assert "click" not in modules


def test_help_imports_no_command_and_no_heavy_library() -> None:
    printed, modules = modules_after("--help")
    assert printed.startswith("Usage: batch-register [OPTIONS] COMMAND [ARGS]...")
    assert not HEAVY & modules
    assert {name for name in modules if name.startswith("batch_register")} == {
        "batch_register",
        "batch_register.__main__",
        "batch_register.cli",
    }


# ------------------------------------------------------------ names


def test_help_lists_every_command_in_order(invoke) -> None:
    ended = invoke("--help")
    listed = ended.out.partition("Commands:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in listed.splitlines()] == list(COMMANDS)
    assert ended.code == 0


def test_no_commands_line_is_cut_in_a_terminal_of_80_columns(invoke) -> None:
    listed = invoke("--help").out.partition("Commands:\n")[2].partition("\n\n")[0]
    told = [" ".join(line.split()[1:]) for line in listed.splitlines()]
    assert told == list(COMMANDS.values())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_line_in_the_table_is_its_own(name: str) -> None:
    command = import_module(f"batch_register.cli.{name}").command
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.get_short_help_str(limit=200).removesuffix(".") == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(invoke, name: str) -> None:
    ended = invoke(name, "-h")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: batch-register {name} ")


def test_every_setting_has_the_variable_that_help_promises(invoke) -> None:
    assert "BATCH_REGISTER_<SETTING>" in invoke("--help").out
    for setting in SETTINGS:
        assert setting.env == f"BATCH_REGISTER_{setting.name.upper()}"
    listed = [line.split()[0] for line in invoke("config").out.splitlines()]
    assert listed == [setting.name for setting in SETTINGS]


def test_a_version_anywhere_before_the_command_is_answered(invoke) -> None:
    assert invoke("--version", "run").out == f"batch-register {__version__}\n"


def test_a_mistyped_command_is_a_usage_error_with_advice(invoke) -> None:
    ended = invoke("validat")
    assert ended.code == 2
    assert "Did you mean 'validate'?" in ended.err


def test_no_command_shows_the_help_as_a_usage_error(invoke) -> None:
    ended = invoke()
    assert ended.code == 2
    assert "Commands:" in ended.err
    assert "error" not in ended.err.lower().replace("errors", "")


def test_completion_knows_the_commands_and_their_flags() -> None:
    completion = ShellComplete(GROUP, {}, PROGRAM, "_BATCH_REGISTER_COMPLETE")
    assert [item.value for item in completion.get_completions([], "s")] == [
        "scan",
        "schema",
        "simulator",
    ]
    flags = completion.get_completions(["config"], "--poll")
    assert [item.value for item in flags] == ["--poll-interval"]
    assert completion.get_completions(["nonsense"], "--poll") == []


# ------------------------------------------------------------ style of errors


@pytest.mark.parametrize(
    ("arguments", "environ", "as_json", "with_traceback"),
    [
        (["run", "m.yaml"], {}, False, False),
        (["run", "--output", "json"], {}, True, False),
        (["run", "--output=JSON", "--log-level=debug"], {}, True, True),
        (["run", "--output"], {}, False, False),
        (["run"], {"BATCH_REGISTER_OUTPUT": "json"}, True, False),
        (["run", "--output=table"], {"BATCH_REGISTER_OUTPUT": "json"}, False, False),
        (["run"], {"BATCH_REGISTER_LOG_LEVEL": "debug"}, False, True),
    ],
)
def test_the_style_of_errors_is_read_before_anything_is_parsed(
    arguments: list[str],
    environ: dict[str, str],
    *,
    as_json: bool,
    with_traceback: bool,
) -> None:
    style = ErrorStyle.guess(arguments, environ)
    assert (style.as_json, style.with_traceback) == (as_json, with_traceback)
