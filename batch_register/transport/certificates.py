"""Why a certificate was not accepted: the server's by us, or ours by the server.

Decides: which cases a person treats differently, by OpenSSL's verdicts and by the alerts
of TLS. Must not know: requests, what is done about it. Sources: OpenSSL,
"X509_STORE_CTX_get_error"; RFC 8446, section 6.2.
"""

from __future__ import annotations

import re

import aiohttp

_EXPIRED = ("transport.tls-expired", "the server's certificate has expired")
_TOO_YOUNG = ("transport.tls-expired", "the server's certificate is not valid yet")
_OTHER_NAME = ("transport.tls-name", "the server's certificate is for another name")
_UNKNOWN = (
    "transport.tls-authority",
    "the server's certificate is of an authority that is not trusted here",
)
_BY_VERDICT = {
    9: _TOO_YOUNG,
    10: _EXPIRED,
    2: _UNKNOWN,
    18: _UNKNOWN,  # self-signed
    19: _UNKNOWN,  # self-signed, at the end of a chain
    20: _UNKNOWN,
    21: _UNKNOWN,
    62: _OTHER_NAME,
    64: _OTHER_NAME,  # an address instead of a name
}
_NOT_TRUSTED = ("transport.tls", "the server's certificate is not trusted")

_WANTED = (
    "transport.tls-client",
    "the server wants a client certificate, and none is given",
)
_NOT_ACCEPTED = (
    "transport.tls-client",
    "the server does not accept our client certificate",
)
_NO_HANDSHAKE = (
    "transport.tls-client",
    "the server ended the handshake, as those do that want a client certificate",
)
# OpenSSL's names of alerts end with TLS's own: SSLV3_ALERT_..., TLSV1_ALERT_...
_ALERT = re.compile(r"ALERT_([A-Z_]+)")
_BY_ALERT = {
    "CERTIFICATE_REQUIRED": _WANTED,
    "HANDSHAKE_FAILURE": _NO_HANDSHAKE,
    "ACCESS_DENIED": _NOT_ACCEPTED,
    "BAD_CERTIFICATE": _NOT_ACCEPTED,
    "CERTIFICATE_EXPIRED": _NOT_ACCEPTED,
    "CERTIFICATE_REVOKED": _NOT_ACCEPTED,
    "CERTIFICATE_UNKNOWN": _NOT_ACCEPTED,
    "UNKNOWN_CA": _NOT_ACCEPTED,
    "UNSUPPORTED_CERTIFICATE": _NOT_ACCEPTED,
}


def certificate_trouble(exc: BaseException) -> tuple[str, str] | None:
    """Return a fault's code and words; None where no certificate is the trouble.

    With TLS 1.3 a server refuses ours only after our first data: the alert then comes
    as the text of a broken connection.
    """
    if isinstance(exc, aiohttp.ClientConnectorCertificateError):
        verdict = getattr(exc.certificate_error, "verify_code", None)
        return _BY_VERDICT.get(verdict or 0, _NOT_TRUSTED)
    if isinstance(exc, OSError) and (alert := _ALERT.search(exc.strerror or "")):
        return _BY_ALERT.get(alert[1])
    return None
