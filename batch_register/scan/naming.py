"""Names of images from names of files and machines: valid, and each only once.

Decides: which characters stay, and what tells two of one name apart. Must not know:
where the names come from.

Source of the rule: Image Management Service API reference, "Image Attributes".
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

from batch_register.manifest.rules import MAX_NAME

IMAGE_SUFFIXES: Final = (
    *(".qcow2", ".qcow", ".qed", ".raw", ".img", ".dd", ".vmdk", ".vhd", ".vhdx"),
    *(".vdi", ".zvhd", ".zvhd2", ".iso"),
)
_MAX_MANIFEST_NAME: Final = 43
_NOTHING_LEFT: Final = "image"
_CHINESE: Final = "\u3400-\u4dbf\u4e00-\u9fff"


def image_name(text: str, *, takes_chinese: bool) -> str:
    """Return the nearest valid name; other characters become hyphens, accents go."""
    kept = f"A-Za-z0-9._ {_CHINESE if takes_chinese else ''}-"
    plain = re.sub(f"[^{kept}]+", "-", _without_accents(text))
    return plain.strip(" -")[:MAX_NAME].rstrip(" ") or _NOTHING_LEFT


def manifest_name(text: str) -> str:
    """Return the nearest valid name of a manifest.

    A long one ends in a digest of the whole: two that begin alike stay two batches.
    """
    plain = re.sub("[^A-Za-z0-9_-]+", "-", _without_accents(text)).strip("-")
    if len(plain) > _MAX_MANIFEST_NAME:
        digest = hashlib.sha256(plain.encode()).hexdigest()[:8]
        plain = f"{plain[: _MAX_MANIFEST_NAME - 9].rstrip('-')}-{digest}"
    return plain or _NOTHING_LEFT


def stem(key: str) -> str:
    """Return the file name in a key or path, without the suffix of a disk image."""
    name = re.split(r"[/\\]", key.rstrip("/\\"))[-1]
    for suffix in IMAGE_SUFFIXES:
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def has_image_suffix(text: str) -> bool:
    """Return whether a key or path ends as those of disk images do."""
    return text.lower().endswith(IMAGE_SUFFIXES)


def folder(key: str) -> str:
    """Return the last folder in a key, or nothing where it has none."""
    return key.rpartition("/")[0].rpartition("/")[2]


def told_apart(names: Sequence[tuple[str, str]]) -> list[str]:
    """Return one name for each pair of a valid name and a valid addition, all different.

    The addition is used where several have one name; a number where that is not enough.
    The same pairs in the same order come to the same names.
    """
    shared = Counter(name for name, _ in names)
    taken = {name for name, count in shared.items() if count == 1}
    found: list[str] = []
    for name, addition in names:
        if shared[name] == 1:
            found.append(name)
            continue
        wanted = _added(name, addition) if addition else name
        number, free = 1, wanted
        while free in taken:
            number += 1
            free = _added(wanted, str(number))
        taken.add(free)
        found.append(free)
    return found


def _added(name: str, addition: str) -> str:
    tail = f"-{addition}"[: MAX_NAME // 2].rstrip()
    return name[: MAX_NAME - len(tail)] + tail


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(each for each in decomposed if not unicodedata.combining(each))
    return unicodedata.normalize("NFKC", bare)
