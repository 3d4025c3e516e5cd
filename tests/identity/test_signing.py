"""Signatures equal the published ones, and those of the official signer."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer as OfficialSigner
from hypothesis import given, settings, strategies as st

from batch_register.identity.keys import FixedToken, Signer
from batch_register.identity.signing import (
    AccessKeys,
    Scope,
    canonical_request,
    sign,
    signed_header_names,
)
from batch_register.transport import Request

HOST = "ims.eu-de.otc.t-systems.com"
PROJECT = "0123456789abcdef0123456789abcdef"
IMAGE = "4f6c2a10-0b7e-4a53-9a51-8d2f0c1e7b11"
KEYS = AccessKeys(
    access_key="AKEXAMPLE0000000001",
    secret_key="SKexample/Not+A+Real+Secret0000000000001",
)
JSON = {"Content-Type": "application/json"}


def at(second: int) -> datetime:
    return datetime(2024, 2, 29, 12, 0, second, tzinfo=UTC)


def request(method: str, path: str, headers: dict[str, str], body: bytes = b""):
    return Request(
        operation="test",
        method=method,
        url=f"https://{HOST}{path}",
        headers=headers,
        body=body,
    )


def canonical_hash(signed: Request) -> str:
    headers = {k: v for k, v in signed.headers.items() if k != "Authorization"}
    text = canonical_request(replace(signed, headers=headers))
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_vector_of_the_signing_guide():
    """Huawei Cloud, "API Request Signing Guide"."""
    keys = AccessKeys(
        access_key="QTWAOYTTINDUT2QVKYUC",
        secret_key="MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc",
    )
    asked = Request(
        operation="test",
        method="GET",
        url="https://service.region.example.com/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs"
        "?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0",
        headers=JSON,
    )
    signed = sign(asked, keys, at=datetime(2019, 11, 15, 3, 36, 55, tzinfo=UTC))
    assert canonical_hash(signed) == (
        "b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a"
    )
    assert signed == replace(
        asked,
        headers={
            "Content-Type": "application/json",
            "Host": "service.region.example.com",
            "X-Sdk-Date": "20191115T033655Z",
            "Authorization": "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, "
            "SignedHeaders=content-type;host;x-sdk-date, "
            "Signature="
            "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe",
        },
    )


VECTORS = {
    "A create": (
        request(
            "POST",
            "/v2/images",
            JSON,
            b'{"name":"web-01","__os_version":"Ubuntu 22.04 server 64bit",'
            b'"min_disk":40,"disk_format":"zvhd2","tags":["batch=nightly"]}',
        ),
        KEYS,
        0,
        "content-type;host;x-project-id;x-sdk-date",
        "42076cd29afac26b4adf62bc9710924541d653a5af46c21868015cfc8edf577f",
        "0532671cf459ab799760246b123465aca99f20e24518a5b5094a6520345a1720",
    ),
    "B register with temporary keys": (
        request(
            "PUT",
            f"/v1/cloudimages/{IMAGE}/upload",
            JSON,
            b'{"image_url":"mig-bucket:waves/01/web-01.qcow2"}',
        ),
        replace(KEYS, security_token="STSTOKENEXAMPLE=="),
        1,
        "content-type;host;x-project-id;x-sdk-date;x-security-token",
        "95aac0c11d7cba8f1beea769e208f10eb029fe2fe3781a77b5bbfa08e76c4ba7",
        "653c688306e56717c301beb64538600e4432f6b95f5f840e87a03465c99f62d1",
    ),
    "C bulk list": (
        request(
            "GET",
            "/v2/cloudimages?__imagetype=private&tag=batch=nightly&limit=100"
            "&created_at=gte:2024-02-29T00:00:00Z",
            {},
        ),
        KEYS,
        2,
        "host;x-project-id;x-sdk-date",
        "667d1bdb895fe85984efddce03df030ef29adca6aebde333dc49ac725afd224c",
        "44a6beb46188e92b87e18d54d852e61e45fc9a5b3dcfc5c6d856ca663b06a378",
    ),
    "D patch whose body is not signed": (
        request(
            "PATCH",
            f"/v2/images/{IMAGE}",
            {"Content-Type": "application/openstack-images-v2.1-json-patch"},
            b'[{"op":"replace","path":"/name","value":"web-01b"}]',
        ),
        KEYS,
        3,
        "content-type;host;x-project-id;x-sdk-content-sha256;x-sdk-date",
        "777480f62cfe394eddc82a97fadb76576a5e9e952961535da49ff95e7737810e",
        "9b3a54ce133d6175a8babefb3b3a6b04364889957d1c5f3b5d788001af168ee8",
    ),
}


@pytest.mark.parametrize("case", VECTORS)
def test_the_vectors_of_our_own_calls(case):
    asked, keys, second, names, digest, signature = VECTORS[case]
    signed = sign(asked, keys, at=at(second), project_id=PROJECT)
    assert canonical_hash(signed) == digest
    assert signed.headers["Authorization"] == (
        f"SDK-HMAC-SHA256 Access={KEYS.access_key}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    assert (signed.url, signed.body) == (asked.url, asked.body)


def test_vector_e_encodes_path_and_repeated_keys():
    path = f"/v2/{PROJECT}/images/a%20b/tags?k=b&k=a&u=%C3%A9~*"
    signed = sign(request("GET", path, {}), KEYS, at=at(4))
    lines = canonical_request(signed).split("\n")
    assert lines[1:3] == [
        f"/v2/{PROJECT}/images/a%20b/tags/",
        "k=a&k=b&u=%C3%A9~%2A",
    ]
    assert canonical_hash(signed) == (
        "759c3a9b11b6c0c44ed059e411e6aae93400d2a57d31c049a71b18f756eef9ac"
    )
    assert signed.headers["Authorization"].endswith(
        "51aa5828b066e57c6ef0ad0d4fe7484cdce463a9b8bd9b3e354b71ff6c0dd1e5"
    )


@pytest.mark.parametrize(
    ("scope", "path", "signature"),
    [
        (
            Scope(region="eu-de", service="ims"),
            "20240229/eu-de/ims/sdk_request",
            "432b81c67334c90f32fbb275d64d47d4ba56a16e9036b71475ade2bfd73b4a03",
        ),
        (
            Scope(),
            "20240229///sdk_request",
            "b90a1ec176bf42e97f2562c0872301b972823c29a4bfc51f47d3f216b8971638",
        ),
    ],
)
def test_vector_f_the_older_scoped_form(scope, path, signature):
    asked = VECTORS["B register with temporary keys"][0]
    signed = sign(asked, KEYS, at=at(1), scope=scope)
    assert canonical_hash(signed) == (
        "25ccbf0296aced995c042f7eeb697fa6a81dd9c0297cae28f10eb411ddb3d6d1"
    )
    assert signed.headers["Authorization"] == (
        f"SDK-HMAC-SHA256 Credential={KEYS.access_key}/{path}, "
        f"SignedHeaders=content-type;host;x-sdk-date, Signature={signature}"
    )


TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=12
)
TOKEN = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=10)
HEADER_NAMES = TOKEN.map(lambda name: f"X-Extra-{name}")
HEADER_VALUES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20
)
CONTENT_TYPES = st.sampled_from(
    [
        None,
        "application/json",
        "application/json;charset=UTF-8",
        "application/bson",
        "application/openstack-images-v2.1-json-patch",
        "text/plain",
    ]
)
MOMENTS = st.integers(0, 2**32).map(lambda s: datetime.fromtimestamp(s, UTC))
REQUESTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
        "path": st.lists(TEXT, max_size=4),
        "slash": st.booleans(),
        "query": st.lists(st.tuples(TEXT, st.text(max_size=8)), max_size=5),
        "headers": st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=3),
        "underscore": st.booleans(),
        "content_type": CONTENT_TYPES,
        "body": st.binary(max_size=40),
        "secret": TEXT,
        "project": st.none() | st.just(PROJECT),
        "security_token": st.none() | TOKEN,
        "date": MOMENTS,
    }
)


def official(case: dict[str, Any], raw_path: str, date: str) -> dict[str, str]:
    """Return the headers that the official signer makes for the same request.

    What it is given differs in form, not in meaning:
    - the path is unencoded: it encodes for the signature only, and unquotes once first,
      so that a literal percent sign has to be given as `%25`;
    - it sorts (key, value) pairs itself and takes repeated keys as such;
    - it adds date and host where they are missing; project and security token are put
      in by its credentials class before it signs.
    """
    headers = dict(case["headers"])
    if case["underscore"]:
        headers["X_Extra"] = "unsigned"
    if case["content_type"]:
        headers["Content-Type"] = case["content_type"]
    headers["X-Sdk-Date"] = date
    if case["project"]:
        headers["X-Project-Id"] = case["project"]
    if case["security_token"]:
        headers["X-Security-Token"] = case["security_token"]
    asked = SdkRequest(
        method=case["method"],
        schema="https",
        host=HOST,
        resource_path=raw_path.replace("%", "%25"),
        query_params=list(case["query"]),
        header_params=headers,
        body=case["body"],
    )
    keys = SimpleNamespace(ak=KEYS.access_key, sk=case["secret"])
    signed: dict[str, str] = OfficialSigner(keys).sign(asked).header_params
    return signed


@settings(max_examples=400)
@given(REQUESTS)
def test_any_request_is_signed_as_the_official_signer_signs_it(case):
    raw_path = "/" + "/".join(case["path"]) + ("/" if case["slash"] else "")
    encoded = "/".join(quote(part, safe="") for part in raw_path.split("/"))
    pairs = [f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in case["query"]]
    headers = dict(case["headers"])
    if case["underscore"]:
        headers["X_Extra"] = "unsigned"
    if case["content_type"]:
        headers["Content-Type"] = case["content_type"]
    asked = request(
        case["method"],
        encoded + ("?" + "&".join(pairs) if pairs else ""),
        headers,
        case["body"],
    )
    keys = AccessKeys(
        access_key=KEYS.access_key,
        secret_key=case["secret"],
        security_token=case["security_token"],
    )
    moment = case["date"]
    ours = sign(asked, keys, at=moment, project_id=case["project"])
    theirs = official(case, raw_path, moment.strftime("%Y%m%dT%H%M%SZ"))
    assert ours.headers["Authorization"] == theirs["Authorization"]
    # The official signer writes stripped values back; on the wire they are the same.
    assert {k: v.strip() for k, v in ours.headers.items()} == theirs


def test_the_date_is_utc_wherever_the_clock_stands():
    east = datetime(2024, 2, 29, 20, 0, tzinfo=timezone(timedelta(hours=8)))
    signed = sign(request("GET", "/", {}), KEYS, at=east)
    assert signed.headers["X-Sdk-Date"] == "20240229T120000Z"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://h.example/x", "h.example"),
        ("https://h.example:443/x", "h.example"),
        ("http://h.example:80", "h.example"),
        ("https://h.example:80/x", "h.example:80"),
        ("http://127.0.0.1:8774/x", "127.0.0.1:8774"),
        ("http://[::1]:8774/x", "[::1]:8774"),
    ],
)
def test_the_host_is_signed_as_it_is_sent(url, host):
    asked = Request(operation="test", method="GET", url=url)
    assert sign(asked, KEYS, at=at(0)).headers["Host"] == host


def test_a_host_that_the_caller_set_stays():
    signed = sign(request("GET", "/", {"host": "other.example"}), KEYS, at=at(0))
    assert signed.headers["Host"] == "other.example"
    assert "host" not in signed.headers


def test_signing_again_replaces_the_former_signature():
    asked = request("PUT", "/v1/x", JSON, b"{}")
    first = sign(asked, KEYS, at=at(0), project_id=PROJECT)
    again = sign(first, KEYS, at=at(9), project_id=PROJECT)
    assert again == sign(asked, KEYS, at=at(9), project_id=PROJECT)


def test_a_header_with_an_underscore_is_sent_but_not_signed():
    assert signed_header_names({"X_A": "1", "X-B": "2", "Host": "h"}) == ["host", "x-b"]


def test_a_query_key_without_a_value_is_signed_with_an_empty_one():
    text = canonical_request(request("GET", "/x?b&a=1", {}))
    assert text.split("\n")[2] == "a=1&b="


def test_the_secret_shows_nowhere():
    keys = AccessKeys(access_key="AK", secret_key="canary-1", security_token="canary-2")
    assert repr(keys) == "AccessKeys(access_key='AK')"


class Clock:
    def now(self) -> datetime:
        return at(0)


async def test_a_signer_signs_as_of_its_clock_and_cannot_renew():
    asked = VECTORS["A create"][0]
    signer = Signer(KEYS, Clock(), project_id=PROJECT)
    signed = await signer.authorise(asked)
    assert signed == sign(asked, KEYS, at=at(0), project_id=PROJECT)
    assert await signer.renew(signed) is False
    assert KEYS.secret_key not in repr(signer)


async def test_a_given_token_is_added_and_cannot_be_renewed():
    tokens = FixedToken("canary-token")
    asked = request("GET", "/", {"Accept": "application/json"})
    signed = await tokens.authorise(asked)
    assert signed == replace(
        asked, headers={"Accept": "application/json", "X-Auth-Token": "canary-token"}
    )
    assert await tokens.renew(signed) is False
    assert "canary" not in repr(tokens)
