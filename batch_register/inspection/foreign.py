"""Files that are no disk a cloud takes, and ISOs: told by their first bytes.

Decides: what a person uploaded by mistake. Must not know: disk formats with a header of
their own. Sources: the formats' own specifications (RFC 1952 for gzip, RFC 8878 for zstd,
POSIX "pax" for tar, ECMA-119 for ISO, cryptsetup's "LUKS On-Disk Format", QEMU's
docs/interop/parallels).
"""

from __future__ import annotations

import codecs
import re
import struct
from contextlib import suppress
from typing import Final

from batch_register.inspection import descriptor
from batch_register.inspection.clauses import ends_early, judged
from batch_register.inspection.window import Window
from batch_register.source import DiskFormat, Inspection

_PACKED: Final = {
    name: re.compile(magic)
    for name, magic in (
        ("gzip", rb"\x1f\x8b\x08[\x00-\x1f]"),
        ("bzip2", rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
        ("xz", rb"\xfd7zXZ\x00"),
        ("zstd", rb"\x28\xb5\x2f\xfd"),
        ("lz4", rb"\x04\x22\x4d\x18"),
        ("zip", rb"PK\x03\x04"),
        ("7z", rb"7z\xbc\xaf\x27\x1c"),
        ("rar", rb"Rar!\x1a\x07"),
    )
}
_PARALLELS: Final = (b"WithoutFreeSpace", b"WithouFreSpacExt")
_LUKS: Final = b"LUKS\xba\xbe"
_SECTOR_BYTES: Final = 512
_ISO: Final = 32 * 1024  # its first descriptor
_PRIMARY: Final = 1  # a descriptor that tells the size
_PADDING_BYTES: Final = 1 << 20  # of an ISO's end, which some writers leave out
_TEXT_BYTES: Final = 1024
_PLAIN: Final = frozenset(b"\t\n\f\r")


def recognised(window: Window) -> Inspection | None:
    """Tell of a file that is none of the disk formats with a magic; None: it is raw."""
    head = window.head
    return (
        _encrypted(head)
        or _parallels(head)
        or _packed(head)
        or _iso(head, window.size_bytes)
        or _text(head)
    )


def _encrypted(head: bytes) -> Inspection | None:
    if not head.startswith(_LUKS):
        return None
    return Inspection(disk_format=DiskFormat.LUKS, problem="it is encrypted with LUKS")


def _parallels(head: bytes) -> Inspection | None:
    if not head.startswith(_PARALLELS) or len(head) < 44:  # noqa: PLR2004 - the size's end
        return None
    (sectors,) = struct.unpack_from("<Q", head, 36)
    if head.startswith(_PARALLELS[0]):
        sectors &= 0xFFFF_FFFF  # the older format has no more bits
    problem = "it is a Parallels disk, which has to be converted, to qcow2 for one"
    return judged(DiskFormat.PARALLELS, sectors * _SECTOR_BYTES, problem)


def _packed(head: bytes) -> Inspection | None:
    packer = next((name for name, magic in _PACKED.items() if magic.match(head)), "")
    if packer:
        problem = f"it is packed with {packer}: unpack it first"
    elif _is_tar(head):
        problem = (
            "it is a tar archive, as an OVA is: unpack it and take the disk inside"
        )
    else:
        return None
    return Inspection(disk_format=DiskFormat.ARCHIVE, problem=problem)


def _is_tar(head: bytes) -> bool:
    """Tell by the magic and the checksum, which a boot sector cannot have by chance."""
    block = head[:512]
    if block[257:262] != b"ustar":
        return False
    with suppress(ValueError):
        told = int(block[148:156].strip(b" \0"), 8)
        return told == sum(block[:148]) + sum(block[156:]) + 8 * ord(" ")
    return False


def _iso(head: bytes, size_bytes: int) -> Inspection | None:
    if not head.startswith(b"CD001", _ISO + 1):
        return None
    told_bytes = 0
    if head[_ISO] == _PRIMARY and len(head) >= _ISO + 130:
        (blocks,) = struct.unpack_from("<I", head, _ISO + 80)
        (block_bytes,) = struct.unpack_from("<H", head, _ISO + 128)
        told_bytes = blocks * block_bytes
    is_padded = told_bytes - size_bytes <= _PADDING_BYTES
    problem = "" if is_padded else ends_early("its files", told_bytes, size_bytes)
    return judged(DiskFormat.ISO, size_bytes, problem)


def _text(head: bytes) -> Inspection | None:
    start = head[:_TEXT_BYTES]
    # VMware's and QEMU's descriptors may be padded with zeros; no other text is.
    text = _plain(start.rstrip(b"\0"))
    if descriptor.is_descriptor(text):
        problem = descriptor.scattered(text)
    elif not text or start.endswith(b"\0"):
        return None
    elif re.search(r"<envelope|\bovf:", text, re.IGNORECASE):
        problem = "it is an OVF description: the disks lie in other files"
    else:
        problem = f"it is {_kind(text)}, and no disk"
    return Inspection(disk_format=DiskFormat.TEXT, problem=problem)


def _plain(start: bytes) -> str:
    """Return a file's start where it is text throughout, without blanks before it."""
    if any(byte < ord(" ") and byte not in _PLAIN for byte in start):
        return ""
    with suppress(UnicodeDecodeError):  # the last letter may be cut in two
        decoded = codecs.getincrementaldecoder("utf-8")().decode(start)
        return decoded.lstrip("\ufeff \t\r\n")
    return ""


def _kind(text: str) -> str:
    small = text[:100].lower()
    if small.startswith(("<!doctype html", "<html")):
        return "an HTML page"
    if small.startswith("<"):
        return "an XML document"
    return "a JSON document" if small.startswith(("{", "[")) else "a text"
