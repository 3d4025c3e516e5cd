"""`plan`: the flags of the forecast.

Decides: which settings a forecast heeds; its parts are loaded once it is really made,
so that help is quick.
"""

from __future__ import annotations

from pathlib import Path

import click

from batch_register.cli import candidates
from batch_register.cli.options import settings_options
from batch_register.cli.pages import Page
from batch_register.settings import ResolvedSettings

_OPTIONS = (
    "ledger",
    "cloud",
    "region",
    "simulate",
    "fault_script",
    "select",
    "shard",
    "retry_failed",
    "keep_failed",
    "preflight",
    "dask",
    "output",
    "log_file",
    "log_level",
)


@click.command(
    "plan",
    cls=Page,
    examples=(
        "plan wave.yaml --cloud my-cloud",
        'plan wave.yaml --cloud my-cloud --select "db-*"',
    ),
)
@click.argument(
    "manifest", type=click.Path(path_type=Path), shell_complete=candidates.manifests
)
@settings_options(*_OPTIONS)
def command(manifest: Path, resolved: ResolvedSettings) -> None:
    """Show what `run` would do to each entry, and why.

    Reads the manifest, the ledger and the cloud, and changes nothing.
    """
    from batch_register.cli.forecast import show_forecast  # noqa: PLC0415 - see above

    show_forecast(manifest, resolved)
