"""Signatures with an access key: from a request to a signed request, no I/O.

Decides: how a request is put into canonical form and signed, in the current form
(`Access=`) and the older scoped one (`Credential=`). Must not know: clocks, sockets.
Source: Huawei Cloud, "API Request Signing Guide".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlsplit

from batch_register.transport import Request

ALGORITHM = "SDK-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

_DATE_HEADER = "X-Sdk-Date"
_BODY_HASH_HEADER = "X-Sdk-Content-Sha256"
_DATE_FORM = "%Y%m%dT%H%M%SZ"
_SCOPE_END = "sdk_request"
# The gateways hash the body of these alone; the official SDKs leave others unsigned.
_HASHED_CONTENT = ("application/json", "application/bson")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKeys:
    """An access key, its secret, and the token that temporary keys come with."""

    access_key: str
    secret_key: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Region and service of the older form; both may be empty."""

    region: str = ""
    service: str = ""


def sign(
    request: Request,
    keys: AccessKeys,
    *,
    at: datetime,
    project_id: str | None = None,
    scope: Scope | None = None,
) -> Request:
    """Return the request with its signature headers; everything else is untouched.

    `at` is the wall time, which the service allows to be 15 minutes off. `scope` asks
    for the older form. A header whose name holds an underscore is not signed, nor is
    anything that is added later.
    """
    headers = _unsigned_headers(request, keys, at=at, project_id=project_id)
    prepared = replace(request, headers=headers)
    names = signed_header_names(headers)
    date = headers[_DATE_HEADER]
    digest = hashlib.sha256(canonical_request(prepared).encode()).hexdigest()
    if scope is None:
        owner = f"Access={keys.access_key}"
        text = f"{ALGORITHM}\n{date}\n{digest}"
        key = keys.secret_key.encode()
    else:
        day = date[:8]
        path = f"{day}/{scope.region}/{scope.service}/{_SCOPE_END}"
        owner = f"Credential={keys.access_key}/{path}"
        text = f"{ALGORITHM}\n{date}\n{path}\n{digest}"
        key = _scoped_key(keys.secret_key, day, scope)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    listed = ";".join(names)
    headers["Authorization"] = (
        f"{ALGORITHM} {owner}, SignedHeaders={listed}, Signature={signature}"
    )
    return replace(request, headers=headers)


def canonical_request(request: Request) -> str:
    """Return the text whose digest is signed, for a request with all its headers."""
    parts = urlsplit(request.url)
    values = {name.lower(): value.strip() for name, value in request.headers.items()}
    names = signed_header_names(request.headers)
    return "\n".join(
        [
            request.method.upper(),
            _canonical_path(parts.path),
            _canonical_query(parts.query),
            *(f"{name}:{values[name]}" for name in names),
            "",
            ";".join(names),
            _payload_hash(request),
        ]
    )


def signed_header_names(headers: Mapping[str, str]) -> list[str]:
    """Return the names that are signed: lower-case, sorted, none with an underscore."""
    return sorted(name.lower() for name in headers if "_" not in name)


def _unsigned_headers(
    request: Request, keys: AccessKeys, *, at: datetime, project_id: str | None
) -> dict[str, str]:
    """Return all headers but the signature, the request's own winning.

    A replayed request carries the former signature and its date: both go.
    """
    ours = {_DATE_HEADER.lower(), "authorization", "host"}
    headers = {k: v for k, v in request.headers.items() if k.lower() not in ours}
    present = {name.lower() for name in headers}
    headers["Host"] = _header(request, "host") or _host(request.url)
    headers[_DATE_HEADER] = at.astimezone(UTC).strftime(_DATE_FORM)
    extra = {
        "X-Project-Id": project_id,
        "X-Security-Token": keys.security_token,
        _BODY_HASH_HEADER: _body_mark(request),
    }
    missing = {k: v for k, v in extra.items() if v and k.lower() not in present}
    return {**headers, **missing}


def _body_mark(request: Request) -> str | None:
    content_type = _header(request, "content-type")
    if not content_type or content_type.startswith(_HASHED_CONTENT):
        return None
    return UNSIGNED_PAYLOAD


def _payload_hash(request: Request) -> str:
    # An empty body is hashed even where its hash is said not to count: so do the SDKs.
    mark = _header(request, _BODY_HASH_HEADER)
    if request.body and mark:
        return mark.strip()
    return hashlib.sha256(request.body).hexdigest()


def _header(request: Request, name: str) -> str | None:
    wanted = name.lower()
    return next((v for k, v in request.headers.items() if k.lower() == wanted), None)


def _host(url: str) -> str:
    """Return the Host header's value, the port left out where it is the scheme's."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.port == _DEFAULT_PORTS.get(parts.scheme):
        return host.removesuffix(f":{parts.port}")
    return host


def _encode(text: str) -> str:
    """Percent-encode all but the unreserved characters of RFC 3986."""
    return quote(text, safe="~")


def _canonical_path(path: str) -> str:
    encoded = "/".join(_encode(part) for part in unquote(path).split("/"))
    return encoded if encoded.endswith("/") else f"{encoded}/"


def _canonical_query(query: str) -> str:
    """Return the query sorted and encoded anew; `+` is a plus sign, not a blank."""
    pairs: list[tuple[str, str]] = []
    for part in query.split("&") if query else []:
        name, _, value = part.partition("=")
        pairs.append((unquote(name), unquote(value)))
    return "&".join(
        f"{_encode(name)}={_encode(value)}" for name, value in sorted(pairs)
    )


def _scoped_key(secret: str, day: str, scope: Scope) -> bytes:
    key = f"SDK{secret}".encode()
    for part in (day, scope.region, scope.service, _SCOPE_END):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
