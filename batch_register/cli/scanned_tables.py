"""Tables to the draft of a manifest.

Decides: which files are read, and whose limits hold where no cloud is asked. Must not
know: what a row comes to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from batch_register.cli.connection import named_profile
from batch_register.cli.wanted_manifest import (
    Wanted,
    defaults_of,
    wish_warnings,
    wishes_for,
)
from batch_register.errors import SettingsError
from batch_register.ims.profile import GENERIC
from batch_register.scan import from_table
from batch_register.scan.cells import MAX_BYTES, Table, TableError, read_table
from batch_register.scan.columns import Columns, Field, chosen_columns, columns_of
from batch_register.scan.draft import Draft
from batch_register.scan.from_table import Places, checked_pattern
from batch_register.scan.machines import inventory
from batch_register.settings import Settings

_NO_CLOUD = (
    "no cloud was named, so every min_disk is at least 40; --cloud tells its own least"
)
_TABLES_NAME = (
    "the manifest has the table's name, and no other manifest may have it; -o or --name "
    "gives another"
)


def draft_of_tables(
    paths: tuple[Path, ...], wanted: Wanted, settings: Settings
) -> Draft:
    """Return the draft of a manifest of the machines in CSV files.

    Raises:
        SettingsError: a file cannot be read, or a flag does not fit the tables.
        TableError: a table cannot be read.
    """
    places = Places(
        object=checked_pattern("--object", wanted.object_pattern),
        source=checked_pattern("--source", wanted.source_pattern),
    )
    chosen = chosen_columns(wanted.chosen)
    tables = [_table(path) for path in paths]
    _require_columns(tables, chosen)
    sheets = [(table, columns_of(table, chosen)) for table in tables]
    found = inventory(sheets)
    name = settings.cloud or os.environ.get("OS_CLOUD")
    wishes = wishes_for(
        GENERIC if name is None else named_profile(name), wanted, wanted.bucket
    )
    return Draft(
        name=wanted.name_or(paths[0].stem),
        origin="; ".join(_read_of(table, columns) for table, columns in sheets),
        defaults=defaults_of(wishes),
        images=from_table.images_of(found.machines, places, wishes),
        left_out=found.left_out,
        warnings=(
            *wish_warnings(wishes),
            *_warnings(wanted, tables, has_cloud=name is not None),
        ),
    )


def _read_of(table: Table, columns: Columns) -> str:
    """Return a table's name, and which of its columns were read."""
    read = {one.number: one.title for some in columns.values() for one in some}
    titles = ", ".join(f'"{title}"' for _, title in sorted(read.items()))
    return f"{Path(table.source).name}, columns {titles}"


def _warnings(wanted: Wanted, tables: list[Table], *, has_cloud: bool) -> Iterator[str]:
    if not has_cloud:
        yield _NO_CLOUD
    if wanted.name is None and wanted.file is None:  # every export is called vInfo
        yield _TABLES_NAME
    for table in tables:
        if table.is_guessed:
            yield (
                f"{Path(table.source).name} is no UTF-8 and was read in Windows' Western "
                "code page: look at names with other letters than a to z"
            )


def _table(path: Path) -> Table:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise SettingsError(message, hint="check the path and its rights") from error
    return read_table(data, str(path))


def _require_columns(tables: list[Table], chosen: Mapping[Field, str]) -> None:
    """Refuse a --map whose column is in none of the tables."""
    there = {title.strip().casefold() for table in tables for title in table.titles}
    for field, title in chosen.items():
        if title.casefold() not in there:
            message = f'no column "{title}", which --map {field}={title} names'
            raise TableError(tables[0].source, message)
