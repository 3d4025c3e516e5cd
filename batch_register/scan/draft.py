"""A manifest before it is text: what is known of each image, and how surely.

Decides: what a draft can say. Must not know: where it was learned, how it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

# The service's own default, and what it keeps where its import detects no other system.
# Source: Image Management Service API reference, "Creating Image Metadata".
NEUTRAL_OS_VERSION: Final = "Other Linux(64 bit)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One field of an image; where it is not sure, a person is asked to check it."""

    field: str
    value: str | int
    remark: str = ""  # why this value; a clause
    is_sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftImage:
    """One image: its fields in the order in which they are written.

    `held_back` says why it must not be registered as it stands; it is written as a
    comment then. `about` is what else is known of it.
    """

    lines: tuple[Line, ...]
    about: str = ""
    held_back: str = ""

    def value_of(self, name: str) -> str | int | None:
        """Return a field's value, or None where the image has no such field."""
        return next((line.value for line in self.lines if line.field == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Something that was looked at and is no image of this manifest; `why`: a clause."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A whole manifest; `origin` says where it was learned."""

    name: str
    origin: str
    defaults: Mapping[str, str] = field(default_factory=dict)
    images: tuple[DraftImage, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()  # about all images

    @property
    def ready(self) -> tuple[DraftImage, ...]:
        """Return the images that can be registered."""
        return tuple(image for image in self.images if not image.held_back)

    @property
    def held_back(self) -> tuple[DraftImage, ...]:
        """Return the images that a person has to complete first."""
        return tuple(image for image in self.images if image.held_back)

    @property
    def unsure_count(self) -> int:
        """Return how many values a person has to check, of the images that are ready."""
        return sum(
            not line.is_sure for image in self.ready for line in image.lines
        ) + len(self.warnings)

    def masked(self, mask: Callable[[str], str]) -> Draft:
        """Return the draft with `mask` laid over all that becomes a comment.

        So do the values of an image that is held back: no rule has passed them.
        """
        return replace(
            self,
            origin=mask(self.origin),
            warnings=tuple(map(mask, self.warnings)),
            images=tuple(_masked(image, mask) for image in self.images),
            left_out=tuple(
                LeftOut(what=mask(each.what), why=mask(each.why))
                for each in self.left_out
            ),
        )


def _masked(image: DraftImage, mask: Callable[[str], str]) -> DraftImage:
    return replace(
        image,
        lines=tuple(_masked_line(line, image, mask) for line in image.lines),
        about=mask(image.about),
        held_back=mask(image.held_back),
    )


def _masked_line(line: Line, image: DraftImage, mask: Callable[[str], str]) -> Line:
    is_comment = image.held_back and isinstance(line.value, str)
    value = mask(str(line.value)) if is_comment else line.value
    return replace(line, value=value, remark=mask(line.remark))
