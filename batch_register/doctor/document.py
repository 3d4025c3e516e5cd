"""A check-up as one JSON document, for programs; version 1 only gains fields.

Decides: names and order of the fields. Must not know: files, words for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from batch_register.doctor.findings import Capabilities, Finding, Findings
from batch_register.doctor.record import ProbeRecord
from batch_register.model import Target

VERSION = 1

Object = dict[str, object]


@dataclass(slots=True, kw_only=True)
class Diagnosis:
    """All that a check-up has found so far; `target` is None until it is reached."""

    findings: Findings = field(default_factory=Findings)
    capabilities: Capabilities = field(default_factory=Capabilities)
    target: Target | None = None
    probe: ProbeRecord | None = None


def document(diagnosis: Diagnosis, findings: Sequence[Finding], code: int) -> Object:
    """Return everything; `findings` are the complete ones, `code` the exit code."""
    target, probe = diagnosis.target, diagnosis.probe
    return {
        "version": VERSION,
        "exit_code": code,
        "target": None if target is None else asdict(target),
        "findings": [_finding(each) for each in findings],
        "capabilities": _capabilities(diagnosis.capabilities),
        "probe": None if probe is None else _probe(probe),
    }


def _finding(finding: Finding) -> Object:
    return {
        "topic": _word(finding.topic),
        "state": _word(finding.state),
        "seen": finding.seen,
        "advice": finding.advice,
    }


def _capabilities(capabilities: Capabilities) -> Object:
    quota = capabilities.quota
    return {
        "list_call": capabilities.list_call,
        "job_call": capabilities.job_call,
        "tag_filter": _word(capabilities.tag_filter),
        "list_lag_s": capabilities.list_lag_s,
        "quota": None if quota is None else asdict(quota),
        "clock_skew_s": capabilities.clock_skew_s,
        "task_limit": capabilities.task_limit,
    }


def _probe(record: ProbeRecord) -> Object:
    return {
        "name": record.name,
        "image_id": record.image_id,
        "end": _word(record.end),
    }


def _word(word: StrEnum) -> str:
    """Return a word of ours in one piece, for scripts."""
    return str(word).replace(" ", "_")
