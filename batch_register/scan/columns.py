"""Which column of a table holds what, by the titles that are usual.

Decides: titles and their units. A column that may hold secrets is never one of them.
Must not know: what a cell says.

Sources of titles: exports of RVTools 3.x and 4.x, sheets vInfo (`VM`, `Powerstate`,
`Template`, `SRM Placeholder`, `Memory`, `Disks`, `Total disk capacity MiB`,
`Provisioned MiB`, in 3.x `Provisioned MB`, `Firmware`, `OS according to the
configuration file`, `OS according to the VMware Tools`, `Guest Detailed Data`; in files
of its command line also `vInfoVMName`, `vInfoOS` and so on) and vDisk (`VM`, `Disk`,
`Capacity MiB`, in 3.x `Capacity MB`, `Disk Path`), as public readers of these files
list them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from batch_register.errors import SettingsError
from batch_register.manifest.rules import CREDENTIAL_WORDS
from batch_register.scan.cells import Table, TableError
from batch_register.scan.numerals import UNITS, Unit


class Field(StrEnum):
    """What a column can hold; the words are those of --map."""

    NAME = "name"
    BUCKET = "bucket"
    OBJECT = "object"
    SOURCE = "source"
    OS_VERSION = "os_version"  # a text of the catalogue
    OS = "os"  # any name of a system
    DISK = "disk"  # which disk of a machine a row is about
    CAPACITY = "capacity"  # of the system disk, or of the disk of this row
    TOTAL = "total"  # of all disks
    PROVISIONED = "provisioned"  # of all disks, with what the hypervisor adds
    DISKS = "disks"  # how many
    MEMORY = "memory"
    MIN_DISK = "min_disk"
    MIN_RAM = "min_ram"
    TEMPLATE = "template"
    PLACEHOLDER = "placeholder"
    POWER = "power"
    FIRMWARE = "firmware"


# Where several columns hold one thing, the first that is not empty counts.
_TITLES: Final[dict[Field, tuple[str, ...]]] = {
    Field.NAME: (
        *("vm", "vm name", "name", "machine", "server", "server name", "hostname"),
        *("virtual machine", "vinfovmname", "vdiskvmname", "image", "image name"),
        *("instance name", "host name", "computer name"),
    ),
    Field.BUCKET: ("bucket", "bucket name", "obs bucket", "target bucket"),
    Field.OBJECT: (
        *("object", "object key", "image file", "disk file"),
        *("file", "file name", "filename"),
    ),
    Field.SOURCE: ("source", "local file", "path of file"),
    Field.OS_VERSION: ("os version",),
    Field.OS: (
        *("guest detailed data", "os according to the vmware tools", "vinfoostools"),
        *("guest os", "guest operating system", "operating system", "os", "os name"),
        *("os according to the configuration file", "vinfoos"),
    ),
    Field.DISK: ("disk", "disk label", "vdiskdisk", "vdisklabel"),
    Field.CAPACITY: (
        *("capacity", "disk capacity", "disk size", "system disk", "os disk"),
        *("system disk size", "os disk size", "disk c", "drive c", "vdiskcapacity"),
    ),
    Field.TOTAL: ("total disk capacity", "vinfototaldiskcapacity"),
    Field.PROVISIONED: ("provisioned", "provisioned space", "vinfoprovisioned"),
    Field.DISKS: ("disks", "disk count", "number of disks", "vinfonumvirtualdisks"),
    Field.MEMORY: ("memory", "ram", "memory size", "vinfomemory"),
    Field.MIN_DISK: ("min disk",),
    Field.MIN_RAM: ("min ram",),
    Field.TEMPLATE: ("template", "vinfotemplate"),
    Field.PLACEHOLDER: ("srm placeholder", "vinfosrmplaceholder"),
    Field.POWER: ("powerstate", "power state", "power", "vinfopowerstate"),
    Field.FIRMWARE: ("firmware", "vinfofirmware"),
}
_USUAL_UNITS: Final = {
    Field.MEMORY: Unit.MIB,
    Field.MIN_RAM: Unit.MIB,
    Field.MIN_DISK: Unit.GIB,
    Field.TOTAL: Unit.MIB,
    Field.PROVISIONED: Unit.MIB,
}
_BY_TITLE: Final = {
    title: (field, place)
    for field, titles in _TITLES.items()
    for place, title in enumerate(titles)
}
_SECRET_WORDS: Final = CREDENTIAL_WORDS | {"pwd", "passwort", "kennwort", "pin"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `unit` is None where its title tells none and none is usual."""

    number: int
    title: str
    unit: Unit | None


