"""What the client sends, and what it makes of answers, without a socket."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from botocore.loaders import Loader

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.identity.signing import AccessKeys
from batch_register.model import Action, Applied, Fault, FaultKind
from batch_register.obs import FixedKeys, KeySource, ObjectAccess
from batch_register.obs.client import S3Store
from batch_register.obs.wire import StrayError, _Carrier, s3_client
from batch_register.source import ListedObject, StoredPart
from batch_register.transport import Reply, Request

KEYS = AccessKeys(
    access_key="AKOWN", secret_key="canary-secret-key", security_token="canary-token"
)
PROVIDER = "https://obs.eu-de.example"
PRIVATE = "http://127.0.0.1:9/obs"
HEAD = {"content-length": "5", "etag": '"e"'}

Answer = Reply | Exception | Callable[[Request], Reply]


class Scripted:
    """Answers from a list, the last one for ever; notes what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    async def send(self, request: Request) -> Reply:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else answer(request)


def reply(status: int = 200, body: bytes = b"", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body=body)


def seen(**headers: str) -> Reply:
    found = reply(200, b"", **headers)
    return replace(found, headers={**HEAD, **found.headers})


@asynccontextmanager
async def store(
    sender: Scripted, endpoint: str = PRIVATE, keys: KeySource | None = None
) -> AsyncIterator[S3Store]:
    access = ObjectAccess(
        endpoint=endpoint, region="eu-de", keys=keys or FixedKeys(KEYS)
    )
    async with s3_client(access, sender) as s3:
        yield S3Store(s3, access.keys, random.Random(0))


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (PROVIDER, "https://disks.obs.eu-de.example/a%20b/c%2B.raw"),
        (PRIVATE, "http://127.0.0.1:9/obs/disks/a%20b/c%2B.raw"),
    ],
)
async def test_an_object_is_asked_for_where_it_is(endpoint: str, url: str) -> None:
    sender = Scripted(seen())
    async with store(sender, endpoint) as ours:
        assert await ours.head_object("disks", "a b/c+.raw") is not None
    (request,) = sender.asked
    assert (request.method, request.url) == ("HEAD", url)
    signature = request.headers["Authorization"]
    assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKOWN/")
    assert "/eu-de/s3/aws4_request" in signature
    assert request.headers["X-Amz-Security-Token"] == "canary-token"
    assert not [name for name in request.headers if "checksum" in name.lower()]


async def test_aws_s_settings_on_this_machine_mean_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "AWS_PROFILE": "somebody",
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_ACCESS_KEY_ID": "AKSOMEBODY",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_SESSION_TOKEN": "x",
        "AWS_ENDPOINT_URL": "https://elsewhere.example",
        "AWS_ENDPOINT_URL_S3": "https://elsewhere.example",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_CA_BUNDLE": "/nowhere",
        "AWS_MAX_ATTEMPTS": "9",
        "AWS_RETRY_MODE": "nonsense",
        "AWS_DEFAULTS_MODE": "auto",
        "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "nonsense",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_supported",
        "HTTPS_PROXY": "http://proxy.example",
        "HTTP_PROXY": "http://proxy.example",
    }.items():
        monkeypatch.setenv(name, value)
    sender = Scripted(seen())
    async with store(sender) as ours:
        assert await ours.head_object("disks", "a") is not None
    (request,) = sender.asked
    assert request.url == "http://127.0.0.1:9/obs/disks/a"
    assert "Credential=AKOWN/" in request.headers["Authorization"]


async def test_aws_s_models_in_the_home_folder_mean_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They replace those of the library, down to the paths of calls."""
    models = tmp_path / "s3" / "2006-03-01"
    models.mkdir(parents=True)
    (models / "service-2.json").write_text("{", encoding="utf-8")
    (tmp_path / "endpoints.json").write_text("{", encoding="utf-8")
    monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", str(tmp_path))
    sender = Scripted(seen())
    async with store(sender) as ours:
        assert await ours.head_object("disks", "a") is not None


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_nobody_is_sent_to_another_region(status: int) -> None:
    away = reply(
        status,
        location="https://disks.obs.eu-nl.example/a",
        x_amz_bucket_region="eu-nl",
    )
    sender = Scripted(away)
    async with store(sender, PROVIDER) as ours:
        for look in (
            ours.head_bucket("disks"),
            ours.head_object("disks", "a"),
            ours.read("disks", "a", 0, 4),
        ):
            with pytest.raises(ServiceError, match="in region eu-nl") as caught:
                await look
            assert caught.value.kind is FaultKind.REJECTED
    assert {urlsplit(r.url).netloc for r in sender.asked} == {"disks.obs.eu-de.example"}
    assert len(sender.asked) == 3


async def test_a_signature_goes_to_the_store_s_host_alone() -> None:
    """Whatever the library makes of a bucket's name."""
    sender = Scripted(seen())
    async with store(sender, PROVIDER) as ours:
        for bucket in ("arn:aws:s3:eu:1:accesspoint/x", "a@b", "x/y", "evil#"):
            with pytest.raises(ServiceError) as caught:
                await ours.head_object(bucket, "a")
            assert caught.value.kind is FaultKind.REJECTED
    assert sender.asked == []


@pytest.mark.parametrize(
    "url", ["https://evil.example/a", "https://evilobs.eu-de.example/a"]
)
async def test_a_request_that_strays_is_not_sent(url: str) -> None:
    sender = Scripted(seen())
    access = ObjectAccess(endpoint=PROVIDER, region="r", keys=FixedKeys(KEYS))
    astray = SimpleNamespace(method="GET", url=url, headers={}, body=None)
    with pytest.raises(StrayError):
        await _Carrier(sender, access).carry(request=astray)
    assert sender.asked == []


async def test_an_odd_key_is_refused_and_not_sent() -> None:
    sender = Scripted(seen())
    async with store(sender) as ours:
        with pytest.raises(ServiceError, match="not sent") as caught:
            await ours.head_object("disks", "")
    assert caught.value.fault.action is Action.FIX_MANIFEST
    assert sender.asked == []


class Renewable:
    """Has a second pair of keys, and no third one."""

    def __init__(self) -> None:
        self.number = 1
        self.secrets: tuple[str, ...] = ()

    async def current(self) -> AccessKeys:
        return AccessKeys(access_key=f"AK{self.number}", secret_key="x")

    async def renew(self, refused: AccessKeys) -> bool:
        if refused.access_key == "AK2":
            return False
        self.number = 2
        return True


WRONG_KEYS = reply(403, b"<Error><Code>InvalidAccessKeyId</Code></Error>")


async def test_refused_keys_are_replaced_once() -> None:
    def judge(request: Request) -> Reply:
        return seen() if "AK2" in request.headers["Authorization"] else WRONG_KEYS

    sender = Scripted(judge)
    async with store(sender, keys=Renewable()) as ours:
        assert await ours.head_object("disks", "a") is not None
    sender = Scripted(WRONG_KEYS)
    async with store(sender, keys=Renewable()) as ours:
        with pytest.raises(AuthenticationError):
            await ours.list_uploads("disks", "")
    assert len(sender.asked) == 2


async def test_a_bucket_that_may_be_listed_is_there() -> None:
    """Though these keys may not ask for its properties."""
    sender = Scripted(reply(403), reply(200, b"<ListBucketResult/>"))
    async with store(sender) as ours:
        view = await ours.head_bucket("disks")
    assert view is not None
    assert (view.name, view.region, view.storage_class) == ("disks", None, None)


async def test_a_range_that_is_ignored_is_an_error() -> None:
    sender = Scripted(reply(200, b"whole", content_length="5"))
    async with store(sender) as ours:
        assert await ours.read("disks", "a", 0, 3) == b"who"
        with pytest.raises(ServiceError) as caught:
            await ours.read("disks", "a", 2, 3)
    assert caught.value.kind is FaultKind.MISREAD


@pytest.mark.parametrize("told", ["bytes 0-2/9", "bytes 4-6/9", "", "nonsense"])
async def test_another_range_than_was_asked_for_is_an_error(told: str) -> None:
    sender = Scripted(reply(206, b"abc", content_range=told))
    async with store(sender) as ours:
        with pytest.raises(ServiceError) as caught:
            await ours.read("disks", "a", 2, 3)
    assert caught.value.kind is FaultKind.MISREAD


async def test_an_answer_that_declares_entities_is_not_parsed() -> None:
    """They could make gigabytes of it; a file may hold such words all the same."""
    page = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY k "kk">]><html>'
    sender = Scripted(reply(200, page))
    async with store(sender) as ours:
        with pytest.raises(ServiceError, match="not an object store's"):
            await listed(ours)
        assert await ours.read("disks", "a", 0, 99) == page


@pytest.mark.parametrize("body", [b"", b"<html/>", b"<R><Key>a</Key></R>"])
async def test_a_completion_that_names_no_object_is_unclear(body: bytes) -> None:
    sender = Scripted(reply(200, body))
    part = StoredPart(number=1, etag="e", size_bytes=1)
    async with store(sender) as ours:
        with pytest.raises(ServiceError) as caught:
            await ours.complete_upload("disks", "a", "u", [part])
    assert (caught.value.kind, caught.value.applied) == (
        FaultKind.MISREAD,
        Applied.UNKNOWN,
    )


@pytest.mark.parametrize(
    "start",
    [
        b'<?xml version="1.0"?>\n<Error>',
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Error xmlns="http://x">',
        b" " * 4096 + b"<Error>",
    ],
)
async def test_a_completion_that_fails_late_is_a_failure(start: bytes) -> None:
    """It is answered with 200 before the store knows."""
    sender = Scripted(reply(200, start + b"<Code>InternalError</Code></Error>"))
    part = StoredPart(number=1, etag="e", size_bytes=1)
    async with store(sender) as ours:
        with pytest.raises(ServiceError) as caught:
            await ours.complete_upload("disks", "a", "u", [part])
    assert caught.value.kind is FaultKind.SERVER
    assert caught.value.applied is Applied.UNKNOWN
    assert len(sender.asked) == 1


async def test_what_the_sender_says_goes_by_the_call_s_own_name() -> None:
    fault = Fault(
        kind=FaultKind.LOST, code="transport.reset", reason="x", action=Action.RUN_AGAIN
    )
    sender = Scripted(ServiceError("send", fault))
    async with store(sender) as ours:
        with pytest.raises(ServiceError, match="begin upload of disks:a") as caught:
            await ours.begin_upload("disks", "a")
    assert caught.value.applied is Applied.UNKNOWN
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_a_listing_that_turns_in_circles_ends() -> None:
    page = (
        b"<ListBucketResult><IsTruncated>true</IsTruncated>"
        b"<Contents><Key>a</Key><ETag>e</ETag><Size>1</Size></Contents>"
        b"</ListBucketResult>"
    )
    sender = Scripted(reply(200, page))
    async with store(sender) as ours:
        with pytest.raises(ServiceError) as caught:
            _ = [item async for item in ours.list_objects("disks", "")]
    assert caught.value.kind is FaultKind.MISREAD
    assert len(sender.asked) == 2


async def listed(ours: S3Store) -> list[ListedObject]:
    return [item async for item in ours.list_objects("disks", "")]


@pytest.mark.parametrize(
    ("listing", "page", "most"),
    [
        (listed, "<NextMarker>{number}</NextMarker>", 101),
        (listed, "<NextMarker>{turn}</NextMarker><Contents>%s</Contents>", 3),
        (
            lambda ours: ours.list_parts("disks", "a", "u"),
            "<Part><PartNumber>{turn}</PartNumber>%s</Part>",
            3,
        ),
        (
            lambda ours: ours.list_uploads("disks", "a"),
            "<NextKeyMarker>{number}</NextKeyMarker>",
            101,
        ),
        (
            lambda ours: ours.list_uploads("disks", "a"),
            "<NextKeyMarker>{turn}</NextKeyMarker><Upload>%s</Upload>",
            3,
        ),
    ],
)
async def test_a_listing_without_an_end_is_given_up(
    listing: Callable[[S3Store], Awaitable[object]], page: str, most: int
) -> None:
    """Pages that show nothing, each with another marker; two that lead to each other."""
    item = (
        "<Key>a</Key><ETag>e</ETag><Size>1</Size><UploadId>u</UploadId>"
        "<Initiated>2026-09-01T01:00:00.000Z</Initiated>"
    )

    def answer(_request: Request) -> Reply:
        number = len(sender.asked)
        body = page.replace("%s", item).format(number=number, turn=number % 2 + 1)
        return reply(200, f"<R><IsTruncated>true</IsTruncated>{body}</R>".encode())

    sender = Scripted(answer)
    async with store(sender) as ours:
        call = listing(ours)
        with pytest.raises(ServiceError) as caught:
            await call
    assert caught.value.kind is FaultKind.MISREAD
    assert len(sender.asked) == most


WELL_FORMED = (
    b"<R><IsTruncated>false</IsTruncated><Contents><Key>k</Key><ETag>e</ETag>"
    b"<Size>1</Size></Contents></R>",
    b"<R><Part><PartNumber>1</PartNumber><ETag>e</ETag><Size>1</Size></Part></R>",
    b"<R><Upload><Key>k</Key><UploadId>u</UploadId>"
    b"<Initiated>2026-09-01T01:00:00.000Z</Initiated></Upload></R>",
    b"<R><Bucket>disks</Bucket><Key>k</Key><UploadId>u</UploadId></R>",
)


def damaged(rng: random.Random) -> Reply:
    """Return an answer with pieces cut out, doubled or replaced by any bytes."""
    body = bytearray(rng.choice(WELL_FORMED))
    for _ in range(rng.randint(1, 4)):
        first, length = rng.randrange(len(body) + 1), rng.randint(0, 12)
        body[first : first + length] = rng.choice(
            (b"", bytes(body[first : first + 2 * length]), rng.randbytes(3))
        )
    odd = rng.choice(("", "5", "-1", "many", "\u0664"))
    return reply(200, bytes(body), content_length=odd, last_modified=odd, etag=odd)


@pytest.mark.filterwarnings("ignore:tzname")  # of the library's reader of times
async def test_no_answer_makes_anything_else_of_it_than_our_error() -> None:
    rng = random.Random(0)
    kinds = set()
    sender = Scripted(lambda _request: damaged(rng))
    async with store(sender) as ours:
        for _ in range(150):
            for call in (
                ours.head_bucket("disks"),
                ours.head_object("disks", "a"),
                ours.read("disks", "a", 0, 3),
                ours.begin_upload("disks", "a"),
                ours.list_parts("disks", "a", "u"),
                ours.list_uploads("disks", ""),
                anext(ours.list_objects("disks", ""), None),
            ):
                try:
                    await call
                except ServiceError as error:
                    kinds.add(error.kind)
    assert kinds == {FaultKind.MISREAD}


async def test_no_secret_is_in_what_is_raised_or_shown() -> None:
    def echo(request: Request) -> Reply:
        told = f"{request.headers['Authorization']} {KEYS.secret_key} canary-token"
        body = f"<Error><Code>AccessDenied</Code><Message>{told}</Message></Error>"
        return reply(403, body.encode(), x_amz_request_id=KEYS.secret_key)

    sender = Scripted(echo)
    async with store(sender) as ours:
        with pytest.raises(ServiceError) as caught:
            await ours.read("disks", "a", 0, 1)
        address = await ours.part_address("disks", "a", "u", 1)
    text = f"{caught.value} {caught.value.fault!r} {sender.asked!r}"
    assert "canary" not in text
    signature = sender.asked[0].headers["Authorization"].rpartition("=")[2]
    assert signature not in text
    assert "canary-secret" not in address


@pytest.mark.parametrize("place", ["Code", "Region", "Endpoint", "RequestId"])
async def test_no_secret_is_in_any_part_of_an_error(place: str) -> None:
    def echo(request: Request) -> Reply:
        told = request.headers["Authorization"].rpartition("=")[2]
        body = f"<Error><{place}>{told}</{place}></Error>"
        return reply(301, body.encode())

    signatures: list[str] = []
    sender = Scripted(echo)
    async with store(sender) as ours:
        for _ in range(20):  # a code begins with a letter, and so do some signatures
            with pytest.raises(ServiceError) as caught:
                await ours.read("disks", "a", 0, len(signatures) + 1)
            signature = sender.asked[-1].headers["Authorization"].rpartition("=")[2]
            assert signature not in f"{caught.value} {caught.value.fault!r}"
            signatures.append(signature)
    assert any(signature[0].isalpha() for signature in signatures)


def test_a_missing_extra_is_named() -> None:
    code = """
import asyncio, sys
sys.modules["aiobotocore"] = None
from batch_register.obs import FixedKeys, ObjectAccess, open_store
from batch_register.errors import SettingsError
from batch_register.identity.signing import AccessKeys
from batch_register.transport.tls import Tls

async def main():
    keys = FixedKeys(AccessKeys(access_key="a", secret_key="b"))
    access = ObjectAccess(endpoint="http://127.0.0.1:9", region="r", keys=keys)
    try:
        async with open_store(access, connections=1, tls=Tls(), trust_env=False):
            pass
    except SettingsError as error:
        print(error, error.hint)

asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "needs aiobotocore" in ended.stdout
    assert "pip install 'batch-register[obs]'" in ended.stdout


def test_nothing_of_s3_is_loaded_by_who_only_wants_to_know_whether() -> None:
    code = (
        "import sys, batch_register.obs, batch_register.obs.credentials; "
        "sys.exit(bool({'aiobotocore', 'botocore', 'aiohttp'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
