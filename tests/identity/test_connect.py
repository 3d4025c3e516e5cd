"""From a cloud's settings to what calls need: credentials, project, address."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from batch_register.errors import AuthenticationError, ServiceError, SettingsError
from batch_register.identity import Connection, connect
from batch_register.identity.cloud import (
    Cloud,
    CredentialLogin,
    Domain,
    GivenToken,
    KeyPair,
    PasswordLogin,
    Project,
    User,
)
from batch_register.identity.endpoints import (
    Whence,
    locate_endpoint,
)
from batch_register.identity.keys import FixedToken, Signer
from batch_register.identity.session import Endpoint
from batch_register.identity.signing import AccessKeys, sign
from batch_register.identity.tokens import TokenAuth
from batch_register.model import Action, FaultKind
from batch_register.transport import Reply, Request

URL = "https://iam.example/v3"
KEYS = AccessKeys(access_key="AK", secret_key="canary-secret")
LOGIN = PasswordLogin(
    auth_url=URL, user=User(name="u", domain=Domain(name="d")), password="canary"
)
CREDENTIAL = CredentialLogin(auth_url=URL, secret="canary", credential_id="c")
CLOUD = Cloud(
    name="otc",
    source="cloud 'otc' in clouds.yaml",
    auth=LOGIN,
    project=Project(name="eu-de"),
    region_name="eu-de",
)


def endpoint(url: str, **changes: str) -> Endpoint:
    line = Endpoint(service_type="image", interface="public", region="eu-de", url=url)
    return replace(line, **changes)


CATALOG = (
    endpoint("https://obs.example", service_type="object"),
    endpoint("https://internal.example/v2", interface="internal"),
    endpoint("https://nl.example/v2", region="eu-nl"),
    endpoint("https://de.example/v2/"),
    endpoint("https://ims.example/v1", service_type="ims"),
)


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({}, "https://de.example"),
        ({"region_name": "eu-nl"}, "https://nl.example"),
        ({"interface": "internal"}, "https://internal.example"),
        ({"region_name": "eu-ch2"}, "https://fallback.example"),
        ({"interface": "admin"}, "https://fallback.example"),
        ({"ims_endpoint": "https://own.example/v1"}, "https://own.example"),
        (
            {"image_endpoint": "https://a.example/x", "ims_endpoint": "https://b"},
            "https://a.example/x",
        ),
    ],
)
def test_an_override_comes_before_the_catalogue_and_that_before_the_fallback(
    changes, address
):
    cloud = replace(CLOUD, **changes)
    fallback = "https://fallback.example/"
    assert locate_endpoint(cloud, CATALOG, fallback=fallback).url == address


@pytest.mark.parametrize(
    ("changes", "whence"),
    [
        ({"image_endpoint": "https://a.example"}, Whence.OVERRIDE),
        ({}, Whence.CATALOGUE),
        ({"region_name": "eu-ch2"}, Whence.PROFILE),
    ],
)
def test_who_gave_the_address_is_kept(changes, whence):
    cloud = replace(CLOUD, **changes)
    assert locate_endpoint(cloud, CATALOG, fallback="https://f").whence is whence


def test_a_region_that_the_catalogue_has_not_is_told_by_those_it_has():
    cloud = replace(CLOUD, region_name="eu-dee")
    with pytest.raises(SettingsError, match="no image service in region 'eu-dee'") as c:
        locate_endpoint(cloud, CATALOG)
    assert c.value.hint == "set region_name (or --region) to one of: eu-de, eu-nl"


def test_a_catalogue_may_call_the_service_ims_and_leave_the_region_open():
    catalog = (
        endpoint("", service_type="image"),
        endpoint("https://any.example/v2.1", service_type="ims", region="*"),
    )
    assert locate_endpoint(CLOUD, catalog).url == "https://any.example"


def test_several_regions_without_one_being_named_are_not_guessed_at():
    cloud = replace(CLOUD, region_name=None)
    with pytest.raises(SettingsError) as caught:
        locate_endpoint(cloud, CATALOG)
    assert caught.value.hint == "set region_name to one of: eu-de, eu-nl"
    assert locate_endpoint(cloud, CATALOG[3:4]).url == "https://de.example"


@pytest.mark.parametrize(
    "url",
    [
        "https://me:canary@de.example/v2",
        "https://de.example/v2?signature=canary",
        "ftp://canary.example",
        "canary",
    ],
)
def test_an_address_of_the_catalogue_that_is_none_is_neither_used_nor_quoted(url):
    with pytest.raises(SettingsError, match="no plain address") as caught:
        locate_endpoint(CLOUD, (endpoint(url),))
    assert "canary" not in str(caught.value)
    assert caught.value.hint == "set image_endpoint_override"


def test_a_region_that_the_profile_has_not_is_told():
    cloud = replace(CLOUD, region_name="eu-dee", ims_profile="otc")
    with pytest.raises(SettingsError, match="'otc' knows no address") as c:
        locate_endpoint(cloud, ())
    assert c.value.hint.startswith("correct region_name (or --region)")


def test_no_address_at_all_names_what_to_set():
    with pytest.raises(SettingsError, match=r"cloud 'otc' in clouds\.yaml") as caught:
        locate_endpoint(CLOUD, ())
    assert "image_endpoint_override" in caught.value.hint


async def test_a_login_gives_project_and_address(clock, keystone, scripted):
    keystone.catalog = [
        "rubbish",
        {
            "type": "image",
            "endpoints": [
                {"interface": "public", "region": "eu-de", "url": "https://de/v2"},
                {"interface": "public", "region_id": "eu-nl", "url": "https://nl"},
            ],
        },
    ]
    sender = scripted(keystone)
    connection = await connect(CLOUD, sender, clock)
    assert isinstance(connection.authoriser, TokenAuth)
    assert (connection.project_id, connection.image_endpoint) == ("p1", "https://de")
    assert len(sender.asked) == 1


def tokenless_project(request: Request) -> Reply:
    body = json.dumps({"token": {"project": {"id": 7}}}).encode()
    return Reply(status=201, headers={"x-subject-token": "t"}, body=body)


async def test_a_login_without_a_project_in_its_answer_needs_the_settings(
    clock, scripted
):
    sender = scripted(tokenless_project)
    cloud = replace(CLOUD, image_endpoint="https://i")
    with pytest.raises(SettingsError) as caught:
        await connect(cloud, sender, clock)
    assert caught.value.hint == "set project_id"
    named = replace(cloud, project=Project(id="mine"))
    assert (await connect(named, sender, clock)).project_id == "mine"


@pytest.mark.parametrize(
    "project",
    [Project(id="p2"), Project(id="p2", name="eu-de"), Project(name="eu-nl")],
)
@pytest.mark.parametrize("auth", [LOGIN, CREDENTIAL])
async def test_a_login_for_another_project_than_told_is_not_used(
    clock, keystone, scripted, auth, project
):
    """An application credential belongs to one project, whatever stands beside it."""
    cloud = replace(CLOUD, auth=auth, project=project, image_endpoint="https://ims")
    wanted = project.id or project.name
    with pytest.raises(SettingsError, match=f"for project 'eu-de', not '{wanted}'"):
        await connect(cloud, scripted(keystone), clock)


@pytest.mark.parametrize(
    "project", [Project(), Project(id="p1"), Project(name="EU-de")]
)
async def test_a_credential_may_name_its_own_project(
    clock, keystone, scripted, project
):
    cloud = replace(CLOUD, auth=CREDENTIAL, project=project, image_endpoint="https://i")
    connection = await connect(cloud, scripted(keystone), clock)
    assert connection.project_id == "p1"


async def test_a_given_token_needs_its_project_told(clock, scripted):
    sender = scripted()
    cloud = replace(CLOUD, auth=GivenToken(token="t"), project=Project(id="p"))
    connection = await connect(cloud, sender, clock, image_fallback="https://i")
    assert isinstance(connection.authoriser, FixedToken)
    assert (connection.project_id, connection.image_endpoint) == ("p", "https://i")
    with pytest.raises(SettingsError, match="nothing tells the project's id"):
        await connect(replace(cloud, project=Project()), sender, clock)


KEY_CLOUD = replace(
    CLOUD,
    auth=KeyPair(keys=KEYS, auth_url=URL),
    project=Project(),
    image_endpoint="https://i",
)


def projects(*names: str) -> Reply:
    found = [{"id": f"id-{n}", "name": name} for n, name in enumerate(names)]
    body = json.dumps({"projects": found}).encode()
    return Reply(status=200, headers={}, body=body)


async def test_an_access_key_with_its_project_asks_nobody(clock, scripted):
    sender = scripted()
    cloud = replace(KEY_CLOUD, project=Project(id="p"))
    connection = await connect(cloud, sender, clock)
    assert isinstance(connection.authoriser, Signer)
    assert (connection.project_id, sender.asked) == ("p", [])


async def test_an_access_key_alone_asks_for_the_regions_project(clock, scripted):
    sender = scripted(projects("MOS", "eu-de"))
    connection = await connect(KEY_CLOUD, sender, clock)
    assert connection == Connection(
        authoriser=connection.authoriser,
        project_id="id-1",
        image_endpoint="https://i",
        endpoint_from=Whence.OVERRIDE,
    )
    asked = Request(
        operation="find project",
        method="GET",
        url="https://iam.example/v3/projects?name=eu-de",
        headers={"Content-Type": "application/json"},
    )
    assert sender.asked == [sign(asked, KEYS, at=clock.now())]
    signed = await connection.authoriser.authorise(asked)
    assert signed.headers["X-Project-Id"] == "id-1"


async def test_a_named_project_and_a_fallback_address_are_used(clock, scripted):
    sender = scripted(projects("eu-de_sub 1"))
    cloud = replace(
        KEY_CLOUD, auth=KeyPair(keys=KEYS), project=Project(name="eu-de_sub 1")
    )
    await connect(cloud, sender, clock, auth_fallback="https://iam.de")
    assert sender.asked[0].url == "https://iam.de/v3/projects?name=eu-de_sub%201"


@pytest.mark.parametrize(
    ("names", "told"),
    [((), "no project named 'eu-de'"), (("eu-de", "eu-de"), "2 projects named")],
)
async def test_none_or_several_projects_are_not_guessed_at(
    clock, scripted, names, told
):
    with pytest.raises(SettingsError, match=told) as caught:
        await connect(KEY_CLOUD, scripted(projects(*names)), clock)
    assert caught.value.hint == "set project_id"


@pytest.mark.parametrize("project_id", [None, "", 7])
async def test_a_project_whose_id_is_none_is_not_used(clock, scripted, project_id):
    body = json.dumps({"projects": [{"name": "eu-de", "id": project_id}]}).encode()
    sender = scripted(Reply(status=200, headers={}, body=body))
    with pytest.raises(ServiceError, match="did not list the projects"):
        await connect(KEY_CLOUD, sender, clock)


@pytest.mark.parametrize(
    "changes", [{"auth": KeyPair(keys=KEYS)}, {"region_name": None}]
)
async def test_a_look_up_that_has_no_address_or_name_says_what_to_set(
    clock, scripted, changes
):
    with pytest.raises(SettingsError) as caught:
        await connect(replace(KEY_CLOUD, **changes), scripted(), clock)
    assert caught.value.hint == "set project_id, or auth_url and region_name"


REFUSED = (AuthenticationError, Action.ASK_PERMISSION)
PASSING = (ServiceError, Action.RUN_AGAIN)


@pytest.mark.parametrize(
    ("status", "body", "kind", "outcome"),
    [
        (
            401,
            b'{"error_code":"APIGW.0301","error_msg":"ak not exist"}',
            FaultKind.UNAUTHENTICATED,
            REFUSED,
        ),
        (403, b"", FaultKind.FORBIDDEN, REFUSED),
        (429, b"", FaultKind.THROTTLED, PASSING),
        (503, b"", FaultKind.SERVER, PASSING),
        (404, b"<html>", FaultKind.MISREAD, PASSING),
        (200, b'{"projects":[1]}', FaultKind.MISREAD, PASSING),
        (200, b"[" * 100_000, FaultKind.MISREAD, PASSING),
    ],
)
async def test_a_failed_look_up_has_its_kind(
    scripted, clock, status, body, kind, outcome
):
    sender = scripted(Reply(status=status, headers={}, body=body))
    with pytest.raises(ServiceError) as caught:
        await connect(KEY_CLOUD, sender, clock)
    fault = caught.value.fault
    assert (type(caught.value), fault.action) == outcome
    assert (fault.kind, fault.http_status) == (kind, status)
    assert "canary" not in str(caught.value)
