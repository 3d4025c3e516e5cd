"""A loop whose threads nobody waits for.

Blocking work of an ordinary loop, such as the look-up of a name, runs in a pool that
Python joins on its way out, however long a name server keeps it waiting. Here it runs in daemon threads: the process ends without them. Decides: nothing
else. Must not know: what is run. Source: Python, "Event Loop: Executing code in thread or
process pools".
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TypeVar, TypeVarTuple, Unpack

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class ImpatientLoop(asyncio.SelectorEventLoop):
    """An event loop with a daemon thread for each piece of blocking work."""

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[Unpack[Arguments]], Result],
        *args: *Arguments,
    ) -> asyncio.Future[Result]:
        """Run blocking work; of the default executor's, nobody waits for the end."""
        if executor is not None:
            return super().run_in_executor(executor, func, *args)
        promise: Future[Result] = Future()

        def work() -> None:
            if not promise.set_running_or_notify_cancel():
                return
            try:
                result = func(*args)
            except BaseException as error:  # noqa: BLE001 - handed to whoever awaits it
                promise.set_exception(error)
            else:
                promise.set_result(result)

        threading.Thread(target=work, daemon=True, name="notify").start()
        return asyncio.wrap_future(promise, loop=self)
