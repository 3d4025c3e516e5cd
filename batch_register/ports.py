"""What the engine needs from the outside, as contracts.

Decides: which calls exist and what each promises. Must not know any implementation.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from datetime import datetime
from typing import Protocol

from batch_register.entry import EntryRecord
from batch_register.event import Event
from batch_register.model import (
    EntryKey,
    FilePlace,
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageView,
    JobId,
    JobView,
    Pairs,
    Quota,
)
from batch_register.source import (
    Brought,
    BucketView,
    FileStamp,
    ListedObject,
    ObjectView,
    OpenUpload,
    SourceVerdict,
    StoredPart,
    UploadMark,
)


class ImageService(Protocol):
    """An image service of one project in one region.

    Every method raises `errors.ServiceError` and nothing else for anything that
    goes wrong outside this process. A method sends its request at most once when it
    is a write; `ServiceError.applied` says whether the service may have acted on it.
    """

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        """Create image metadata without a file; write, not idempotent."""
        ...

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        """Register the source file for a queued image; write, starts a job."""
        ...

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        """Return one image, or None where there is none of that id."""
        ...

    async def get_job(self, job_id: JobId) -> JobView | None:
        """Return one job, or None where the service has forgotten it."""
        ...

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        """Return all images of the project that match, over all pages."""
        ...

    async def delete_image(self, image_id: ImageId) -> None:
        """Ask for an image's removal; the service may take a while over it."""
        ...

    async def get_quota(self) -> Quota:
        """Return how many private images there are and may be."""
        ...


class Ledger(Protocol):
    """The durable record of a run; its methods return once the lines are on disk.

    Every method raises `errors.LedgerError` where the disk refuses, and from then on;
    nothing more may be sent to the service after that.
    """

    async def append(self, key: EntryKey, *events: Event) -> str:
        """Make events of one entry durable, in this order; return their stamp (UTC)."""
        ...

    async def declare(
        self, specs: Iterable[ImageSpec], removed: Iterable[EntryKey]
    ) -> None:
        """Make durable which entries are new or changed, and which are gone."""
        ...

    async def observe(self, facts: Mapping[str, object]) -> None:
        """Make durable what was learned of the cloud, in JSON values, by name."""
        ...


class Clock(Protocol):
    """Wall time for stamps only; waiting and durations use the loop's own time."""

    def now(self) -> datetime:
        """Return the time now, UTC."""
        ...


class Observer(Protocol):
    """Someone who watches a run: a progress bar, a log. Must not block nor raise."""

    def entry_moved(self, record: EntryRecord, event: Event) -> None:
        """Take note that one entry has moved; `record` is as it stands after `event`."""
        ...

    def noticed(self, name: str, **facts: object) -> None:
        """Take note of something that moved no entry: a throttle, a failed poll."""
        ...


Note = Callable[[Event], Awaitable[None]]  # makes an entry's event durable


class Sources(Protocol):
    """The files behind the entries, as a run looks at them and brings them."""

    async def survey(
        self,
        todo: Sequence[ImageSpec],
        done: Sequence[ImageSpec],
        brought: Mapping[EntryKey, Brought],
    ) -> Mapping[EntryKey, SourceVerdict]:
        """Look at sources; raises nothing: what cannot be looked at has no verdict.

        `done` are active: only what their objects are now is asked. `brought` are the
        files that were brought to their objects before.
        """
        ...

    async def holds(self, spec: ImageSpec, brought: Brought) -> bool:
        """Return whether an entry's file is still what was brought; reads all of it.

        Raises:
            ServiceError: it cannot be read.
        """
        ...

    async def bring(
        self,
        spec: ImageSpec,
        mark: UploadMark | None,
        brought: Brought | None,
        note: Note,
    ) -> None:
        """Bring an entry's file to its object; `mark` is an upload that was begun.

        An object with other content stays, unless `brought` says that it is the entry's
        own. The work may be cancelled at any point, and go on later.

        Raises:
            ServiceError: the object is not there; the fault says why.
            LedgerError: the ledger cannot be written.
        """
        ...


class ObjectStore(Protocol):
    """The buckets of one region, as one caller may use them.

    Every method raises `errors.ServiceError` and nothing else for anything that goes
    wrong outside this process. Reads and parts may be sent again as they are.
    """

    async def head_bucket(self, bucket: str) -> BucketView | None:
        """Return what the store shows of a bucket, or None where there is none."""
        ...

    async def head_object(self, bucket: str, key: str) -> ObjectView | None:
        """Return what the store shows of an object, or None where there is none."""
        ...

    async def read(self, bucket: str, key: str, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset` (both in bytes); fewer at the end."""
        ...

    def list_objects(self, bucket: str, prefix: str) -> AsyncIterator[ListedObject]:
        """Give the objects whose keys begin with `prefix`, in the order of their keys."""
        ...

    async def begin_upload(self, bucket: str, key: str) -> str:
        """Begin a multipart upload and return its id."""
        ...

    async def list_parts(
        self, bucket: str, key: str, upload_id: str
    ) -> list[StoredPart] | None:
        """Return the parts that an upload has, by number; None where it is gone."""
        ...

    async def part_address(
        self, bucket: str, key: str, upload_id: str, number: int
    ) -> str:
        """Return a signed address that takes one part by PUT for an hour: a secret."""
        ...

    async def complete_upload(
        self, bucket: str, key: str, upload_id: str, parts: Sequence[StoredPart]
    ) -> None:
        """Make the object of its parts, which are given in the order of numbers."""
        ...

    async def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Give an upload up, and free what it has stored; no fault where it is gone."""
        ...

    async def list_uploads(self, bucket: str, prefix: str) -> list[OpenUpload]:
        """Return the multipart uploads of keys with `prefix` that are still open."""
        ...


class SourceFiles(Protocol):
    """The files that are to be uploaded, on this machine or near other ones.

    Every method raises `errors.ServiceError` where the file, its machine or the way to
    the store refuses.
    """

    async def stamp(self, place: FilePlace) -> FileStamp | None:
        """Return size and age of a file, or None where there is none."""
        ...

    async def read(self, place: FilePlace, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; fewer at the end."""
        ...

    async def digest(self, place: FilePlace, offset: int, length: int) -> str:
        """Return the MD5 of a range of a file, as hex: what a store calls its ETag."""
        ...

    async def send(
        self, place: FilePlace, offset: int, length: int, address: str
    ) -> str:
        """Send a range of a file to a signed address, checked; return its MD5 as hex."""
        ...
