"""A VMDK's descriptor: the text that says which files a disk is made of.

Decides: whether a disk is one file. Source: VMware, "Virtual Disk Format 5.0".
"""

from __future__ import annotations

import re
from typing import Final

from batch_register.inspection.clauses import elsewhere, needs

_SINGLE: Final = frozenset({"", "monolithicsparse", "streamoptimized"})
_NO_PARENT: Final = frozenset({"", "ffffffff"})
_SETTING: Final = re.compile(
    r"^[ \t]*(\w{1,40})[ \t]*=[ \t]*\"?([^\"\r\n]*)", re.MULTILINE
)
_EXTENT: Final = re.compile(
    r"^[ \t]*(?:RW|RDONLY|NOACCESS)[ \t]+\d+[ \t]+\w+(?:[ \t]+\"([^\"\r\n]*)\")?",
    re.MULTILINE | re.IGNORECASE,
)


def is_descriptor(text: str) -> bool:
    """Tell whether a text is a descriptor; writers differ in the blank and the case."""
    return bool(re.match(r"\s*#\s*disk\s+descriptor\s?file", text, re.IGNORECASE))


def problem_of(text: str) -> str:
    """Return why the file with this descriptor inside is no disk by itself, or nothing."""
    settings = {name.lower(): value for name, value in _SETTING.findall(text)}
    if settings.get("parentcid", "").strip().lower() not in _NO_PARENT:
        return needs("the parent disk", settings.get("parentfilenamehint", ""))
    is_single = settings.get("createtype", "").strip().lower() in _SINGLE
    return "" if is_single and len(_EXTENT.findall(text)) <= 1 else scattered(text)


def scattered(text: str) -> str:
    """Return the clause for a disk whose data lie in the files that a descriptor names."""
    names: list[str] = _EXTENT.findall(text)
    return elsewhere(next(filter(None, names), ""))
