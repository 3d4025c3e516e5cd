"""What Glance answers when it does as it was asked.

Decides: which fields each answer has, and what Glance's words for an image's and a
task's state mean. Must not know: HTTP, addresses, retries, clocks.

Sources: "Images", "Image import" and "Show tasks associated with image" of the
OpenStack Image service API v2; "Image Statuses" of the Glance user guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from batch_register.ims.answer import AnswerError, decoded
from batch_register.ims.codes import OwnCode
from batch_register.ims.fields import (
    ImageShape,
    LooseText,
    Shape,
    SizeBytes,
    Text,
    marker_of,
    raw_word,
    require_same,
    require_uuid,
    shaped,
)
from batch_register.ims.wire import Page
from batch_register.model import ImageId, ImageStatus, ImageView, JobStatus, Quota
from batch_register.transport.text import plain_text

_IMAGE_STATUSES: Final = {
    "queued": ImageStatus.QUEUED,
    "saving": ImageStatus.SAVING,
    "uploading": ImageStatus.SAVING,
    "importing": ImageStatus.SAVING,
    "active": ImageStatus.ACTIVE,
    "killed": ImageStatus.KILLED,
    "deleted": ImageStatus.DELETED,
    "pending_delete": ImageStatus.PENDING_DELETE,
}
_OWN_WORDS: Final = ("uploading", "importing")  # that we call by another name
_TASK_STATUSES: Final = {
    "pending": JobStatus.INIT,
    "processing": JobStatus.RUNNING,
    "success": JobStatus.SUCCESS,
    "failure": JobStatus.FAIL,
}
_IMPORT: Final = "api_image_import"
_ID_LIMIT: Final = 64  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTask:
    """One import of an image; `silent_s` is None where Glance does not tell."""

    task_id: str
    status: JobStatus
    message: str = ""
    raw_status: str = ""
    request_id: str = ""  # of the call that began it
    silent_s: float | None = None  # since its last sign of life


class _Image(ImageShape):
    size: SizeBytes = 0
    os_glance_failed_import: LooseText = ""  # stores that the last import failed for
    os_glance_import_task: LooseText = ""  # held from an import's acceptance to its end

    def view(self) -> ImageView:
        status = _IMAGE_STATUSES.get(self.status, ImageStatus.UNRECOGNISED)
        raw = raw_word(self.status, status)
        if self.status in _OWN_WORDS:
            raw = self.status
        elif status is ImageStatus.QUEUED and self.os_glance_import_task:
            status, raw = ImageStatus.SAVING, "queued, its import accepted"
        elif status is ImageStatus.QUEUED and self.os_glance_failed_import:
            status, raw = ImageStatus.KILLED, "queued again, its import failed"
        return self.shown(status, self.size, raw)


class _List(Shape):
    images: list[_Image]
    next: str | None = None


class _Task(Shape):
    id: Text
    status: Text
    type: LooseText = ""
    message: LooseText = ""
    request_id: LooseText = ""
    created_at: LooseText = ""
    updated_at: LooseText = ""

    def read(self, now: datetime, secrets: Sequence[str]) -> ImportTask:
        status = _TASK_STATUSES.get(self.status, JobStatus.UNRECOGNISED)
        return ImportTask(
            task_id=plain_text(self.id, limit=_ID_LIMIT),
            status=status,
            message=plain_text(self.message, secrets=secrets),
            raw_status=raw_word(self.status, status),
            request_id=plain_text(self.request_id, limit=_ID_LIMIT, secrets=secrets),
            silent_s=_passed_s(self.updated_at or self.created_at, now),
        )


class _Tasks(Shape):
    tasks: list[_Task]


class _Usage(Shape):
    limit: int
    usage: int


class _UsageAnswer(Shape):
    usage: dict[str, _Usage]


def read_created(body: bytes) -> ImageView:
    """Return the image that a create made; its id must have the form of one.

    Raises:
        AnswerError: the answer is not the documented one.
    """
    view = shaped(_Image, decoded(body)).view()
    require_uuid(view.image_id)
    return view


def read_image(body: bytes, asked: ImageId) -> ImageView:
    """Return the image that was asked for.

    Raises:
        AnswerError: the answer is not the documented one, or about another image.
    """
    view = shaped(_Image, decoded(body)).view()
    require_same("image", view.image_id, asked)
    return view


def read_page(body: bytes) -> Page:
    """Return one page; an image that cannot be read spoils it, since we may need it.

    Raises:
        AnswerError: the answer is not the documented one.
    """
    page = shaped(_List, decoded(body))
    images = tuple(image.view() for image in page.images)
    marker = marker_of(page.next) if page.next else None
    return Page(images=images, next_marker=marker)


def read_import(
    body: bytes, *, now: datetime, secrets: Sequence[str] = ()
) -> ImportTask | None:
    """Return the newest import of an image; None where Glance knows of none.

    `now` is the time of the answer, by Glance's own clock where it tells. `secrets` are masked where its words repeat them.

    Raises:
        AnswerError: the answer is not the documented one.
    """
    tasks = shaped(_Tasks, decoded(body)).tasks
    imports = [task for task in tasks if task.type == _IMPORT]
    if not imports:
        return None
    return max(imports, key=lambda task: task.created_at).read(now, secrets)


def read_quota(body: bytes) -> Quota:
    """Return how many images there are and may be.

    Raises:
        AnswerError: the answer is not the documented one, or names no such limit.
    """
    count = shaped(_UsageAnswer, decoded(body)).usage.get("image_count_total")
    if count is None or count.limit < 0:
        raise AnswerError(OwnCode.SHAPE, "the service names no limit of images")
    return Quota(used=count.usage, limit=count.limit)


def _passed_s(text: str, now: datetime) -> float | None:
    """Return how long ago a time of Glance's was; it is UTC and may not say so."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (now - moment).total_seconds()
