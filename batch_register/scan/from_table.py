"""Machines of a table to the images of a manifest.

Decides: which of a machine's facts go into its image, and where the file is expected.
Must not know: how a table is read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from batch_register.errors import SettingsError
from batch_register.manifest.rules import AUTO
from batch_register.scan.catalogue import known
from batch_register.scan.columns import Field
from batch_register.scan.draft import DraftImage, Line
from batch_register.scan.fitting import (
    OsChoice,
    Wishes,
    disk_line,
    fitted,
    gib_text,
    os_choice,
)
from batch_register.scan.machines import Machine
from batch_register.scan.naming import has_image_suffix, image_name, told_apart
from batch_register.scan.numerals import Unit
from batch_register.scan.systems import Family, System, recognised

ASSUMED_OBJECT: Final = "{name}.qcow2"
_PLACES: Final = ("{vm}", "{name}")
# A server has more; a smaller number was rather meant as GB.
_LEAST_MEMORY_MB: Final = 128
_POWERED_ON: Final = frozenset({"", "poweredon", "powered on", "on", "running"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where files are: patterns with {vm}, the table's name, and {name}, the image's."""

    object: str | None = None
    source: str | None = None


def checked_pattern(flag: str, pattern: str | None) -> str | None:
    """Return a pattern as it is.

    Raises:
        SettingsError: it holds no place for a name, or an unknown one.
    """
    if pattern is None:
        return None
    places = re.findall(r"\{[^{}]*\}", pattern)
    if not places or any(place not in _PLACES for place in places):
        message = f"{flag} {pattern}: must hold {' or '.join(_PLACES)}, and no other"
        raise SettingsError(message, hint=f'for instance {flag} "disks/{{vm}}.qcow2"')
    return pattern


def images_of(
    machines: Sequence[Machine], places: Places, wishes: Wishes
) -> tuple[DraftImage, ...]:
    """Return one image for each machine: that of its system disk."""
    takes_chinese = wishes.profile.takes_chinese_names
    plain = [
        (image_name(machine.name, takes_chinese=takes_chinese), "")
        for machine in machines
    ]
    counts = Counter(machine.name.casefold() for machine in machines)
    images = [
        _image(
            machine,
            _name_line(machine, name, rows=counts[machine.name.casefold()]),
            places,
            wishes,
        )
        for machine, name in zip(machines, told_apart(plain), strict=True)
    ]
    files = [
        (image.value_of("bucket") or wishes.bucket, image.value_of("object"))
        for image in images
    ]
    shared = Counter(files)
    return tuple(
        _alone(image, shared[file]) for image, file in zip(images, files, strict=True)
    )


def _alone(image: DraftImage, machines: int) -> DraftImage:
    """Return the image, held back where its file is that of several machines."""
    if machines == 1 or image.held_back:
        return image
    why = f"its file is that of {machines} machines: give each an object of its own"
    return replace(image, held_back=why)


def _image(machine: Machine, named: Line, places: Places, wishes: Wishes) -> DraftImage:
    system, name = _system(machine, wishes), str(named.value)
    lines = [
        named,
        *_place_lines(machine, name, places),
        *([system.line] if system.line else []),
        _disk(machine, system, wishes),
        *_memory_lines(machine),
    ]
    held_back = system.held_back or _unsafe(machine, places)
    image = DraftImage(lines=tuple(lines), about=_about(machine), held_back=held_back)
    return fitted(image, wishes)


def _name_line(machine: Machine, name: str, *, rows: int) -> Line:
    if rows > 1:
        remark = f'{rows} rows of the table have the name "{machine.name}"'
        return Line(field="name", value=name, remark=remark, is_sure=False)
    changed = "" if name == machine.name else f'"{machine.name}" in the table'
    return Line(field="name", value=name, remark=changed)


def _place_lines(machine: Machine, name: str, places: Places) -> list[Line]:
    """Return where the file is: as the table says, by the pattern, or by assumption."""
    lines = []
    if bucket := machine.text(Field.BUCKET):
        lines.append(Line(field="bucket", value=bucket))
    if told := machine.text(Field.OBJECT):
        lines.append(_told_place("object", told))
    elif places.object is not None:
        key = _filled(places.object, machine, name)
        lines.append(Line(field="object", value=key))
    else:
        key = _filled(ASSUMED_OBJECT, machine, name)
        remark = "assumed from the name"
        lines.append(Line(field="object", value=key, remark=remark, is_sure=False))
    if source := machine.text(Field.SOURCE):
        lines.append(_told_place("source", source))
    elif places.source is not None:
        path = _filled(places.source, machine, name)
        lines.append(Line(field="source", value=path))
    return lines


def _told_place(field: str, told: str) -> Line:
    """Return a place as the table has it; its column may be about something else."""
    is_sure = has_image_suffix(told)
    remark = "" if is_sure else "it does not end as disk images do"
    return Line(field=field, value=told, remark=remark, is_sure=is_sure)


def _filled(pattern: str, machine: Machine, name: str) -> str:
    values = {"{vm}": machine.name, "{name}": name}
    return re.sub(r"\{(?:vm|name)\}", lambda found: values[found[0]], pattern)


def _unsafe(machine: Machine, places: Places) -> str:
    """Return why a name must not become a part of a path on this machine."""
    leads_elsewhere = re.search(r"[/\\\0]|^\.\.?$", machine.name)
    if places.source is not None and leads_elsewhere:
        return (
            "its name would lead to a file in another folder: write `source` yourself"
        )
    return ""


