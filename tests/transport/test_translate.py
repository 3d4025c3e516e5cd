"""The table of foreign exceptions, row by row, without a socket."""

from __future__ import annotations

import errno
import socket
import ssl
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from batch_register.model import Action, Applied, Fault, FaultKind
from batch_register.transport import Request
from batch_register.transport.body import BodyTooLargeError, BodyUndecodableError
from batch_register.transport.failure import (
    FOREIGN,
    ProxyRefusedError,
    host_of,
    refuse,
    translate,
)

REQUEST = Request(
    operation="look up a job",
    method="GET",
    url="https://ims.example.com/v1/jobs/1?signature=secret",
    headers={},
    body=b"",
    deadline_s=5.0,
)
# What the library's exceptions carry along, as far as they look at it.
KEY: Any = SimpleNamespace(host="ims.example.com", port=443, ssl=True)
ASKED: Any = SimpleNamespace(real_url=REQUEST.url)
RESET = ConnectionResetError(104, "Connection reset by peer")
UNTRUSTED = ssl.SSLCertVerificationError(1, "certificate verify failed")
UNTRUSTED.verify_message, UNTRUSTED.verify_code = "self-signed certificate", 18


def http_error(kind: type[aiohttp.ClientResponseError], status: int) -> Exception:
    return kind(ASKED, (), status=status, message="secret")


ROWS = {
    "too large": (BodyTooLargeError(), "body-too-large", "the answer is too large"),
    "packed": (
        BodyUndecodableError(),
        "undecodable",
        "the answer's compression is broken or unknown",
    ),
    "certificate": (
        aiohttp.ClientConnectorCertificateError(KEY, UNTRUSTED),
        "tls-authority",
        "the server's certificate is of an authority that is not trusted here "
        "(self-signed certificate)",
    ),
    "certificate of no words": (
        aiohttp.ClientConnectorCertificateError(KEY, ssl.CertificateError("secret")),
        "tls",
        "the server's certificate is not trusted",
    ),
    "client certificate": (
        aiohttp.ClientOSError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] x"),
        "tls-client",
        "the server wants a client certificate, and none is given "
        "([SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] x)",
    ),
    "other client certificate": (
        aiohttp.ClientConnectorSSLError(KEY, OSError(1, "TLSV1_ALERT_UNKNOWN_CA")),
        "tls-client",
        "the server does not accept our client certificate (TLSV1_ALERT_UNKNOWN_CA)",
    ),
    "other alert": (
        aiohttp.ClientConnectorSSLError(KEY, OSError(1, "ALERT_DECODE_ERROR")),
        "tls",
        "TLS could not be set up (ALERT_DECODE_ERROR)",
    ),
    "TLS": (
        aiohttp.ClientConnectorSSLError(KEY, OSError(1, "wrong version number")),
        "tls",
        "TLS could not be set up (wrong version number)",
    ),
    "TLS later": (
        ssl.SSLError(1, "decryption failed"),
        "tls",
        "the encrypted connection broke (decryption failed)",
    ),
    "name": (
        aiohttp.ClientConnectorDNSError(
            KEY, socket.gaierror(-2, "Name or service not known")
        ),
        "dns",
        "the host name cannot be resolved; check the endpoint "
        "(Name or service not known)",
    ),
    "malformed name": (
        UnicodeError("secret"),
        "dns",
        "the host name is malformed; check the endpoint",
    ),
    "proxy": (
        aiohttp.ClientProxyConnectionError(
            KEY, OSError(errno.ECONNREFUSED, "Connection refused")
        ),
        "proxy",
        "the proxy cannot be reached (Connection refused)",
    ),
    "proxy that refuses": (
        http_error(aiohttp.ClientHttpProxyError, 407),
        "proxy",
        "the proxy refused (HTTP 407)",
    ),
    "proxy that refuses in clear text": (
        ProxyRefusedError("secret"),
        "proxy",
        "the proxy refused (HTTP 407)",
    ),
    "refused": (
        aiohttp.ClientConnectorError(
            KEY, OSError(errno.ECONNREFUSED, "Connection refused")
        ),
        "refused",
        "cannot connect (Connection refused)",
    ),
    "no way there": (
        aiohttp.ClientConnectorError(
            KEY, OSError(errno.ENETUNREACH, "Network is unreachable")
        ),
        "unreachable",
        "cannot connect (Network is unreachable)",
    ),
    "time": (aiohttp.SocketTimeoutError(), "timeout", "it took too long"),
    "cut off": (
        aiohttp.ClientPayloadError("secret"),
        "cut-off",
        "the answer is cut off",
    ),
    "not HTTP": (
        http_error(aiohttp.ClientResponseError, 400),
        "not-http",
        "the answer is not readable as HTTP",
    ),
    "closed": (
        aiohttp.ServerDisconnectedError(),
        "reset",
        "the server closed the connection without an answer",
    ),
    "reset": (
        ConnectionResetError(104, "Connection reset by peer"),
        "reset",
        "the connection was reset (Connection reset by peer)",
    ),
    "reset without words": (
        aiohttp.ClientConnectionResetError("secret"),
        "reset",
        "the connection was reset",
    ),
    "broken": (OSError(5, None), "reset", "the connection broke"),
    "anything else": (
        aiohttp.ClientError("secret"),
        "failed",
        "the HTTP library gave up",
    ),
}
ACTIONS = {
    "certificate": Action.CONTACT_PROVIDER,
    "certificate of no words": Action.CONTACT_PROVIDER,
    "TLS": Action.CONTACT_PROVIDER,
    "client certificate": Action.CONTACT_PROVIDER,
    "other client certificate": Action.CONTACT_PROVIDER,
    "other alert": Action.CONTACT_PROVIDER,
    "proxy that refuses": Action.ASK_PERMISSION,
    "proxy that refuses in clear text": Action.ASK_PERMISSION,
}


