"""The work behind `scan`: from a bucket or tables to a manifest that is written.

Decides: the order of the steps, and what is told beside the manifest. Must not know:
how a draft is made of what was found.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path

import click

from batch_register.cli import stdout
from batch_register.cli.console import log_plan
from batch_register.cli.display import Display
from batch_register.cli.new_file import require_free, write_new
from batch_register.cli.wanted_manifest import Wanted
from batch_register.errors import SettingsError
from batch_register.logs import configured
from batch_register.logs.redaction import redact_text
from batch_register.manifest import parse_manifest
from batch_register.scan.draft import Draft
from batch_register.scan.writing import TO_CHECK, manifest_text
from batch_register.settings import ResolvedSettings

_MOST_REASONS = 5


def scan(
    place: str | None,
    tables: tuple[Path, ...],
    wanted: Wanted,
    resolved: ResolvedSettings,
) -> None:
    """Write the manifest, and tell on standard error what it holds.

    Raises:
        SettingsError: the flags do not go together, or nothing is there to register.
        TableError: a table cannot be read.
        ServiceError: the bucket cannot be read; in a group.
    """
    _check(place, tables, wanted)
    if wanted.file is not None:
        require_free(wanted.file, may_replace=wanted.may_replace)
    display = Display.BAR if sys.stderr.isatty() else Display.NONE
    with configured(log_plan(resolved, display, sys.stderr, os.environ)):
        if place is None:
            draft = _draft_of_tables(tables, wanted, resolved)
        else:
            draft = _draft_of_bucket(place, wanted, resolved)
        _write(draft.masked(redact_text), wanted)


def _check(place: str | None, tables: tuple[Path, ...], wanted: Wanted) -> None:
    """Refuse flags that do not go together, and texts that no manifest takes."""
    if (place is None) == (not tables):
        message = "name either a bucket, obs://BUCKET/PREFIX, or tables with --csv"
        raise SettingsError(message, hint="see `batch-register scan --help`")
    if place is not None and wanted.for_tables_only:
        message = f"{', '.join(wanted.for_tables_only)}: for tables only"
        raise SettingsError(message, hint="leave it out, or give --csv")
    if wanted.file is not None and wanted.file.resolve() in map(Path.resolve, tables):
        message = f"{wanted.file}: is the table itself"
        raise SettingsError(message, hint="give -o another name")
    wanted.check()


def _draft_of_tables(
    tables: tuple[Path, ...], wanted: Wanted, resolved: ResolvedSettings
) -> Draft:
    # Here and not above: a bucket needs no reader of tables, nor the other way round.
    from batch_register.cli.scanned_tables import draft_of_tables  # noqa: PLC0415

    return draft_of_tables(tables, wanted, resolved.settings)


def _draft_of_bucket(place: str, wanted: Wanted, resolved: ResolvedSettings) -> Draft:
    from batch_register.cli.scanned_bucket import draft_of_bucket  # noqa: PLC0415 - see above

    return asyncio.run(draft_of_bucket(place, wanted, resolved.settings))


def _write(draft: Draft, wanted: Wanted) -> None:
    """Write the manifest and tell what it holds.

    Raises:
        SettingsError: there is nothing to register, or the file cannot be written.
    """
    if not draft.ready:
        raise _nothing(draft)
    text = manifest_text(draft)
    # A manifest that `run` would refuse is never handed out.
    parse_manifest(text.encode(), path=str(wanted.file or "the manifest"))
    if wanted.file is None:
        stdout.write(text)
    else:
        write_new(wanted.file, text, may_replace=wanted.may_replace)
    click.echo(_summary(draft, wanted.file), err=True)


def _nothing(draft: Draft) -> SettingsError:
    reasons = Counter(
        [image.held_back for image in draft.held_back]
        + [each.why for each in draft.left_out]
    )
    told = [
        f"{count} x {why}" if count > 1 else why
        for why, count in reasons.most_common(_MOST_REASONS)
    ]
    if not told:
        message = f"{draft.origin}: holds nothing at all"
        return SettingsError(message, hint="look at its name, and at the prefix")
    message = "\n".join([f"{draft.origin}: holds no image to register", *told])
    hint = "mend this, or look at the bucket's name and prefix"
    if draft.held_back:
        hint = "complete the flags, such as --os-version or --bucket"
    return SettingsError(message, hint=hint)


def _summary(draft: Draft, file: Path | None) -> str:
    count = len(draft.ready)
    told = [f"{count} image{'' if count == 1 else 's'}"]
    if draft.unsure_count:
        lines = "line" if draft.unsure_count == 1 else "lines"
        told.append(f'{draft.unsure_count} {lines} marked "{TO_CHECK}"')
    if draft.held_back:
        told.append(f"{len(draft.held_back)} held back")
    if draft.left_out:
        told.append(f"{len(draft.left_out)} left out")
    where = "" if file is None else f"{file}: "
    return where + ", ".join(told)
