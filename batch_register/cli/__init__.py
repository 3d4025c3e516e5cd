"""The command line: which commands there are, and where every error ends up.

Decides: names, one-line helps, and that a command's module is imported only when it is
used. Must not know: what a command does. A command is a click command named `command`
in a module of this package; it returns its exit code, or None for 0.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path

import click

from batch_register import __version__

PROGRAM = "batch-register"

# A command's module is named like the command; the lines are the commands' own.
COMMANDS = {
    "run": "Register every image of MANIFEST that is not yet active",
    "validate": "Check MANIFEST without any cloud, and name every mistake",
    "plan": "Show what `run` would do to each entry, and why",
    "report": "Show what became of every image, from LEDGER alone",
    "history": "Tell everything that LEDGER holds about the entry KEY",
    "reconcile": "Compare ledger and cloud: orphans, duplicates, drift",
    "doctor": "Check credentials, endpoints, clock, rights and limits",
    "scan": "Write a manifest from a bucket, or from a table of machines",
    "schema": "Print the JSON Schema of a document, for editors and checks",
    "config": "Show the settings in force, and where each came from",
    "simulator": "Serve a simulated cloud on 127.0.0.1 until interrupted",
    "completion": "Print the script that makes SHELL complete commands",
    "man": "Print the manual page",
}


class ErrorStyle:
    """How an error is to be shown; a command sharpens it once it knows its settings."""

    def __init__(self, *, as_json: bool = False, with_traceback: bool = False) -> None:
        self.as_json = as_json
        self.with_traceback = with_traceback

    @classmethod
    def guess(cls, arguments: Sequence[str], environ: Mapping[str, str]) -> ErrorStyle:
        """Read the style off raw arguments and environment: parsing may fail."""
        return cls(
            as_json=_given("output", arguments, environ) == "json",
            with_traceback=_given("log-level", arguments, environ) == "debug",
        )


class StdoutClosedError(Exception):
    """A pipe broke; click would end quietly with 1, which means a bug here."""


class LazyGroup(click.Group):
    """A group that lists its commands from a table and imports the one that is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Return the names in the table's order, the main job first."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Replace the table's placeholder by the command itself."""
        name, placeholder, rest = super().resolve_command(ctx, args)
        if name is None or placeholder is None:
            return name, placeholder, rest
        module = import_module(f"batch_register.cli.{name}")
        command: click.Command = module.command
        return name, command, rest

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; keep a broken pipe from click, which hides its meaning."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise StdoutClosedError from error


GROUP = LazyGroup(
    name=PROGRAM,
    help="Register whole batches of virtual-machine images: never twice, never lost.",
    epilog=(
        "Every setting of run (see config) can also be set as BATCH_REGISTER_<SETTING>."
    ),
    commands={name: click.Command(name, help=line) for name, line in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=lambda ctx, _param, is_asked: _show_version(
                ctx, is_asked=is_asked
            ),
            help="Show the version and exit.",
        )
    ],
)


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; no error leaves."""
    _open_missing_streams()
    _escape_what_does_not_fit()
    style = ErrorStyle.guess(arguments, os.environ)
    try:
        result = GROUP.main(
            list(arguments), prog_name=PROGRAM, standalone_mode=False, obj=style
        )
        sys.stdout.flush()
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - the last resort
        # Here and not above: a command line that succeeds needs none of it.
        from batch_register.cli.failures import present  # noqa: PLC0415

        return present(error, style)
    _give_up_lost_stderr()
    return result if isinstance(result, int) else 0


def _open_missing_streams() -> None:
    """Give a process that was started without standard streams ones that lead nowhere.

    Otherwise the next file that is opened would take their number, and get their text.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - for good


def _escape_what_does_not_fit() -> None:
    """Let no word of a service end a command because the output is not in UTF-8.

    Standard error does so of itself.
    """
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _give_up_lost_stderr() -> None:
    """Let no log line that found no place change the exit code.

    Python flushes the stream once more on its way out, and would end with code 120.
    """
    try:
        sys.stderr.flush()
    except OSError:
        # Here and not above: a stream that works needs none of it.
        from batch_register.cli.stdout import take_out_of_use  # noqa: PLC0415

        take_out_of_use(sys.stderr)


def _show_version(ctx: click.Context, *, is_asked: bool) -> None:
    if is_asked:
        click.echo(f"{PROGRAM} {__version__}")
        ctx.exit()


def _given(name: str, arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return what arguments or environment say of a setting, without parsing."""
    flag = f"--{name}"
    for position, argument in enumerate(arguments):
        if argument == flag:
            return "".join(arguments[position + 1 : position + 2]).lower()
        if argument.startswith(f"{flag}="):
            return argument.partition("=")[2].lower()
    variable = f"BATCH_REGISTER_{name.replace('-', '_').upper()}"
    return environ.get(variable, "").lower()
