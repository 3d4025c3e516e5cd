"""How many connections this process may have open at once.

Decides: what is left for connections of the files that the system allows. Must not
know: who connects where, what a run is.
"""

from __future__ import annotations

import resource

# Standard streams, the loop, ledger, log and report, a name look-up, certificates.
_OTHER_FILES = 24
# Reads and writes have a pool each.
_POOLS = 2
# A write's connection is closed after its answer, and its place is free a moment before
# its file is: under load, one is open for every one that is closing.
_FILES_EACH = 2


def open_files_limit() -> int | None:
    """Return how many files this process may have open; None where nothing limits it."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def pool_size(wanted: int, open_files: int | None, *, ends_here: bool = False) -> int:
    """Return how many connections a pool may open, at least one.

    `ends_here`: the server is in this process, and has as many files open.
    """
    if open_files is None:
        return wanted
    files_each = _FILES_EACH * 2 if ends_here else _FILES_EACH
    room = (open_files - _OTHER_FILES) // (_POOLS * files_each)
    return max(1, min(wanted, room))
