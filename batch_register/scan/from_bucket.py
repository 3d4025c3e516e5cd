"""Objects of a bucket to the images of a manifest.

Decides: which objects are images, and what is left out for which reason. Must not know:
how objects are listed and read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from batch_register.scan.draft import DraftImage, LeftOut, Line
from batch_register.scan.fitting import (
    LARGEST_FILE_BYTES,
    OsChoice,
    Wishes,
    disk_line,
    fitted,
    gib_text,
    key_problem,
    os_choice,
)
from batch_register.scan.naming import folder, image_name, stem, told_apart
from batch_register.scan.systems import Family, recognised
from batch_register.source import (
    STANDARD_CLASS,
    DiskFormat,
    Inspection,
    ListedObject,
)

_SECTOR_BYTES: Final = 512

# What lies beside disks and is none, though its bytes may look like a raw one.
_COMPANIONS: Final = {
    **dict.fromkeys(
        (".md5", ".sha1", ".sha256", ".sha512", ".sum", ".asc", ".sig", ".mf"),
        "a checksum or signature, by its name",
    ),
    **dict.fromkeys(
        (".ovf", ".vmx", ".vmxf", ".vmsd", ".vmsn", ".nvram", ".vbox", ".vmcx"),
        "a machine's description, no disk of it, by its name",
    ),
}
# Formats whose names say nothing against a raw disk inside.
_RAW_SUFFIXES: Final = (".raw", ".img", ".dd", ".bin")
_NO_IMAGES: Final = {
    None: "its header is damaged",
    DiskFormat.TEXT: "text, no disk image",
    DiskFormat.ARCHIVE: "an archive: unpack the disk image in it",
    DiskFormat.LUKS: "encrypted (LUKS): decrypt it",
    DiskFormat.PARALLELS: "a Parallels disk, which the service does not take",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object that is an image, and what its header tells."""

    listed: ListedObject
    inspection: Inspection


def reason_unread(listed: ListedObject) -> str:
    """Return why an object need not be read to be left out, or nothing."""
    if listed.key.endswith("/"):
        return "a folder"
    by_name = _COMPANIONS.get(_suffix(listed.key), "") or key_problem(listed.key)
    return by_name or _unfit(listed)


def _unfit(listed: ListedObject) -> str:
    """Return what the listing shows that the service refuses, or nothing."""
    if listed.pin.size_bytes == 0:
        return "empty"
    if listed.storage_class != STANDARD_CLASS:
        return (
            f"its storage class is {listed.storage_class}: the service registers from "
            f"{STANDARD_CLASS} only"
        )
    if listed.pin.size_bytes > LARGEST_FILE_BYTES:
        size, most = gib_text(listed.pin.size_bytes), gib_text(LARGEST_FILE_BYTES)
        return f"it has {size}, and the service registers at most {most}"
    return ""


def reason_read(found: Found, wishes: Wishes) -> str:
    """Return why an object that was read is left out, or nothing."""
    inspection = found.inspection
    if inspection.disk_format in _NO_IMAGES:
        return inspection.problem or _NO_IMAGES[inspection.disk_format]
    if inspection.problem:
        return inspection.problem
    if inspection.disk_format is DiskFormat.ISO and not wishes.profile.takes_iso:
        return f"an ISO file, which the {wishes.profile.name} profile does not register"
    is_odd = found.listed.pin.size_bytes % _SECTOR_BYTES != 0
    if inspection.disk_format is DiskFormat.RAW and is_odd:
        return "no known format, and no raw disk: no whole number of sectors"
    return ""


def images_of(found: Sequence[Found], wishes: Wishes) -> tuple[DraftImage, ...]:
    """Return one image for each object; names depend on all of them together."""
    takes_chinese = wishes.profile.takes_chinese_names
    plain = [_name_parts(each.listed.key, takes_chinese) for each in found]
    return tuple(
        _image(each, name, wishes)
        for each, name in zip(found, told_apart(plain), strict=True)
    )


def partition(
    looked_at: Sequence[Found], wishes: Wishes
) -> tuple[list[Found], list[LeftOut]]:
    """Part the objects that were read into images and what is left out."""
    images: list[Found] = []
    left_out: list[LeftOut] = []
    for found in looked_at:
        if why := reason_read(found, wishes):
            left_out.append(LeftOut(what=found.listed.key, why=why))
        else:
            images.append(found)
    return images, left_out


def _name_parts(key: str, takes_chinese: bool) -> tuple[str, str]:  # noqa: FBT001 - private
    """Return an object's name and what tells it from another one of that name."""
    place = folder(key)
    addition = image_name(place, takes_chinese=takes_chinese) if place else ""
    return image_name(stem(key), takes_chinese=takes_chinese), addition


def _image(found: Found, name: str, wishes: Wishes) -> DraftImage:
    listed, inspection = found.listed, found.inspection
    told = recognised(stem(listed.key))
    told_by = "" if told.family is Family.UNKNOWN else "the file name"
    system = os_choice(told, told_by, wishes)
    lines = [
        Line(field="name", value=name),
        Line(field="object", value=listed.key),
        *([system.line] if system.line else []),
        _disk(found, system, wishes),
        *_iso_lines(inspection),
        _size_line(found),
    ]
    image = DraftImage(lines=tuple(lines), held_back=system.held_back)
    return fitted(image, wishes)


def _disk(found: Found, system: OsChoice, wishes: Wishes) -> Line:
    """Return `min_disk` by the virtual size, else by the file's own at least."""
    virtual_size = found.inspection.virtual_size_bytes
    if virtual_size is not None:
        return disk_line(virtual_size, system, wishes, what="the disk has")
    what = "the disk's size cannot be read; the file has"
    size_bytes = found.listed.pin.size_bytes
    return disk_line(size_bytes, system, wishes, what=what, is_sure=False)


def _iso_lines(inspection: Inspection) -> list[Line]:
    if inspection.disk_format is not DiskFormat.ISO:
        return []
    remark = "an installation disc rather than a disk"
    return [Line(field="disk_format", value="iso", remark=remark, is_sure=False)]


def _size_line(found: Found) -> Line:
    """Return the size as a hint for the order, with the format as its remark."""
    suffix, disk_format = _suffix(found.listed.key), found.inspection.disk_format
    is_raw = disk_format is DiskFormat.RAW
    is_misnamed = is_raw and "." in suffix and suffix not in _RAW_SUFFIXES
    remark = (
        "no known format: taken for a raw disk" if is_misnamed else str(disk_format)
    )
    size_bytes = found.listed.pin.size_bytes
    return Line(
        field="size_bytes", value=size_bytes, remark=remark, is_sure=not is_misnamed
    )


def _suffix(key: str) -> str:
    """Return a file name's last suffix in small letters, with its dot, or nothing."""
    name = key.rpartition("/")[2]
    head, dot, tail = name.rpartition(".")
    return f".{tail.lower()}" if dot and head else ""
