"""`config`: the settings in force, each with its source.

Decides: how they are shown. Must not know: which settings there are.
"""

from __future__ import annotations

import click

from batch_register.cli import stdout
from batch_register.cli.options import settings_options
from batch_register.cli.pages import Page
from batch_register.logs.redaction import redact_text
from batch_register.settings import SETTINGS, Output, ResolvedSettings


@click.command(
    "config",
    cls=Page,
    examples=(
        "config",
        "config --config night.yaml --output json",
    ),
)
@settings_options()
def command(resolved: ResolvedSettings) -> None:
    """Show the settings in force, and where each came from.

    Takes every flag that `run` takes. Of an address to notify only the host is shown;
    what looks like a secret elsewhere is masked all the same.
    """
    if resolved.settings.output is Output.JSON:
        stdout.write_json(_document(resolved))
    else:
        stdout.write(_table(resolved))
    for name in resolved.unknown_variables:
        click.echo(f"note: no setting reads {name}", err=True)


def _document(resolved: ResolvedSettings) -> dict[str, object]:
    return {
        "version": 1,
        "settings": {
            setting.name: {
                "value": _plain(getattr(resolved.settings, setting.field_name)),
                "source": str(resolved.origins[setting.field_name].source),
                "place": resolved.origins[setting.field_name].place,
            }
            for setting in SETTINGS
        },
    }


def _plain(value: object) -> object:
    """Return a value as JSON knows it; durations are seconds."""
    match value:
        case None | bool() | int() | float():
            return value
        case tuple():
            return [_plain(part) for part in value]
        case _:
            return redact_text(str(value))


def _table(resolved: ResolvedSettings) -> str:
    rows = [
        (
            setting.name,
            redact_text(setting.format(getattr(resolved.settings, setting.field_name))),
            str(resolved.origins[setting.field_name]),
        )
        for setting in SETTINGS
    ]
    name_width = max(len(name) for name, _, _ in rows)
    value_width = max(len(value) for _, value, _ in rows)
    return "".join(
        f"{name:<{name_width}}  {value:<{value_width}}  {origin}\n"
        for name, value, origin in rows
    )
