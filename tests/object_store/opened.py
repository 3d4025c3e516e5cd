"""Our own client of a store, opened for a test."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from batch_register.obs import FixedKeys, KeySource, ObjectAccess, open_store
from batch_register.ports import ObjectStore
from batch_register.transport.tls import Tls
from tests.object_store.server import Store


@asynccontextmanager
async def opened(
    store: Store, *, keys: KeySource | None = None, connections: int = 8
) -> AsyncIterator[ObjectStore]:
    """Lend `ports.ObjectStore` for a server; `keys` replace the server's own."""
    access = ObjectAccess(
        endpoint=store.endpoint,
        region=store.region,
        keys=keys or FixedKeys(store.keys),
    )
    async with open_store(
        access,
        connections=connections,
        tls=Tls(),
        trust_env=False,
        rng=random.Random(0),
    ) as ours:
        yield ours