Columns = Mapping[Field, tuple[Column, ...]]


def columns_of(table: Table, chosen: Mapping[Field, str]) -> Columns:
    """Return the columns of each field, the most telling one first.

    `chosen` names a column for a field, whatever its title means.

    Raises:
        SettingsError: a chosen column is not there, or may hold a secret.
        TableError: no column holds the names.
    """
    found = _by_titles(table.titles)
    for field, title in chosen.items():
        if column := _chosen(table, field, title):
            found[field] = (column,)
    if Field.DISK in found and Field.CAPACITY not in found:
        # Only a list of disks has labels; elsewhere the title means the disk's size.
        found[Field.CAPACITY] = found.pop(Field.DISK)
    if Field.NAME not in found:
        titles = ", ".join(f'"{title.strip()}"' for title in table.titles[:20])
        message = f"no column holds the machines' names; there are {titles}"
        raise TableError(table.source, message)
    return found


def chosen_columns(texts: tuple[str, ...]) -> dict[Field, str]:
    """Read the pairs `field=Column` of the command line.

    Raises:
        SettingsError: one is no such pair.
    """
    chosen: dict[Field, str] = {}
    for text in texts:
        field, _, title = text.partition("=")
        if field not in set(Field) or not title.strip():
            message = f"--map {text}: must be FIELD=COLUMN"
            raise SettingsError(message, hint=f"fields are {', '.join(Field)}")
        chosen[Field(field)] = title.strip()
    return chosen


def is_secret(title: str) -> bool:
    """Return whether a column may hold secrets, by its title."""
    words = re.findall("[a-z]+", title.lower())
    pairs = ["_".join(pair) for pair in pairwise(words)]
    return not _SECRET_WORDS.isdisjoint([*words, *pairs])


def _by_titles(titles: tuple[str, ...]) -> dict[Field, tuple[Column, ...]]:
    ranked: dict[Field, list[tuple[int, Column]]] = {}
    for number, title in enumerate(titles):
        plain, unit = _plain_title(title)
        known = _BY_TITLE.get(plain)
        if known is None or is_secret(title):
            continue
        field, place = known
        column = Column(number, title.strip(), unit or _USUAL_UNITS.get(field))
        ranked.setdefault(field, []).append((place, column))
    return {
        field: tuple(column for _, column in sorted(found, key=lambda each: each[0]))
        for field, found in ranked.items()
    }


def _chosen(table: Table, field: Field, title: str) -> Column | None:
    """Return the column that was named; None where only another table has it."""
    wanted = title.casefold()
    for number, each in enumerate(table.titles):
        if each.strip().casefold() == wanted:
            if is_secret(each):
                message = f"--map {field}={title}: this column may hold secrets"
                raise SettingsError(message, hint="rename it if it holds none")
            _, unit = _plain_title(each)
            return Column(number, each.strip(), unit or _USUAL_UNITS.get(field))
    return None


def _plain_title(title: str) -> tuple[str, Unit | None]:
    """Return a title in plain words, and the unit that it ends with."""
    words = re.findall(r"[^\W_]+", title.casefold())
    if len(words) > 1 and words[-1] in UNITS:
        return " ".join(words[:-1]), UNITS[words[-1]]
    return " ".join(words), None
