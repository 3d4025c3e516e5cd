"""A check-up shown, and what it ends with.

Decides: which form goes to standard output, which code ends the command. Must not know:
how anything was found.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from batch_register.cli import stdout
from batch_register.doctor import (
    Diagnosis,
    Finding,
    State,
    Topic,
    completed,
    exit_code,
)
from batch_register.doctor.document import document
from batch_register.doctor.verdict import probe_findings
from batch_register.doctor.words import closing, render
from batch_register.model import StopReason
from batch_register.settings import Output, Settings
from batch_register.stopping import Stop

_EXIT_OF_STOP = {StopReason.SIGINT: 130, StopReason.SIGTERM: 143}


def show(
    diagnosis: Diagnosis,
    settings: Settings,
    *,
    skipped: Sequence[Topic],
    stop: Stop,
) -> int:
    """Write what was found; return the exit code.

    Of topics that are `skipped` nothing is said: nobody asked for them.
    """
    if diagnosis.probe is not None:
        told = probe_findings(
            diagnosis.probe, diagnosis.capabilities, settle_s=settings.settle_s
        )
        diagnosis.findings.add(*told)
    findings = completed(diagnosis.findings.all(), skipped=skipped)
    code = exit_code(findings)
    if stop.reason is not None:
        code = _EXIT_OF_STOP[stop.reason]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    end = closing(
        findings,
        next_step=_next_step(findings),
        is_whole=stop.reason is None,
        width=width,
    )
    match settings.output:
        case Output.JSON:
            stdout.write_json(document(diagnosis, findings, code))
        case Output.TABLE:
            stdout.write(f"{render(findings, width=width)}\n{end}")
        case Output.QUIET:
            stdout.write(end)
    return code


def _next_step(findings: Sequence[Finding]) -> str:
    is_open = any(
        each.state is State.NOT_LOOKED_AT and "--probe-write" in each.advice
        for each in findings
    )
    more = " What is not known yet, --probe-write finds out." if is_open else ""
    return f"Next: batch-register plan MANIFEST.{more}"
