"""The files that a manifest names for upload: which of them this machine lacks.

Decides: which files are looked for, and how what is missing is told. It is no mistake of
the manifest: a check may be made on a machine that holds no disks.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from batch_register.errors import ManifestProblem
from batch_register.model import Manifest
from batch_register.report.plain import printable

_MOST_SHOWN = 10


def missing_files(manifest: Manifest) -> list[ManifestProblem]:
    """Return a note for each file that a run from this machine could not read.

    A file that lies near certain workers (`source_host`, `source_resource`) is not
    looked for.
    """
    return [
        ManifestProblem(
            line=spec.line,
            column=1,
            message=f"source: {spec.source.path} {why}",
            entry=spec.key,
        )
        for spec in manifest.images
        if spec.source is not None
        and not (spec.source.host or spec.source.resource)
        and (why := _why_unreadable(spec.source.path))
    ]


def _why_unreadable(path: str) -> str:
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        return "is not there"
    except (OSError, ValueError) as error:
        return f"cannot be looked at: {getattr(error, 'strerror', None) or error}"
    if not stat.S_ISREG(mode):
        return "is no regular file"
    return "" if os.access(path, os.R_OK) else "may not be read"


def note_text(path: Path, notes: Sequence[ManifestProblem]) -> str:
    """Return what is missing, each with its line; empty where nothing is."""
    if not notes:
        return ""
    files = "1 file" if len(notes) == 1 else f"{len(notes):,} files"
    lines = [f"note: a run from this machine could not upload {files}"]
    lines += [
        printable(f"  {path}:{note.line}: {note.message} (image {note.entry})")
        for note in notes[:_MOST_SHOWN]
    ]
    if len(notes) > _MOST_SHOWN:
        lines.append(f"  and {len(notes) - _MOST_SHOWN:,} more")
    return "".join(f"{line}\n" for line in lines)
