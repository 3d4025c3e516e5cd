"""`run`: the main job's flags.

Decides: nothing; the job's parts are loaded once it really runs, so that help is quick.
"""

from __future__ import annotations

from pathlib import Path

import click

from batch_register.cli import candidates
from batch_register.cli.options import settings_options
from batch_register.cli.pages import Page
from batch_register.settings import ResolvedSettings


@click.command(
    "run",
    cls=Page,
    examples=(
        "run wave.yaml --cloud my-cloud --report wave.html",
        "run wave.yaml --simulate",
        "run wave.yaml --cloud my-cloud --max-duration 6h --output quiet",
    ),
    epilog="Ends with 0 where all is active, 3 where entries failed, 4, 5 or 6 where some are left for the next run, 7 where another run is at work, 65 for a wrong manifest, 69 or 77 where the service cannot be used; `batch-register man` lists all codes.",
)
@click.argument(
    "manifest", type=click.Path(path_type=Path), shell_complete=candidates.manifests
)
@settings_options()
def command(manifest: Path, resolved: ResolvedSettings) -> int:
    """Register every image of MANIFEST that is not yet active.

    Run it again to go on where it stopped: what is active is skipped, what is under way
    is followed on, what failed is tried again.
    """
    from batch_register.cli.main_job import register_all  # noqa: PLC0415 - see above

    return register_all(manifest, resolved)
