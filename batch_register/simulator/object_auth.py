"""Verification of signed object-store requests: the store's own form and S3's two.

Source: OBS API reference, "Authentication of signature in a header".
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from batch_register.simulator.calls import Call, Principal
from batch_register.simulator.object_auth_v4 import (
    ALGORITHM as ALGORITHM_V4,
    ClaimV4,
    parse_v4,
    parse_v4_query,
    signature_v4,
    signed_at_s,
)
from batch_register.simulator.options import SimulatorOptions
from batch_register.simulator.refusals import Refusal, object_store
from batch_register.simulator.tokens import Identity

# Authorization scheme -> prefix of the headers that it signs.
_PREFIXES = {"OBS": "x-obs-", "AWS": "x-amz-"}
# The store is mounted below the other services here: clients that sign the bucket as a
# resource know nothing of that, those that sign the path as sent do.
_MOUNT = "/obs"
_SUBRESOURCES = frozenset(
    {"storageClass", "storagePolicy", "location", "acl"}
    | {"uploads", "uploadId", "partNumber"}
)


def verify_object_request(
    call: Call, identity: Identity, options: SimulatorOptions
) -> Principal:
    """Return who signed an object-store request.

    Raises:
        Refusal: 403 in the store's words; a service token is no credential here.
    """
    scheme, _, rest = call.headers.get("Authorization", "").partition(" ")
    if scheme == ALGORITHM_V4:
        return _verify_v4(call, parse_v4(rest), identity, options)
    if not scheme and (claim := parse_v4_query(call)) is not None:
        return _verify_v4(call, claim, identity, options)
    access, colon, signature = rest.partition(":")
    prefix = _PREFIXES.get(scheme)
    if prefix is None or not colon:
        raise object_store(403, "AccessDenied", "Access Denied")
    token = call.headers.get(f"{prefix}security-token")
    secret = _secret(identity, access, token)
    _check_skew(call, _date_s(call, prefix), options)
    texts = (string_to_sign(call, prefix, mount) for mount in ("", _MOUNT))
    if not any(_fits(secret, text, signature) for text in texts):
        raise _no_match()
    return Principal(kind="signature", name=access)


def _verify_v4(
    call: Call, claim: ClaimV4 | None, identity: Identity, options: SimulatorOptions
) -> Principal:
    if claim is None:
        raise object_store(403, "AccessDenied", "Access Denied")
    token = call.headers.get("x-amz-security-token")
    token = token or call.query_value("X-Amz-Security-Token")
    secret = _secret(identity, claim.access, token)
    try:
        moment_s = signed_at_s(call, claim)
    except ValueError as error:
        raise object_store(403, "AccessDenied", "A valid date is required.") from error
    if claim.life_s is None:
        _check_skew(call, moment_s, options)
    elif call.gateway_now_s > moment_s + claim.life_s:
        raise object_store(403, "AccessDenied", "Request has expired")
    if not hmac.compare_digest(signature_v4(call, claim, secret), claim.signature):
        raise _no_match()
    return Principal(kind="signature", name=claim.access)


def _secret(identity: Identity, access: str, security_token: str | None) -> str:
    key = identity.find_key(access)
    if key is None:
        raise object_store(403, "InvalidAccessKeyId", "The access key is unknown.")
    if key.security_token != security_token:
        raise object_store(403, "InvalidAccessKeyId", "The security token is wrong.")
    return key.secret


def _check_skew(call: Call, moment_s: float, options: SimulatorOptions) -> None:
    if abs(call.gateway_now_s - moment_s) > options.signature_skew_s:
        message = "The request time and the server's differ too much."
        raise object_store(403, "RequestTimeTooSkewed", message)


def _no_match() -> Refusal:
    return object_store(403, "SignatureDoesNotMatch", "The signature does not match.")


def string_to_sign(call: Call, prefix: str, mount: str = "") -> str:
    """Return what an object-store signature covers."""
    headers = sorted(
        (name.lower(), value.strip())
        for name, value in call.headers.items()
        if name.lower().startswith(prefix)
    )
    date = "" if f"{prefix}date" in call.headers else call.headers.get("Date", "")
    return "\n".join(
        (
            call.method,
            call.headers.get("Content-MD5", ""),
            call.headers.get("Content-Type", ""),
            date,
            "".join(f"{name}:{value}\n" for name, value in headers)
            + mount
            + _resource(call),
        )
    )


def _fits(secret: str, text: str, signature: str) -> bool:
    digest = hmac.digest(secret.encode(), text.encode(), "sha1")
    return hmac.compare_digest(b64encode(digest).decode(), signature)


def _resource(call: Call) -> str:
    bucket, key = call.params.get("bucket", ""), call.params.get("key", "")
    named = sorted(
        f"{name}={value}" if value else name
        for name, value in call.query
        if name in _SUBRESOURCES
    )
    return f"/{bucket}/{key}" + ("?" + "&".join(named) if named else "")


def _date_s(call: Call, prefix: str) -> float:
    text = call.headers.get(f"{prefix}date") or call.headers.get("Date", "")
    try:
        moment = parsedate_to_datetime(text)
    except ValueError as error:
        raise object_store(403, "AccessDenied", "A valid date is required.") from error
    return (moment if moment.tzinfo else _as_utc(moment)).timestamp()


def _as_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
