"""The fields that answers of image services have in common, whoever answers.

Decides: how loose a field may be, and what of an image every service shows. Lenient
where services are known to be loose (booleans and numbers as text), strict where a
wrong reading would be a guess. Must not know: which calls there are, HTTP.

Source: "Querying Images" of the Image Management Service API reference; "Images" of the
OpenStack Image service API v2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from batch_register.ims.answer import AnswerError
from batch_register.ims.codes import OwnCode
from batch_register.model import ImageId, ImageStatus, ImageView, JobStatus, Pairs
from batch_register.transport.text import plain_text

_WORD_LIMIT: Final = 64  # characters kept of a status that we do not know

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _whole_number(value: object) -> object:
    """Return a number that came as text; anything else as it is."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,18}\s*", value, re.ASCII):
        return int(value)
    return value


_LARGEST_SIZE_BYTES: Final = 2**63 - 1  # beyond that no disk file is known


def _size_bytes(value: object) -> int:
    """Return a size; whatever is not one counts as none, never as an error."""
    number = _whole_number(value)
    if type(number) is not int or not 0 < number <= _LARGEST_SIZE_BYTES:
        return 0
    return number


def _shown_number(value: object) -> int | None:
    """Return a whole number that the service shows; None for anything else."""
    number = _whole_number(value)
    return number if type(number) is int and number >= 0 else None


def _shown_switch(value: object) -> bool | None:
    """Return a yes or no, as such or as text; None for anything else."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _words(value: object) -> object:
    """Return an empty text for null."""
    return "" if value is None else value


def _pairs(value: object) -> object:
    """Return tags as _pairs; those of an older spelling, `key.value`, too."""
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        message = "expected a list of tags"
        raise ValueError(message)  # noqa: TRY004 - pydantic turns ValueError into its own
    return tuple(_pair(tag) for tag in value if isinstance(tag, str))


def _pair(tag: str) -> tuple[str, str]:
    separator = "=" if "=" in tag else "."
    key, _, value = tag.partition(separator)
    return key, value


Number = Annotated[int, BeforeValidator(_whole_number), Field(strict=True, ge=0)]
ShownNumber = Annotated[int | None, BeforeValidator(_shown_number)]
ShownSwitch = Annotated[bool | None, BeforeValidator(_shown_switch)]
Text = Annotated[str, Field(strict=True)]
LooseText = Annotated[str, BeforeValidator(_words), Field(strict=True)]
Id = Annotated[
    str, Field(strict=True), StringConstraints(strip_whitespace=True, min_length=1)
]
SizeBytes = Annotated[int, BeforeValidator(_size_bytes)]


class Shape(BaseModel):
    """Part of an answer; fields that we do not need are left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ImageShape(Shape):
    """What every service shows of an image."""

    id: Id
    status: Text
    name: LooseText = ""
    created_at: LooseText = ""
    tags: Annotated[Pairs, BeforeValidator(_pairs)] = ()
    min_disk: ShownNumber = None
    min_ram: ShownNumber = None
    protected: ShownSwitch = None

    def shown(self, status: ImageStatus, size_bytes: int, raw_status: str) -> ImageView:
        """Return the image as the engine sees it."""
        return ImageView(
            image_id=ImageId(self.id),
            name=self.name,
            status=status,
            size_bytes=size_bytes,
            tags=self.tags,
            created_at=self.created_at,
            raw_status=raw_status,
            min_disk_gb=self.min_disk,
            min_ram_mb=self.min_ram,
            is_protected=self.protected,
        )


ShapeT = TypeVar("ShapeT", bound=Shape)


def raw_word(text: str, status: ImageStatus | JobStatus) -> str:
    """Return a status that we do not know in the cloud's own word, made plain."""
    if status in (ImageStatus.UNRECOGNISED, JobStatus.UNRECOGNISED):
        return plain_text(text, limit=_WORD_LIMIT)
    return ""


def marker_of(address: str) -> str | None:
    """Return the marker of a `next` address; nothing else of it is used."""
    try:
        return parse_qs(urlsplit(address).query)["marker"][0]
    except (ValueError, KeyError):
        return None


def require_same(kind: str, answered: str, asked: str) -> None:
    """Refuse an answer about something that was not asked for.

    Raises:
        AnswerError: it is one.
    """
    if answered.lower() != asked.lower():
        reason = f"asked for {kind} {asked}, answered about {plain_text(answered)}"
        raise AnswerError(OwnCode.OTHER_ID, reason)


def require_uuid(image_id: str) -> None:
    """Refuse an id of a new image that has not the form of one.

    Raises:
        AnswerError: it has not.
    """
    if not _UUID.fullmatch(image_id):
        reason = f"the image id is not a UUID: {plain_text(image_id)}"
        raise AnswerError(OwnCode.SHAPE, reason)


def shaped(shape: type[ShapeT], data: dict[str, Any]) -> ShapeT:
    """Return an answer's object in its shape.

    Raises:
        AnswerError: a field is missing or of another type.
    """
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise AnswerError(OwnCode.SHAPE, f"{where}: {first['msg']}") from None
