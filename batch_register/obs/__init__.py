"""The object store that the images' files lie in.

Whoever only wants to know whether it can be asked loads no S3 library; that is what
`open_store` is for.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from batch_register.errors import SettingsError
from batch_register.obs.access import (
    FixedKeys,
    KeySource,
    NoObjectAccess,
    ObjectAccess,
)
from batch_register.ports import ObjectStore
from batch_register.transport.tls import Tls

__all__ = [
    "FixedKeys",
    "KeySource",
    "NoObjectAccess",
    "ObjectAccess",
    "open_store",
]


@asynccontextmanager
async def open_store(
    access: ObjectAccess,
    *,
    connections: int,
    tls: Tls,
    trust_env: bool,
    rng: random.Random | None = None,
) -> AsyncIterator[ObjectStore]:
    """Give the object store until the context ends; it connects at the first call.

    `connections` bounds how many are open at once; `trust_env`: take proxies from the
    environment; `rng` draws the pauses between tries.

    Raises:
        SettingsError: the extra is not installed, or a certificate cannot be used.
    """
    try:
        # In a thread: the S3 library takes a tenth of a second, and the loop must turn.
        client = await asyncio.to_thread(import_module, "batch_register.obs.client")
        wire = await asyncio.to_thread(import_module, "batch_register.obs.wire")
    except ModuleNotFoundError as exc:
        message = f"looking at the object store needs {exc.name}"
        hint = "install the extra: pip install 'batch-register[obs]'"
        raise SettingsError(message, hint=hint) from None
    # Not an import of this module's: it loads the HTTP library.
    http = import_module("batch_register.transport.http")
    options = http.HttpOptions(
        connections=connections,
        trust_env=trust_env,
        tls=tls,
        # A file that is stored compressed is shown as it is stored.
        decodes_bodies=False,
    )
    async with (
        http.HttpSender(options) as sender,
        wire.s3_client(access, sender) as s3,
    ):
        yield client.S3Store(s3, access.keys, rng or random.Random())  # noqa: S311 - jitter
