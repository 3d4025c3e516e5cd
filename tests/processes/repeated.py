"""The command over many manifests, one after another in one process.

`python -m tests.processes.repeated MANIFEST ... -- run --settle ...` runs the command on
each manifest, in its folder: starting Python takes longer than a run that finds
everything done. It ends with the highest exit code.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from batch_register.__main__ import main


def on_each(manifests: list[str], arguments: list[str]) -> int:
    """Run the command on each manifest; return the highest exit code."""
    codes = []
    for manifest in map(Path, manifests):
        os.chdir(manifest.parent)
        sys.argv = [sys.argv[0], *arguments, manifest.name]
        codes.append(main())
    return max(codes)


if __name__ == "__main__":
    where = sys.argv.index("--")
    sys.exit(on_each(sys.argv[1:where], sys.argv[where + 1 :]))
