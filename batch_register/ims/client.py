"""The image service of a Huawei-style cloud, as the engine needs it.

Decides: which call serves which need, and which answer is its success. Success is the
exact documented status with the documented body; everything else is an error. Must not
know: retries, limits, entries, the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Final

from batch_register.ims import wire
from batch_register.ims.call import Caller, or_none
from batch_register.ims.deletion import delete_image
from batch_register.ims.failure import request_id
from batch_register.ims.listing import Begun, begin_list, whole_list
from batch_register.ims.outgoing import (
    ListCall,
    base_url,
    create_body,
    encoded,
    job_path,
    list_query,
    register_body,
)
from batch_register.ims.paging import PageSizes, Walk
from batch_register.ims.profile import JobCall, Profile
from batch_register.ims.ways import Ways
from batch_register.model import (
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageView,
    JobId,
    JobView,
    Pairs,
    Quota,
)
from batch_register.ports import Clock, Observer
from batch_register.transport import Authoriser, Reply, Sender

_OK: Final = 200
_CREATED: Final = 201


@dataclass(slots=True, kw_only=True, eq=False)
class ImsClient:
    """`ports.ImageService` over HTTP; `deadline_s` is for each request, in seconds."""

    sender: Sender
    authoriser: Authoriser = field(repr=False)
    clock: Clock
    endpoint: str
    project_id: str
    profile: Profile
    deadline_s: float = 60.0
    observer: Observer | None = None  # hears which calls this cloud lacks
    _caller: Caller = field(init=False, repr=False)
    _job_ways: Ways[JobCall] = field(init=False, repr=False)
    _list_ways: Ways[ListCall] = field(init=False, repr=False)
    _page_sizes: dict[ListCall, PageSizes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._caller = Caller(
            sender=self.sender,
            authoriser=self.authoriser,
            clock=self.clock,
            base=base_url(self.endpoint),
            deadline_s=self.deadline_s,
        )
        self._page_sizes = {call: PageSizes() for call in ListCall}
        job_call = self.profile.job_call
        self._job_ways = Ways(job_call, job_call.other, when_lacking=self._lacking)
        self._list_ways = Ways(
            ListCall.EXTENSION, ListCall.NATIVE, when_lacking=self._lacking
        )

    @property
    def list_call(self) -> ListCall:
        """Return the list call that is used, as far as is known by now."""
        return self._list_ways.call

    @property
    def job_call(self) -> JobCall:
        """Return the job call that is used, as far as is known by now."""
        return self._job_ways.call

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        """Create image metadata; the spec's own tags are sent beside `tags`.

        Raises:
            ServiceError: see `ports.ImageService`.
        """
        request = self._caller.request(
            "create image", "POST", "/v2/images", create_body(spec, tags)
        )
        return await self._caller.write(request, wire.read_created, success=_CREATED)

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        """Register the source file for a queued image.

        Raises:
            ServiceError: `FaultKind.CONFLICT` where the image is not queued (any more).
        """
        path = f"/v1/cloudimages/{encoded(image_id)}/upload"
        request = self._caller.request(
            "register image", "PUT", path, register_body(spec)
        )
        return await self._caller.write(request, wire.read_job_id, success=_OK)

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        """Return one image, or None where there is none of that id.

        Raises:
            ServiceError: see `ports.ImageService`.
        """
        request = self._caller.request(
            "get image", "GET", f"/v2/images/{encoded(image_id)}"
        )
        read = partial(wire.read_image, asked=image_id)
        return await or_none(self._caller.read(request, read))

    async def get_job(self, job_id: JobId) -> JobView | None:
        """Return one job, or None where the service has forgotten it.

        Clouds have one of two calls, or both: see `ways`.

        Raises:
            ServiceError: see `ports.ImageService`.
        """
        return await or_none(self._job(job_id))

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        """Return all images that the service says match, over all pages.

        Whoever relies on a filter has to compare again: some clouds ignore some.

        Raises:
            ServiceError: a page could not be had; there is no partial list.
        """

        async def begin(call: ListCall) -> Begun:
            return await begin_list(
                self._page_sizes[call],
                partial(self._take_page, call, query),
                is_single=query.image_id is not None,
            )

        return await whole_list(lambda: self._list_ways.ask(begin))

    async def delete_image(self, image_id: ImageId) -> None:
        """Ask for an image's removal; one that is not there is removed.

        Raises:
            ServiceError: see `ports.ImageService`.
        """
        await delete_image(self._caller, image_id)

    async def get_quota(self) -> Quota:
        """Return how many private images there are and may be.

        Raises:
            ServiceError: see `ports.ImageService`.
        """
        request = self._caller.request("get quota", "GET", "/v1/cloudimages/quota")
        return await self._caller.read(request, wire.read_quota)

    async def _job(self, job_id: JobId) -> JobView | None:
        """Return the job by the call that this cloud turns out to have."""
        return await self._job_ways.ask(lambda call: self._job_by(call, job_id))

    async def _job_by(self, call: JobCall, job_id: JobId) -> JobView | None:
        path = job_path(call, self.project_id, job_id)
        request = self._caller.request("get job", "GET", path)

        def read(reply: Reply) -> JobView | None:
            secrets = reply.confidential
            job = wire.read_job(reply.body, asked=job_id, secrets=secrets)
            return None if job is None else _with_request_id(job, request_id(reply))

        return await self._caller.read_reply(request, read)

    async def _take_page(
        self, call: ListCall, query: ImageQuery, walk: Walk, marker: str | None
    ) -> str | None:
        """Take one page; return the next page's marker, or None at the end."""
        path = f"{call.path}?{list_query(query, self.project_id, marker)}"
        request = self._caller.request("list images", "GET", path)
        return await self._caller.read(
            request, lambda body: walk.take(wire.read_page(body))
        )

    def _lacking(self, missing: StrEnum, used: StrEnum) -> None:
        if self.observer is not None:
            self.observer.noticed(
                "cloud.lacks_call", missing=str(missing), instead=str(used)
            )


def _with_request_id(job: JobView, told: str | None) -> JobView:
    """Return the job with the id that the provider's support asks for, if it failed."""
    if job.fault is None:
        return job
    return replace(job, fault=replace(job.fault, request_id=told))
