"""The report as the job log of GNU parallel: one line per image, in the report's order.

Decides: what an image is as a job. Must not know: files.

Columns and their meaning are those of `--joblog` (GNU parallel manual). `Seq` is the
image's place in the report, which is its place in the manifest; times are seconds since
1970. `Exitval` is what `run` would end with over this image alone, so it is 0 exactly
where the image is active. An image that the manifest no longer names counts for no run:
0 as well.

To carry something out for just those images that are not active, name all keys in their
order; `parallel` leaves out those whose line says 0, and appends to the log:

    parallel --resume-failed --joblog wave-07.joblog 'COMMAND {}' :::: KEYS

`Command` is a run of that image alone, quoted for the shell; the manifest is taken to be
`NAME.yaml` in the working folder. One run at a time holds a ledger, hence `-j1`:

    parallel -j1 --retry-failed --joblog wave-07.joblog
"""

from __future__ import annotations

import glob
import shlex
from collections.abc import Iterator
from itertools import islice

from batch_register.entry import EntryState
from batch_register.report.plain import printable
from batch_register.report.rows import (
    ROWS_PER_PIECE,
    Report,
    ReportRow,
    moment_of,
)

COLUMNS = (
    "Seq",
    "Host",
    "Starttime",
    "JobRuntime",
    "Send",
    "Receive",
    "Exitval",
    "Signal",
    "Command",
)
_LOCAL_HOST = ":"  # as GNU parallel writes it

# The exit code of a run over one such entry; a test holds it against the engine's.
EXIT_VALUES: dict[EntryState, int] = {
    EntryState.ACTIVE: 0,
    EntryState.FAILED: 3,
    EntryState.CONFLICT: 3,
    EntryState.UNKNOWN: 4,
    EntryState.UNFINISHED: 4,
    EntryState.DEFERRED: 6,
    EntryState.PENDING: 4,
}


def render(report: Report) -> str:
    """Return the header and one line per image."""
    return "".join(pieces(report))


def pieces(report: Report) -> Iterator[str]:
    """Yield the same lines, some at a time: of many no two copies exist."""
    lines = _lines(report)
    while some := list(islice(lines, ROWS_PER_PIECE)):
        yield "".join(f"{line}\n" for line in some)


def _lines(report: Report) -> Iterator[str]:
    yield "\t".join(COLUMNS)
    for seq, row in enumerate(report.images, start=1):
        yield "\t".join(_cells(report.manifest, seq, row))


def _cells(manifest: str, seq: int, row: ReportRow) -> tuple[str, ...]:
    started = moment_of(row.started_at)
    return (
        str(seq),
        _LOCAL_HOST,
        f"{started.timestamp() if started else 0:.3f}",
        f"{row.duration_s or 0:10.3f}",
        "0",
        "0",
        str(0 if row.is_removed else EXIT_VALUES[row.state]),
        "0",
        command(manifest, row),
    )


def command(manifest: str, row: ReportRow) -> str:
    """Return the shell command that runs this image alone.

    Text from outside is quoted, since `parallel --retry-failed` gives it to a shell.
    """
    only = f"--select={glob.escape(row.key)}"
    part = () if row.shard is None else (f"--shard={row.shard}",)
    words = ("batch-register", "run", only, *part, "--", f"{manifest}.yaml")
    return shlex.join(printable(word) for word in words)
