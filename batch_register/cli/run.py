"""`run`: the main job's flags.

Decides: nothing; the job's parts are loaded once it really runs, so that help is quick.
"""

from __future__ import annotations

from pathlib import Path

import click

from batch_register.cli.options import settings_options
from batch_register.settings import ResolvedSettings


@click.command("run")
@click.argument("manifest", type=click.Path(path_type=Path))
@settings_options()
def command(manifest: Path, resolved: ResolvedSettings) -> int:
    """Register every image of MANIFEST that is not yet active.

    Run it again to go on where it stopped: what is active is skipped, what is under way
    is followed on, what failed is tried again.
    """
    from batch_register.cli.main_job import register_all  # noqa: PLC0415 - see above

    return register_all(manifest, resolved)
