"""`reconcile`: the flags of the comparison.

Decides: which flags there are, and that a deletion needs somebody to agree; its parts
are loaded once it really compares, so that help is quick.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from batch_register.cli import candidates
from batch_register.cli.options import settings_options
from batch_register.cli.pages import Page
from batch_register.errors import SettingsError
from batch_register.settings import ResolvedSettings
from batch_register.settings.values import duration

_OPTIONS = ("cloud", "region", "output", "log_file", "log_level")


def _seconds(_ctx: click.Context, _param: click.Parameter, text: str) -> float:
    try:
        seconds = duration(may_be_zero=False)(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return float(str(seconds))


@click.command(
    "reconcile",
    cls=Page,
    examples=(
        "reconcile wave.yaml --cloud my-cloud",
        "reconcile wave.yaml --cloud my-cloud --delete-orphans",
    ),
)
@click.argument(
    "manifest", type=click.Path(path_type=Path), shell_complete=candidates.manifests
)
@click.option(
    "--ledger",
    "ledgers",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    shell_complete=candidates.ledgers,
    help=(
        "Ledger to compare with; left out, the run's own. Given several times (shards), "
        "each protects what it names, and only the first is written to. When deleting, "
        "the run's own protects too, named or not."
    ),
)
@click.option(
    "--delete-orphans",
    is_flag=True,
    help=(
        "Delete images that carry our tags and that no given ledger names, and give "
        "uploads up that no run goes on with, under all conditions that README lists; "
        "asks first. Without it nothing is ever deleted."
    ),
)
@click.option(
    "--orphan-age",
    "orphan_age_s",
    metavar="DURATION",
    default="24h",
    show_default=True,
    callback=_seconds,
    help=(
        "Delete only orphans and uploads that are older than this, by the cloud's own clock; never "
        "less than the image deadline (1h, unless the settings say otherwise)."
    ),
)
@click.option(
    "--yes", "is_agreed", is_flag=True, help="Delete without asking; for schedulers."
)
@settings_options(*_OPTIONS)
def command(
    *,
    manifest: Path,
    ledgers: tuple[Path, ...],
    delete_orphans: bool,
    orphan_age_s: float,
    is_agreed: bool,
    resolved: ResolvedSettings,
) -> int:
    """Compare ledger and cloud: orphans, duplicates, drift.

    Entries whose image has ended since the last run are written to the ledger; its
    lock is held meanwhile, so that no run comes between. All else is only shown, also
    uploads that no run goes on with.
    """
    if delete_orphans and not is_agreed and not _can_ask():
        message = "nobody can be asked whether the orphans may be deleted"
        raise SettingsError(message, hint="add --yes, or start it in a terminal")
    from batch_register.cli.reconciliation import (  # noqa: PLC0415 - see above
        Request,
        reconcile_all,
    )

    request = Request(
        manifest=manifest,
        ledgers=ledgers,
        deletes=delete_orphans,
        age_s=orphan_age_s,
        is_agreed=is_agreed,
    )
    return reconcile_all(request, resolved)


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
