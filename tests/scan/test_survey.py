"""A bucket is read a bounded number of objects at a time, each once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from batch_register.errors import NotAllowedError, ServiceError, SettingsError
from batch_register.model import Action, Fault, FaultKind
from batch_register.scan import survey as module
from batch_register.scan.survey import PARALLEL, Read, Survey, survey
from batch_register.source import DiskFormat, Inspection, ListedObject
from tests.scan.samples import listed


def fault(kind: FaultKind) -> ServiceError:
    reason = "not today"
    return ServiceError(
        "read", Fault(kind=kind, code="obs.X", reason=reason, action=Action.RUN_AGAIN)
    )


class FakeStore:
    """A bucket; reads of some keys fail."""

    def __init__(
        self,
        objects: Sequence[ListedObject],
        errors: dict[str, ServiceError],
        list_error: ServiceError | None = None,
    ) -> None:
        self.list_error = list_error
        self.objects = objects
        self.errors = errors
        self.reads: list[str] = []
        self.most_at_once = 0
        self._at_once = 0

    async def list_objects(
        self, bucket: str, prefix: str
    ) -> AsyncIterator[ListedObject]:
        if self.list_error is not None:
            raise self.list_error
        for each in self.objects:
            yield each

    async def read(self, bucket: str, key: str, offset: int, length: int) -> bytes:
        self.reads.append(key)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        for _ in range(3):
            await asyncio.sleep(0)
        self._at_once -= 1
        if key in self.errors:
            raise self.errors[key]
        return b"QFI\xfb"


async def inspect(read: Read, size_bytes: int) -> Inspection:
    assert await read(0, 512) == b"QFI\xfb"
    return Inspection(disk_format=DiskFormat.QCOW2, virtual_size_bytes=size_bytes)


async def surveyed(store: FakeStore) -> Survey:
    return await survey(store, "b-1", "", inspect=inspect)


async def test_every_object_is_read_once_and_told_in_order() -> None:
    keys = [f"k{n:04}.raw" for n in range(500)]
    store = FakeStore([listed(key) for key in keys], {})
    counts: list[int] = []
    found = await survey(store, "b-1", "", inspect=inspect, progress=counts.append)
    assert [each.listed.key for each in found.found] == keys
    assert sorted(store.reads) == keys
    assert store.most_at_once == PARALLEL
    assert counts == list(range(1, 501))


async def test_what_need_not_be_read_is_not_read() -> None:
    store = FakeStore([listed("a.md5"), listed("b.zvhd2"), listed("c/")], {})
    found = await surveyed(store)
    assert store.reads == []
    assert [each.what for each in found.left_out] == ["a.md5", "c/"]
    assert [each.listed.key for each in found.found] == ["b.zvhd2"]


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (FaultKind.FORBIDDEN, "it may not be read: not today"),
        (FaultKind.NOT_FOUND, "it has gone since it was listed: not today"),
        (FaultKind.REJECTED, "it cannot be read: not today"),
        (FaultKind.MISREAD, "it cannot be read: not today"),
    ],
)
async def test_an_object_that_cannot_be_read_by_itself_is_left_out(
    kind: FaultKind, why: str
) -> None:
    """One that was deleted or archived in the meantime is no reason to end."""
    errors = {"a": fault(kind)}
    found = await surveyed(FakeStore([listed("a"), listed("b")], errors))
    assert [each.why for each in found.left_out] == [why]
    assert [each.listed.key for each in found.found] == ["b"]


@pytest.mark.parametrize(
    "kind", [FaultKind.UNAUTHENTICATED, FaultKind.UNREACHABLE, FaultKind.SERVER]
)
async def test_a_store_that_fails_ends_the_survey(kind: FaultKind) -> None:
    """A manifest that lacks images because of a passing fault would look whole."""
    objects = [listed(f"k{n}") for n in range(200)]
    with pytest.raises(ExceptionGroup) as caught:
        await surveyed(FakeStore(objects, {"k100": fault(kind)}))
    assert caught.group_contains(ServiceError)


@pytest.mark.parametrize(
    ("kind", "error"),
    [(FaultKind.FORBIDDEN, NotAllowedError), (FaultKind.UNREACHABLE, ServiceError)],
)
async def test_a_bucket_that_cannot_be_listed_ends_the_survey(
    kind: FaultKind, error: type[ServiceError]
) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await surveyed(FakeStore([], {}, list_error=fault(kind)))
    (found,) = caught.value.exceptions
    assert type(found) is error


async def test_a_bucket_beyond_any_manifest_is_refused() -> None:
    objects = [listed(f"{n}/") for n in range(module.MAX_OBJECTS + 1)]
    with pytest.raises(ExceptionGroup) as caught:
        await surveyed(FakeStore(objects, {}))
    assert caught.group_contains(SettingsError, match="more than 100000 objects")
