"""What a cloud is known to refuse of an entry, whatever its source is.

Decides: which of a profile's limits stop an entry before anything is sent. Must not
know: any object store.
"""

from __future__ import annotations

from collections.abc import Iterator

from batch_register.ims.profile import Profile, check_spec, min_disk_problem
from batch_register.model import Fault, ImageSpec
from batch_register.preflight.findings import Code, finding, gravest


def profile_fault(spec: ImageSpec, profile: Profile) -> Fault | None:
    """Return why this cloud cannot take the entry, or None.

    Only by what a page of the provider or the operator states: what a profile assumes
    may be wrong, and the service itself will say so.
    """
    return gravest(profile_findings(spec, profile))


def profile_findings(spec: ImageSpec, profile: Profile) -> Iterator[Fault]:
    """Yield what this cloud is known to refuse of the entry."""
    known = profile.without_assumptions()
    disk = min_disk_problem(spec, known)
    if disk is not None:
        yield finding(Code.MIN_DISK_FLOOR, disk)
    for problem in check_spec(spec, known):
        if problem != disk:
            yield finding(Code.PROFILE, problem)
