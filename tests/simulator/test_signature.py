"""Signatures are checked against the vectors of the providers' guides and tools."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from batch_register.simulator.signature import (
    BadSignatureError,
    Claim,
    SignedRequest,
    canonical_hash,
    parse_authorization,
    sign,
    signed_at_s,
    verify,
)

SECRET = "SKexample/Not+A+Real+Secret0000000000001"
HOST = "ims.eu-de.otc.t-systems.com"
PROJECT = "0123456789abcdef0123456789abcdef"
IMAGE = "4f6c2a10-0b7e-4a53-9a51-8d2f0c1e7b11"
A_BODY = (
    b'{"name":"web-01","__os_version":"Ubuntu 22.04 server 64bit","min_disk":40,'
    b'"disk_format":"zvhd2","tags":["batch=nightly"]}'
)
B_BODY = b'{"image_url":"mig-bucket:waves/01/web-01.qcow2"}'
B_PATH = f"/v1/cloudimages/{IMAGE}/upload"


def request(
    method: str, path: str, query: str = "", body: bytes = b"", **headers: str
) -> SignedRequest:
    given = CIMultiDict({"Host": HOST, "X-Project-Id": PROJECT})
    given.update({name.replace("_", "-"): value for name, value in headers.items()})
    return SignedRequest(
        method=method, raw_path=path, raw_query=query, headers=given, body=body
    )


VECTORS = {
    "V0, printed in the signing guide": (
        request(
            "GET",
            "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs",
            "limit=2&marker=13551d6b-755d-4757-b956-536f674975c0",
            Host="service.region.example.com",
            Content_Type="application/json",
            X_Sdk_Date="20191115T033655Z",
        ),
        "content-type;host;x-sdk-date",
        "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc",
        "b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a",
        "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe",
    ),
    "A, create": (
        request(
            "POST",
            "/v2/images",
            body=A_BODY,
            Content_Type="application/json",
            X_Sdk_Date="20240229T120000Z",
        ),
        "content-type;host;x-project-id;x-sdk-date",
        SECRET,
        "42076cd29afac26b4adf62bc9710924541d653a5af46c21868015cfc8edf577f",
        "0532671cf459ab799760246b123465aca99f20e24518a5b5094a6520345a1720",
    ),
    "B, register with temporary keys": (
        request(
            "PUT",
            B_PATH,
            body=B_BODY,
            Content_Type="application/json",
            X_Sdk_Date="20240229T120001Z",
            X_Security_Token="STSTOKENEXAMPLE==",
        ),
        "content-type;host;x-project-id;x-sdk-date;x-security-token",
        SECRET,
        "95aac0c11d7cba8f1beea769e208f10eb029fe2fe3781a77b5bbfa08e76c4ba7",
        "653c688306e56717c301beb64538600e4432f6b95f5f840e87a03465c99f62d1",
    ),
    "C, bulk list, sent unsorted": (
        request(
            "GET",
            "/v2/cloudimages",
            "__imagetype=private&tag=batch=nightly&limit=100"
            "&created_at=gte:2024-02-29T00:00:00Z",
            X_Sdk_Date="20240229T120002Z",
        ),
        "host;x-project-id;x-sdk-date",
        SECRET,
        "667d1bdb895fe85984efddce03df030ef29adca6aebde333dc49ac725afd224c",
        "44a6beb46188e92b87e18d54d852e61e45fc9a5b3dcfc5c6d856ca663b06a378",
    ),
    "D, patch with an unsigned payload": (
        request(
            "PATCH",
            f"/v2/images/{IMAGE}",
            body=b'[{"op":"replace","path":"/name","value":"web-01b"}]',
            Content_Type="application/openstack-images-v2.1-json-patch",
            X_Sdk_Date="20240229T120003Z",
            X_Sdk_Content_Sha256="UNSIGNED-PAYLOAD",
        ),
        "content-type;host;x-project-id;x-sdk-content-sha256;x-sdk-date",
        SECRET,
        "777480f62cfe394eddc82a97fadb76576a5e9e952961535da49ff95e7737810e",
        "9b3a54ce133d6175a8babefb3b3a6b04364889957d1c5f3b5d788001af168ee8",
    ),
    "E, encoding": (
        request(
            "GET",
            f"/v2/{PROJECT}/images/a b/tags",
            "k=b&k=a&u=%C3%A9~*",
            X_Sdk_Date="20240229T120004Z",
        ),
        "host;x-sdk-date",
        SECRET,
        "759c3a9b11b6c0c44ed059e411e6aae93400d2a57d31c049a71b18f756eef9ac",
        "51aa5828b066e57c6ef0ad0d4fe7484cdce463a9b8bd9b3e354b71ff6c0dd1e5",
    ),
}
B_REQUEST = request(
    "PUT",
    B_PATH,
    body=B_BODY,
    Content_Type="application/json",
    X_Sdk_Date="20240229T120001Z",
)
B_HASH = "25ccbf0296aced995c042f7eeb697fa6a81dd9c0297cae28f10eb411ddb3d6d1"
B_SIGNED = "content-type;host;x-sdk-date"


@pytest.mark.parametrize("name", VECTORS)
def test_the_current_form_agrees_with_the_published_vectors(name: str) -> None:
    """Canonical hash and signature are those of the vector, and verify."""
    asked, names, secret, digest, signature = VECTORS[name]
    assert canonical_hash(asked, names.split(";")) == digest
    date = asked.headers["X-Sdk-Date"]
    assert sign(digest, date, None, secret) == signature
    header = f"SDK-HMAC-SHA256 Access=AK, SignedHeaders={names}, Signature={signature}"
    verify(asked, parse_authorization(header), secret)


@pytest.mark.parametrize(
    ("region", "service", "signature"),
    [
        (
            "eu-de",
            "ims",
            "432b81c67334c90f32fbb275d64d47d4ba56a16e9036b71475ade2bfd73b4a03",
        ),
        ("", "", "b90a1ec176bf42e97f2562c0872301b972823c29a4bfc51f47d3f216b8971638"),
    ],
)
def test_the_scoped_form_agrees_with_its_vectors(
    region: str, service: str, signature: str
) -> None:
    """The older form is taken with and without region and service."""
    assert canonical_hash(B_REQUEST, B_SIGNED.split(";")) == B_HASH
    header = (
        f"SDK-HMAC-SHA256 Credential=AK/20240229/{region}/{service}/sdk_request, "
        f"SignedHeaders={B_SIGNED}, Signature={signature}"
    )
    claim = parse_authorization(header)
    assert claim.scope == ("20240229", region, service)
    verify(B_REQUEST, claim, SECRET)


def test_another_secret_is_refused() -> None:
    """A signature made with another key does not verify."""
    names = ("content-type", "host", "x-sdk-date")
    wrong = sign(B_HASH, "20240229T120001Z", None, "another")
    with pytest.raises(BadSignatureError, match="verify aksk signature fail"):
        verify(B_REQUEST, Claim("AK", None, names, wrong), SECRET)


def test_an_unsigned_date_is_refused() -> None:
    """Without its date a signature could be replayed for ever."""
    with pytest.raises(BadSignatureError, match="x-sdk-date is not signed"):
        verify(B_REQUEST, Claim("AK", None, ("host",), ""), SECRET)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer abc",
        "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host",
        "SDK-HMAC-SHA256 Credential=AK/20240229, SignedHeaders=host, Signature=0",
    ],
)
def test_other_headers_are_refused(header: str) -> None:
    """What is of neither form is no signature."""
    with pytest.raises(BadSignatureError):
        parse_authorization(header)


def test_the_date_must_be_readable() -> None:
    """The moment of signing is UTC in the basic form."""
    assert signed_at_s(B_REQUEST.headers) == 1709208001.0
    with pytest.raises(BadSignatureError, match="malformed x-sdk-date"):
        signed_at_s({"x-sdk-date": "yesterday"})
