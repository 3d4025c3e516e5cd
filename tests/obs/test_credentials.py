"""Which address and which keys count, and what is said where there are none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch_register.identity import Connection, FixedToken, Whence
from batch_register.identity.cloud import (
    Cloud,
    GivenToken,
    KeyPair,
    PasswordLogin,
    User,
)
from batch_register.identity.endpoints import listed_store
from batch_register.identity.session import Endpoint
from batch_register.identity.signing import AccessKeys
from batch_register.obs import NoObjectAccess, ObjectAccess
from batch_register.obs.access import FixedKeys
from batch_register.obs.credentials import PublishedAddresses, find_access
from batch_register.transport import Reply, Request
from tests.identity.conftest import HandClock

OWN = AccessKeys(access_key="AKOWN", secret_key="canary-own")
PASSWORD = PasswordLogin(
    auth_url="https://iam.example/v3", user=User(name="batch"), password="canary-pass"
)
PUBLISHED = PublishedAddresses(
    objects="https://obs.eu-de.example", identity="https://iam.published/v3"
)
IN_ENVIRONMENT = {
    "OBS_ACCESS_KEY_ID": "AKENV",
    "OBS_SECRET_ACCESS_KEY": "canary-env",
    "OBS_SECURITY_TOKEN": "canary-env-token",
}


class Iam:
    """Makes a pair of keys, or answers as told; notes where it was asked."""

    def __init__(self, status: int = 201) -> None:
        self.status = status
        self.asked: list[str] = []

    async def send(self, request: Request) -> Reply:
        self.asked.append(request.url)
        credential = {
            "access": "AKTEMP",
            "secret": "canary-temp",
            "securitytoken": "canary-temp-token",
            "expires_at": "2026-09-01T07:00:00.000000Z",
        }
        body = json.dumps({"credential": credential}).encode()
        return Reply(status=self.status, headers={}, body=body)


def cloud(auth: Any = PASSWORD, **changes: Any) -> Cloud:
    return Cloud(name="otc", source="here", auth=auth, region_name="eu-de", **changes)


async def found(
    of: Cloud,
    iam: Iam | None = None,
    *,
    environ: dict[str, str] | None = None,
    published: PublishedAddresses = PUBLISHED,
    listed: str | None = None,
) -> ObjectAccess | NoObjectAccess:
    connection = Connection(
        authoriser=FixedToken("canary-bearer"),
        project_id="p",
        image_endpoint="https://ims.example",
        endpoint_from=Whence.OVERRIDE,
        listed_store=listed,
    )
    return await find_access(
        of,
        connection,
        iam or Iam(),
        HandClock(),
        published=published,
        environ=environ or {},
    )


async def access_key(access: ObjectAccess | NoObjectAccess) -> str:
    assert isinstance(access, ObjectAccess), access
    return (await access.keys.current()).access_key


async def test_the_cloud_s_own_keys_come_first() -> None:
    iam = Iam()
    access = await found(cloud(KeyPair(keys=OWN)), iam, environ=IN_ENVIRONMENT)
    assert await access_key(access) == "AKOWN"
    assert iam.asked == []


async def test_then_those_of_the_environment() -> None:
    iam = Iam()
    access = await found(cloud(), iam, environ=IN_ENVIRONMENT)
    assert isinstance(access, ObjectAccess)
    keys = await access.keys.current()
    assert (keys.access_key, keys.security_token) == ("AKENV", "canary-env-token")
    assert set(access.keys.secrets) == {"canary-env", "canary-env-token"}
    assert iam.asked == []


async def test_then_temporary_ones_from_the_login_s_own_iam() -> None:
    iam = Iam()
    access = await found(cloud(), iam)
    assert await access_key(access) == "AKTEMP"
    assert iam.asked == ["https://iam.example/v3.0/OS-CREDENTIAL/securitytokens"]


async def test_a_given_token_goes_to_the_published_iam() -> None:
    iam = Iam()
    assert await access_key(await found(cloud(GivenToken(token="x")), iam)) == "AKTEMP"
    assert iam.asked == ["https://iam.published/v3.0/OS-CREDENTIAL/securitytokens"]


@pytest.mark.parametrize(
    ("of", "environ", "published", "iam", "words"),
    [
        (
            cloud(),
            {},
            PublishedAddresses(),
            Iam(),
            "no address of an object store is known: set obs_endpoint_override",
        ),
        (
            cloud(),
            {"OBS_ACCESS_KEY_ID": "AK"},
            PUBLISHED,
            Iam(),
            "OBS_ACCESS_KEY_ID is set and OBS_SECRET_ACCESS_KEY is not: set both",
        ),
        (
            cloud(),
            {"OBS_SECRET_ACCESS_KEY": "canary"},
            PUBLISHED,
            Iam(),
            "OBS_SECRET_ACCESS_KEY is set and OBS_ACCESS_KEY_ID is not: set both",
        ),
        (
            cloud(GivenToken(token="x")),
            {},
            PublishedAddresses(objects="https://obs.example"),
            Iam(),
            "no auth_url to ask for some: set OBS_ACCESS_KEY_ID and OBS_SECRET",
        ),
        (cloud(), {}, PUBLISHED, Iam(404), "iam.example makes no temporary access"),
        (cloud(), {}, PUBLISHED, Iam(403), "set OBS_ACCESS_KEY_ID and OBS_SECRET"),
    ],
)
async def test_why_there_is_none_is_said_in_one_line(
    of: Cloud,
    environ: dict[str, str],
    published: PublishedAddresses,
    iam: Iam,
    words: str,
) -> None:
    none = await found(of, iam, environ=environ, published=published)
    assert isinstance(none, NoObjectAccess)
    assert words in none.reason
    assert "\n" not in none.reason
    assert "canary" not in none.reason


async def test_where_the_store_is() -> None:
    """The entry's own address, then the profile's, then the catalogue's."""
    told = cloud(obs_endpoint="https://own.example/obs/")
    listed = "https://listed.example"
    for of, published, url in (
        (told, PUBLISHED, "https://own.example/obs"),
        (cloud(), PUBLISHED, "https://obs.eu-de.example"),
        (cloud(), PublishedAddresses(), listed),
    ):
        access = await found(of, published=published, listed=listed)
        assert isinstance(access, ObjectAccess)
        assert (access.endpoint, access.region) == (url, "eu-de")
        assert "canary" not in repr(access)


