"""One call to the image service: authorised, sent, and judged by its exact status.

What an answer repeats of our credentials is taken out before anybody reads it.

Decides: when credentials are renewed and a request is replayed (once, after a refusal
of its credentials, never after anything else). Must not know: what the call is about,
backoff, other calls.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from batch_register import __version__
from batch_register.errors import AuthenticationError, ServiceError
from batch_register.ims.answer import AnswerError
from batch_register.ims.failure import failure, misread, renewal_may_help
from batch_register.model import Applied, FaultKind
from batch_register.ports import Clock
from batch_register.transport import Authoriser, Reply, Request, Sender
from batch_register.transport.secrecy import unrepeated

HEADERS: Final = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "User-Agent": f"batch-register/{__version__}",
}

_OK: Final = 200

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever makes calls to the service at `base`, an address without a version.

    `deadline_s` is for each request; `clock` only reads a Retry-After that is a date.
    """

    sender: Sender
    authoriser: Authoriser
    clock: Clock
    base: str
    deadline_s: float

    def request(
        self, operation: str, method: str, path: str, body: bytes = b""
    ) -> Request:
        """Return a request for a path below the service's address."""
        return Request(
            operation=operation,
            method=method,
            url=f"{self.base}{path}",
            headers=HEADERS,
            body=body,
            deadline_s=self.deadline_s,
        )

    async def read(self, request: Request, read: Callable[[bytes], _T]) -> _T:
        """Return what `read` makes of the body of an answer with status 200.

        Raises:
            ServiceError: there was no answer, or another one.
        """
        return await self.read_reply(request, lambda reply: read(reply.body))

    async def read_reply(self, request: Request, read: Callable[[Reply], _T]) -> _T:
        """Return the same where `read` needs the whole answer."""
        return await self.call(request, read, success=_OK, is_write=False)

    async def write(
        self, request: Request, read: Callable[[bytes], _T], *, success: int
    ) -> _T:
        """Return what `read` makes of the body of a write's one success.

        Raises:
            ServiceError: there was no answer, or another one.
        """
        return await self.call(
            request, lambda reply: read(reply.body), success=success, is_write=True
        )

    async def call(
        self,
        request: Request,
        read: Callable[[Reply], _T],
        *,
        success: int,
        is_write: bool,
    ) -> _T:
        """Return what `read` makes of the one answer that is a success.

        Raises:
            ServiceError: there was no answer, or another one.
        """
        sent, reply, error = await self._try(request, success, is_write=is_write)
        if error is not None and await self._renewed(sent, error):
            sent, reply, error = await self._try(request, success, is_write=is_write)
        if error is not None:
            raise error
        try:
            return read(reply)
        except AnswerError as why:
            raise misread(sent, reply, why, is_write=is_write) from None

    async def _try(
        self, request: Request, success: int, *, is_write: bool
    ) -> tuple[Request, Reply, ServiceError | None]:
        sent = await self.authoriser.authorise(request)
        reply = await self._send(sent, is_write=is_write)
        if reply.status == success:
            self.authoriser.accepted(sent)
            return sent, reply, None
        error = failure(sent, reply, is_write=is_write, now=self.clock.now())
        return sent, reply, error

    async def _renewed(self, sent: Request, error: ServiceError) -> bool:
        """Return whether the request may go out once more with other credentials."""
        if not isinstance(error, AuthenticationError):
            return False
        return renewal_may_help(sent, error) and await self.authoriser.renew(sent)

    async def _send(self, request: Request, *, is_write: bool) -> Reply:
        try:
            reply = await self.sender.send(request)
        except ServiceError as error:
            # Whatever the sender thinks: a write without an answer may have happened.
            if is_write and error.kind is FaultKind.LOST:
                error.applied = Applied.UNKNOWN
            raise
        return unrepeated(reply, request.confidential)


async def or_none(call: Awaitable[_T]) -> _T | None:
    """Return what a call returns, or None where there is no such thing."""
    try:
        return await call
    except ServiceError as error:
        if error.kind is FaultKind.NOT_FOUND:
            return None
        raise


def nothing(_body: bytes) -> None:
    """Read an answer that has nothing to tell."""
