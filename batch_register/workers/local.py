"""The files of this machine, read and sent by threads of this process.

Decides: how many threads there are, and how a cancelled call ends its thread. Must not
know: uploads, stores.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar

from batch_register.errors import ServiceError
from batch_register.model import FilePlace
from batch_register.source import FileStamp
from batch_register.transport.tls import Tls
from batch_register.workers import ranges
from batch_register.workers.answer import PartAnswer
from batch_register.workers.cut import Cut, CutError
from batch_register.workers.pace import Pace
from batch_register.workers.send import CONNECTIONS, STALL_S, PartOrder, send_part

_T = TypeVar("_T")
_SEND = "send a part"


class LocalFiles:
    """`ports.SourceFiles` on this machine; close it, or use it with `async with`.

    `threads` bounds what is read and sent at once; `max_bytes_per_s` is shared by all
    that is sent. A place's `host` and `resource` are not looked at.
    """

    def __init__(
        self,
        *,
        tls: Tls,
        trust_env: bool,
        threads: int,
        max_bytes_per_s: float | None = None,
        stall_s: float = STALL_S,
    ) -> None:
        self._tls = replace(tls)  # an order must hold no context
        self._trust_env = trust_env
        self._stall_s = stall_s
        self._pace = Pace(bytes_per_s=max_bytes_per_s) if max_bytes_per_s else None
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="files")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the threads and the idle connections go; whatever ran was cancelled."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        CONNECTIONS.close()

    async def stamp(self, place: FilePlace) -> FileStamp | None:
        """Return size and age of a file, or None where there is none."""
        return await self._run("look at a file", lambda _: ranges.stamp_of(place.path))

    async def read(self, place: FilePlace, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; fewer at the end."""
        return await self._run(
            "read a file", lambda _: ranges.read(place.path, offset, length)
        )

    async def digest(self, place: FilePlace, offset: int, length: int) -> str:
        """Return the MD5 of a range of a file, as hex."""
        return await self._run(
            "read a file", lambda cut: ranges.digest(place.path, offset, length, cut)
        )

    async def send(
        self, place: FilePlace, offset: int, length: int, address: str
    ) -> str:
        """Send a range of a file to a signed address, checked; return its MD5 as hex."""
        order = PartOrder(
            path=place.path,
            offset=offset,
            length=length,
            address=address,
            tls=self._tls,
            trust_env=self._trust_env,
            stall_s=self._stall_s,
        )
        answer = await self._run(_SEND, lambda cut: send_part(order, self._pace, cut))
        return digest_in(answer)

    async def _run(self, operation: str, work: Callable[[Cut], _T]) -> _T:
        """Do something in a thread; a cancelled caller ends it, and waits for its end.

        It ends within one read of the disk: a socket that it waits for is shut down.
        """
        cut = Cut()
        loop = asyncio.get_running_loop()
        under_way = loop.run_in_executor(self._threads, work, cut)
        try:
            return await asyncio.shield(under_way)
        except asyncio.CancelledError:
            cut.tell()
            await asyncio.wait([under_way])
            if not under_way.cancelled():
                under_way.exception()  # is seen
            raise
        except ranges.FileFaultError as error:
            fault = error.fault
        except CutError:  # nobody else tells it to end
            raise asyncio.CancelledError from None
        raise ServiceError(operation, fault)


def digest_in(answer: PartAnswer) -> str:
    """Return the MD5 of a part that is stored.

    Raises:
        ServiceError: it is not.
    """
    if answer.fault is None:
        return answer.digest
    raise ServiceError(_SEND, answer.fault, retry_after_s=answer.retry_after_s)
