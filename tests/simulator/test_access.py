"""IAM and the gateway: tokens, keys, projects, signatures, rates."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from multidict import CIMultiDict

from batch_register.simulator import (
    AccessKey,
    ApplicationCredential,
    Project,
    RateLimit,
    UserAccount,
)
from batch_register.simulator.signature import SignedRequest, canonical_hash, sign
from tests.simulator.driving import Answer, Driver, driven

pytestmark = pytest.mark.integration

CREDENTIAL = ApplicationCredential(id="c" * 32, name="night", secret="made-up")
USER = UserAccount(application_credentials=(CREDENTIAL,))
OTHER = Project(id="9" * 32, name="other-region-1")
QUOTA = "/v1/cloudimages/quota"


def by_password(cloud: Driver, **changes: object) -> dict[str, Any]:
    user = cloud.simulator.options.users[0]
    who = {
        "name": user.name,
        "password": user.password,
        "domain": {"name": user.domain_name},
        **changes,
    }
    return {"methods": ["password"], "password": {"user": who}}


async def login(cloud: Driver, identity: object, scope: object = None) -> Answer:
    auth: dict[str, object] = {"identity": identity}
    if scope is not None:
        auth["scope"] = scope
    return await cloud.send("POST", "/v3/auth/tokens", {"auth": auth}, {})


def scoped(cloud: Driver) -> dict[str, object]:
    return {"project": {"name": cloud.simulator.options.region}}


async def quota(cloud: Driver, token: str) -> Answer:
    return await cloud.send("GET", QUOTA, headers={"X-Auth-Token": token})


async def test_a_password_gives_a_project_token() -> None:
    """The token is in a header; the body names project, times and catalogue."""
    async with driven() as cloud:
        answer = await login(cloud, by_password(cloud), scoped(cloud))
        assert answer.status == 201
        text = answer.headers["X-Subject-Token"]
        assert text.startswith("MII")
        assert len(text) > 900
        assert answer.headers["X-IAM-Trace-Id"] == answer.headers["X-Request-Id"]
        token = answer.json["token"]
        assert token["project"]["id"] == cloud.project_id
        assert token["issued_at"].startswith("2026-09-01T01:00:0")
        assert token["expires_at"].startswith("2026-09-02T01:00:0")
        kinds = {entry["type"]: entry["endpoints"][0] for entry in token["catalog"]}
        assert kinds["image"]["url"] == cloud.simulator.url
        assert (await quota(cloud, text)).status == 200


async def test_the_catalogue_can_be_left_out() -> None:
    """Any value of the parameter drops it."""
    async with driven() as cloud:
        auth = {"auth": {"identity": by_password(cloud), "scope": scoped(cloud)}}
        answer = await cloud.send("POST", "/v3/auth/tokens?nocatalog=true", auth, {})
        assert answer.json["token"]["catalog"] == []


async def test_other_ways_to_say_who_one_is() -> None:
    """By user id, by domain id, by credential id or name, by an older token."""
    async with driven(users=(USER,), other_projects=(OTHER,)) as cloud:
        older = cloud.simulator.issue_token()
        secret = {"secret": CREDENTIAL.secret}
        user = {"name": USER.name, "domain": {"id": USER.domain_id}}
        proofs: list[dict[str, Any]] = [
            {"user": {"id": USER.id, "password": USER.password}},
            {"user": {**user, "password": USER.password}},
            {"id": CREDENTIAL.id, **secret},
            {"name": CREDENTIAL.name, "user": user, **secret},
            {"id": older},
        ]
        methods = ["password"] * 2 + ["application_credential"] * 2 + ["token"]
        for method, proof in zip(methods, proofs, strict=True):
            scope = scoped(cloud) if method == "password" else None
            answer = await login(cloud, {"methods": [method], method: proof}, scope)
            assert answer.status == 201, proof
            token = answer.headers["X-Subject-Token"]
            assert (await quota(cloud, token)).status == 200
        rescoped = {"methods": ["token"], "token": {"id": older}}
        answer = await login(cloud, rescoped, {"project": {"id": OTHER.id}})
        assert answer.json["token"]["project"]["name"] == OTHER.name


@pytest.mark.parametrize(
    ("identity", "status"),
    [
        (None, 400),
        ({}, 400),
        ({"methods": []}, 400),
        ({"methods": ["password"]}, 400),
        ({"methods": ["totp"]}, 401),
        ({"methods": ["token"], "token": {"id": "none"}}, 401),
        (
            {
                "methods": ["application_credential"],
                "application_credential": {"id": CREDENTIAL.id, "secret": "wrong"},
            },
            401,
        ),
    ],
)
async def test_bad_credentials_are_refused_in_iam_s_shape(
    identity: object, status: int
) -> None:
    """The code is a number there."""
    async with driven(users=(USER,)) as cloud:
        answer = await login(cloud, identity)
        assert (answer.status, answer.json["error"]["code"]) == (status, status)


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "wrong"},
        {"name": "nobody"},
        {"domain": {"name": "x"}},
        {"domain": 1},
    ],
)
async def test_a_wrong_password_is_a_401(changes: dict[str, object]) -> None:
    """Whichever part is wrong, the answer is the same."""
    async with driven() as cloud:
        answer = await login(cloud, by_password(cloud, **changes), scoped(cloud))
        assert answer.status == 401
        assert answer.json["error"]["title"] == "Unauthorized"


async def test_a_token_of_another_project_must_be_renewed() -> None:
    """So says the gateway; a token of no project is no better."""
    async with driven(other_projects=(OTHER,)) as cloud:
        for scope, named in (
            ({"project": {"name": OTHER.name}}, "project"),
            (None, "domain"),
        ):
            answer = await login(cloud, by_password(cloud), scope)
            assert named in answer.json["token"]
            refused = await quota(cloud, answer.headers["X-Subject-Token"])
            assert (refused.status, refused.code) == (401, "APIGW.0307")
        unknown = await login(cloud, by_password(cloud), {"project": {"name": "x"}})
        assert unknown.status == 401


async def test_tokens_expire_and_are_revoked_early() -> None:
    """A valid-looking expiry is no guarantee."""
    async with driven(token_lifetime_s=60.0) as cloud:
        token = cloud.headers["X-Auth-Token"]
        assert (await quota(cloud, token)).status == 200
        cloud.simulator.clock.advance(61)
        answer = await quota(cloud, token)
        assert (answer.status, answer.code) == (401, "APIGW.0307")
        renewed = cloud.simulator.issue_token()
        assert (await quota(cloud, renewed)).status == 200
        assert cloud.simulator.revoke_tokens() == 2
        assert (await quota(cloud, renewed)).code == "APIGW.0307"
    async with driven(token_revoked_after_s=5.0) as cloud:
        cloud.simulator.clock.advance(6)
        assert (await cloud.send("GET", QUOTA)).code == "APIGW.0307"


async def test_a_token_can_be_looked_at() -> None:
    """With itself as the subject; an unknown one is not found."""
    async with driven() as cloud:
        subject = {"X-Subject-Token": cloud.headers["X-Auth-Token"]}
        path = "/v3/auth/tokens"
        answer = await cloud.send("GET", path, headers={**cloud.headers, **subject})
        assert answer.json["token"]["user"]["name"] == "rehearsal"
        answer = await cloud.send("GET", path, headers=cloud.headers)
        assert answer.status == 404


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "no credentials"),
        ({"X-Auth-Token": "MIInonsense"}, "decrypt token fail"),
        ({"Authorization": "Bearer x"}, "unsupported authorization header"),
    ],
)
async def test_missing_credentials_are_the_gateway_s_401(
    headers: dict[str, str], text: str
) -> None:
    """In the gateway's shape, with its code."""
    async with driven() as cloud:
        answer = await cloud.send("GET", QUOTA, headers=headers)
        assert (answer.status, answer.code) == (401, "APIGW.0301")
        assert text in answer.json["error_msg"]


