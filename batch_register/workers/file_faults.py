"""What can be wrong with a file that is to be uploaded. No I/O.

Decides: that such a fault is the source's, whoever finds it. Must not know: uploads,
how a file is read.
"""

from __future__ import annotations

from batch_register.model import Action, Fault, FaultKind


def file_fault(code: str, reason: str) -> Fault:
    """Return a fault that only the file's owner can mend."""
    return Fault(
        kind=FaultKind.REJECTED,
        code=code,
        reason=reason,
        action=Action.FIX_SOURCE,
    )


def missing(path: str) -> Fault:
    """Return the fault for a file that is not there."""
    return file_fault("upload.file-missing", f"{path}: there is no such file")
