"""What the image service answers when it does as it was asked.

Decides: which fields each answer has, and what counts as a documented one. Must not
know: how loose a field may be (`fields`), HTTP, addresses, retries.

Sources: "Creating Image Metadata", "Registering an Image", "Querying Images", "Querying
the Status of an Asynchronous Job" and "Querying the Image Quota" of the Image
Management Service API reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field

from batch_register.ims.answer import AnswerError, decoded
from batch_register.ims.codes import OwnCode
from batch_register.ims.fields import (
    Id,
    ImageShape,
    LooseText,
    Number,
    Shape,
    ShapeT,
    SizeBytes,
    Text,
    marker_of,
    raw_word,
    require_same,
    require_uuid,
    shaped,
)
from batch_register.ims.jobfault import job_fault
from batch_register.model import (
    ImageId,
    ImageStatus,
    ImageView,
    JobId,
    JobStatus,
    JobView,
    Quota,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list; `next_marker` is None where the service names none."""

    images: tuple[ImageView, ...]
    next_marker: str | None = None


class _Image(ImageShape):
    image_size: SizeBytes = Field(default=0, alias="__image_size")

    def view(self) -> ImageView:
        status = _IMAGE_STATUSES.get(self.status, ImageStatus.UNRECOGNISED)
        return self.shown(status, self.image_size, raw_word(self.status, status))


class _PageInfo(Shape):
    next_marker: str | None = None


class _List(Shape):
    images: list[_Image]
    page_info: _PageInfo | None = None
    next: str | None = None

    def next_marker(self) -> str | None:
        if self.page_info is not None and self.page_info.next_marker:
            return self.page_info.next_marker
        return marker_of(self.next) if self.next else None


class _Job(Shape):
    status: Text | None
    job_id: LooseText = ""


class _Registered(Shape):
    job_id: Id


class _QuotaOf(Shape):
    type: Text
    used: Number
    quota: Number


class _Quotas(Shape):
    resources: list[_QuotaOf]


class _QuotaAnswer(Shape):
    quotas: _Quotas


_IMAGE_STATUSES: Final = {
    str(status): status
    for status in ImageStatus
    if status is not ImageStatus.UNRECOGNISED
}
_JOB_STATUSES: Final = {
    str(status): status for status in JobStatus if status is not JobStatus.UNRECOGNISED
}


def read_created(body: bytes) -> ImageView:
    """Return the image that a create made; its id must have the form of one.

    Raises:
        AnswerError: the answer is not the documented one.
    """
    view = _read(_Image, body).view()
    require_uuid(view.image_id)
    return view


def read_image(body: bytes, asked: ImageId) -> ImageView:
    """Return the image that was asked for.

    Raises:
        AnswerError: the answer is not the documented one, or about another image.
    """
    view = _read(_Image, body).view()
    require_same("image", view.image_id, asked)
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
    job = shaped(_Job, data)
    if job.job_id.strip():
        require_same("job", job.job_id.strip(), asked)
    if job.status is None:
        return None
    status = _JOB_STATUSES.get(job.status, JobStatus.UNRECOGNISED)
    return JobView(
        job_id=asked,
        status=status,
        fault=job_fault(data, secrets) if status is JobStatus.FAIL else None,
        progress=_progress(data),
        raw_status=raw_word(job.status, status),
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


def _read(shape: type[ShapeT], body: bytes) -> ShapeT:
    return shaped(shape, decoded(body))
