"""A file that a command makes: whole or not at all, and never in another one's place.

Decides: what may be replaced. Must not know: what is written.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from batch_register.errors import SettingsError
from batch_register.ledger import is_ledger


def require_free(path: Path, *, may_replace: bool) -> None:
    """Refuse a place that is taken, before any work is done for it.

    Raises:
        SettingsError: something is there that may not be replaced.
    """
    if not path.exists() and not path.is_symlink():  # a link to nothing takes a place
        return
    if path.is_file() and is_ledger(path):
        message = f"{path}: is a ledger"
        raise SettingsError(message, hint="give -o another name")
    if not may_replace:
        message = f"{path}: is there already"
        raise SettingsError(message, hint="give -o another name, or add --force")
    if not path.is_file():
        message = f"{path}: is no file that could be replaced"
        raise SettingsError(message, hint="give -o the name of a file")


def write_new(path: Path, text: str, *, may_replace: bool) -> None:
    """Write a file so that a reader sees all of it or nothing.

    Raises:
        SettingsError: it cannot be written, or its place is taken.
    """
    require_free(path, may_replace=may_replace)
    place = path.resolve()
    part = place.with_name(f".{place.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        try:
            with part.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror or error}"
        raise SettingsError(message, hint="give -o another place") from error
