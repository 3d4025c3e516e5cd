"""A real S3 server in another process, and what tests put into it.

What they put there goes by a client of aiobotocore's own making, which shares no code
with the one that is tested.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from batch_register.identity.signing import AccessKeys
from tests.environments import environment

PACKAGES = ("moto[server]==5.2.5",)
REGION = "us-east-1"  # the one where a bucket needs no word about its place
_SERVE = Path(__file__).with_name("serve.py")
_AT_ONCE = 8
_NUMBERS = itertools.count(1)

Kind = Literal["open", "guarded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An S3 server on 127.0.0.1, and the keys that it takes."""

    endpoint: str
    keys: AccessKeys = field(repr=False)
    region: str = REGION

    def with_keys(self, **changes: str) -> Store:
        """Return the same server with other keys in hand."""
        return replace(self, keys=replace(self.keys, **changes))

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[Any]:
        """Lend a client of aiobotocore's S3."""
        client = get_session().create_client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.keys.access_key,
            aws_secret_access_key=self.keys.secret_key,
            config=AioConfig(s3={"addressing_style": "path"}, proxies={}),
        )
        async with client as s3:
            yield s3

    async def bucket(self, prefix: str = "bucket") -> str:
        """Make a bucket that no other test knows, and return its name."""
        name = f"{prefix}-{next(_NUMBERS)}"
        async with self.raw() as s3:
            await s3.create_bucket(Bucket=name)
        return name

    async def put(
        self, bucket: str, objects: Mapping[str, bytes], **headers: Any
    ) -> None:
        """Put objects by their keys; `headers` as boto3 names them: StorageClass."""
        async with self.raw() as s3:
            waiting = iter(objects.items())

            async def put_some() -> None:
                for key, body in waiting:
                    await s3.put_object(Bucket=bucket, Key=key, Body=body, **headers)

            async with asyncio.TaskGroup() as group:
                for _ in range(_AT_ONCE):
                    group.create_task(put_some())

    async def content(self, bucket: str, key: str) -> bytes:
        """Return all of an object."""
        async with self.raw() as s3:
            answer = await s3.get_object(Bucket=bucket, Key=key)
            body: bytes = await answer["Body"].read()
            return body


@contextmanager
def served(kind: Kind = "open") -> Iterator[Store]:
    """Run moto's server; a guarded one checks signatures and rights.

    Buckets whose names begin with `closed` are shut to the guarded one's user.

    Raises:
        NotToBeHadError: it cannot be installed here.
    """
    with environment("object-store", *PACKAGES) as env:
        python = str(env / "bin" / "python")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        port, descriptor = listener.getsockname()[1], listener.fileno()
        process = subprocess.Popen(
            [python, str(_SERVE), str(descriptor), kind],
            stdin=subprocess.PIPE,  # its end tells the server to end
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(descriptor,),
        )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline() or b"null")
        assert told, "moto's server did not start"
        yield Store(endpoint=f"http://127.0.0.1:{port}", keys=AccessKeys(**told))
    finally:
        process.kill()
        process.communicate()
