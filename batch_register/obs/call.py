"""One call to the store: tried, its keys renewed once, its failure put into our words.

Decides: when a refused key is worth another one, what the library's exceptions mean.
Must not know: what the call is about.
"""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.model import Applied, FaultKind
from batch_register.obs.access import KeySource
from batch_register.obs.failure import misread, not_sent, refusal
from batch_register.obs.tries import Patience, tried
from batch_register.obs.wire import RefusedError, StrayError

_T = TypeVar("_T")

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # "Creating a Bucket"
# What the library's readers, and ours, raise at answers that lack what they should have.
_UNREADABLE: Final = (
    BotoCoreError,
    ClientError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)
_PATIENCE: Final = Patience()


class S3(Protocol):
    """The S3 client of aiobotocore: methods by the names of the API's calls."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        """Return a call."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a call is for: `operation` for messages, the bucket that it is about."""

    operation: str
    bucket: str
    is_write: bool = False
    patience: Patience = field(default=_PATIENCE, repr=False)


class Caller:
    """Makes calls with one set of keys."""

    def __init__(self, keys: KeySource, rng: random.Random) -> None:
        self._keys = keys
        self._rng = rng

    async def ask(
        self,
        errand: Errand,
        call: Callable[[], Awaitable[Any]],
        read: Callable[[Any], _T],
    ) -> _T:
        """Return what `read` makes of the answer to a call.

        Raises:
            ServiceError: there was none, or none that can be read.
        """
        if not _BUCKET.fullmatch(errand.bucket):
            why = f"{errand.bucket!r} is no name of a bucket"
            raise not_sent(errand.operation, why)

        async def once() -> _T:
            return await self._once(errand, call, read)

        used = await self._keys.current()
        try:
            return await self._tried(errand, once)
        except AuthenticationError:
            if not await self._keys.renew(used):
                raise
        return await self._tried(errand, once)

    async def _tried(self, errand: Errand, once: Callable[[], Awaitable[_T]]) -> _T:
        return await tried(
            once,
            operation=errand.operation,
            patience=errand.patience,
            rng=self._rng,
            is_write=errand.is_write,
        )

    async def _once(
        self,
        errand: Errand,
        call: Callable[[], Awaitable[Any]],
        read: Callable[[Any], _T],
    ) -> _T:
        operation, is_write = errand.operation, errand.is_write
        try:
            return read(await call())
        except RefusedError as refused:
            known = self._keys.secrets
            error = refusal(operation, refused.reply, secrets=known, is_write=is_write)
        except ServiceError as failed:
            error = _named(failed, operation, is_write=is_write)
        except StrayError:
            error = not_sent(operation, "it would leave the object store's own host")
        except ParamValidationError as invalid:
            error = not_sent(operation, " ".join(str(invalid).split()))
        except _UNREADABLE as odd:
            error = misread(operation, type(odd).__name__, is_write=is_write)
        # Outside the handlers, so that nothing is chained: foreign exceptions may hold a
        # request with its signature.
        raise error


def _named(failed: ServiceError, operation: str, *, is_write: bool) -> ServiceError:
    """Return an error of the sender's, or of the keys', under the call's own name."""
    if isinstance(failed, AuthenticationError):
        return failed
    is_open = is_write and failed.kind is FaultKind.LOST
    return ServiceError(
        operation,
        failed.fault,
        applied=Applied.UNKNOWN if is_open else Applied.NO,
        retry_after_s=failed.retry_after_s,
    )
