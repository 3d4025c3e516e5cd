"""Plain OpenStack's image service, as the engine needs it.

Decides: which call serves which need, which answer is its success, and which id a new
image has. A file is registered by having Glance fetch it from the web. Must not know:
retries, limits, entries, the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from batch_register.errors import ServiceError
from batch_register.glance import verdict, wire
from batch_register.glance.outgoing import (
    create_body,
    import_body,
    list_query,
    numbered_id,
)
from batch_register.ims.call import Caller, nothing, or_none
from batch_register.ims.deletion import delete_image
from batch_register.ims.listing import begin_list, whole_list
from batch_register.ims.outgoing import base_url, encoded
from batch_register.ims.paging import PageSizes, Walk
from batch_register.model import (
    FaultKind,
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageStatus,
    ImageView,
    JobId,
    JobView,
    Pairs,
    Quota,
)
from batch_register.outage import Outage
from batch_register.ports import Clock
from batch_register.transport import Authoriser, Reply, Sender
from batch_register.transport.skew import server_time

_CREATED: Final = 201
_ACCEPTED: Final = 202
# Images of one spec that were made for an entry and are dead: beyond that, asking for
# one number after the other takes too long, and Glance chooses the id.
_NUMBERS: Final = 16


@dataclass(slots=True, kw_only=True, eq=False)
class GlanceClient:
    """`ports.ImageService` over HTTP; `deadline_s` is for each request, in seconds.

    An import that gives no sign of life for `silence_s` seconds counts as dead, and so
    does one without any since an `outage` that an earlier run has seen.
    """

    sender: Sender
    authoriser: Authoriser = field(repr=False)
    clock: Clock
    endpoint: str
    project_id: str
    deadline_s: float = 60.0
    silence_s: float = verdict.LEAST_SILENCE_S
    outage: Outage = field(default_factory=Outage)
    _caller: Caller = field(init=False, repr=False)
    _page_sizes: PageSizes = field(default_factory=PageSizes, init=False, repr=False)
    # Ids in use that the engine was told of, and asks for once more all the same.
    _reported: set[ImageId] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        self._caller = Caller(
            sender=self.sender,
            authoriser=self.authoriser,
            clock=self.clock,
            base=base_url(self.endpoint),
            deadline_s=self.deadline_s,
        )

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        """Create image metadata under the first of the entry's ids that is not used up.

        Raises:
            ServiceError: `FaultKind.CONFLICT` where the image of a lost create, or of
                another run, is there: its effect is unknown, so the engine looks for it.
        """
        for number in range(_NUMBERS):
            image_id = numbered_id(self.project_id, tags, number)
            try:
                return await self._create(spec, tags, image_id)
            except ServiceError as error:
                is_taken = error.kind is FaultKind.CONFLICT
                if not (is_taken and await self._is_used_up(image_id)):
                    raise
        return await self._create(spec, tags, None)

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        """Have Glance fetch the source file; the job is known by its image's id.

        Raises:
            ServiceError: `FaultKind.CONFLICT` where the image is not queued (any more).
        """
        path = f"/v2/images/{encoded(image_id)}/import"
        request = self._caller.request("import image", "POST", path, import_body(spec))
        try:
            await self._caller.write(request, nothing, success=_ACCEPTED)
        except ServiceError as error:
            raise verdict.of_import(error) from None
        return JobId(image_id)

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        """Return one image, or None where there is none of that id.

        One whose import is dead shows as killed: Glance itself never gives it up.

        Raises:
            ServiceError: see `ports.ImageService`.
        """
        request = self._caller.request(
            "get image", "GET", f"/v2/images/{encoded(image_id)}"
        )
        read = partial(wire.read_image, asked=image_id)
        view = await or_none(self._caller.read(request, read))
        if view is None or view.status is not ImageStatus.SAVING:
            return view
        task = await self._import(image_id)
        if verdict.is_dead(task, self._patience()):
            raw = f"{view.raw_status or view.status}, its import is dead"
            return replace(view, status=ImageStatus.KILLED, raw_status=raw)
        return view

    async def get_job(self, job_id: JobId) -> JobView | None:
        """Return an image's newest import, or None where Glance knows of none.

        Raises:
            ServiceError: see `ports.ImageService`.
        """
        task = await self._import(ImageId(job_id))
        if task is None:
            return None
        return verdict.job_of(task, job_id, self._patience())

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        """Return all images of the project that match, over all pages.

        Raises:
            ServiceError: a page could not be had; there is no partial list.
        """
        begin = partial(
            begin_list,
            self._page_sizes,
            partial(self._take_page, query),
            is_single=query.image_id is not None,
        )
        return await whole_list(begin)

    async def delete_image(self, image_id: ImageId) -> None:
        """Ask for an image's removal; one that is not there is removed.

        Raises:
            ServiceError: see `ports.ImageService`.
        """
        await delete_image(self._caller, image_id)

    async def get_quota(self) -> Quota:
        """Return how many images the project holds and may hold.

        Raises:
            ServiceError: also where Glance names no limit, as most do not.
        """
        request = self._caller.request("get quota", "GET", "/v2/info/usage")
        return await self._caller.read(request, wire.read_quota)

    async def _create(
        self, spec: ImageSpec, tags: Pairs, image_id: ImageId | None
    ) -> ImageView:
        body = create_body(spec, tags, image_id)
        request = self._caller.request("create image", "POST", "/v2/images", body)
        try:
            return await self._caller.write(
                request, wire.read_created, success=_CREATED
            )
        except ServiceError as error:
            raise verdict.of_create(error) from None

    async def _is_used_up(self, image_id: ImageId) -> bool:
        """Return whether an id that is taken has no image any more that could be ours.

        Deleted, or dead. One that is alive is the engine's to find: if it asks again, it
        has looked and will not have that one. Where the look fails nothing is proven.
        """
        try:
            view = await self.get_image(image_id)
        except ServiceError:
            return False
        if view is None or view.status is ImageStatus.KILLED:
            return True
        if image_id in self._reported:
            return True
        self._reported.add(image_id)
        return False

    def _patience(self) -> verdict.Patience:
        return verdict.Patience(
            silence_s=self.silence_s, outage_ago_s=self.outage.ago_s(self.clock.now())
        )

    async def _import(self, image_id: ImageId) -> wire.ImportTask | None:
        """Return an image's newest import; None also where its tasks are not for us.

        A policy may keep them from users: then the image alone says how it stands.
        """
        try:
            return await or_none(self._newest_task(image_id))
        except ServiceError as error:
            if error.kind is FaultKind.FORBIDDEN:
                return None
            raise

    async def _newest_task(self, image_id: ImageId) -> wire.ImportTask | None:
        path = f"/v2/images/{encoded(image_id)}/tasks"
        request = self._caller.request("get import", "GET", path)

        def read(reply: Reply) -> wire.ImportTask | None:
            now = server_time(reply) or self.clock.now()
            return wire.read_import(reply.body, now=now, secrets=reply.confidential)

        return await self._caller.read_reply(request, read)

    async def _take_page(
        self, query: ImageQuery, walk: Walk, marker: str | None
    ) -> str | None:
        path = f"/v2/images?{list_query(query, self.project_id, marker)}"
        request = self._caller.request("list images", "GET", path)
        return await self._caller.read(
            request, lambda body: walk.take(wire.read_page(body))
        )
