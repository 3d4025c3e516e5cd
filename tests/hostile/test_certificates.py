"""Certificates, the server's and ours, with the whole command."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from tests.hostile.conftest import Backstage, Stage
from tests.hostile.front import Front
from tests.hostile.test_network import lead_to

pytestmark = pytest.mark.integration

LONG_AGO = datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC)
SOON = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


def mutual(authority: trustme.CA) -> ssl.SSLContext:
    """Return a context that wants a client certificate of the authority."""
    made = context(authority.issue_cert("127.0.0.1"))
    authority.configure_trust(made)
    made.verify_mode = ssl.CERT_REQUIRED
    return made


@pytest.fixture
def encrypted(
    stage: Stage, backstage: Backstage, tmp_path: Path, authority: trustme.CA
) -> Iterator[Front]:
    """Return a second front that is not open yet; the entry trusts its authority."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    stage.entry["cacert"] = str(path)
    front = Front(upstream_port=stage.front.upstream_port)
    yield front
    backstage.do(front.close())


def test_over_a_certificate_of_the_given_authority_every_image_becomes_active(
    stage: Stage, encrypted: Front, authority: trustme.CA
) -> None:
    trusted = context(authority.issue_cert("127.0.0.1"))
    stage.backstage.do(encrypted.open(trusted))
    lead_to(stage, encrypted.url, image_service_only=False)
    ended = stage.run()
    assert ended.code == 0, ended.err
    assert encrypted.counts["create"] == 4
    looked = stage.command("doctor")
    assert looked.code == 0
    assert looked.out.count("TLS, certificate checked") == 2


BAD_CERTIFICATES = {
    "expired": ("has expired", "check this machine's clock"),
    "not valid yet": ("is not valid yet", "check this machine's clock"),
    "wrong name": ("is for another name", "check auth_url and the endpoint overrides"),
    "unknown authority": ("is of an authority that is not trusted", "set cacert to"),
}


@pytest.mark.fault(20)
@pytest.mark.parametrize("image_service_only", [False, True])
@pytest.mark.parametrize("case", BAD_CERTIFICATES)
def test_a_bad_certificate_ends_the_run_at_once_and_says_why(
    stage: Stage,
    encrypted: Front,
    authority: trustme.CA,
    case: str,
    image_service_only: bool,
) -> None:
    certificate = {
        "expired": lambda: authority.issue_cert("127.0.0.1", not_after=LONG_AGO),
        "not valid yet": lambda: authority.issue_cert("127.0.0.1", not_before=SOON),
        "wrong name": lambda: authority.issue_cert("127.0.0.2"),
        "unknown authority": lambda: trustme.CA().issue_cert("127.0.0.1"),
    }[case]()
    stage.backstage.do(encrypted.open(context(certificate)))
    lead_to(stage, encrypted.url, image_service_only=image_service_only)

    ended = stage.run()  # without a window: nothing is tried again

    assert ended.code == 69, ended.err
    verdict, advice = BAD_CERTIFICATES[case]
    port = encrypted.port
    assert f"127.0.0.1:{port}: the server's certificate {verdict}" in ended.err
    assert advice in ended.err
    assert encrypted.calls == []
    assert ended.events("login.failed") == []
    looked = stage.command("doctor")
    assert looked.code == 69
    assert (verdict in looked.out, advice in looked.out) == (True, True)


@pytest.mark.peer
def test_a_login_through_keystoneauth_trusts_no_other_certificates(
    stage: Stage, encrypted: Front, authority: trustme.CA
) -> None:
    """Its requests go out as ours do: certificates of the entry, and the same words."""
    stage.entry["auth_type"] = "v3totp"
    auth = {"username": "u", "user_domain_id": "d", "passcode": "1", "project_id": "p"}
    stage.entry["auth"] = auth
    stranger = context(trustme.CA().issue_cert("127.0.0.1"))
    stage.backstage.do(encrypted.open(stranger))
    lead_to(stage, encrypted.url, image_service_only=False)
    ended = stage.run()
    assert ended.code == 69, ended.err
    assert "is of an authority that is not trusted here" in ended.err
    assert "set cacert to" in ended.err
    assert encrypted.calls == []


