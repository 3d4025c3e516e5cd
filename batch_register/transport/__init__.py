"""One HTTP call, made safe: the only package that opens connections to a cloud.

Decides: how a request goes out exactly once, what comes back, and which error family
a foreign failure belongs to. Must not know: images, tokens, signatures.

The contracts are here; the sender that uses aiohttp is `transport.http`, kept apart so
that whoever needs the contracts alone does not load an HTTP library.
"""

from __future__ import annotations

from batch_register.transport.contract import (
    Authoriser,
    Reply,
    Request,
    Sender,
    redirect_host,
)

__all__ = ["Authoriser", "Reply", "Request", "Sender", "redirect_host"]
