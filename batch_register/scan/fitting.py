"""What every drafted image must come to: a system, a disk, and a cloud's consent.

Decides: which operating system and `min_disk` are written, and which image is held back
for a person. Must not know: buckets' listings, tables, how a draft is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from batch_register.ims.profile import Profile, check_spec
from batch_register.manifest.rules import (
    AUTO,
    BUCKET_PATTERN,
    MAX_INTEGER,
    MAX_OBJECT,
    MAX_SOURCE,
    MAX_TEXT,
    OBJECT_PATTERN,
    RULES,
    SOURCE_PATTERN,
    TEXT_PATTERN,
)
from batch_register.model import EntryKey, ImageSpec
from batch_register.scan.draft import NEUTRAL_OS_VERSION, DraftImage, Line
from batch_register.scan.numerals import Unit, ceil_gib
from batch_register.scan.systems import Family, System, contradicts

# Source: Image Management Service user guide, "Constraints": the largest file.
LARGEST_FILE_BYTES: Final = 128 * Unit.GIB
_UNFIT_KEYS: Final = (
    (
        re.compile(r"-(?:flat|delta|ctk)\.vmdk$", re.IGNORECASE),
        "it is a part of a disk: export the machine as one file",
    ),
    (
        re.compile(r"(?:^|/)\.{1,2}(?:/|$)"),
        'its key has "." or ".." for a folder, which addresses lose: copy it',
    ),
    (
        re.compile(r"\s"),
        "its key has a blank, which the service refuses: copy it to another key",
    ),
    (
        re.compile(":"),
        "its key has a colon, which parts bucket and object: copy it",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What holds for all images; `os_version` is for those that tell none."""

    profile: Profile
    bucket: str | None = None
    os_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OsChoice:
    """The line of `os_version`, if any, and why the image is held back, if it is."""

    line: Line | None
    in_effect: str
    held_back: str = ""


def os_choice(system: System, told_by: str, wishes: Wishes) -> OsChoice:
    """Return what to write of the operating system.

    `told_by` is what it was told by, such as "the file name"; empty where nothing was to
    tell it.
    """
    if system.os_version is not None:
        line = Line(field="os_version", value=system.os_version, remark=f"by {told_by}")
        return OsChoice(line=line, in_effect=system.os_version)
    default = wishes.os_version
    if default is not None and contradicts(system, default):
        other = system.distribution or system.family
        why = f"{other} by {told_by}, not {default}: add its os_version"
        return OsChoice(line=None, in_effect=str(system.family), held_back=why)
    if default is not None:
        return OsChoice(line=None, in_effect=default)
    if system.family is Family.WINDOWS:
        why = (
            f"Windows by {told_by}, which is no one text of the catalogue: add its "
            "os_version"
        )
        return OsChoice(line=None, in_effect="Windows", held_back=why)
    remark = (
        f"no certain release by {told_by}" if told_by else "nothing tells the system"
    )
    line = Line(
        field="os_version", value=NEUTRAL_OS_VERSION, remark=remark, is_sure=False
    )
    return OsChoice(line=line, in_effect=NEUTRAL_OS_VERSION)


def disk_line(
    size_bytes: int,
    system: OsChoice,
    wishes: Wishes,
    *,
    what: str,
    is_sure: bool = True,
) -> Line:
    """Return the line of `min_disk`: what the disk needs, and no less than the floor.

    `what` is the subject of the remark, such as "the disk has".
    """
    floor_gb = max(1, wishes.profile.min_disk_floor_gb(system.in_effect))
    need_gb = max(1, ceil_gib(size_bytes))
    remark = f"{what} {gib_text(size_bytes)}"
    if need_gb < floor_gb:
        remark += f", and the cloud takes no less than {floor_gb} GB"
    value = max(need_gb, floor_gb)
    return Line(field="min_disk", value=value, remark=remark, is_sure=is_sure)


def gib_text(size_bytes: int) -> str:
    """Return a size for a person."""
    if size_bytes < Unit.MIB:
        return f"{size_bytes} bytes"
    if size_bytes < Unit.GIB:
        return f"{size_bytes / Unit.MIB:.1f} MiB".replace(".0 ", " ")
    return f"{size_bytes / Unit.GIB:.1f} GiB".replace(".0 ", " ")


def fitted(image: DraftImage, wishes: Wishes) -> DraftImage:
    """Return the image, held back where the manifest or the cloud would refuse it."""
    if image.held_back:
        return image
    return replace(image, held_back="; ".join(_refusals(image, wishes)))


def key_problem(key: str) -> str:
    """Return why no manifest takes an object's key, or nothing."""
    told = next((why for each, why in _UNFIT_KEYS if each.search(key)), "")
    if told or (re.fullmatch(OBJECT_PATTERN, key) and len(key) <= MAX_OBJECT):
        return told
    if not key.isprintable():
        return "its key has characters that nobody can see: copy it to another key"
    return f"the manifest does not take its key: it {RULES['object'].must}"


def _refusals(image: DraftImage, wishes: Wishes) -> Iterable[str]:
    """Yield what would be refused, a clause each."""
    bucket = str(image.value_of("bucket") or wishes.bucket or "")
    key = str(image.value_of("object"))
    if not re.fullmatch(BUCKET_PATTERN, bucket):
        yield f"bucket {RULES['bucket'].must}"
    source = image.value_of("source")
    if source is not None and not _is_path(str(source)):
        yield f"source {RULES['source'].must}"
    os_version = image.value_of("os_version")
    if os_version is not None and not _is_text(str(os_version)):
        yield f"os_version {RULES['os_version'].must}"
    if int(image.value_of("min_ram") or 0) > MAX_INTEGER:
        yield f"min_ram {RULES['min_ram'].must}"
    if problem := key_problem(key):
        yield problem
    else:
        yield from check_spec(_spec(image, f"{bucket}:{key}", wishes), wishes.profile)


def _is_path(text: str) -> bool:
    return len(text) <= MAX_SOURCE and re.fullmatch(SOURCE_PATTERN, text) is not None


def _is_text(text: str) -> bool:
    return len(text) <= MAX_TEXT and re.fullmatch(TEXT_PATTERN, text) is not None


def _spec(image: DraftImage, image_url: str, wishes: Wishes) -> ImageSpec:
    name = str(image.value_of("name"))
    os_version = image.value_of("os_version") or wishes.os_version
    min_disk = image.value_of("min_disk")
    return ImageSpec(
        key=EntryKey(name),
        name=name,
        image_url=image_url,
        os_version=str(os_version or NEUTRAL_OS_VERSION),
        min_disk_gb=min_disk if isinstance(min_disk, int) else 0,
        min_disk_is_auto=min_disk == AUTO,
        min_ram_mb=int(image.value_of("min_ram") or 0),
    )
