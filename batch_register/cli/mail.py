"""What a scheduler's mail should hold of a run that did not end well.

Decides: which lines; none of a run that did. Must not know: where they go.
"""

from __future__ import annotations

from pathlib import Path

from batch_register.cli.progress import tidy
from batch_register.report import table_form
from batch_register.report.plain import printable
from batch_register.report.rows import Report

_MOST_REASONS = 10


def trouble_words(report: Report, ledger: Path, exit_code: int) -> str:
    """Return the counts, who has to do what, the first reasons, and where to read on.

    Empty where the exit code is 0.
    """
    if exit_code == 0:
        return ""
    troubles = [row for row in report.images if row.is_in_trouble]
    lines = [
        f"{row.state} {tidy(row.key)}: {tidy(row.error.sentence())}"
        for row in troubles[:_MOST_REASONS]
        if row.error is not None
    ]
    if len(troubles) > _MOST_REASONS:
        lines.append(f"and {len(troubles) - _MOST_REASONS} more")
    lines.append(f"exit code {exit_code}; ledger: {printable(str(ledger))}")
    return table_form.gist(report) + "\n".join(lines) + "\n"