@pytest.mark.parametrize(
    ("endpoint", "in_host"),
    [
        ("https://obs.eu-de.otc.t-systems.com", True),
        ("https://oss.eu-west-0.prod-cloud-ocb.orange-business.com", True),
        ("https://obsv3.region.private.example", True),
        ("https://obs.eu-de.example/below", False),
        ("http://127.0.0.1:8080", False),
        ("http://[::1]:8080", False),
        ("http://localhost:8080", False),
        ("http://obs:8080", False),
        ("https://s3.private.example", False),
        ("http://127.0.0.1:8080/obs", False),
    ],
)
def test_how_buckets_are_named(endpoint: str, in_host: bool) -> None:
    access = ObjectAccess(endpoint=endpoint, region="x", keys=FixedKeys(OWN))
    assert access.names_buckets_in_host is in_host


def line(service_type: str, url: str, **changes: str) -> Endpoint:
    given = {"interface": "public", "region": "eu-de", **changes}
    return Endpoint(service_type=service_type, url=url, **given)


@pytest.mark.parametrize(
    ("lines", "url"),
    [
        ([line("object", "https://obs.example/v1/p")], "https://obs.example"),
        ([line("s3", "https://s3.example:8080")], "https://s3.example:8080"),
        ([line("object-store", "https://swift.example/v1/AUTH_p")], None),
        ([line("object-store", "https://obs.example/v1/p")], "https://obs.example"),
        ([line("object", "https://obs.example", region="eu-nl")], None),
        ([line("object", "https://obs.example", region="*")], "https://obs.example"),
        ([line("object", "https://obs.example", interface="internal")], None),
        ([line("object", "https://u:p@obs.example")], None),
        ([], None),
    ],
)
def test_a_catalogue_s_store(lines: list[Endpoint], url: str | None) -> None:
    assert listed_store(cloud(), tuple(lines)) == url
