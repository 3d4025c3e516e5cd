"""The object store over aiobotocore, in S3's dialect; implements `ports.ObjectStore`.

Decides: which call shows what, and when one more call tells what a bare status does not.
Must not know: how requests travel, where keys come from, what a failure is called.
Source: OBS API reference, whose bucket, object and multipart calls S3 clients can make.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final, TypeVar

from batch_register.errors import ServiceError
from batch_register.model import FaultKind
from batch_register.obs.access import KeySource
from batch_register.obs.call import S3, Caller, Errand
from batch_register.obs.headers import bucket_view, object_view
from batch_register.obs.pages import (
    Answer,
    Page,
    Progress,
    objects_page,
    parts_page,
    uploads_page,
)
from batch_register.obs.tries import Patience
from batch_register.source import (
    STANDARD_CLASS,
    BucketView,
    ListedObject,
    ObjectView,
    OpenUpload,
    StoredPart,
)

_T = TypeVar("_T")

ADDRESS_LIFE_S: Final = 3600
# A store may put a large object together for minutes before it answers.
_LONG_PATIENCE: Final = Patience(try_s=600.0, total_s=900.0)


class S3Store:
    """The buckets of one region; `s3` is a client of `wire.s3_client`."""

    def __init__(self, s3: S3, keys: KeySource, rng: random.Random) -> None:
        self._s3 = s3
        self._caller = Caller(keys, rng)

    async def head_bucket(self, bucket: str) -> BucketView | None:
        """Return what the store shows of a bucket, or None where there is none.

        Raises:
            AuthenticationError: the keys are wrong, for this and every other bucket.
            ServiceError: FORBIDDEN where these keys may neither look at it nor list it,
                REJECTED where it lies in another region; see `failure.refusal`.
        """
        errand = Errand(operation=f"look at bucket {bucket}", bucket=bucket)
        head = partial(self._s3.head_bucket, Bucket=bucket)
        try:
            return await self._caller.ask(
                errand, head, lambda answer: bucket_view(bucket, _headers(answer))
            )
        except ServiceError as error:
            if error.kind is FaultKind.NOT_FOUND:
                return None
            if error.kind is not FaultKind.FORBIDDEN:
                raise
        # A HEAD has no body, which would tell wrong keys from missing rights.
        peek = partial(self._s3.list_objects, Bucket=bucket, MaxKeys=1)
        await self._caller.ask(errand, peek, _nothing)
        return BucketView(name=bucket)  # it may be listed, though not looked at

    async def head_object(self, bucket: str, key: str) -> ObjectView | None:
        """Return what the store shows of an object, or None where there is none.

        Raises:
            AuthenticationError, ServiceError: as for `head_bucket`.
        """
        errand = Errand(operation=f"look at {bucket}:{key}", bucket=bucket)
        head = partial(self._s3.head_object, Bucket=bucket, Key=key)
        try:
            return await self._caller.ask(
                errand, head, lambda answer: object_view(_headers(answer))
            )
        except ServiceError as error:
            if error.kind is FaultKind.NOT_FOUND:
                return None
            if error.kind is FaultKind.FORBIDDEN:
                await self._caller.ask(errand, self._get(bucket, key, 0, 1), _nothing)
            raise

    async def read(self, bucket: str, key: str, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset` (both in bytes); fewer at the end.

        At most 4 MiB at once, which is what the transport takes of any answer.

        Raises:
            ServiceError: it could not be read; NOT_FOUND where there is none.
        """
        if length <= 0:
            return b""
        errand = Errand(operation=f"read {bucket}:{key}", bucket=bucket)

        async def fetch() -> bytes:
            answer = await self._get(bucket, key, offset, length)()
            if _first_byte(answer) != offset:
                message = "another range than was asked for"
                raise ValueError(message)
            body: bytes = await answer["Body"].read()
            return body[:length]

        try:
            return await self._caller.ask(errand, fetch, bytes)
        except ServiceError as error:
            past_end = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
            if error.fault.http_status == past_end:
                return b""
            raise

    def _get(
        self, bucket: str, key: str, offset: int, length: int
    ) -> Callable[[], Awaitable[Any]]:
        wanted = f"bytes={offset}-{offset + length - 1}"
        return partial(self._s3.get_object, Bucket=bucket, Key=key, Range=wanted)

    async def list_objects(
        self, bucket: str, prefix: str
    ) -> AsyncIterator[ListedObject]:
        """Give the objects whose keys begin with `prefix`, in the order of their keys.

        Asks by marker, the way of paging that OBS describes.

        Raises:
            ServiceError: the bucket could not be listed, or not to its end.
        """
        errand = Errand(operation=f"list {bucket}:{prefix}", bucket=bucket)
        call = partial(self._s3.list_objects, Bucket=bucket, Prefix=prefix)
        async for page in self._pages(errand, call, objects_page):
            for item in page.items:
                yield item

    async def begin_upload(self, bucket: str, key: str) -> str:
        """Begin a multipart upload of class Standard, and return its id."""
        operation = f"begin upload of {bucket}:{key}"
        errand = Errand(operation=operation, bucket=bucket, is_write=True)
        begin = partial(
            self._s3.create_multipart_upload,
            Bucket=bucket,
            Key=key,
            StorageClass=STANDARD_CLASS,  # whatever the bucket's own is: images need it
        )
        return await self._caller.ask(
            errand, begin, lambda answer: str(answer["UploadId"])
        )

    async def list_parts(
        self, bucket: str, key: str, upload_id: str
    ) -> list[StoredPart] | None:
        """Return the parts that an upload has, by number; None where it is gone."""
        errand = Errand(operation=f"list parts of {bucket}:{key}", bucket=bucket)
        call = partial(self._s3.list_parts, Bucket=bucket, Key=key, UploadId=upload_id)
        try:
            return [
                part
                async for page in self._pages(errand, call, parts_page)
                for part in page.items
            ]
        except ServiceError as error:
            if error.kind is FaultKind.NOT_FOUND:
                return None
            raise

    async def part_address(
        self, bucket: str, key: str, upload_id: str, number: int
    ) -> str:
        """Return a signed address that takes one part by PUT for an hour: a secret.

        It needs no header; the body is not signed.
        """
        errand = Errand(operation=f"sign a part of {bucket}:{key}", bucket=bucket)
        params = {"Bucket": bucket, "Key": key, "UploadId": upload_id}
        sign = partial(
            self._s3.generate_presigned_url,
            "upload_part",
            Params={**params, "PartNumber": number},
            ExpiresIn=ADDRESS_LIFE_S,
        )
        return await self._caller.ask(errand, sign, str)

    async def complete_upload(
        self, bucket: str, key: str, upload_id: str, parts: Sequence[StoredPart]
    ) -> None:
        """Make the object of its parts, which are given in the order of numbers.

        Raises:
            ServiceError: NOT_FOUND where the upload is gone, as it may be once it is
                complete; `applied` is UNKNOWN where the object may be there all the same.
        """
        errand = Errand(
            operation=f"complete upload of {bucket}:{key}",
            bucket=bucket,
            is_write=True,
            patience=_LONG_PATIENCE,
        )
        listed = [{"PartNumber": p.number, "ETag": f'"{p.etag}"'} for p in parts]
        complete = partial(
            self._s3.complete_multipart_upload,
            Bucket=bucket,
            Key=key,
            UploadId=upload_id,
            MultipartUpload={"Parts": listed},
        )
        await self._caller.ask(errand, complete, _completed)

    async def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Give an upload up, and free what it has stored; no fault where it is gone."""
        errand = Errand(operation=f"give up upload of {bucket}:{key}", bucket=bucket)
        abort = partial(
            self._s3.abort_multipart_upload,
            Bucket=bucket,
            Key=key,
            UploadId=upload_id,
        )
        try:
            await self._caller.ask(errand, abort, _nothing)
        except ServiceError as error:
            if error.kind is not FaultKind.NOT_FOUND:
                raise

    async def list_uploads(self, bucket: str, prefix: str) -> list[OpenUpload]:
        """Return the multipart uploads of keys with `prefix` that are still open."""
        errand = Errand(operation=f"list uploads of {bucket}:{prefix}", bucket=bucket)
        call = partial(self._s3.list_multipart_uploads, Bucket=bucket, Prefix=prefix)
        return [
            upload
            async for page in self._pages(errand, call, uploads_page)
            for upload in page.items
        ]

    async def _pages(
        self,
        errand: Errand,
        call: Callable[..., Awaitable[Any]],
        read: Callable[[Answer, Mapping[str, Any]], Page[_T]],
    ) -> AsyncIterator[Page[_T]]:
        following: dict[str, Any] | None = {}
        progress = Progress()
        while following is not None:
            page = await self._page(errand, call, read, following, progress)
            yield page
            following = page.following

    async def _page(
        self,
        errand: Errand,
        call: Callable[..., Awaitable[Any]],
        read: Callable[[Answer, Mapping[str, Any]], Page[_T]],
        asked: Mapping[str, Any],
        progress: Progress,
    ) -> Page[_T]:
        def checked(answer: Answer) -> Page[_T]:
            page = read(answer, asked)
            progress.check(page)
            return page

        return await self._caller.ask(errand, partial(call, **asked), checked)


def _headers(answer: Answer) -> Mapping[str, str]:
    headers: Mapping[str, str] = answer["ResponseMetadata"]["HTTPHeaders"]
    return headers


def _first_byte(answer: Answer) -> int:
    """Return where a body begins in its object.

    Raises:
        ValueError: a part of it comes without telling which.
    """
    if answer["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.PARTIAL_CONTENT:
        return 0
    told = answer.get("ContentRange") or ""
    return int(told.removeprefix("bytes ").partition("-")[0])


def _completed(answer: Answer) -> None:
    """Read what a completed upload is answered with; anything else is no success."""
    _ = answer["ETag"]


def _nothing(_answer: object) -> None:
    """Read an answer that has nothing to tell."""
