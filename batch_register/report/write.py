"""Reports on disk: the form by suffix, the whole file or none.

Decides: which suffix means which form, how a file is replaced, that a page reads the
ledgers once more. Must not know: what a report holds. The only module of the package
that touches a disk.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

import aiofiles

from batch_register.errors import SettingsError
from batch_register.ledger import read_lines
from batch_register.report import (
    csv_form,
    joblog_form,
    json_form,
    junit_form,
    markdown_form,
    table_form,
)
from batch_register.report.chronicle import chronicle_of
from batch_register.report.rows import Report

Pieces: TypeAlias = Callable[[Report], Iterable[str]]


def _page(report: Report) -> Iterable[str]:
    """Return the page's text; the ledgers tell what rows do not: when what happened."""
    # Here and not above: jinja2 is imported only where a page is made.
    from batch_register.report.html import page  # noqa: PLC0415

    ledgers = ((one.run_id, read_lines(Path(one.path))) for one in report.origins)
    return page.pieces(
        report, chronicle_of(report, ledgers), rendered_at=datetime.now(UTC)
    )


# Each form as the pieces of its text; the long ones are never held as a whole.
FORMS: dict[str, Pieces] = {
    "table": lambda report: (table_form.render(report),),
    "json": json_form.pieces,
    "csv": csv_form.pieces,
    "markdown": lambda report: (markdown_form.render(report),),
    "html": _page,
    "junit": junit_form.pieces,
    "joblog": joblog_form.pieces,
}
SUFFIXES: dict[str, str] = {
    ".html": "html",
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".xml": "junit",
    ".joblog": "joblog",
}


def form_for(path: Path) -> str:
    """Return the name of the form that a file's suffix stands for.

    Raises:
        SettingsError: no form has this suffix.
    """
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        message = f"{path}: no report form has the suffix {path.suffix!r}"
        raise SettingsError(message, hint=f"use one of {', '.join(sorted(SUFFIXES))}")
    return form


async def write_report(report: Report, path: Path) -> None:
    """Write the report in the form that the suffix stands for.

    Raises:
        SettingsError: no form has this suffix, or the file cannot be written.
    """
    await write_text(FORMS[form_for(path)](report), path)


async def write_text(
    text: Iterable[str], path: Path, *, mode_bits: int | None = None
) -> None:
    """Replace the file by the text's pieces, so that a reader sees the old or the new whole.

    Something other than a regular file, such as a pipe, is written into. `mode_bits`: who
    may read the new file, whatever the umask; left out, the umask decides.

    Raises:
        SettingsError: the file cannot be written.
    """
    try:
        place = await asyncio.to_thread(_replaceable, path)
        if place is None:
            await _write(text, path, "w")
        else:
            await _replace(text, place, mode_bits)
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror or error}"
        hint = "write it again from the ledger with the report command"
        raise SettingsError(message, hint=hint) from error


def _replaceable(path: Path) -> Path | None:
    """Return the file behind any links, None for a pipe or a device."""
    if path.exists() and not path.is_file():
        return None
    try:
        return path.resolve()
    except RuntimeError as error:  # Python 3.11's word for links in a circle
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error


async def _replace(text: Iterable[str], path: Path, mode_bits: int | None) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        await _write(text, part, "x", is_synced=True)
        if mode_bits is not None:
            await asyncio.to_thread(part.chmod, mode_bits)
        await asyncio.to_thread(part.replace, path)
    finally:
        part.unlink(missing_ok=True)


async def _write(
    text: Iterable[str], path: Path, mode: Literal["w", "x"], *, is_synced: bool = False
) -> None:
    async with aiofiles.open(path, mode, encoding="utf-8", newline="") as file:
        for piece in text:
            await file.write(piece)
        await file.flush()
        if is_synced:
            await asyncio.to_thread(os.fsync, file.fileno())
