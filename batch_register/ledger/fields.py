"""Reading typed values out of a line's fields.

Decides: what counts as a wrong or missing field. Must not know: which event asks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from batch_register.ledger.line import DamagedLineError
from batch_register.model import Pairs

Fields = Mapping[str, object]

_T = TypeVar("_T")


def read_field(fields: Fields, name: str, read: Callable[[object], _T]) -> _T:
    """Return the field `name` as `read` understands it.

    Raises:
        DamagedLineError: it is missing or wrong.
    """
    if name not in fields:
        message = f"field {name} is missing"
        raise DamagedLineError(message)
    try:
        return read(fields[name])
    except DamagedLineError as error:
        message = f"field {name}: {error}"
        raise DamagedLineError(message) from None


def read_text(fields: Fields, name: str) -> str:
    """Return the text field `name`; DamagedLineError where it is missing or wrong."""
    return read_field(fields, name, as_text)


def as_text(value: object) -> str:
    """Return `value` if it is a text."""
    if isinstance(value, str):
        return value
    raise DamagedLineError(unlike("a text", value))


def as_shared_text(value: object) -> str:
    """Return `value` if it is a text, one object for all equal ones: memory."""
    return sys.intern(as_text(value))


def as_count(value: object) -> int:
    """Return `value` if it is a whole number."""
    if type(value) is int:  # not bool, which is an int to isinstance
        return value
    raise DamagedLineError(unlike("a whole number", value))


def as_object(value: object) -> Fields:
    """Return `value` if it is a JSON object."""
    if isinstance(value, dict):
        return value
    raise DamagedLineError(unlike("an object", value))


def as_list(value: object) -> list[object]:
    """Return `value` if it is a JSON array."""
    if isinstance(value, list):
        return value
    raise DamagedLineError(unlike("a list", value))


def as_moment(value: object) -> datetime:
    """Return the moment that a stamp tells."""
    try:
        moment = datetime.fromisoformat(as_text(value))
    except ValueError:  # a DamagedLineError is one, too
        raise DamagedLineError(unlike("a moment", value)) from None
    if moment.tzinfo is None:
        raise DamagedLineError(unlike("a moment", value))
    return moment


def stamp(moment: datetime) -> str:
    """Return a moment as the ledger writes it: UTC, milliseconds, `Z`."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def as_pairs(value: object) -> Pairs:
    """Return a JSON object of texts as pairs, in its order."""
    pairs = as_object(value).items()
    return tuple((sys.intern(name), as_shared_text(text)) for name, text in pairs)


def unlike(wanted: str, value: object) -> str:
    """Say that a value is not what was wanted."""
    return f"{value!r:.80} is not {wanted}"
