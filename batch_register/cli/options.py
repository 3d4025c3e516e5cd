"""Draws up the flags of a command from the one table of settings.

Decides: how a setting looks as a flag. Must not know: what a setting means; flags stay
text here, so that a flag and a variable are read by the same rules.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from batch_register.cli import ErrorStyle, candidates
from batch_register.settings import (
    CONFIG_ENV,
    SETTINGS,
    Kind,
    LogLevel,
    Output,
    ResolvedSettings,
    Setting,
    Settings,
)

Result = TypeVar("Result")

_CANDIDATES: dict[str, candidates.Complete] = {
    "cloud": candidates.clouds,
    "fault_script": candidates.manifests,
    "ledger": candidates.ledgers,
}


def settings_options(
    *names: str,
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Give a command the flags of these settings (all, where none is named).

    The command receives `resolved`, a ResolvedSettings. `--config FILE` comes with it.
    """
    chosen = [each for each in SETTINGS if not names or each.field_name in names]

    def decorate(command: Callable[..., Result]) -> Callable[..., Result]:
        @functools.wraps(command)
        def with_settings(*args: object, **given: object) -> Result:
            flags = {each.field_name: given.pop(each.field_name) for each in chosen}
            resolved = _resolve(flags, given.pop("config_file"))
            return command(*args, resolved=resolved, **given)

        decorated: Callable[..., Result] = click.option(
            "--config",
            "config_file",
            metavar="FILE",
            type=click.Path(),
            shell_complete=candidates.manifests,
            help="Settings file (YAML); flags and environment win over it.",
        )(with_settings)
        for setting in reversed(chosen):
            decorated = _option(setting)(decorated)
        return decorated

    return decorate


def _resolve(flags: dict[str, object], config_file: object) -> ResolvedSettings:
    named = config_file or os.environ.get(CONFIG_ENV)
    resolved = Settings.resolve(flags, os.environ, Path(str(named)) if named else None)
    style = click.get_current_context().find_root().obj
    if isinstance(style, ErrorStyle):
        style.as_json = resolved.settings.output is Output.JSON
        style.with_traceback = resolved.settings.log_level is LogLevel.DEBUG
    return resolved


def _option(
    setting: Setting,
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    spelling = setting.flag
    value_type: click.ParamType[str] | None = click.STRING
    match setting.kind:
        case Kind.SWITCH:
            spelling = f"{spelling}/--no-{spelling.removeprefix('--')}"
            value_type = None
        case Kind.CHOICE:
            value_type = click.Choice(setting.choices, case_sensitive=False)
        case Kind.FILE:
            value_type = click.Path()
        case Kind.TEXT | Kind.DURATION | Kind.LIST:
            pass
    return click.option(
        spelling,
        setting.field_name,
        type=value_type,
        default=None,
        multiple=setting.kind is Kind.LIST,
        metavar=setting.metavar or None,
        help=_help(setting),
        shell_complete=_CANDIDATES.get(setting.field_name),
    )


def _help(setting: Setting) -> str:
    """Return the help with the default, and with a rehearsal's where it differs."""
    if setting.default in (None, ()):
        return setting.help
    default = setting.format(setting.default)
    if setting.rehearsal is not None:
        default += f"; with --simulate {setting.format(setting.rehearsal)}"
    return f"{setting.help} [default: {default}]"
