"""Serves Keystone or Glance with waitress; run by the Python that they are installed in.

`serve.py keystone|glance CONFIGURATION DESCRIPTOR THREADS`: the descriptor is a socket
that is bound already. It ends when its standard input does, so never outlives a test run
that was killed.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

from sqlalchemy import event
from sqlalchemy.engine import Engine
from waitress import serve


@event.listens_for(Engine, "before_cursor_execute", retval=True)
def lock_at_once(_connection, _cursor, statement, parameters, _context, _many):
    """A deferred BEGIN of two threads ends as "database is locked" with SQLite."""
    return ("BEGIN IMMEDIATE" if statement == "BEGIN" else statement), parameters


def application(service: str, configuration: str):
    if service == "keystone":
        os.environ["OS_KEYSTONE_CONFIG_FILES"] = configuration
        from keystone.server import wsgi  # noqa: PLC0415 - one of them is there

        return wsgi.initialize_public_application()
    os.environ["OS_GLANCE_CONFIG_DIR"] = os.path.dirname(configuration)  # noqa: PTH120
    from glance.common import wsgi_app  # noqa: PLC0415

    return wsgi_app.init_app()


def told(served):
    """Tell of every request in one line: method, path, status."""

    def tell(environ, start_response):
        what = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"

        def start(status, headers, exc_info=None):
            sys.stdout.write(f"{what} {status[:3]}\n")
            sys.stdout.flush()
            return start_response(status, headers, exc_info)

        return served(environ, start)

    return tell


def end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    service, configuration, descriptor, threads = sys.argv[1:]
    sys.argv = sys.argv[:1]  # the services would read it as their own
    threading.Thread(target=end_with_parent, daemon=True).start()
    listener = socket.socket(fileno=int(descriptor))
    served = told(application(service, configuration))
    serve(served, sockets=[listener], threads=int(threads))


main()
