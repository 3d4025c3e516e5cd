"""The one table from a part's failures on the way to ours.

Decides: what a failure is called and whether it passes. The words never hold the
address, nor a foreign exception's own text, which may repeat it.
"""

from __future__ import annotations

import os
import socket
import ssl
from dataclasses import dataclass
from http.client import HTTPException

from batch_register.model import Action, Fault, FaultKind
from batch_register.transport.failure import host_of
from batch_register.workers.connections import TunnelError


@dataclass(frozen=True, slots=True)
class _Row:
    """What one foreign exception means."""

    code: str
    words: str
    kind: FaultKind = FaultKind.LOST
    action: Action = Action.RUN_AGAIN


# The first row whose type fits counts: the special before the general. A part may be
# sent again whatever became of it, so that all of them pass but what waiting cannot mend.
_TABLE: tuple[tuple[type[Exception], _Row], ...] = (
    (
        ssl.SSLCertVerificationError,
        _Row(
            "certificate",
            "its certificate is not trusted; check cacert and the clock",
            FaultKind.REJECTED,
            Action.CONTACT_PROVIDER,
        ),
    ),
    (ssl.SSLError, _Row("tls", "the encrypted connection broke")),
    (
        TunnelError,
        _Row("proxy", "the proxy refused", FaultKind.REJECTED, Action.ASK_PERMISSION),
    ),
    (TimeoutError, _Row("timeout", "it took too long")),
    (ConnectionRefusedError, _Row("refused", "cannot connect", FaultKind.UNREACHABLE)),
    (
        socket.gaierror,
        _Row("dns", "the host name cannot be resolved", FaultKind.UNREACHABLE),
    ),
    (
        UnicodeError,  # a label of more than 63 letters
        _Row("dns", "the host name is malformed", FaultKind.REJECTED),
    ),
    (OSError, _Row("reset", "the connection broke")),
    (HTTPException, _Row("not-http", "the answer is cut off or not readable as HTTP")),
)

# What a send catches: everything foreign that a network or a server can cause.
FOREIGN: tuple[type[Exception], ...] = (OSError, HTTPException, UnicodeError)


def fault_of(error: Exception, address: str) -> Fault:
    """Return our fault for a foreign exception, which is one of `FOREIGN`."""
    row = next(row for kind, row in _TABLE if isinstance(error, kind))
    return Fault(
        kind=row.kind,
        code=f"transport.{row.code}",
        reason=f"{host_of(address)}: {row.words}{_system_words(error)}",
        action=row.action,
    )


def _system_words(error: Exception) -> str:
    """Return what the operating system says: never anything of the request."""
    if isinstance(error, ssl.SSLError | socket.gaierror | TimeoutError):
        return ""
    number = error.errno if isinstance(error, OSError) else None
    return f" ({os.strerror(number)})" if number else ""
