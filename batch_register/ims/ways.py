"""Two calls that tell the same: which of them this cloud has.

Decides: which one is asked, and when the other one is tried. Must not know: what they
tell, how they are sent.

Clouds have one of two calls, or both, and a thing that is not there may answer like a
call that is not there. So until one of them has told something, the other is tried too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from batch_register.errors import ServiceError
from batch_register.ims.codes import is_missing_call

_MISSING: Final = 404

_C = TypeVar("_C")
_T = TypeVar("_T")


class Ways(Generic[_C]):
    """Asks by the first of two calls, or by the other where the cloud lacks that."""

    def __init__(
        self, first: _C, other: _C, *, when_lacking: Callable[[_C, _C], None]
    ) -> None:
        """`when_lacking` is told once: which call is missing, and which one is used."""
        self._others = {first: other, other: first}
        self._when_lacking = when_lacking
        self._is_proven = False
        self.call = first

    async def ask(self, by: Callable[[_C], Awaitable[_T]]) -> _T:
        """Return what the call tells that this cloud turns out to have.

        Raises:
            ServiceError: neither tells anything; the error is the one that says more.
        """
        call = self.call
        try:
            told = await by(call)
        except ServiceError as error:
            is_settled = self._is_proven and self.call == call
            if is_settled or not _may_lack_call(error):
                raise
            call = self._others[call]
            told = await self._ask_other(by, call, error)
        if not self._is_proven:  # by one of those that asked at the same time
            self._use(call)
            self._is_proven = True
        return told

    async def _ask_other(
        self, by: Callable[[_C], Awaitable[_T]], call: _C, first: ServiceError
    ) -> _T:
        try:
            return await by(call)
        except ServiceError as second:
            if _lacks_call(second):
                raise first from None
            if _lacks_call(first) and not self._is_proven:
                self._use(call)
            raise

    def _use(self, call: _C) -> None:
        if call != self.call:
            self._when_lacking(self.call, call)
        self.call = call


def _lacks_call(error: ServiceError) -> bool:
    return is_missing_call(error.fault.code, error.fault.http_status)


def _may_lack_call(error: ServiceError) -> bool:
    """Return whether the call may be missing: the service itself did not answer."""
    code, status = error.fault.code, error.fault.http_status
    return _lacks_call(error) or (status == _MISSING and not code.startswith("IMG."))
