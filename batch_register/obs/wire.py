"""The S3 library, kept to its trade: it words, signs and reads; our transport sends.

botocore lets whoever listens to `before-send` answer a request in its place (botocore,
"Events"; that is how S3 is faked in tests). We send it there by our own sender: same
proxies, certificates and limits as every other call, nothing followed, nothing sent
twice. So neither its retries nor its search for another region ever run.

Decides: how the library is kept from this machine's AWS files and variables, and which
host may get a signature. Must not know: what a call is about, faults.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioCredentials
from aiobotocore.session import AioSession
from botocore.awsrequest import HeadersDict
from botocore.credentials import Credentials
from botocore.loaders import Loader

from batch_register.obs.access import KeySource, ObjectAccess
from batch_register.obs.failure import is_error_body
from batch_register.transport import Reply, Request, Sender

# The caller's own clock ends a call; this one is never reached.
_DEADLINE_S: Final = 3600.0
_ENVIRONMENT, _DEFAULT = 1, 2  # places in what botocore knows of a variable


class RefusedError(Exception):
    """The store's answer is no success; it has been read whole."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"HTTP {reply.status}")
        self.reply = reply


class StrayError(Exception):
    """A request would have gone to another host than the store's; it was not sent."""


@asynccontextmanager
async def s3_client(access: ObjectAccess, sender: Sender) -> AsyncIterator[Any]:
    """Lend an S3 client of aiobotocore whose requests go out by `sender`.

    Its calls raise RefusedError, StrayError, ServiceError (from the sender or the keys),
    and what botocore makes of odd parameters and answers.
    """
    style = "virtual" if access.names_buckets_in_host else "path"
    config = AioConfig(
        signature_version="s3v4",
        s3={"addressing_style": style},
        retries={"total_max_attempts": 1, "mode": "standard"},
        # OBS knows Content-MD5, not the newer checksums that botocore adds by itself.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        proxies={},
    )
    client = _session(access.keys).create_client(
        "s3",
        region_name=access.region,
        endpoint_url=access.endpoint,
        verify=False,  # of a connection that it never opens
        config=config,
    )
    async with client as s3:
        carrier = _Carrier(sender, access)
        s3.meta.events.register_first("before-send.s3", carrier.carry)
        yield s3


def _session(keys: KeySource) -> AioSession:
    """Return a session that has heard of nobody's AWS settings but ours."""
    ours = {
        name: (None, None, known[_DEFAULT], known[-1])
        for name, known in AioSession.SESSION_VARIABLES.items()
    }
    for name in ("config_file", "credentials_file"):
        ours[name] = (None, None, os.devnull, None)
    session = AioSession(session_vars=ours)
    # Without ~/.aws/models, whose files replace what the library knows of the API.
    models = Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    session.register_component("data_loader", models)
    session.get_component("config_store").set_config_variable("s3", {})
    session.register_component("credential_provider", _Provider(keys))
    return session


class _Prepared(Protocol):
    """botocore's request, signed."""

    method: str
    url: str
    headers: Mapping[str, object]
    body: bytes | str | None


class _Provider:
    """Gives botocore our keys, as new as they are; its credentials and their source."""

    def __init__(self, keys: KeySource) -> None:
        self._keys = keys
        # For whatever else credentials are asked that is not about keys.
        self._others = AioCredentials("none", "none")

    def __getattr__(self, name: str) -> object:
        """Return what credentials without an account answer."""
        return getattr(self._others, name)

    async def load_credentials(self) -> _Provider:
        """Return the credentials, which ask for keys at each signature."""
        return self

    async def get_frozen_credentials(self) -> Credentials:
        """Return the keys for one signature."""
        keys = await self._keys.current()
        return Credentials(keys.access_key, keys.secret_key, keys.security_token)


class _Carrier:
    """Sends what botocore has signed, and gives it answers that are a success."""

    def __init__(self, sender: Sender, access: ObjectAccess) -> None:
        self._sender = sender
        self._keys = access.keys
        self._host = urlsplit(access.endpoint).netloc

    async def carry(self, *, request: _Prepared, **_others: object) -> AioAWSResponse:
        """Return the answer to a prepared request of botocore's."""
        host = urlsplit(request.url).netloc
        if host != self._host and not host.endswith(f".{self._host}"):
            raise StrayError
        sent = self._request(request)
        reply = await self._sender.send(sent)
        is_read = sent.method in ("GET", "HEAD")
        is_refused = reply.status >= HTTPStatus.MULTIPLE_CHOICES
        is_failure = not is_read and is_error_body(reply.body)
        if is_refused or is_failure or _declares_entities(sent, reply):
            secrets = (*reply.confidential, *sent.confidential)
            raise RefusedError(replace(reply, confidential=secrets))
        raw = _Raw(reply.body)
        names = HeadersDict(reply.headers)
        return AioAWSResponse(request.url, reply.status, names, raw)

    def _request(self, request: _Prepared) -> Request:
        headers = {name: _text(value) for name, value in request.headers.items()}
        body = request.body or b""
        signature = headers.get("Authorization", "").rpartition("Signature=")[2]
        return Request(
            operation="ask the object store",
            method=request.method,
            url=request.url,
            headers=headers,
            body=body.encode() if isinstance(body, str) else bytes(body),
            deadline_s=_DEADLINE_S,
            secrets=(*self._keys.secrets, signature),
        )


class _Raw:
    """A body that is here already, in the shape of aiohttp's response."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    @property
    def content(self) -> _Raw:
        """Return itself: its stream is read like it."""
        return self

    async def read(self, _amount: int = -1) -> bytes:
        """Return all that has not been read."""
        body, self._body = self._body, b""
        return body

    def close(self) -> None:
        """Do nothing: nothing is open."""


def _declares_entities(sent: Request, reply: Reply) -> bool:
    """Return whether an answer could grow while it is read; no store sends such XML."""
    is_content = "Range" in sent.headers  # an object's own bytes, which nobody parses
    return not is_content and b"<!DOCTYPE" in reply.body


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
