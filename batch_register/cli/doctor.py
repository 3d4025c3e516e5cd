"""`doctor`: the flags of a check-up.

Decides: which settings a check-up heeds; its parts are loaded once it is really made,
so that help is quick.
"""

from __future__ import annotations

import click

from batch_register.cli.options import settings_options
from batch_register.cli.pages import Page
from batch_register.settings import ResolvedSettings

_OPTIONS = ("ledger", "cloud", "region", "settle_s", "output", "log_file", "log_level")


@click.command(
    "doctor",
    cls=Page,
    examples=(
        "doctor --cloud my-cloud",
        "doctor --cloud my-cloud --bucket wave-07",
        "doctor --cloud my-cloud --probe-write --output json",
    ),
)
@click.option(
    "--probe-write",
    "probes",
    is_flag=True,
    help=(
        "Make one tagged image without a file, see how lists show it, and delete it "
        "again, and what an earlier one left. Without it nothing is ever written."
    ),
)
@click.option(
    "--bucket",
    "buckets",
    metavar="NAME",
    multiple=True,
    help=(
        "Look at this bucket too: is it there, of which class, in which region, and may "
        "it be read. May be given several times."
    ),
)
@settings_options(*_OPTIONS)
def command(
    *, probes: bool, buckets: tuple[str, ...], resolved: ResolvedSettings
) -> int:
    """Check credentials, endpoints, clock, rights and limits.

    Only reads, unless --probe-write is given. Ends with 0 where runs can work, with 69
    where a service cannot be reached or fails, with 77 where it refuses, and with 2
    where the settings are wrong. With --ledger it tells what earlier runs have learned
    of the cloud, and --probe-write notes there by how much lists lag.
    """
    from batch_register.cli.examination import (  # noqa: PLC0415 - see above
        Request,
        examine,
    )

    return examine(resolved, Request(probes=probes, buckets=buckets))
