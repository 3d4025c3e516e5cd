"""How the text of one setting becomes a value.

Decides: which spellings are read, and which limits hold. Must not know: where the text
came from, nor what the setting is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from batch_register.settings.address import Address
from batch_register.shard import Shard

REPORT_SUFFIXES = (".html", ".json", ".csv", ".md", ".xml", ".joblog")
METRICS_SUFFIX = ".prom"  # node_exporter, "Textfile Collector"
LONGEST_DURATION_S = 366 * 86_400.0  # beyond a year it is a slip of the finger

Parser = Callable[[object], object]  # raises ValueError whose text says "must be ..."

_NUMBER = r"\d{1,18}(?:\.\d{1,9})?"
_PLAIN_NUMBER = re.compile(_NUMBER, re.ASCII)
_DURATION = re.compile(
    rf"(?:({_NUMBER})d)?(?:({_NUMBER})h)?(?:({_NUMBER})m)?(?:({_NUMBER})s)?", re.ASCII
)
_UNITS_S = (86_400.0, 3_600.0, 60.0, 1.0)
_SIZE = re.compile(r"(\d{1,12})([KMGkmg]?)(?:i?B)?", re.ASCII)
_SIZE_BITS = {"": 0, "K": 10, "M": 20, "G": 30}
# Dask.distributed, "Protocols": where `distributed.Client` connects to.
_SCHEDULER = re.compile(
    r"(?:(?:tcp|tls|ws|wss)://)?[A-Za-z0-9._\[\]:-]+:\d{1,5}", re.ASCII
)
_YES = frozenset({"true", "yes", "on", "1"})
_NO = frozenset({"false", "no", "off", "0"})


def parse_duration_s(text: str) -> float:
    """Read `90`, `90s`, `15m`, `6h` or `1h30m` as seconds.

    Raises:
        ValueError: it is none of these, or longer than a year.
    """
    if _PLAIN_NUMBER.fullmatch(text):
        seconds = float(text)
    elif text and (parts := _DURATION.fullmatch(text)):
        units = zip(parts.groups(), _UNITS_S, strict=True)
        seconds = sum(float(part) * unit_s for part, unit_s in units if part)
    else:
        message = "must be seconds, or a duration such as 90s, 15m or 1h30m"
        raise ValueError(message)
    if seconds > LONGEST_DURATION_S:
        message = "must be at most 366d"
        raise ValueError(message)
    return seconds


def format_duration(seconds: float) -> str:
    """Write seconds so that `parse_duration_s` reads the same number again."""
    if not seconds.is_integer() or seconds < 1:
        return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"
    rest, text = int(seconds), ""
    for letter, unit_s in (("h", 3_600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, unit_s)
        text += f"{count}{letter}" if count else ""
    return text


def duration(*, may_be_zero: bool) -> Parser:
    """Return a parser of durations, in seconds."""

    def parse(raw: object) -> float:
        seconds = parse_duration_s(str(raw).strip())
        if seconds <= 0 and not may_be_zero:
            message = "must be longer than 0"
            raise ValueError(message)
        return seconds

    return parse


def whole_number(least: int, most: int) -> Parser:
    """Return a parser of whole numbers within limits, both included."""

    def parse(raw: object) -> int:
        text = str(raw).strip()
        is_plain = re.fullmatch(r"\d{1,18}", text, re.ASCII) is not None
        if not is_plain or not least <= int(text) <= most:
            message = f"must be a whole number from {least} to {most}"
            raise ValueError(message)
        return int(text)

    return parse


def rate(raw: object) -> float:
    """Read a number of requests per second."""
    text = str(raw).strip()
    value = float(text) if _PLAIN_NUMBER.fullmatch(text) else 0.0
    if value <= 0:
        message = "must be a number of requests per second above 0"
        raise ValueError(message)
    return value


def size(raw: object) -> int:
    """Read a number of bytes; K, M and G are powers of 1024."""
    found = _SIZE.fullmatch(str(raw).strip())
    value = int(found[1]) << _SIZE_BITS[found[2].upper()] if found else 0
    if value <= 0:
        message = "must be a number of bytes above 0, such as 800K, 50M or 1G"
        raise ValueError(message)
    return value


def scheduler(raw: object) -> str:
    """Read the address of a Dask scheduler."""
    text = str(raw).strip()
    if not _SCHEDULER.fullmatch(text):
        message = "must be a scheduler's address, such as tcp://10.0.0.5:8786"
        raise ValueError(message)
    return text


def shard(raw: object) -> Shard:
    """Read one shard of several, such as `0/4`."""
    return Shard.parse(str(raw).strip())


def switch(raw: object) -> bool:
    """Read yes or no, in the usual words."""
    text = str(raw).strip().lower()
    if text not in _YES | _NO:
        message = "must be true or false"
        raise ValueError(message)
    return text in _YES


def word(raw: object) -> str:
    """Read a name: one line, not blank."""
    text = str(raw).strip()
    if not text or not text.isprintable():
        message = "must be a name"
        raise ValueError(message)
    return text


def path(raw: object) -> Path:
    """Read the path of a file."""
    text = str(raw)
    if not text.strip() or "\0" in text:
        message = "must be the path of a file"
        raise ValueError(message)
    return Path(text)


def report_path(raw: object) -> Path:
    """Read the path of a report, whose suffix chooses its format."""
    found = path(raw)
    if found.suffix.lower() not in REPORT_SUFFIXES:
        message = f"must end in {', '.join(REPORT_SUFFIXES)}: the suffix is the format"
        raise ValueError(message)
    return found


def metrics_path(raw: object) -> Path:
    """Read the path of a metrics file, by a suffix that node_exporter looks at."""
    found = path(raw)
    if found.suffix != METRICS_SUFFIX:
        message = f"must end in {METRICS_SUFFIX}: node_exporter reads no other file"
        raise ValueError(message)
    return found


def globs(raw: object) -> tuple[str, ...]:
    """Read a list of globs, or text in which commas part them."""
    parts = raw if isinstance(raw, list | tuple) else str(raw).split(",")
    found = tuple(str(part).strip() for part in parts)
    if not all(found):
        message = "must be globs over entry keys, none of them empty"
        raise ValueError(message)
    return found


def addresses(raw: object) -> tuple[Address, ...]:
    """Read a list of addresses, or text in which white space parts them."""
    parts = raw if isinstance(raw, list | tuple) else str(raw).split()
    return tuple(Address.parse(str(part).strip()) for part in parts)


def choice(of: type[StrEnum]) -> Parser:
    """Return a parser of the words of a closed set."""

    def parse(raw: object) -> StrEnum:
        words = [str(member) for member in of]
        text = str(raw).strip().lower()
        if text not in words:
            message = f"must be one of {', '.join(words)}"
            raise ValueError(message)
        return of(text)

    return parse
