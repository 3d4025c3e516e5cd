"""From settings to the parts that `run` and `plan` are put together from.

Decides: which setting becomes which part. Must not know: what the parts do.
"""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from pathlib import Path

import structlog

from batch_register.cli.connection import chosen_cloud
from batch_register.cli.rehearsal import rehearsal
from batch_register.identity import Cloud
from batch_register.model import EntryKey, Manifest
from batch_register.pacing import Backoff
from batch_register.plan import RetryPolicy
from batch_register.ports import ImageService, Observer
from batch_register.settings import Settings
from batch_register.shard import part_of
from batch_register.stopping import Stop
from batch_register.throttle import Lessons, TaskPolicy, Throttle, ThrottlePolicy


def ledger_path(manifest: Path, settings: Settings) -> Path:
    """Return where the run is recorded; a rehearsal and each shard have their own."""
    if settings.ledger is not None:
        return settings.ledger
    shard = f".shard-{settings.shard.file_word}" if settings.shard else ""
    return manifest.with_suffix(f"{shard}{_ledger_suffix(settings)}")


def shard_ledgers(manifest: Path, settings: Settings) -> list[Path]:
    """Return the ledgers of shards beside the manifest, by their number and place.

    Of all splits: a manifest may have been split otherwise before.
    """
    suffix = _ledger_suffix(settings)
    form = re.compile(
        re.escape(f"{manifest.stem}.shard-") + r"(\d+)-of-(\d+)" + re.escape(suffix)
    )
    folder = manifest.parent
    paths = folder.iterdir() if folder.is_dir() else ()
    named = [(form.fullmatch(path.name), path) for path in paths]
    found = [(int(name[2]), int(name[1]), path) for name, path in named if name]
    return [path for _, _, path in sorted(found)]


def _ledger_suffix(settings: Settings) -> str:
    return ".simulated.ledger.jsonl" if settings.simulate else ".ledger.jsonl"


@asynccontextmanager
async def the_cloud(
    manifest: Manifest, ledger: Path, settings: Settings
) -> AsyncIterator[Cloud]:
    """Give the real cloud, or one simulated in this process for the rehearsal."""
    if not settings.simulate:
        yield chosen_cloud(settings)
        return
    async with rehearsal(manifest, ledger, settings.fault_script) as cloud:
        yield cloud


def retry_policy(settings: Settings) -> RetryPolicy:
    """Return what the settings say about entries that failed before."""
    return RetryPolicy(
        retry_failed=settings.retry_failed, keep_failed=settings.keep_failed
    )


def is_selected(key: EntryKey, settings: Settings) -> bool:
    """Return whether `--select` means this entry; without it all are meant."""
    return not settings.select or any(
        fnmatchcase(key, pattern) for pattern in settings.select
    )


def the_part(manifest: Manifest, settings: Settings) -> Manifest:
    """Return the entries that this run looks after, and say how many these are."""
    part = part_of(manifest, settings.shard)
    if settings.shard is not None:
        structlog.get_logger().info(
            "manifest.sharded" if part.images else "manifest.shard_empty",
            shard=str(settings.shard),
            entries=len(part.images),
            of=len(manifest.images),
        )
    return part


def manners(settings: Settings) -> ThrottlePolicy:
    """Return how patient the settings want us to be.

    A service that is busy frees a place per poll or so, which is what its waits go by.
    """
    interval_s = settings.poll_interval_s
    return ThrottlePolicy(
        busy=Backoff(base_s=interval_s, cap_s=12 * interval_s),
        tasks=TaskPolicy(
            clean_s=12 * interval_s,
            longest_clean_s=360 * interval_s,
            linger_step_s=0.2 * interval_s,
            longest_linger_s=3 * interval_s,
            seen_s=2 * interval_s,
        ),
        # within what the engine takes for a recent list, at three intervals
        poll_gap_s=2.5 * interval_s,
        max_rate_per_s=settings.max_rate_per_s,
    )


def throttled(
    service: ImageService,
    settings: Settings,
    *,
    stop: Stop,
    observer: Observer,
    lessons: Lessons | None = None,
) -> Throttle:
    """Put patience and manners before a service."""
    rng = random.Random()  # noqa: S311 - jitter, not a secret
    return Throttle(
        service,
        manners(settings),
        stop=stop,
        observer=observer,
        rng=rng,
        lessons=lessons,
    )
