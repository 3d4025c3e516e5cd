"""Certificates: whom we trust, and how we say who we are."""

from __future__ import annotations

import datetime
import ssl

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from batch_register.errors import ServiceError, SettingsError
from batch_register.model import Action, Applied, FaultKind
from batch_register.transport import Request
from batch_register.transport.tls import Tls

pytestmark = pytest.mark.integration

LONG_AGO = datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def server_context(certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def request(url: str) -> Request:
    return Request(operation="test call", method="PUT", url=f"{url}/")


async def answer(talk):
    await talk.read()
    await talk.answer("200 OK", b"ok")


async def test_a_certificate_of_the_given_authority_is_trusted(
    serve, open_sender, authority, ca_file
):
    context = server_context(authority.issue_cert("127.0.0.1"))
    server = await serve(answer, context=context)
    sender = await open_sender(tls=Tls(ca_file=ca_file))
    assert (await sender.send(request(server.url))).body == b"ok"


async def test_verification_can_be_switched_off(serve, open_sender, authority):
    context = server_context(authority.issue_cert("other.example"))
    server = await serve(answer, context=context)
    sender = await open_sender(tls=Tls(verify=False))
    assert (await sender.send(request(server.url))).body == b"ok"


@pytest.mark.fault(20)
@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("expired", "expired"),
        ("wrong name", "name"),
        ("unknown authority", "authority"),
    ],
)
async def test_a_bad_certificate_stops_us_before_anything_is_sent(
    serve, open_sender, authority, ca_file, case, code
):
    certificate = {
        "expired": lambda: authority.issue_cert(
            "127.0.0.1",
            not_before=LONG_AGO - datetime.timedelta(days=1),
            not_after=LONG_AGO,
        ),
        "wrong name": lambda: authority.issue_cert("other.example"),
        "unknown authority": lambda: trustme.CA().issue_cert("127.0.0.1"),
    }[case]()
    server = await serve(answer, context=server_context(certificate))
    sender = await open_sender(tls=Tls(ca_file=ca_file))
    with pytest.raises(ServiceError) as caught:
        await sender.send(request(server.url))
    error = caught.value
    assert (error.kind, error.applied) == (FaultKind.UNREACHABLE, Applied.NO)
    assert error.fault.code == f"transport.tls-{code}"
    assert error.fault.action is Action.CONTACT_PROVIDER
    assert "certificate" in error.fault.reason
    assert server.arrivals == []


async def test_the_systems_authorities_do_not_count_where_a_file_is_given(
    serve, open_sender, authority
):
    """Without the file, a private authority is unknown."""
    context = server_context(authority.issue_cert("127.0.0.1"))
    server = await serve(answer, context=context)
    sender = await open_sender()
    with pytest.raises(ServiceError) as caught:
        await sender.send(request(server.url))
    assert caught.value.fault.code == "transport.tls-authority"


@pytest.mark.fault(20)
async def test_a_server_that_speaks_no_tls_is_a_tls_failure(serve, open_sender):
    async def plain(talk):
        await talk.reader.read(1)
        await talk.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = await serve(plain)
    sender = await open_sender()
    with pytest.raises(ServiceError) as caught:
        await sender.send(request(server.url.replace("http:", "https:")))
    error = caught.value
    assert (error.fault.code, error.applied) == ("transport.tls", Applied.NO)


@pytest.fixture
def client_files(authority, tmp_path):
    certificate = authority.issue_cert("client.example")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(cert)
    certificate.private_key_pem.write_to_path(key)
    return cert, key


@pytest.fixture
def asking_context(authority):
    context = server_context(authority.issue_cert("127.0.0.1"))
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_a_client_certificate_is_shown_where_asked_for(
    serve, open_sender, asking_context, ca_file, client_files
):
    server = await serve(answer, context=asking_context)
    cert, key = client_files
    tls = Tls(ca_file=ca_file, cert_file=cert, key_file=key)
    sender = await open_sender(tls=tls)
    assert (await sender.send(request(server.url))).body == b"ok"


async def test_a_missing_client_certificate_shows_only_after_sending(
    serve, open_sender, asking_context, ca_file
):
    """TLS 1.3 refuses a client after its first data: we cannot know what was read."""
    server = await serve(answer, context=asking_context)
    sender = await open_sender(tls=Tls(ca_file=ca_file))
    with pytest.raises(ServiceError) as caught:
        await sender.send(request(server.url))
    error = caught.value
    assert (error.kind, error.applied) == (FaultKind.LOST, Applied.UNKNOWN)
    assert server.arrivals == []


async def test_files_that_cannot_be_used_are_named_at_once(
    open_sender, tmp_path, client_files
):
    missing = tmp_path / "none.pem"
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("not a certificate")
    cert, _ = client_files
    for tls in (
        Tls(ca_file=missing),
        Tls(ca_file=rubbish),
        Tls(cert_file=missing),
        Tls(cert_file=cert, key_file=rubbish),
        Tls(cert_file=cert),
    ):
        with pytest.raises(SettingsError, match=r"cannot use .*\.pem") as caught:
            await open_sender(tls=tls)
        assert "PEM" in caught.value.hint


async def test_an_encrypted_key_is_refused_rather_than_asked_about(
    open_sender, tmp_path, client_files
):
    cert, _ = client_files
    key = tmp_path / "encrypted.pem"
    key.write_text(ENCRYPTED_KEY)
    with pytest.raises(SettingsError, match="encrypted"):
        await open_sender(tls=Tls(cert_file=cert, key_file=key))


def _encrypted_key() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"made up")
        )
        .decode()
    )


ENCRYPTED_KEY = _encrypted_key()


def test_no_file_is_read_before_one_is_given():
    assert not Tls().has_files
    assert Tls().context.verify_mode is ssl.CERT_REQUIRED
