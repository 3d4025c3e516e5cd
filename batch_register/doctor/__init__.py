"""What a cloud offers, what stands in a run's way, and what to do about it."""

from __future__ import annotations

from batch_register.doctor import access, judge, objects, reach
from batch_register.doctor.checkup import Checkup, Sight
from batch_register.doctor.document import Diagnosis
from batch_register.doctor.findings import (
    Capabilities,
    Finding,
    Findings,
    State,
    TagFilter,
    Topic,
    completed,
    exit_code,
)
from batch_register.doctor.leftover import clear
from batch_register.doctor.probe import Probe, ProbePatience, patience_for, probe_spec
from batch_register.doctor.record import PROBE, ProbeEnd, ProbeRecord

__all__ = [
    "PROBE",
    "Capabilities",
    "Checkup",
    "Diagnosis",
    "Finding",
    "Findings",
    "Probe",
    "ProbeEnd",
    "ProbePatience",
    "ProbeRecord",
    "Sight",
    "State",
    "TagFilter",
    "Topic",
    "access",
    "clear",
    "completed",
    "exit_code",
    "judge",
    "objects",
    "patience_for",
    "probe_spec",
    "reach",
]
