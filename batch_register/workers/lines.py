"""One line for each file: the bodies of its parts leave one after the other.

Side by side, each of them would be half out when the process is killed, and all of that
would be sent twice. Behind each other only one is half out, while the next one is hashed
and those before wait for their answers; other files have lines of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from batch_register.workers.cut import Cut

_TICK_S = 0.1  # how soon a wait sees that it was told to end


class Lines:
    """The lines of one process, by path; a line lasts while somebody is in it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_path: WeakValueDictionary[str, _Line] = WeakValueDictionary()

    @contextmanager
    def held(self, path: str, cut: Cut) -> Iterator[None]:
        """Hold a file's line.

        Raises:
            CutError: the work was told to end before its turn came.
        """
        with self._lock:
            line = self._by_path.setdefault(path, _Line())
        while not line.lock.acquire(timeout=_TICK_S):
            cut.check()
        try:
            yield
        finally:
            line.lock.release()


class _Line:
    """A lock that can be referred to weakly."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