@pytest.mark.parametrize("name", ROWS)
def test_each_failure_has_one_code_its_words_and_what_to_do(name):
    exc, code, words = ROWS[name]
    assert isinstance(exc, FOREIGN)  # or it would leave `send` as it is
    sent = translate(REQUEST, exc, may_be_sent=True)
    assert sent.fault == Fault(
        kind=FaultKind.LOST,
        code=f"transport.{code}",
        reason=f"ims.example.com:443: {words}",
        action=ACTIONS.get(name, Action.RUN_AGAIN),
    )
    assert (sent.applied, sent.operation) == (Applied.UNKNOWN, "look up a job")


def test_what_was_not_sent_was_not_done():
    error = translate(REQUEST, RESET, may_be_sent=False)
    assert (error.kind, error.applied) == (FaultKind.UNREACHABLE, Applied.NO)


def test_a_failure_on_the_way_through_a_proxy_names_it():
    error = translate(REQUEST, RESET, may_be_sent=True, via="proxy.example.com:3128")
    assert error.fault.reason == (
        "ims.example.com:443 through the proxy proxy.example.com:3128: "
        "the connection was reset (Connection reset by peer)"
    )


def test_a_request_that_must_not_be_sent_is_refused_before_it_does_anything():
    error = refuse(REQUEST, "it has no host")
    assert error.fault == Fault(
        kind=FaultKind.REJECTED,
        code="transport.request",
        reason="not sent: it has no host",
        action=Action.CONTACT_PROVIDER,
    )
    assert (error.applied, error.operation) == (Applied.NO, "look up a job")


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://cloud.example/x?secret=1", "cloud.example:443"),
        ("http://cloud.example", "cloud.example:80"),
        ("https://cloud.example:8443/v3", "cloud.example:8443"),
        ("http://[::1]:8774/", "[::1]:8774"),
        ("http:///path", ":80"),
    ],
)
def test_a_server_is_named_by_host_and_port_alone(url, named):
    assert host_of(url) == named
