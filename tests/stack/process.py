"""One server process on a port of 127.0.0.1 that is known before it starts."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

from tests.stack.rest import answers

_SERVE = Path(__file__).with_name("serve.py")
_START_S = 120.0  # on a busy machine; it takes two seconds


class Server:
    """Keystone or Glance; `stop` and `kill` may be followed by another `start`."""

    def __init__(
        self,
        python: Path,
        service: str,
        *,
        configuration: Path,
        port: int,
        threads: int,
    ) -> None:
        self.port = port
        self._arguments = [str(python), str(_SERVE), service, str(configuration)]
        self._threads = threads
        self._log = configuration.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, unless it runs, and return once it answers."""
        if self._process is not None:
            return
        with _bound(self.port) as listener, self._log.open("ab") as log:
            descriptor = listener.fileno()
            self._process = subprocess.Popen(
                [*self._arguments, str(descriptor), str(self._threads)],
                stdin=subprocess.PIPE,  # its end tells the server to end
                stdout=log,
                stderr=log,
                pass_fds=(descriptor,),
            )
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        until = time.monotonic() + _START_S
        while not answers(self.port):
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise AssertionError(f"not up: {self.words()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, without a chance to tidy up."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def count(self, request: str) -> int:
        """Return how often it gave this answer: `POST /v2/images 201`."""
        return self._log.read_text(errors="replace").splitlines().count(request)

    def words(self) -> str:
        """Return the end of what it logged."""
        return self._log.read_text(errors="replace")[-4000:]


def free_port() -> int:
    """Return a port that nobody uses now."""
    with _bound(0) as listener:
        port: int = listener.getsockname()[1]
        return port


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener
