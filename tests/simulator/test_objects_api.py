"""The object store: what a pre-flight reads from it, and who may."""

from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import pytest
from multidict import CIMultiDict

from batch_register.simulator import AccessKey, StoredBucket, StoredObject
from batch_register.simulator.calls import Call, route
from batch_register.simulator.object_auth import string_to_sign
from batch_register.simulator.object_auth_v4 import ClaimV4, parse_v4, signature_v4
from batch_register.simulator.objects import ObjectStore
from batch_register.simulator.refusals import Reply
from tests.simulator.driving import Answer, Driver, driven

pytestmark = pytest.mark.integration

OPEN: dict[str, Any] = {"object_access": "open", "objects_exist_by_default": False}
SIZE = 5 << 30


def furnish(cloud: Driver, **changes: Any) -> None:
    given: dict[str, Any] = {"image_url": "disks:waves/01/web-01", "size_bytes": SIZE}
    cloud.simulator.furnish([StoredObject(**{**given, **changes})])


async def head(cloud: Driver, path: str) -> Answer:
    return await cloud.send("HEAD", f"/obs/{path}", headers={})


async def test_an_object_s_head_tells_size_and_only_a_strange_class() -> None:
    """A missing class header means Standard."""
    async with driven(**OPEN) as cloud:
        furnish(cloud)
        answer = await head(cloud, "disks/waves/01/web-01")
        assert answer.status == 200
        assert answer.headers["Content-Length"] == str(SIZE)
        assert "x-obs-storage-class" not in answer.headers
        assert answer.headers["x-obs-request-id"]
        assert answer.headers["x-obs-id-2"]
        furnish(cloud, storage_class="COLD", encrypted=True)
        answer = await head(cloud, "disks/waves/01/web-01")
        assert answer.headers["x-obs-storage-class"] == "COLD"
        assert "x-obs-server-side-encryption-customer-algorithm" in answer.headers


async def test_a_bucket_s_head_tells_region_and_class() -> None:
    """The class is always there for buckets."""
    async with driven(**OPEN) as cloud:
        bucket = StoredBucket(name="files", region="x-1", parallel_file_system=True)
        cloud.simulator.furnish([], [bucket])
        answer = await head(cloud, "files")
        assert answer.headers["x-obs-bucket-location"] == "x-1"
        assert answer.headers["x-obs-storage-class"] == "STANDARD"
        assert answer.headers["x-obs-fs-file-interface"] == "Enabled"
        furnish(cloud)
        answer = await head(cloud, "disks/")
        assert answer.headers["x-obs-bucket-location"] == "sim-region-1"
        assert "x-obs-fs-file-interface" not in answer.headers


async def test_absent_and_forbidden_are_told_apart() -> None:
    """A HEAD has no body; a GET explains in XML."""
    async with driven(**OPEN) as cloud:
        furnish(cloud, forbidden=True)
        cloud.simulator.furnish([], [StoredBucket(name="shut", forbidden=True)])
        for path, status in (
            ("none", 404),
            ("none/key", 404),
            ("disks/other", 404),
            ("disks/waves/01/web-01", 403),
            ("shut", 403),
            ("shut/key", 403),
        ):
            answer = await head(cloud, path)
            assert (answer.status, answer.body) == (status, b""), path
        answer = await cloud.send("GET", "/obs/disks/other", headers={})
        assert b"<Code>NoSuchKey</Code>" in answer.body
        assert answer.headers["X-Request-Id"].encode() in answer.body
        assert answer.headers["Content-Type"] == "application/xml"


async def test_a_range_shows_a_header_that_fits_the_format() -> None:
    """QCOW2 carries its virtual size at bytes 24 to 31; all else is zeros."""
    async with driven(**OPEN) as cloud:
        furnish(cloud, virtual_size_bytes=40 << 30)
        path = "/obs/disks/waves/01/web-01"
        answer = await cloud.send("GET", path, headers={"Range": "bytes=0-511"})
        assert answer.status == 206
        assert answer.body[:4] == b"QFI\xfb"
        assert int.from_bytes(answer.body[24:32], "big") == 40 << 30
        assert answer.headers["Content-Range"] == f"bytes 0-511/{SIZE}"
        furnish(cloud, format="raw")
        answer = await cloud.send("GET", path, headers={"Range": "bytes=4-7"})
        assert answer.body == bytes(4)
        for wrong in (
            {},
            {"Range": "bytes=0-9999999"},
            {"Range": f"bytes={SIZE}-{SIZE}"},
        ):
            assert (await cloud.send("GET", path, headers=wrong)).status == 416


async def test_a_bucket_can_be_listed() -> None:
    """By prefix, in pages."""
    async with driven(**OPEN) as cloud:
        urls = ("disks:a&b", "disks:waves/1", "disks:waves/2", "other:waves/3")
        cloud.simulator.furnish(StoredObject(image_url=u, size_bytes=1) for u in urls)
        query = "?prefix=waves/&max-keys=1"
        answer = await cloud.send("GET", f"/obs/disks{query}", headers={})
        assert b"<Key>waves/1</Key>" in answer.body
        assert b"<IsTruncated>true</IsTruncated><NextMarker>waves/1<" in answer.body
        answer = await cloud.send(
            "GET", f"/obs/disks{query}&marker=waves/1", headers={}
        )
        assert b"<Key>waves/2</Key>" in answer.body
        assert b"<IsTruncated>false</IsTruncated>" in answer.body
        answer = await cloud.send("GET", "/obs/disks", headers={})
        assert b"<Key>a&amp;b</Key>" in answer.body


SECRET = "SKexample/Not+A+Real+Secret0000000000001"
VECTORS = [
    ("waves/01/web-01.qcow2", {}, "akbzmHZciCUylSHAb2WKZGf+jDo="),
    (
        "waves/01/web-01.qcow2",
        {"x-obs-security-token": "STSTOKENEXAMPLE=="},
        "gN+0oxpUWNNgcr0RTpWtNyD6Xpg=",
    ),
    ("", {}, "r1P6GMB34NmWtoZ/AeyBTImfdtw="),
]


def head_call(key: str, headers: dict[str, str], query: Any = ()) -> Call:
    return Call(
        route=route(
            "object.head", "HEAD /obs/{bucket}/{key*}", lambda _: Reply(status=200)
        ),
        method="HEAD",
        raw_path=f"/obs/mig-bucket/{key}",
        raw_query="",
        query=list(query),
        params={"bucket": "mig-bucket", "key": key},
        headers=CIMultiDict(headers),
        body=b"",
        base_url="",
        peer="",
        now_s=0.0,
        gateway_now_s=0.0,
    )


@pytest.mark.parametrize(("key", "extra", "signature"), VECTORS)
def test_object_signatures_agree_with_the_store_s_own_tool(
    key: str, extra: dict[str, str], signature: str
) -> None:
    """Vectors made with the provider's Python SDK for the object store."""
    call = head_call(key, {"Date": "Thu, 29 Feb 2024 12:00:05 GMT", **extra})
    text = string_to_sign(call, "x-obs-")
    digest = hmac.digest(SECRET.encode(), text.encode(), "sha1")
    assert b64encode(digest).decode() == signature


def test_a_dated_header_replaces_the_date_and_subresources_are_signed() -> None:
    """The date line is empty then."""
    call = head_call(
        "k", {"x-obs-date": "now", "Date": "then"}, [("acl", ""), ("prefix", "p")]
    )
    text = string_to_sign(call, "x-obs-")
    assert text == "HEAD\n\n\n\nx-obs-date:now\n/mig-bucket/k?acl"


def signed(
    cloud: Driver,
    scheme: str = "OBS",
    key: AccessKey | None = None,
    extra: dict[str, str] | None = None,
    mount: str = "",
) -> dict[str, str]:
    key = key or cloud.simulator.options.access_keys[0]
    headers = {"Date": formatdate(usegmt=True), **(extra or {})}
    prefix = "x-obs-" if scheme == "OBS" else "x-amz-"
    text = string_to_sign(head_call("web-01", headers), prefix, mount)
    digest = hmac.digest(key.secret.encode(), text.encode(), "sha1")
    signature = b64encode(digest).decode()
    return {**headers, "Authorization": f"{scheme} {key.access}:{signature}"}


async def test_the_store_checks_signatures() -> None:
    """In its own form and in the older one that it also takes."""
    async with driven() as cloud:
        path = "/obs/mig-bucket/web-01"
        for scheme, mount in (("OBS", ""), ("AWS", ""), ("AWS", "/obs")):
            headers = signed(cloud, scheme, mount=mount)
            answer = await cloud.send("HEAD", path, headers=headers)
            assert answer.status == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-Auth-Token": "MII"}, "AccessDenied"),
        ({"Authorization": "OBS nonsense"}, "AccessDenied"),
        ({"Authorization": "OBS NOBODY:x="}, "InvalidAccessKeyId"),
        ({"Authorization": "OBS AKSIMULATED000000001:x="}, "AccessDenied"),
        ({"Date": "Thu, 29 Feb 2024 12:00:05 GMT"}, "RequestTimeTooSkewed"),
        ({"Date": "Thu, 29 Feb 2024 12:00:05"}, "RequestTimeTooSkewed"),
        ({"Authorization": "OBS AKSIMULATED000000001:x=", "Date": ""}, "AccessDenied"),
        ({"x-obs-security-token": "x"}, "InvalidAccessKeyId"),
    ],
)
async def test_the_store_refuses_in_xml(headers: dict[str, str], code: str) -> None:
    """A service token is no credential there."""
    async with driven() as cloud:
        given = dict(headers)
        if not headers.keys() & {"X-Auth-Token", "Authorization"}:
            given = signed(cloud, extra=headers)
        answer = await cloud.send("GET", "/obs/mig-bucket/web-01", headers=given)
        assert answer.status == 403
        assert f"<Code>{code}</Code>".encode() in answer.body


