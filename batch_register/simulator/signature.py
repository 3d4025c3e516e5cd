"""Verification of AK/SK signatures, written from the providers' signing guides alone.

Two forms are in use: ``Access=`` (API Request Signing Guide) with the secret key as
the HMAC key, and the older scoped ``Credential=`` with a derived key, which the Open
Telekom Cloud's own tooling still sends.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"
_DATE_FORM = "%Y%m%dT%H%M%SZ"
_PART = re.compile(r"(\w+)=([^,\s]+)")
_DATE_HEADER = "x-sdk-date"
_HASH_HEADER = "x-sdk-content-sha256"
_SCOPE_PARTS = 5  # access key, date, region, service, terminator


class BadSignatureError(Exception):
    """The header does not prove possession of the secret key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """What a signature covers, as it came over the wire."""

    method: str
    raw_path: str
    raw_query: str
    headers: Mapping[str, str]  # case-insensitive
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """A parsed Authorization header."""

    access: str
    scope: tuple[str, str, str] | None  # date, region, service
    signed_headers: tuple[str, ...]
    signature: str


def parse_authorization(text: str) -> Claim:
    """Read an Authorization header of either form.

    Raises:
        BadSignatureError: it is neither.
    """
    algorithm, _, rest = text.partition(" ")
    parts = dict(_PART.findall(rest))
    if algorithm != ALGORITHM or not {"SignedHeaders", "Signature"} <= parts.keys():
        message = "unsupported authorization header"
        raise BadSignatureError(message)
    access, scope = parts.get("Access"), None
    if access is None:
        pieces = parts.get("Credential", "").split("/")
        if len(pieces) != _SCOPE_PARTS:
            message = "malformed credential"
            raise BadSignatureError(message)
        access, scope = pieces[0], (pieces[1], pieces[2], pieces[3])
    names = tuple(parts["SignedHeaders"].split(";"))
    return Claim(access, scope, names, parts["Signature"])


def signed_at_s(headers: Mapping[str, str]) -> float:
    """Return the moment of signing in epoch seconds.

    Raises:
        BadSignatureError: the date header is missing or malformed.
    """
    text = headers.get(_DATE_HEADER, "")
    try:
        return datetime.strptime(text, _DATE_FORM).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        message = f"malformed {_DATE_HEADER}"
        raise BadSignatureError(message) from error


def verify(request: SignedRequest, claim: Claim, secret: str) -> None:
    """Check that a claim was made with a secret key.

    Raises:
        BadSignatureError: it was not, or it leaves the date unsigned.
    """
    if _DATE_HEADER not in claim.signed_headers:
        message = f"{_DATE_HEADER} is not signed"
        raise BadSignatureError(message)
    digest = canonical_hash(request, claim.signed_headers)
    expected = sign(digest, request.headers[_DATE_HEADER], claim.scope, secret)
    if not hmac.compare_digest(expected, claim.signature):
        message = "verify aksk signature fail"
        raise BadSignatureError(message)


def canonical_hash(request: SignedRequest, signed_headers: Iterable[str]) -> str:
    """Return the SHA-256 of the canonical request, in hex."""
    names = tuple(signed_headers)
    headers = "".join(
        f"{name}:{request.headers.get(name, '').strip()}\n" for name in names
    )
    payload = request.headers.get(_HASH_HEADER) or sha256(request.body).hexdigest()
    canonical = "\n".join(
        (
            request.method.upper(),
            _canonical_path(request.raw_path),
            _canonical_query(request.raw_query),
            headers,
            ";".join(names),
            payload,
        )
    )
    return sha256(canonical.encode()).hexdigest()


def sign(
    digest: str, date: str, scope: tuple[str, str, str] | None, secret: str
) -> str:
    """Return the signature of a canonical hash, in hex."""
    lines = [ALGORITHM, date, digest]
    key = secret.encode()
    if scope is not None:
        lines.insert(2, "/".join((*scope, "sdk_request")))
        key = b"SDK" + key
        for part in (*scope, "sdk_request"):
            key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, "\n".join(lines).encode(), "sha256").hex()


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")


def _canonical_path(raw_path: str) -> str:
    path = "/".join(_encode(unquote(part)) for part in raw_path.split("/"))
    return path if path.endswith("/") else f"{path}/"


def _canonical_query(raw_query: str) -> str:
    if not raw_query:
        return ""
    pairs = (piece.partition("=") for piece in raw_query.split("&"))
    encoded = ((_encode(_decode(k)), _encode(_decode(v))) for k, _, v in pairs)
    return "&".join(f"{key}={value}" for key, value in sorted(encoded))


def _decode(text: str) -> str:
    return unquote(text.replace("+", " "))
