"""What a source holds: its format, its header, and the disk that a server needs for it.

Decides: which content the image service takes, and the least `min_disk` for it. Must
not know: where the file lies.

Sources: "Registering an Image" (formats), "Constraints" and the question "Why Did My VHD
Upload Fail" of the Image Management Service (system disk and virtual size).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from batch_register.ims.profile import Profile
from batch_register.model import Fault, ImageSpec
from batch_register.preflight.findings import Code, finding
from batch_register.source import DiskFormat, Inspection

_NO_IMAGES: Final = frozenset({DiskFormat.ARCHIVE, DiskFormat.TEXT})
_REFUSED: Final = frozenset({DiskFormat.LUKS, DiskFormat.PARALLELS})
_GB: Final = 2**30


def content_findings(content: Inspection, profile: Profile) -> Iterator[Fault]:
    """Yield what is wrong with a file by its first bytes."""
    disk_format, problem = content.disk_format, content.problem
    if disk_format in _NO_IMAGES:
        kind = "text" if disk_format is DiskFormat.TEXT else "an archive"
        told = problem or f"it is {kind}, and no disk"
        yield finding(Code.NOT_AN_IMAGE, f"{told}; upload the disk image itself")
    elif disk_format in _REFUSED or (
        disk_format is DiskFormat.ISO and not profile.takes_iso
    ):
        yield finding(
            Code.FORMAT,
            f"{problem or f'it is {disk_format}'}, and the {profile.name} profile "
            f"takes no {disk_format}; convert it, such as to qcow2",
        )
    elif problem:
        kind = "" if disk_format is None else f"{disk_format}: "
        yield finding(Code.HEADER, f"{kind}{problem}; mend it, and upload it again")


def needed_gb(content: Inspection) -> int | None:
    """Return the least disk that holds the image, in GB; None where it does not tell.

    An ISO file tells nothing: the system disk is another one.
    """
    if content.virtual_size_bytes is None or content.disk_format is DiskFormat.ISO:
        return None
    return -(-content.virtual_size_bytes // _GB)


def disk_findings(
    spec: ImageSpec, content: Inspection, profile: Profile
) -> Iterator[Fault]:
    """Yield that the disk in the file is larger than what it is to get."""
    needed = needed_gb(content)
    if needed is None:
        return
    size = f"the disk in the file has {content.virtual_size_bytes} bytes"
    if needed > profile.min_disk_ceiling_gb:
        yield finding(
            Code.DISK_TOO_LARGE,
            f"{size}, and the {profile.name} profile takes "
            f"{profile.min_disk_ceiling_gb} GB; shrink it",
        )
    elif not spec.min_disk_is_auto and spec.min_disk_gb < needed:
        least = max(needed, profile.min_disk_floor_gb(spec.os_version))
        yield finding(
            Code.MIN_DISK,
            f"min_disk {spec.min_disk_gb} is too small: {size}; write {least} or more",
        )


def fitting_min_disk_gb(
    spec: ImageSpec, content: Inspection, profile: Profile
) -> int | None:
    """Return what `min_disk: auto` comes to, in GB; None where the file does not tell."""
    needed = needed_gb(content)
    if needed is None:
        return None
    return max(needed, profile.min_disk_floor_gb(spec.os_version))
