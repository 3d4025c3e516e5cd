"""The object store under examination: can it be asked, and what are its buckets like?

Decides: what is asked, how long an answer is waited for, and how it is said where keys
come from. Must not know: what a finding means.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace

from batch_register.cli.object_access import (
    NO_EXTRA,
    LoggedIn,
    has_libraries,
    object_access,
    opened_store,
)
from batch_register.doctor import PROBE, Finding, access, objects
from batch_register.doctor.objects import BucketLook, StoreSight, is_of_bucket
from batch_register.errors import ServiceError, SettingsError
from batch_register.identity import Cloud
from batch_register.identity.cloud import KeyPair
from batch_register.identity.temporary import TemporaryKeys
from batch_register.model import Action, Fault, FaultKind
from batch_register.obs import KeySource, NoObjectAccess
from batch_register.obs.credentials import ACCESS_KEY_VARIABLE
from batch_register.ports import ObjectStore
from batch_register.preflight.location import bucket_findings
from batch_register.settings import Settings
from batch_register.source import BucketView


class ExaminedStore:
    """One cloud's store; each question is waited for `deadline_s` at most."""

    def __init__(
        self, logged_in: LoggedIn, settings: Settings, *, deadline_s: float
    ) -> None:
        self._logged_in = logged_in
        self._settings = settings
        self._deadline_s = deadline_s

    async def look(self, buckets: Sequence[str]) -> list[Finding]:
        """Return what is to be said of it, and of these buckets where there are any."""
        seen = await self._seen(buckets)
        told = [objects.store_finding(seen, is_needed=bool(buckets))]
        if seen.buckets:
            told.append(objects.buckets_finding(seen.buckets))
        return told

    async def _seen(self, buckets: Sequence[str]) -> StoreSight:
        sight = StoreSight(address=self._address())
        if not has_libraries():
            return replace(sight, why_not=NO_EXTRA)
        cloud = self._logged_in.cloud
        try:
            async with asyncio.timeout(self._deadline_s):
                found = await object_access(self._logged_in, self._settings)
        except TimeoutError:
            why = "temporary access keys were not made in time; run doctor again"
            return replace(sight, why_not=why)
        if isinstance(found, NoObjectAccess):
            return replace(sight, why_not=found.reason)
        sight = replace(sight, keys=_whence(cloud, found.keys))
        try:
            async with opened_store(
                found, cloud, self._settings, connections=1
            ) as store:
                return await self._asked(store, sight, buckets)
        except SettingsError as error:
            return replace(sight, why_not=error.hint or error.message)

    def _address(self) -> str:
        to = self._logged_in
        return access.objects_address(to.cloud, to.profile, to.connection.listed_store)

    async def _asked(
        self, store: ObjectStore, sight: StoreSight, buckets: Sequence[str]
    ) -> StoreSight:
        looks = []
        # Whether there is such a bucket or not: an answer shows that the store is there.
        nobodys = f"{PROBE}-{secrets.token_hex(8)}"
        for name in buckets or (nobodys,):
            seen = await self._bucket(store, name)
            if isinstance(seen, Fault) and not is_of_bucket(seen):
                return replace(sight, fault=seen)
            if buckets:
                looks.append(self._judged(name, seen))
        return replace(sight, buckets=tuple(looks))

    async def _bucket(self, store: ObjectStore, name: str) -> BucketView | Fault | None:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await store.head_bucket(name)
        except ServiceError as error:
            return error.fault
        except TimeoutError:
            return Fault(
                kind=FaultKind.LOST,
                code="transport.timeout",
                reason=f"no answer within {self._deadline_s:.0f} s",
                action=Action.RUN_AGAIN,
            )

    def _judged(self, name: str, seen: BucketView | Fault | None) -> BucketLook:
        region = self._logged_in.cloud.region_name or ""
        wrong = tuple(each.reason for each in bucket_findings(seen, name, region))
        if isinstance(seen, Fault):
            return BucketLook(name=name, fault=seen, wrong=wrong)
        return BucketLook(name=name, view=seen, wrong=wrong)


def _whence(cloud: Cloud, keys: KeySource) -> str:
    """Return where keys come from, never what they are."""
    if isinstance(keys, TemporaryKeys):
        return "temporary access keys, which IAM makes from the token"
    if isinstance(cloud.auth, KeyPair):
        return f"access keys of {cloud.source}"
    return f"access keys from the environment: {ACCESS_KEY_VARIABLE}"
