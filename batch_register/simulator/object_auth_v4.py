"""Verification of version 4 signatures, which S3 clients send to the object store.

Source: AWS "Authenticating Requests: Using the Authorization Header (Signature Version
4)", a form that the store takes beside its own.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, unquote

from batch_register.simulator.calls import Call

ALGORITHM = "AWS4-HMAC-SHA256"
DATE_FORM = "%Y%m%dT%H%M%SZ"
_CREDENTIAL = re.compile(r"Credential=([^/]+)/([^,\s]+)")
_SIGNED = re.compile(r"SignedHeaders=([^,\s]+)")
_SIGNATURE = re.compile(r"Signature=([0-9a-f]+)")


@dataclass(frozen=True, slots=True)
class ClaimV4:
    """A parsed Authorization header."""

    access: str
    scope: str  # date/region/service/aws4_request
    signed_headers: tuple[str, ...]
    signature: str


def parse_v4(text: str) -> ClaimV4 | None:
    """Read an Authorization header, or return None where it is of another form."""
    credential, signed = _CREDENTIAL.search(text), _SIGNED.search(text)
    signature = _SIGNATURE.search(text)
    if credential is None or signed is None or signature is None:
        return None
    names = tuple(signed[1].split(";"))
    return ClaimV4(credential[1], credential[2], names, signature[1])


def signed_at_s(call: Call) -> float:
    """Return the moment of signing in epoch seconds.

    Raises:
        ValueError: the date header is missing or malformed.
    """
    text = call.headers.get("x-amz-date", "")
    return datetime.strptime(text, DATE_FORM).replace(tzinfo=UTC).timestamp()


def signature_v4(call: Call, claim: ClaimV4, secret: str) -> str:
    """Return the signature that the claim's request should have, in hex."""
    headers = "".join(
        f"{name}:{' '.join(call.headers.get(name, '').split())}\n"
        for name in claim.signed_headers
    )
    canonical = "\n".join(
        (
            call.method,
            quote(unquote(call.raw_path), safe="/-_.~"),
            _canonical_query(call.raw_query),
            headers,
            ";".join(claim.signed_headers),
            call.headers.get("x-amz-content-sha256", ""),
        )
    )
    digest = sha256(canonical.encode()).hexdigest()
    date = call.headers.get("x-amz-date", "")
    key = b"AWS4" + secret.encode()
    for part in claim.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = "\n".join((ALGORITHM, date, claim.scope, digest))
    return hmac.digest(key, text.encode(), "sha256").hex()


def _canonical_query(raw_query: str) -> str:
    pieces = (piece.partition("=") for piece in raw_query.split("&") if piece)
    encoded = ((_encode(name), _encode(value)) for name, _, value in pieces)
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _encode(text: str) -> str:
    return quote(unquote(text), safe="-_.~")
