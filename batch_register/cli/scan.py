"""`scan`: the flags of writing a manifest.

Decides: which there are; the parts are loaded once something is really scanned, so that
help is quick.
"""

from __future__ import annotations

from pathlib import Path

import click

from batch_register.cli.options import settings_options
from batch_register.cli.pages import Page
from batch_register.settings import ResolvedSettings

_OPTIONS = ("cloud", "region", "log_file", "log_level")


@click.command(
    "scan",
    cls=Page,
    examples=(
        "scan obs://my-bucket/wave-07/ --cloud my-cloud -o wave-07.yaml",
        "scan --csv vInfo.csv --csv vDisk.csv --bucket b-1 -o wave.yaml",
        "scan --csv list.csv --map name=Server --bucket b-1 -o wave.yaml",
    ),
)
@click.argument("place", metavar="[obs://BUCKET/PREFIX]", required=False)
@click.option(
    "--csv",
    "tables",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A table in place of a bucket: RVTools vInfo and vDisk, or one of your own.",
)
@click.option(
    "-o",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write to FILE instead of standard output.",
)
@click.option("--force", is_flag=True, help="Let -o replace a file that is there.")
@click.option("--name", metavar="NAME", help="The manifest's name.")
@click.option(
    "--os-version",
    metavar="TEXT",
    help="Operating system of every image that does not tell its own.",
)
@click.option("--bucket", metavar="NAME", help="Bucket of a table's files.")
@click.option(
    "--object",
    "object_pattern",
    metavar="PATTERN",
    help='Key of a table\'s files, such as "disks/{vm}.qcow2".',
)
@click.option(
    "--source",
    "source_pattern",
    metavar="PATTERN",
    help='Local files to upload first, such as "./disks/{vm}.vmdk".',
)
@click.option(
    "--map",
    "chosen",
    metavar="FIELD=COLUMN",
    multiple=True,
    help="Which column of a table holds a field; may be given several times.",
)
@settings_options(*_OPTIONS)
def command(  # noqa: PLR0913 - as many as there are flags
    *,
    place: str | None,
    tables: tuple[Path, ...],
    file: Path | None,
    force: bool,
    name: str | None,
    os_version: str | None,
    bucket: str | None,
    object_pattern: str | None,
    source_pattern: str | None,
    chosen: tuple[str, ...],
    resolved: ResolvedSettings,
) -> None:
    """Write a manifest from a bucket, or from a table of machines.

    Of a bucket, every object's header is read (at most 64 KiB): format and virtual size
    are in the manifest, what is no disk image is named at its end. What is not certain
    has the comment "TODO check".
    """
    from batch_register.cli.scanning import scan  # noqa: PLC0415 - see above
    from batch_register.cli.wanted_manifest import Wanted  # noqa: PLC0415

    wanted = Wanted(
        file=file,
        may_replace=force,
        name=name,
        os_version=os_version,
        bucket=bucket,
        object_pattern=object_pattern,
        source_pattern=source_pattern,
        chosen=chosen,
    )
    scan(place, tables, wanted, resolved)