async def test_projects_are_found_by_name() -> None:
    """None, one, or two of a name."""
    twin = Project(id="8" * 32, name="sim-region-1")
    async with driven(other_projects=(OTHER, twin)) as cloud:
        for query, count in (("?name=nowhere", 0), ("?name=sim-region-1", 2), ("", 3)):
            answer = await cloud.send("GET", f"/v3/projects{query}")
            assert len(answer.json["projects"]) == count
            assert answer.json["links"]["next"] is None
            assert all(project["enabled"] for project in answer.json["projects"])


def signed(
    cloud: Driver,
    *,
    body: bytes = b"",
    method: str = "GET",
    path: str = QUOTA,
    key: AccessKey | None = None,
    at: datetime | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, str]:
    """Sign as the guide says, with an independent assembly of the header."""
    key = key or cloud.simulator.options.access_keys[0]
    given = {
        "Host": cloud.simulator.url.removeprefix("http://"),
        "X-Sdk-Date": (at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ"),
        **(headers or {}),
    }
    if key.security_token is not None:
        given["X-Security-Token"] = key.security_token
    asked = SignedRequest(
        method=method,
        raw_path=path,
        raw_query="",
        headers=CIMultiDict(given),
        body=body,
    )
    names = sorted(name.lower() for name in given)
    digest = canonical_hash(asked, names)
    signature = sign(digest, given["X-Sdk-Date"], None, key.secret)
    given["Authorization"] = (
        f"SDK-HMAC-SHA256 Access={key.access}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return given


async def test_signed_requests_are_accepted() -> None:
    """For reading and writing; the log says who it was."""
    async with driven() as cloud:
        assert (await cloud.send("GET", QUOTA, headers=signed(cloud))).status == 200
        body = b'{"name":"signed"}'
        headers = signed(cloud, method="POST", path="/v2/images", body=body)
        answer = await cloud.send("POST", "/v2/images", body, headers)
        assert answer.status == 201
        record = cloud.simulator.audit.of_route("image.create")[0]
        assert record.principal == "signature:AKSIMULATED000000001"
        other = await cloud.send("POST", "/v2/images", b'{"name":"forged"}', headers)
        assert (other.status, other.code) == (401, "APIGW.0301")


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({"at": datetime(2020, 1, 1, tzinfo=UTC)}, 401, "Signature expired"),
        ({"key": AccessKey(access="NOBODY")}, 401, "ak NOBODY not exist"),
        ({"key": AccessKey(secret="wrong")}, 401, "verify aksk signature fail"),
        ({"key": AccessKey(security_token="x")}, 401, "security token"),
        ({"headers": {"X-Project-Id": "f" * 32}}, 403, "does not match"),
    ],
)
async def test_bad_signatures_are_refused(
    changes: dict[str, Any], status: int, text: str
) -> None:
    """Each with a text that a person can act on."""
    async with driven() as cloud:
        answer = await cloud.send("GET", QUOTA, headers=signed(cloud, **changes))
        assert answer.status == status
        assert text in answer.json["error_msg"]


