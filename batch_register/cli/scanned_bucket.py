"""A bucket to the draft of a manifest.

Decides: which cloud is asked, and what is told of the bucket as a whole. Must not know:
which objects are images.
"""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from batch_register.cli.connection import (
    WallClock,
    chosen_cloud,
    open_sender,
    profile_of,
    published_endpoints,
)
from batch_register.cli.object_access import LoggedIn, object_store
from batch_register.cli.waiting import told_while_waiting
from batch_register.cli.wanted_manifest import (
    Wanted,
    defaults_of,
    wish_warnings,
    wishes_for,
)
from batch_register.errors import SettingsError
from batch_register.identity import connect
from batch_register.inspection import inspect
from batch_register.logs.redaction import redact_text
from batch_register.manifest.rules import BUCKET_PATTERN, RULES
from batch_register.obs import NoObjectAccess
from batch_register.ports import ObjectStore
from batch_register.scan import from_bucket
from batch_register.scan.draft import Draft
from batch_register.scan.survey import PARALLEL, Survey, forbidden_for_all, survey
from batch_register.settings import Settings
from batch_register.source import STANDARD_CLASS, BucketView

_PLACE = re.compile(r"(?:obs|s3)://([^/]*)(?:/(.*))?", re.DOTALL)


def _bucket_and_prefix(place: str) -> tuple[str, str]:
    """Return the two parts of obs://BUCKET/PREFIX.

    Raises:
        SettingsError: it is no such place.
    """
    parts = _PLACE.fullmatch(place)
    if parts is None:
        message = f"{redact_text(place)}: must be obs://BUCKET or obs://BUCKET/PREFIX"
        raise SettingsError(message)
    bucket, prefix = parts[1], parts[2] or ""
    if not re.fullmatch(BUCKET_PATTERN, bucket):
        message = f"{redact_text(place)}: bucket {RULES['bucket'].must}"
        raise SettingsError(message)
    return bucket, prefix


async def draft_of_bucket(place: str, wanted: Wanted, settings: Settings) -> Draft:
    """Return the draft of a manifest of obs://BUCKET/PREFIX.

    Raises:
        SettingsError: there is no such bucket, or no way to ask for it.
        ServiceError: the cloud or its object store failed; also in a group.
    """
    bucket, prefix = _bucket_and_prefix(place)
    async with _logged_in(settings) as logged_in:
        wishes = wishes_for(logged_in.profile, wanted, bucket)
        async with object_store(logged_in, settings, connections=PARALLEL) as store:
            if isinstance(store, NoObjectAccess):
                message = f"the object store cannot be asked: {store.reason}"
                raise SettingsError(message)
            view, found = await _surveyed(store, bucket, prefix)
    images, unfit = from_bucket.partition(found.found, wishes)
    return Draft(
        name=wanted.name_or(f"{bucket}-{prefix}"),
        origin=place,
        defaults=defaults_of(wishes),
        images=from_bucket.images_of(images, wishes),
        left_out=tuple(sorted((*found.left_out, *unfit), key=lambda each: each.what)),
        warnings=(*wish_warnings(wishes), *_bucket_warnings(view)),
    )


@asynccontextmanager
async def _logged_in(settings: Settings) -> AsyncIterator[LoggedIn]:
    """Log in to the chosen cloud; somebody waits, so that nothing is tried twice."""
    cloud, clock = chosen_cloud(settings), WallClock()
    published = published_endpoints(cloud)
    async with open_sender(cloud, settings) as sender:
        connection = await connect(
            cloud,
            sender,
            clock,
            image_fallback=published.image if published else None,
            auth_fallback=published.identity if published else None,
        )
        yield LoggedIn(
            cloud=cloud,
            connection=connection,
            profile=profile_of(cloud, connection.image_endpoint),
            sender=sender,
            clock=clock,
        )


async def _surveyed(
    store: ObjectStore, bucket: str, prefix: str
) -> tuple[BucketView, Survey]:
    """Return what a bucket is like, and what it holds.

    Raises:
        SettingsError: there is no such bucket.
        NotAllowedError: it may not be looked at; in a group: not listed.
        ServiceError: the object store failed; also in a group.
    """
    with forbidden_for_all():
        view = await store.head_bucket(bucket)
    if view is None:
        message = f"there is no bucket {bucket!r}"
        raise SettingsError(message, hint="look at its name, and at --region")
    count = 0

    def note(looked_at: int) -> None:
        nonlocal count
        count = looked_at

    async with told_while_waiting(sys.stderr, lambda: f"{count} objects looked at"):
        found = await survey(store, bucket, prefix, inspect=inspect, progress=note)
    return view, found


def _bucket_warnings(view: BucketView) -> Iterator[str]:
    if view.storage_class not in (None, STANDARD_CLASS):
        yield (
            f"the bucket's storage class is {view.storage_class}, and the service "
            f"registers from {STANDARD_CLASS} only"
        )
