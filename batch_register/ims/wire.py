"""What the image service answers when it does as it was asked.

Decides: the fields of an answer, and what counts as a documented one. Lenient where the
service is known to be loose (booleans and numbers as text, blanks around a job id),
strict where a wrong reading would be a guess. Must not know: HTTP, addresses, retries.

Sources: "Creating Image Metadata", "Registering an Image", "Querying Images", "Querying
the Status of an Asynchronous Job" and "Querying the Image Quota" of the Image
Management Service API reference.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
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

from batch_register.ims.answer import AnswerError, decoded
from batch_register.ims.codes import OwnCode
from batch_register.ims.jobfault import job_fault
from batch_register.model import (
    ImageId,
    ImageStatus,
    ImageView,
    JobId,
    JobStatus,
    JobView,
    Pairs,
    Quota,
)
from batch_register.transport.text import plain_text

_WORD_LIMIT: Final = 64  # characters kept of a status that we do not know

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list; `next_marker` is None where the service names none."""

    images: tuple[ImageView, ...]
    next_marker: str | None = None


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
    """Return tags as pairs; those of an older spelling, `key.value`, too."""
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


_Number = Annotated[int, BeforeValidator(_whole_number), Field(strict=True, ge=0)]
_ShownNumber = Annotated[int | None, BeforeValidator(_shown_number)]
_ShownSwitch = Annotated[bool | None, BeforeValidator(_shown_switch)]
_Text = Annotated[str, Field(strict=True)]
_LooseText = Annotated[str, BeforeValidator(_words), Field(strict=True)]
_Id = Annotated[
    str, Field(strict=True), StringConstraints(strip_whitespace=True, min_length=1)
]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Image(_Shape):
    id: _Id
    status: _Text
    name: _LooseText = ""
    created_at: _LooseText = ""
    tags: Annotated[Pairs, BeforeValidator(_pairs)] = ()
    image_size: Annotated[int, BeforeValidator(_size_bytes)] = Field(
        default=0, alias="__image_size"
    )
    min_disk: _ShownNumber = None
    min_ram: _ShownNumber = None
    protected: _ShownSwitch = None

    def view(self) -> ImageView:
        status = _IMAGE_STATUSES.get(self.status, ImageStatus.UNRECOGNISED)
        return ImageView(
            image_id=ImageId(self.id),
            name=self.name,
            status=status,
            size_bytes=self.image_size,
            tags=self.tags,
            created_at=self.created_at,
            raw_status=_raw(self.status, status),
            min_disk_gb=self.min_disk,
            min_ram_mb=self.min_ram,
            is_protected=self.protected,
        )


class _PageInfo(_Shape):
    next_marker: str | None = None


class _List(_Shape):
    images: list[_Image]
    page_info: _PageInfo | None = None
    next: str | None = None

    def next_marker(self) -> str | None:
        if self.page_info is not None and self.page_info.next_marker:
            return self.page_info.next_marker
        return _marker_of(self.next) if self.next else None


class _Job(_Shape):
    status: _Text | None
    job_id: _LooseText = ""


class _Registered(_Shape):
    job_id: _Id


class _QuotaOf(_Shape):
    type: _Text
    used: _Number
    quota: _Number


class _Quotas(_Shape):
    resources: list[_QuotaOf]


class _QuotaAnswer(_Shape):
    quotas: _Quotas


_IMAGE_STATUSES: Final = {
    str(status): status
    for status in ImageStatus
    if status is not ImageStatus.UNRECOGNISED
}
_JOB_STATUSES: Final = {
    str(status): status for status in JobStatus if status is not JobStatus.UNRECOGNISED
}

_ShapeT = TypeVar("_ShapeT", bound=_Shape)


def read_created(body: bytes) -> ImageView:
    """Return the image that a create made; its id must have the form of one.

    Raises:
        AnswerError: the answer is not the documented one.
    """
    view = _read(_Image, body).view()
    if not _UUID.fullmatch(view.image_id):
        reason = f"the image id is not a UUID: {plain_text(view.image_id)}"
        raise AnswerError(OwnCode.SHAPE, reason)
    return view


def read_image(body: bytes, asked: ImageId) -> ImageView:
    """Return the image that was asked for.

    Raises:
        AnswerError: the answer is not the documented one, or about another image.
    """
    view = _read(_Image, body).view()
    _require_same("image", view.image_id, asked)
    return view


def read_page(body: bytes) -> Page:
    """Return one page; an image that cannot be read spoils it, since we may need it.

    Raises:
        AnswerError: the answer is not the documented one.
    """
    page = _read(_List, body)
    images = tuple(image.view() for image in page.images)
    return Page(images=images, next_marker=page.next_marker())


def read_job_id(body: bytes) -> JobId:
    """Return the job that a register started, without the blanks some clouds add.

    Raises:
        AnswerError: the answer is not the documented one.
    """
    return JobId(_read(_Registered, body).job_id)


def read_job(
    body: bytes, asked: JobId, *, secrets: Sequence[str] = ()
) -> JobView | None:
    """Return the job that was asked for, with its fault where it failed.

    None where the status is null: a job that the service has forgotten. `secrets` are
    masked where the fault repeats them.

    Raises:
        AnswerError: the answer is not the documented one, or about another job.
    """
    data = decoded(body)
    job = _shaped(_Job, data)
    if job.job_id.strip():
        _require_same("job", job.job_id.strip(), asked)
    if job.status is None:
        return None
    status = _JOB_STATUSES.get(job.status, JobStatus.UNRECOGNISED)
    return JobView(
        job_id=asked,
        status=status,
        fault=job_fault(data, secrets) if status is JobStatus.FAIL else None,
        progress=_progress(data),
        raw_status=_raw(job.status, status),
    )


def read_quota(body: bytes) -> Quota:
    """Return the quota of private images.

    Raises:
        AnswerError: the answer is not the documented one.
    """
    for quota in _read(_QuotaAnswer, body).quotas.resources:
        if quota.type == "image":
            return Quota(used=quota.used, limit=quota.quota)
    raise AnswerError(OwnCode.SHAPE, "no quota of type 'image'")


def _progress(data: dict[str, Any]) -> float | None:
    """Return the fraction that is done; None where it is not told as documented."""
    entities = data.get("entities")
    value = entities.get("process_percent") if isinstance(entities, dict) else None
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 <= value <= 1
    ):
        return float(value)
    return None


def _raw(text: str, status: ImageStatus | JobStatus) -> str:
    """Return a status that we do not know in the cloud's own word, made plain."""
    if status in (ImageStatus.UNRECOGNISED, JobStatus.UNRECOGNISED):
        return plain_text(text, limit=_WORD_LIMIT)
    return ""


def _marker_of(address: str) -> str | None:
    """Return the marker of a `next` address; nothing else of it is used."""
    try:
        return parse_qs(urlsplit(address).query)["marker"][0]
    except (ValueError, KeyError):
        return None


def _require_same(kind: str, answered: str, asked: str) -> None:
    if answered.lower() != asked.lower():
        reason = f"asked for {kind} {asked}, answered about {plain_text(answered)}"
        raise AnswerError(OwnCode.OTHER_ID, reason)


def _read(shape: type[_ShapeT], body: bytes) -> _ShapeT:
    return _shaped(shape, decoded(body))


def _shaped(shape: type[_ShapeT], data: dict[str, Any]) -> _ShapeT:
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise AnswerError(OwnCode.SHAPE, f"{where}: {first['msg']}") from None
