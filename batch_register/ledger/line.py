"""One ledger line, to the byte: how it is written, checked and read back.

Decides: the envelope, the checksum, what counts as damage, what a torn write leaves.
Must not know: files, clocks, what the events mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from zlib import crc32 as _crc32

from pydantic_core import from_json

VERSION = 1
MAX_LINE_BYTES = 16 * 1024 * 1024  # a longer line is damage: reading stays bounded

# How every line of every version begins, and how it ends.
_HEAD = b'{"v":'
_FIRST_BYTE = _HEAD[0]
_ENVELOPE = frozenset({"v", "seq", "run_id", "at", "event", "key", "crc"})
_TAIL_BYTES = len(b',"crc":"00000000"}\n')
_BODY, _TAIL = slice(-_TAIL_BYTES), slice(-_TAIL_BYTES, None)
_CLOSING = re.compile(rb',"crc":"[0-9a-f]{8}"\}')  # its quotes cannot occur in a string

_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_from_json = json.JSONDecoder().raw_decode
_envelope = itemgetter("v", "seq", "run_id", "at", "event")


class DamagedLineError(ValueError):
    """A line that no version 1 writer can have written; the text says why."""


class NewerLineError(ValueError):
    """A sound line of a newer version than this tool reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One durable fact: who noted it when, about which entry, and its own fields."""

    seq: int  # from 1, without gaps: also the line's number in the file
    run_id: str
    at: str  # UTC, milliseconds, "Z"
    event: str
    key: str | None
    fields: Mapping[str, object]


def encode(line: Line) -> bytes:
    """Return the line's bytes, newline included.

    Raises:
        ValueError: the fields hold an envelope name, what JSON cannot hold, or too much.
    """
    if not _ENVELOPE.isdisjoint(line.fields):
        message = f"{line.event}: a field has the name of an envelope field"
        raise ValueError(message)
    whole: dict[str, object] = {
        "v": VERSION,
        "seq": line.seq,
        "run_id": line.run_id,
        "at": line.at,
        "event": line.event,
    }
    if line.key is not None:
        whole["key"] = line.key
    whole.update(line.fields)
    body = _to_json(whole)[:-1].encode("ascii")
    if len(body) > MAX_LINE_BYTES - _TAIL_BYTES:
        message = f"{line.event}: longer than {MAX_LINE_BYTES} bytes"
        raise ValueError(message)
    return body + _closing(body)


def decode(raw: bytes) -> Line:
    """Return the line that `raw`, newline included, holds.

    Raises:
        DamagedLineError: not what `encode` wrote; the text says in which way.
        NewerLineError: sound, but of a newer version.
    """
    found = opened(raw)
    return Line(
        seq=found["seq"],
        run_id=found["run_id"],
        at=found["at"],
        event=found["event"],
        key=found.get("key"),
        fields=own_fields(found),
    )


def opened(raw: bytes) -> dict[str, Any]:
    """Return a line's JSON object, its envelope included and proven sound.

    Everything is looked at by the quick parser first. Whatever that does not take as it
    is goes through the careful one, which alone decides what is damage, and why.

    Raises:
        DamagedLineError: not what `encode` wrote; the text says in which way.
        NewerLineError: sound, but of a newer version.
    """
    try:
        found: dict[str, Any] = from_json(raw, cache_strings="keys")
        version, seq, run_id, at, event = _envelope(found)
    except (ValueError, KeyError, TypeError):
        return _opened_with_care(raw)
    if (
        raw[_TAIL] == b',"crc":"%08x"}\n' % _crc32(raw[_BODY])
        and raw.isascii()
        and raw[0] == _FIRST_BYTE
        and version == VERSION
        and type(version) is type(seq) is int
        and type(run_id) is type(at) is type(event) is str
        and type(found.get("key", "")) is str
    ):
        return found
    return _opened_with_care(raw)


def own_fields(found: Mapping[str, object]) -> dict[str, object]:
    """Return an opened line's fields without those of the envelope."""
    return {name: value for name, value in found.items() if name not in _ENVELOPE}


def mend(tail: bytes) -> bytes:
    r"""Return the whole line, newline included, that an unterminated tail holds.

    Empty where the tail is torn. A torn write leaves a beginning of what was written,
    and after a power cut zeros in place of what was not: nothing else can follow a
    closing.

    Raises:
        DamagedLineError: something else follows a sound line, such as a newline that
            lost a bit.
    """
    closing = _CLOSING.search(tail)
    if closing is None:
        return b""
    line = tail[: closing.end()] + b"\n"
    if line[-_TAIL_BYTES:] != _closing(line[:-_TAIL_BYTES]):
        return b""
    if tail[closing.end() :].strip(b"\0"):
        message = "something other than a newline follows the checksum"
        raise DamagedLineError(message)
    return line


def begins_like_ledger(raw: bytes) -> bool:
    """Return whether `raw` can be the beginning of a ledger, torn or not."""
    return raw.startswith(_HEAD[: len(raw)]) or not raw.strip(b"\0")


def _closing(body: bytes) -> bytes:
    """Return the bytes that close a line whose other bytes are `body`."""
    return b',"crc":"%08x"}\n' % _crc32(body)


def _why_unsound(raw: bytes) -> str:
    """Say what is wrong with the closing of a line."""
    if len(raw) > MAX_LINE_BYTES:
        return "too long for a ledger line"
    if not raw.startswith(_HEAD):
        return "not a ledger line"
    if not _CLOSING.fullmatch(raw[-_TAIL_BYTES:-1]) or not raw.endswith(b"\n"):
        return "it does not end in a checksum"
    return "its checksum does not match"


def _opened_with_care(raw: bytes) -> dict[str, Any]:
    """Return a line's JSON object, or say what is wrong with the line.

    The checksum is the same in all versions, so it is looked at first: a flipped bit
    in the version is damage, not news.
    """
    body = raw[:-_TAIL_BYTES]
    if raw[-_TAIL_BYTES:] != _closing(body):
        raise DamagedLineError(_why_unsound(raw))
    try:
        found, end = _from_json(str(raw, "ascii"))
    except (ValueError, RecursionError) as error:
        message = f"not one JSON object in ASCII ({error})"
        raise DamagedLineError(message) from error
    if end != len(raw) - 1 or not isinstance(found, dict):
        message = "not one JSON object"
        raise DamagedLineError(message)
    _check_envelope(found)
    return found


def _check_envelope(found: Mapping[str, object]) -> None:
    """Refuse a JSON object that is of a newer version, or lacks its envelope."""
    version = found.get("v")
    if type(version) is int and version > VERSION:
        message = f"version {version}, this tool reads up to {VERSION}"
        raise NewerLineError(message)
    if (
        type(version) is int
        and version == VERSION
        and type(found.get("seq")) is int
        and all(isinstance(found.get(name), str) for name in ("run_id", "at", "event"))
        and isinstance(found.get("key"), str | None)
    ):
        return
    message = "v, seq, run_id, at, event or key is missing or of the wrong type"
    raise DamagedLineError(message)
