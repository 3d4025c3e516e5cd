"""All sources of a manifest, looked at before anything is made.

Decides: how many looks are under way at once, and that what entries share is looked at
once. Must not know: what a look takes, how a source is judged.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from typing import TypeVar

from batch_register.ims.profile import Profile
from batch_register.model import EntryKey, Fault, ImageSpec
from batch_register.ports import ObjectStore, SourceFiles
from batch_register.preflight.eyes import (
    Eyes,
    Inspect,
    StoreGoneError,
    Target,
    is_silent,
)
from batch_register.preflight.judge import (
    Judgement,
    judge,
    judge_pin,
    told_of_upload,
    unlooked,
)
from batch_register.preflight.limits import profile_fault
from batch_register.preflight.sight import Sight
from batch_register.preflight.summary import Summary, Tally
from batch_register.source import Brought, BucketView, SourceVerdict
from batch_register.turns import in_turns

_T = TypeVar("_T")

_NONE_BROUGHT: Mapping[EntryKey, Brought] = {}

Progress = Callable[[int, int], None]  # sources looked at, sources in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The verdict on every entry that was asked for, and what they come to."""

    verdicts: Mapping[EntryKey, SourceVerdict]
    summary: Summary


class Survey:
    """Look at sources, `parallel` at once; `region` is the image service's.

    Each bucket costs one request, each object one and one or few for its content; many
    of which only the pins are wanted cost a list of their bucket. A look that is cancelled leaves nothing behind.
    """

    def __init__(
        self,
        store: ObjectStore,
        files: SourceFiles,
        inspect: Inspect,
        *,
        profile: Profile,
        region: str,
        parallel: int = 32,
    ) -> None:
        self._ports = (store, files, inspect)
        self._profile = profile
        self._region = region
        self._parallel = parallel

    async def look(
        self,
        specs: Sequence[ImageSpec],
        *,
        pins_only: Collection[EntryKey] = frozenset(),
        brought: Mapping[EntryKey, Brought] = _NONE_BROUGHT,
        progress: Progress = lambda _done, _total: None,
    ) -> Looks:
        """Return a verdict on every entry; of `pins_only` nothing but the pin.

        `brought` are the files that were brought to their objects before.

        Entries whose file lies in the web have none. Where the store refuses us as a
        whole, answers for no bucket, or leaves `parallel` calls in a row without an
        answer, the rest is not asked for and no source is judged, though every entry by
        its profile: `summary.gone` says why.
        """
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        eyes = Eyes(*self._ports, patience=self._parallel)
        stored = [spec for spec in specs if not spec.is_from_web]
        wanted = await _targets(stored, pins_only, brought)
        unique = {
            each: None async for some in in_turns(wanted.values()) for each in some
        }
        seen = await self._seen(eyes, unique, progress)
        took_s = loop.time() - began_s
        if isinstance(seen, Fault):
            summary = Summary(requests=eyes.requests, took_s=took_s, gone=seen)
            verdicts = {
                spec.key: SourceVerdict()
                if spec.key in pins_only
                else self._unlooked(spec, seen)
                for spec in stored
            }
            return Looks(verdicts=verdicts, summary=summary)
        uploaders = {spec.image_url: spec.key for spec in stored if spec.source}
        tally = Tally()
        async for some in in_turns(stored):
            for spec in some:
                is_pin, sight = spec.key in pins_only, seen[wanted[spec.key]]
                judgement = (
                    judge_pin(sight, brought.get(spec.key))
                    if is_pin
                    else self._judged(spec, sight, brought.get(spec.key))
                )
                uploader = uploaders.get(spec.image_url)
                if uploader is not None and spec.source is None:
                    judgement = told_of_upload(judgement, uploader)
                tally.take(spec.key, judgement, is_pin=is_pin)
        summary = tally.summary(
            sources=len(seen), requests=eyes.requests, took_s=took_s
        )
        return Looks(verdicts=tally.verdicts, summary=summary)

    def _judged(
        self, spec: ImageSpec, sight: Sight, brought: Brought | None
    ) -> Judgement:
        return judge(spec, sight, self._profile, self._region, brought=brought)

    def _unlooked(self, spec: ImageSpec, why: Fault) -> SourceVerdict:
        """Return the verdict by the profile alone, which needs no look."""
        fault = profile_fault(spec, self._profile)
        return SourceVerdict(fault=fault) if fault else unlooked(spec, why)

    async def _seen(
        self, eyes: Eyes, targets: Collection[Target], progress: Progress
    ) -> dict[Target, Sight] | Fault:
        """Return what there is to see of all, or why the store was given up."""
        buckets: dict[str, BucketView | Fault | None] = {}
        sights: dict[Target, Sight] = {}

        async def look_at_bucket(name: str) -> None:
            buckets[name] = await eyes.bucket(name)

        async def look_at_source(target: Target) -> None:
            sights[target] = await eyes.source(target, buckets[target.bucket])
            progress(len(sights), len(targets))

        names = sorted({target.bucket for target in targets})
        gone: Fault | None = None
        try:
            await self._each(names, look_at_bucket)
            _require_an_answer(buckets.values())
            ahead = await _pinned(targets)
            await self._each(ahead.items(), lambda item: eyes.list_ahead(*item))
            await self._each(targets, look_at_source)
        except* StoreGoneError as group:
            gone = _first(group)
        return sights if gone is None else gone

    async def _each(
        self, items: Collection[_T], act: Callable[[_T], Awaitable[None]]
    ) -> None:
        """Do the same with all items, as many at once as there may be."""
        waiting = iter(items)

        async def work() -> None:
            for item in waiting:
                await act(item)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._parallel, len(items))):
                group.create_task(work())


async def _pinned(targets: Collection[Target]) -> Mapping[str, set[str]]:
    """Return the keys of the objects of which only the pins are wanted, by bucket."""
    pinned: dict[str, set[str]] = {}
    async for some in in_turns(targets):
        for each in some:
            if not each.is_whole:
                pinned.setdefault(each.bucket, set()).add(each.key)
    return pinned


def _require_an_answer(buckets: Collection[BucketView | Fault | None]) -> None:
    """Raise StoreGoneError where no bucket was answered for: each was asked repeatedly."""
    faults = [each for each in buckets if isinstance(each, Fault) and is_silent(each)]
    if faults and len(faults) == len(buckets):
        raise StoreGoneError(faults[0])


async def _targets(
    specs: Sequence[ImageSpec],
    pins_only: Collection[EntryKey],
    brought: Collection[EntryKey],
) -> dict[EntryKey, Target]:
    """Return what is to be looked at for each entry; equal where entries share it."""
    whole = {
        (spec.image_url, spec.source)
        async for some in in_turns(specs)
        for spec in some
        if spec.key not in pins_only
    }
    return {
        spec.key: _target(
            spec,
            is_whole=(spec.image_url, spec.source) in whole,
            was_brought=spec.key in brought,
        )
        async for some in in_turns(specs)
        for spec in some
    }


def _target(spec: ImageSpec, *, is_whole: bool, was_brought: bool) -> Target:
    bucket, _, key = spec.image_url.partition(":")
    file = spec.source if is_whole or was_brought else None
    return Target(bucket=bucket, key=key, file=file, is_whole=is_whole)


def _first(group: BaseExceptionGroup[StoreGoneError]) -> Fault:
    """Return why the store was given up; several workers may have found out at once."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error.fault
