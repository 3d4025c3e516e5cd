"""How a receiver knows that a notification is ours, and that it is not an old one.

Decides: what is signed and how the headers are called. Must not know: where the secret
comes from. The timestamp is signed with the body, so that nobody can send an old one
under a new time. Source: RFC 2104, "HMAC: Keyed-Hashing for Message Authentication".
"""

from __future__ import annotations

import hashlib
import hmac

SIGNATURE_HEADER = "X-Batch-Register-Signature"
TIMESTAMP_HEADER = "X-Batch-Register-Timestamp"
DELIVERY_HEADER = "X-Batch-Register-Delivery"  # the same over all tries


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return `sha256=` and the hex HMAC over the timestamp, a dot and the body."""
    signed = timestamp.encode() + b"." + body
    return f"sha256={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