async def test_another_secret_does_not_match() -> None:
    """Right form, wrong key."""
    async with driven() as cloud:
        headers = signed(cloud, key=AccessKey(secret="wrong"))
        answer = await cloud.send("GET", "/obs/mig-bucket/web-01", headers=headers)
        assert b"<Code>SignatureDoesNotMatch</Code>" in answer.body


V4_VECTOR = {
    "Host": "examplebucket.s3.amazonaws.com",
    "Range": "bytes=0-9",
    "x-amz-content-sha256": (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    ),
    "x-amz-date": "20130524T000000Z",
}


def test_version_4_agrees_with_the_published_example() -> None:
    """The guide's own GET of an object's first ten bytes."""
    call = head_call("", V4_VECTOR)
    call.method, call.raw_path = "GET", "/test.txt"
    text = (
        "AWS4-HMAC-SHA256 "
        "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )
    claim = parse_v4(text)
    assert claim is not None
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    assert signature_v4(call, claim, secret) == claim.signature


def signed_v4(cloud: Driver, path: str, query: str, date: str) -> dict[str, str]:
    key = cloud.simulator.options.access_keys[0]
    headers = {
        "Host": cloud.simulator.url.removeprefix("http://"),
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
        "x-amz-date": date,
    }
    call = head_call("", headers)
    call.method, call.raw_path, call.raw_query = "GET", path, query
    names = tuple(sorted(name.lower() for name in headers))
    claim = ClaimV4(key.access, f"{date[:8]}/x-1/s3/aws4_request", names, "")
    signature = signature_v4(call, claim, key.secret)
    return {
        **headers,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={key.access}/{claim.scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}",
    }


async def test_the_store_takes_version_4() -> None:
    """Path and query as sent; anything else is refused."""
    async with driven() as cloud:
        path, query = "/obs/mig-bucket", "prefix=waves%2F01&max-keys=5"
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        headers = signed_v4(cloud, path, query, now)
        answer = await cloud.send("GET", f"{path}?{query}", headers=headers)
        assert answer.status == 200
        cases = {
            "SignatureDoesNotMatch": signed_v4(cloud, path, "", now),
            "RequestTimeTooSkewed": signed_v4(cloud, path, query, "20200101T000000Z"),
            "AccessDenied": {"Authorization": "AWS4-HMAC-SHA256 nonsense"},
            "A valid date": {**headers, "x-amz-date": "now"},
        }
        for code, wrong in cases.items():
            answer = await cloud.send("GET", f"{path}?{query}", headers=wrong)
            assert answer.status == 403
            assert code.encode() in answer.body


def test_objects_that_exist_by_default_keep_their_size() -> None:
    """The name decides the size, so that a second run sees the same file."""
    store = ObjectStore(seed=1, exist_by_default=True)
    found = store.find("any:thing")
    assert found is not None
    assert found == store.find("any:thing")
    assert 1 << 30 <= found.size_bytes <= 40 << 30
    assert (found.bucket, found.key) == ("any", "thing")


def test_a_bucket_may_hold_only_what_is_put_there() -> None:
    store = ObjectStore(seed=1, exist_by_default=True)
    store.furnish_buckets([StoredBucket(name="clean", makes_up_objects=False)])
    assert store.find("clean:thing") is None
    assert store.find("other:thing") is not None
    store.furnish([StoredObject(image_url="clean:thing", size_bytes=7)])
    found = store.find("clean:thing")
    assert found is not None
    assert found.size_bytes == 7


def test_objects_that_exist_by_default_are_what_their_name_says() -> None:
    """So that a look at the file finds nothing that the manifest does not say."""
    store = ObjectStore(seed=1, exist_by_default=True)
    formats = {}
    for name in ("a.qcow2", "a.VHD", "a.raw", "a.img", "a"):
        found = store.find(f"disks:{name}")
        assert found is not None
        formats[name] = found.format
    assert formats == {
        "a.qcow2": "qcow2",
        "a.VHD": "vhd",
        "a.raw": "raw",
        "a.img": "qcow2",
        "a": "qcow2",
    }