async def test_the_gateway_s_clock_decides_about_skew() -> None:
    """A gateway that is 20 minutes ahead refuses a right clock."""
    async with driven(gateway_skew_s=1200.0) as cloud:
        answer = await cloud.send("GET", QUOTA, headers=signed(cloud))
        assert "Signature expired" in answer.json["error_msg"]
        ahead = parsedate_to_datetime(answer.headers["Date"]) - datetime.now(UTC)
        assert 1190 < ahead.total_seconds() < 1210


async def test_a_signed_body_has_a_size_limit() -> None:
    """Twelve megabytes on the real gateway."""
    async with driven(signed_body_limit_bytes=100) as cloud:
        body = b'{"name":"' + b"x" * 100 + b'"}'
        headers = signed(cloud, method="POST", path="/v2/images", body=body)
        answer = await cloud.send("POST", "/v2/images", body, headers)
        assert (answer.status, answer.code) == (401, "APIGW.0301")
        assert "body too large" in answer.json["error_msg"]


def lasting(duration_s: int) -> dict[str, object]:
    token = {"duration_seconds": duration_s}
    return {"auth": {"identity": {"methods": ["token"], "token": token}}}


async def test_temporary_keys_need_their_token_and_expire() -> None:
    """They are made from a token, for 900 seconds at least."""
    async with driven() as cloud:
        path = "/v3.0/OS-CREDENTIAL/securitytokens"
        made = await cloud.send("POST", path, lasting(1000))
        assert made.status == 201
        found = made.json["credential"]
        key = AccessKey(
            access=found["access"],
            secret=found["secret"],
            security_token=found["securitytoken"],
        )
        assert (
            await cloud.send("GET", QUOTA, headers=signed(cloud, key=key))
        ).status == 200
        without = AccessKey(access=key.access, secret=key.secret)
        answer = await cloud.send("GET", QUOTA, headers=signed(cloud, key=without))
        assert "security token" in answer.json["error_msg"]
        cloud.simulator.clock.advance(1001)
        answer = await cloud.send("GET", QUOTA, headers=signed(cloud, key=key))
        assert "security token expired" in answer.json["error_msg"]
        default = await cloud.send("POST", path, {"auth": {}})
        assert default.status == 201
        assert (await cloud.send("POST", path, lasting(10))).status == 400


async def test_rates_are_limited_per_user_and_route() -> None:
    """The text names limit and window; the bucket refills with time."""
    limit = RateLimit(limit=2, window_s=60, retry_after=True)
    async with driven(rate_limits=(limit,)) as cloud:
        answers = [await cloud.send("GET", QUOTA) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        last = answers[-1]
        assert last.code == "APIGW.0308"
        assert (
            "policy user over ratelimit,limit:2,time:1 minute" in last.json["error_msg"]
        )
        assert re.fullmatch("3[01]", last.headers["Retry-After"])
        assert await cloud.listed() == []  # another route, another bucket
        cloud.simulator.clock.advance(31)
        assert (await cloud.send("GET", QUOTA)).status == 200


async def test_rates_may_be_per_address_and_punish_knocking() -> None:
    """Where refused calls count, going on keeps the door shut."""
    limit = RateLimit(
        limit=1,
        window_s=10,
        scope="ip",
        routes=("quota.show",),
        counts_rejected=True,
    )
    async with driven(rate_limits=(limit,)) as cloud:
        statuses = [(await cloud.send("GET", QUOTA)).status for _ in range(4)]
        assert statuses == [200, 429, 429, 429]
        cloud.simulator.clock.advance(11)
        answer = await cloud.send("GET", QUOTA)
        assert answer.status == 429
        assert (
            "policy ip over ratelimit,limit:1,time:10 second"
            in answer.json["error_msg"]
        )
        assert "Retry-After" not in answer.headers
        assert await cloud.listed() == []
        cloud.simulator.clock.advance(21)
        assert (await cloud.send("GET", QUOTA)).status == 200