def _system(machine: Machine, wishes: Wishes) -> OsChoice:
    """Return the system: by the catalogue's text, else by any column that is certain."""
    if told := machine.text(Field.OS_VERSION):
        spelled = known(told)
        line = Line(
            field="os_version",
            value=spelled or told,
            remark="" if spelled else "no text of the documented catalogue",
            is_sure=spelled is not None,
        )
        return OsChoice(line=line, in_effect=str(line.value))
    texts = [_guest_name(text) for text in machine.texts.get(Field.OS, ())]
    system = _recognised(texts)
    if system.os_version is not None:  # by one of them; the others do not contradict
        texts = [each for each in texts if recognised(each).os_version]
    told_by = " and ".join(f'"{text}"' for text in dict.fromkeys(texts))
    return os_choice(system, told_by, wishes)


def _recognised(texts: Sequence[str]) -> System:
    """Return the most certain of what several columns tell, unless they disagree."""
    systems = [recognised(text) for text in texts]
    versions = {each.os_version for each in systems} - {None}
    families = {each.family for each in systems} - {Family.UNKNOWN}
    if len(families) != 1:
        return System()
    distributions = {each.distribution for each in systems} - {""}
    return System(
        family=families.pop(),
        distribution=distributions.pop() if len(distributions) == 1 else "",
        os_version=versions.pop() if len(versions) == 1 else None,
    )


def _guest_name(text: str) -> str:
    """Return a guest's name; of VMware's detailed data, the name that people read."""
    found = re.search(r"prettyName='([^']{1,200})'", text)
    if found is None:
        return text[:200]
    is_32 = "bitness='32'" in text and "32" not in found[1]
    is_arm = "architecture='Arm'" in text
    return f"{found[1]}{' 32-bit' if is_32 else ''}{' on Arm' if is_arm else ''}"


def _disk(machine: Machine, system: OsChoice, wishes: Wishes) -> Line:
    """Return `min_disk`: the table's own, else that of the system disk, if it is told."""
    if (least := machine.amounts.get(Field.MIN_DISK)) is not None:
        return disk_line(least, system, wishes, what="the table says")
    if machine.disks and (first := machine.disks[0]).size_bytes is not None:
        what = f"{first.label or 'the first disk'} has"
        return _disk_by_size(first.size_bytes, machine, system, wishes, what=what)
    if (capacity := machine.amounts.get(Field.CAPACITY)) is not None:
        what = "the disk has"
        return _disk_by_size(capacity, machine, system, wishes, what=what)
    return _disk_by_totals(machine, system, wishes)


def _disk_by_size(
    size_bytes: int, machine: Machine, system: OsChoice, wishes: Wishes, *, what: str
) -> Line:
    if not machine.has_unit:
        what = f"if the table counts in GB, {what}"
    is_sure = machine.has_unit
    return disk_line(size_bytes, system, wishes, what=what, is_sure=is_sure)


def _disk_by_totals(machine: Machine, system: OsChoice, wishes: Wishes) -> Line:
    """Return `min_disk` by what all disks have together: surely enough, perhaps more."""
    total = machine.amounts.get(Field.TOTAL)
    count = machine.text(Field.DISKS)
    if total is not None and count == "1":
        return disk_line(total, system, wishes, what="the only disk has")
    if total is not None:
        what = f"the {count + ' ' if count else ''}disks together have"
        return disk_line(total, system, wishes, what=what, is_sure=False)
    provisioned = machine.amounts.get(Field.PROVISIONED)
    if provisioned is not None:
        what = "all disks and the swap file together have"
        return disk_line(provisioned, system, wishes, what=what, is_sure=False)
    remark = "the table does not tell the disk's size: the file's header will"
    return Line(field="min_disk", value=AUTO, remark=remark)


def _memory_lines(machine: Machine) -> list[Line]:
    least, usual = (machine.amounts.get(each) for each in (Field.MIN_RAM, Field.MEMORY))
    if least is not None:
        return [Line(field="min_ram", value=-(-least // Unit.MIB))]
    if usual is None or usual < _LEAST_MEMORY_MB * Unit.MIB:
        return []
    remark = f"the machine has {gib_text(usual)}"
    return [Line(field="min_ram", value=-(-usual // Unit.MIB), remark=remark)]


def _about(machine: Machine) -> str:
    """Return what a person should know of the machine before it is moved."""
    told = []
    if machine.says(Field.TEMPLATE):
        told.append("a template")
    if (power := machine.text(Field.POWER)).casefold() not in _POWERED_ON:
        told.append(power)
    if machine.text(Field.FIRMWARE).casefold() in {"efi", "uefi"}:
        told.append("boots by UEFI")
    memory = machine.amounts.get(Field.MEMORY)
    if memory is not None and memory < _LEAST_MEMORY_MB * Unit.MIB:
        told.append(f"memory {machine.text(Field.MEMORY)} is too little for MB")
    if more := machine.disks[1:]:
        disks = ", ".join(_disk_text(each.label, each.size_bytes) for each in more)
        told.append(f"data disks are no part of the image: {disks}")
    return "; ".join(told)


def _disk_text(label: str, size_bytes: int | None) -> str:
    return label if size_bytes is None else f"{label} ({gib_text(size_bytes)})"
