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
_QUERY_SIGNATURE = "X-Amz-Signature"
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
    # Of a signed address, which needs no headers; none: the headers tell.
    date: str | None = None
    life_s: int | None = None


def parse_v4(text: str) -> ClaimV4 | None:
    """Read an Authorization header, or return None where it is of another form."""
    credential, signed = _CREDENTIAL.search(text), _SIGNED.search(text)
    signature = _SIGNATURE.search(text)
    if credential is None or signed is None or signature is None:
        return None
    names = tuple(signed[1].split(";"))
    return ClaimV4(credential[1], credential[2], names, signature[1])


def parse_v4_query(call: Call) -> ClaimV4 | None:
    """Read a signed address, or return None where it is none.

    Source: AWS, "Authenticating Requests: Using Query Parameters".
    """
    told = {name: value for name, value in call.query if name.startswith("X-Amz-")}
    access, slash, scope = told.get("X-Amz-Credential", "").partition("/")
    life = told.get("X-Amz-Expires", "")
    if told.get("X-Amz-Algorithm") != ALGORITHM or not slash or not life.isdigit():
        return None
    return ClaimV4(
        access,
        scope,
        tuple(told.get("X-Amz-SignedHeaders", "").split(";")),
        told.get(_QUERY_SIGNATURE, ""),
        date=told.get("X-Amz-Date", ""),
        life_s=int(life),
    )


def signed_at_s(call: Call, claim: ClaimV4) -> float:
    """Return the moment of signing in epoch seconds.

    Raises:
        ValueError: the date is missing or malformed.
    """
    text = _date(call, claim)
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
            call.headers.get("x-amz-content-sha256", "")
            if claim.date is None
            else "UNSIGNED-PAYLOAD",
        )
    )
    digest = sha256(canonical.encode()).hexdigest()
    date = _date(call, claim)
    key = b"AWS4" + secret.encode()
    for part in claim.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = "\n".join((ALGORITHM, date, claim.scope, digest))
    return hmac.digest(key, text.encode(), "sha256").hex()


def _date(call: Call, claim: ClaimV4) -> str:
    return call.headers.get("x-amz-date", "") if claim.date is None else claim.date


def _canonical_query(raw_query: str) -> str:
    pieces = (
        piece.partition("=")
        for piece in raw_query.split("&")
        if piece and not piece.startswith(f"{_QUERY_SIGNATURE}=")
    )
    encoded = ((_encode(name), _encode(value)) for name, _, value in pieces)
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _encode(text: str) -> str:
    return quote(unquote(text), safe="-_.~")
