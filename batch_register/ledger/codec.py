"""The machine's events as ledger fields, and back.

Decides: how each type of value is written in JSON. Must not know: envelopes, files,
which event follows which.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar, get_type_hints

from batch_register.event import DURABLE_EVENTS, Event, ShellFate
from batch_register.ledger.fields import (
    Fields,
    as_count,
    as_object,
    as_shared_text,
    as_text,
    read_field,
    unlike,
)
from batch_register.ledger.line import DamagedLineError
from batch_register.model import (
    Action,
    Fault,
    FaultKind,
    ImageId,
    ImageStatus,
    JobId,
    SpecDigest,
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Form:
    """How values of one type are written in JSON, and read back."""

    write: Callable[[Any], object]
    read: Callable[[object], object]


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of an event or a fault."""

    name: str
    form: _Form
    is_required: bool


@dataclass(frozen=True, slots=True)
class _Shape:
    """One class as the ledger writes it: its fields in their order."""

    make: Callable[..., Any]
    fields: tuple[_Field, ...]

    def write(self, value: object) -> dict[str, object]:
        return {f.name: f.form.write(getattr(value, f.name)) for f in self.fields}

    def read(self, found: Fields) -> Any:  # noqa: ANN401 - what `make` makes
        values = {
            f.name: read_field(found, f.name, f.form.read)
            for f in self.fields
            if f.is_required or f.name in found
        }
        return self.make(**values)


def _as_is(value: _T) -> _T:
    return value


def _optional(form: _Form) -> _Form:
    """Return the form of a type, or null."""
    return _Form(
        lambda value: None if value is None else form.write(value),
        lambda value: None if value is None else form.read(value),
    )


def _word(enum: type[StrEnum]) -> _Form:
    """Return the form of an enumeration: its text."""
    members: dict[object, StrEnum] = {member.value: member for member in enum}

    def read(value: object) -> StrEnum:
        member = members.get(as_text(value))
        if member is None:
            raise DamagedLineError(unlike(f"a {enum.__name__}", value))
        return member

    return _Form(str, read)


_TEXT = _Form(_as_is, as_text)
_COUNT = _Form(_as_is, as_count)
_FORMS: dict[object, _Form] = {
    str: _TEXT,
    str | None: _optional(_TEXT),
    int: _COUNT,
    int | None: _optional(_COUNT),
    ImageId: _TEXT,
    ImageId | None: _optional(_TEXT),
    JobId | None: _optional(_TEXT),
    SpecDigest: _Form(_as_is, as_shared_text),
    ImageStatus: _word(ImageStatus),
    ShellFate: _word(ShellFate),
    FaultKind: _word(FaultKind),
    Action: _word(Action),
}


def _shape(cls: type, order: tuple[str, ...] = ()) -> _Shape:
    """Return the shape of a dataclass; a type without a form is a bug at import."""
    hints = get_type_hints(cls)
    fields = {
        field.name: _Field(
            field.name, _FORMS[hints[field.name]], field.default is dataclasses.MISSING
        )
        for field in dataclasses.fields(cls)
    }
    return _Shape(cls, tuple(fields[name] for name in order or fields))


_FAULT = _shape(
    Fault, ("kind", "http_status", "code", "reason", "request_id", "action")
)
_FORMS[Fault] = _Form(_FAULT.write, lambda value: _FAULT.read(as_object(value)))
_SHAPES: dict[type[Event], _Shape] = {cls: _shape(cls) for cls in DURABLE_EVENTS}
_BY_NAME = {cls.ledger_name: shape for cls, shape in _SHAPES.items()}


def to_fields(event: Event) -> tuple[str, dict[str, object]]:
    """Return the ledger's name for an event, and its fields.

    Raises:
        ValueError: the event is not a durable one: a bug in the caller.
    """
    shape = _SHAPES.get(type(event))
    if shape is None or event.ledger_name is None:
        message = f"{type(event).__name__} is not for the ledger"
        raise ValueError(message)
    return event.ledger_name, shape.write(event)


def from_fields(name: str, fields: Fields) -> Event | None:
    """Return the event of that name, or None where version 1 knows none.

    Fields that this tool does not know are left out.

    Raises:
        DamagedLineError: a field is missing or wrong.
    """
    shape = _BY_NAME.get(name)
    if shape is None:
        return None
    event: Event = shape.read(fields)
    return event