def test_a_certificate_that_is_not_checked_is_not_asked_about(
    stage: Stage, encrypted: Front
) -> None:
    unknown = context(trustme.CA().issue_cert("other.example"))
    stage.backstage.do(encrypted.open(unknown))
    lead_to(stage, encrypted.url, image_service_only=False)
    stage.entry["verify"] = False
    ended = stage.run()
    assert ended.code == 0, ended.err


def test_a_file_that_is_no_certificate_is_named_before_anything_is_sent(
    stage: Stage, tmp_path: Path
) -> None:
    path = tmp_path / "rubbish.pem"
    path.write_text("made-up-rubbish")
    stage.entry["cacert"] = str(path)
    ended = stage.run()
    assert ended.code == 2, ended.err
    assert f"cannot use cacert {path}" in ended.err
    assert "made-up-rubbish" not in ended.err
    assert stage.front.calls == []


# ------------------------------------------------------------ client certificates


def be(stage: Stage, certificate: trustme.LeafCert, folder: Path) -> None:
    """Let the entry show a client certificate, in two files."""
    cert, key = folder / "me.pem", folder / "me.key"
    certificate.cert_chain_pems[0].write_to_path(cert)
    certificate.private_key_pem.write_to_path(key)
    stage.entry |= {"cert": str(cert), "key": str(key)}


def test_a_client_certificate_that_is_asked_for_makes_every_image_active(
    stage: Stage, encrypted: Front, authority: trustme.CA, tmp_path: Path
) -> None:
    stage.backstage.do(encrypted.open(mutual(authority)))
    lead_to(stage, encrypted.url, image_service_only=False)
    be(stage, authority.issue_cert("batch@client.example"), tmp_path)
    ended = stage.run()
    assert ended.code == 0, ended.err
    assert encrypted.counts["create"] == 4


class Strict:
    """A server that wants a client certificate, and says so before it hangs up.

    asyncio's own servers leave the alert unsent.
    """

    def __init__(self, made: ssl.SSLContext) -> None:
        self._context = made
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}"
        self.greeted = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        # closing alone would not wake the thread that waits in accept
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(30)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            self.greeted += 1
            plain.settimeout(10)
            with (
                suppress(OSError),
                self._context.wrap_socket(
                    plain, server_side=True, do_handshake_on_connect=False
                ) as wrapped,
            ):
                self._refuse(wrapped)

    def _refuse(self, wrapped: ssl.SSLSocket) -> None:
        with suppress(ssl.SSLError):
            wrapped.do_handshake()
        # What the client sends meanwhile is read, or a reset would destroy the alert.
        socket.socket.shutdown(wrapped, socket.SHUT_WR)
        while socket.socket.recv(wrapped, 4096):
            pass


TLS_VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.fault(20)
@pytest.mark.parametrize("version", TLS_VERSIONS, ids=lambda version: version.name)
@pytest.mark.parametrize("shows", ["none", "a stranger's"])
def test_a_client_certificate_that_is_missing_or_not_accepted_is_named(
    stage: Stage,
    authority: trustme.CA,
    encrypted: Front,
    tmp_path: Path,
    version: ssl.TLSVersion,
    shows: str,
) -> None:
    del encrypted  # only for the entry that trusts the authority
    made = mutual(authority)
    made.minimum_version = made.maximum_version = version
    if shows != "none":
        be(stage, trustme.CA().issue_cert("stranger@client.example"), tmp_path)
    server = Strict(made)
    try:
        lead_to(stage, server.url, image_service_only=False)
        ended = stage.run()
    finally:
        server.close()
    assert ended.code == 69, ended.err
    assert "client certificate" in ended.err
    if shows != "none":
        assert "the server does not accept our client certificate" in ended.err
    assert "set cert and key to a client certificate" in ended.err
    assert ended.events("login.failed") == []
    assert server.greeted == 1
