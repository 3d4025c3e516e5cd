"""Who we are and how we get there, told without a secret."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_register.doctor import Finding, State, Topic
from batch_register.doctor.access import (
    address_words,
    credentials_finding,
    endpoint_finding,
    identity_finding,
    login_failure,
    login_finding,
    objects_address,
    objects_finding,
    project_finding,
    proxy_finding,
    refused_advice,
    service_refused_advice,
    settings_finding,
)
from batch_register.errors import AuthenticationError, ServiceError
from batch_register.identity import Connection, FixedToken, Whence
from batch_register.identity.cloud import (
    Auth,
    Cloud,
    CredentialLogin,
    Domain,
    GivenToken,
    KeyPair,
    PasswordLogin,
    PluginLogin,
    Project,
    TokenLogin,
    User,
)
from batch_register.identity.signing import AccessKeys
from batch_register.ims.profile import GENERIC, OTC
from batch_register.model import FaultKind
from batch_register.settings import Settings
from tests.fakes import fault

URL = "https://iam.example/v3"
SECRETS = ("s3cret-value", "AK-value", "token-value")
PASSWORD = PasswordLogin(
    auth_url=URL,
    user=User(name="me", domain=Domain(name="acme")),
    password=SECRETS[0],
)
CREDENTIAL = CredentialLogin(auth_url=URL, secret=SECRETS[0], credential_id="c-1")
EXCHANGED = TokenLogin(auth_url=URL, token=SECRETS[2])
GIVEN = GivenToken(token=SECRETS[2])
KEYS = AccessKeys(access_key=SECRETS[1], secret_key=SECRETS[0])
KEY_PAIR = KeyPair(keys=KEYS)
TEMPORARY = KeyPair(keys=replace(KEYS, security_token=SECRETS[2]))
PLUGIN = PluginLogin(
    auth_type="v3totp",
    values={"auth_url": URL, "passcode": SECRETS[0]},
    given=frozenset({"auth_url", "passcode"}),
)
AUTHS: list[Auth] = [
    PASSWORD,
    CREDENTIAL,
    EXCHANGED,
    GIVEN,
    KEY_PAIR,
    TEMPORARY,
    PLUGIN,
]
SOURCE = "cloud 'x' in clouds.yaml"
CLOUD = Cloud(
    name="x",
    source=SOURCE,
    auth=PASSWORD,
    project=Project(name="eu-de"),
    region_name="eu-de",
)


def connection(url: str = "https://ims.example") -> Connection:
    return Connection(
        authoriser=FixedToken("t"),
        project_id="p",
        image_endpoint=url,
        endpoint_from=Whence.CATALOGUE,
    )


@pytest.mark.parametrize("auth", AUTHS)
def test_no_way_of_logging_in_shows_its_secret(auth: Auth) -> None:
    cloud = replace(CLOUD, auth=auth)
    refusal = AuthenticationError("log in", fault(FaultKind.UNAUTHENTICATED))
    told = [
        credentials_finding(cloud, []),
        login_finding(cloud),
        login_failure(cloud, refusal),
    ]
    words = " ".join(f"{each.seen} {each.advice}" for each in told)
    words += refused_advice(cloud) + service_refused_advice(cloud)
    assert SOURCE in words
    assert not any(secret in words for secret in SECRETS)


@pytest.mark.parametrize(
    ("auth", "kind", "remedy"),
    [
        (
            PASSWORD,
            "password of user 'me' of domain 'acme'",
            "check username, password",
        ),
        (CREDENTIAL, "application credential 'c-1'", "may have ended"),
        (EXCHANGED, "to be exchanged", "get a new token"),
        (GIVEN, "used as it is", "get a new token"),
        (KEY_PAIR, "access key (AK/SK)", "check ak and sk"),
        (TEMPORARY, "temporary access key", "check ak and sk"),
        (PLUGIN, "v3totp, through keystoneauth1", "what v3totp needs under auth"),
    ],
)
def test_each_kind_of_credentials_has_its_remedy(
    auth: Auth, kind: str, remedy: str
) -> None:
    cloud = replace(CLOUD, auth=auth)
    assert kind in credentials_finding(cloud, []).seen
    assert remedy in refused_advice(cloud)


def test_credentials_of_the_environment_are_told_by_their_variables() -> None:
    cloud = replace(CLOUD, source="environment")
    found = credentials_finding(cloud, ["OS_PASSWORD", "OS_USERNAME"])
    assert found.seen.endswith("from the environment: OS_PASSWORD, OS_USERNAME")


def test_a_token_that_was_just_given_is_not_blamed_for_its_refusal() -> None:
    assert "region_name" in service_refused_advice(CLOUD)
    assert "ak and sk" in service_refused_advice(replace(CLOUD, auth=KEY_PAIR))


@pytest.mark.parametrize(
    ("url", "verify", "state", "words"),
    [
        ("https://a.example/v3", True, State.OK, "certificate checked"),
        ("https://a.example/v3", False, State.WARNING, "not checked"),
        ("http://127.0.0.1:5000/v3", True, State.OK, "on this machine"),
        ("http://a.example/v3", True, State.WARNING, "whoever listens"),
    ],
)
def test_how_safe_the_way_is(url: str, verify: bool, state: State, words: str) -> None:
    cloud = replace(CLOUD, verify=verify)
    for found in (
        identity_finding(cloud, url, slowest_s=0.2),
        endpoint_finding(cloud, connection(url), OTC, slowest_s=0.2),
    ):
        assert found.state is state
        assert words in found.seen


@pytest.mark.parametrize(
    ("slowest_s", "state"), [(4.9, State.OK), (5.0, State.WARNING)]
)
def test_slow_answers_are_worth_a_word(slowest_s: float, state: State) -> None:
    for found in (
        identity_finding(CLOUD, URL, slowest_s=slowest_s),
        endpoint_finding(CLOUD, connection(URL), OTC, slowest_s=slowest_s),
    ):
        assert found.state is state
        assert ("up to 5 s" in found.seen) is (state is State.WARNING)
        assert ("ask the provider" in found.advice) is (state is State.WARNING)


def test_slow_answers_do_not_hide_that_nothing_is_encrypted() -> None:
    found = identity_finding(CLOUD, "http://a.example/v3", slowest_s=9.0)
    assert "whoever listens" in found.seen
    assert found.advice.startswith("use its https address; look at network")


@pytest.mark.parametrize("url", [URL, None])
def test_a_login_that_was_not_needed_is_not_looked_at(url: str | None) -> None:
    assert identity_finding(CLOUD, url, slowest_s=None).state is State.NOT_LOOKED_AT


def test_a_login_that_is_refused_is_not_a_service_that_is_not_there() -> None:
    refused = AuthenticationError("log in", fault(FaultKind.UNAUTHENTICATED))
    away = ServiceError("log in", fault(FaultKind.UNREACHABLE))
    found = [login_failure(CLOUD, error) for error in (refused, away)]
    assert [(each.topic, each.exit_code) for each in found] == [
        (Topic.LOGIN, 77),
        (Topic.IDENTITY, 69),
    ]
    assert "auth_url" in found[1].advice
    away.hint = "do this"
    assert login_failure(CLOUD, away).advice == "do this"


@pytest.mark.parametrize(
    ("project", "region", "state"),
    [
        ("eu-de", "eu-de", State.OK),
        ("eu-de_sub", "eu-de", State.OK),
        ("eu-de", "eu-nl", State.WARNING),
        ("eu-de_sub", "eu-nl", State.WARNING),
        ("migration", "eu-nl", State.OK),
        ("eu-de", None, State.OK),
        (None, "eu-de", State.OK),
    ],
)
def test_a_project_that_is_named_like_another_region_is_worth_a_word(
    project: str | None, region: str | None, state: State
) -> None:
    cloud = replace(CLOUD, project=Project(name=project), region_name=region)
    assert project_finding(cloud, connection(), OTC).state is state
    assert project_finding(cloud, connection(), GENERIC).state is State.OK


@pytest.mark.parametrize(
    ("regions", "state"),
    [
        ((), State.OK),  # an access key comes without any catalogue
        (("eu-de", "eu-nl"), State.OK),
        (("*",), State.OK),
        (("eu-ch2", "eu-nl"), State.WARNING),
    ],
)
def test_a_region_that_the_catalogue_has_not_got_is_worth_a_word(
    regions: tuple[str, ...], state: State
) -> None:
    found = project_finding(CLOUD, replace(connection(), image_regions=regions), OTC)
    assert found.state is state
    assert ("to one of: eu-ch2, eu-nl" in found.advice) is (state is State.WARNING)


def test_an_address_says_who_gave_it_and_what_the_profile_is() -> None:
    cloud = replace(CLOUD, profile_overrides={"task_limit": "1", "job_call": "x"})
    found = endpoint_finding(cloud, connection(), OTC, slowest_s=0.2)
    assert "https://ims.example answers, from the token's catalogue" in found.seen
    assert "profile otc but for job_call, task_limit" in found.seen
    assert len({address_words(whence) for whence in Whence}) == len(Whence)


def test_where_the_object_storage_is_and_who_says_so() -> None:
    told = replace(CLOUD, obs_endpoint="https://obs.example")
    assert "obs_endpoint_override" in objects_address(told, OTC, "https://x")
    assert "https://obs.eu-de.otc" in objects_address(CLOUD, OTC, "https://x")
    listed = objects_address(CLOUD, GENERIC, "https://x")
    assert listed == "https://x, from the token's catalogue"
    assert objects_finding(listed).seen == f"{listed}; not asked"
    assert objects_address(CLOUD, GENERIC, None) == ""
    assert objects_finding("").state is State.NOT_LOOKED_AT


def test_proxies_are_told_by_the_service_they_lead_to() -> None:
    ways = [("identity service", ""), ("image service", "proxy.example:3128")]
    assert (
        proxy_finding(ways).seen == "proxy.example:3128 on the way to the image service"
    )
    assert proxy_finding(ways[:1]).seen == "none"


def test_settings_are_told_by_their_sources_and_not_by_their_values() -> None:
    environ = {"BATCH_REGISTER_SETTLE": "77s", "BATCH_REGISTER_SETLE": "1"}
    found = settings_finding(Settings.resolve({"cloud": "x"}, environ, None))
    assert found == Finding(
        topic=Topic.SETTINGS,
        state=State.WARNING,
        seen=(
            "cloud (flag --cloud), settle (environment BATCH_REGISTER_SETTLE); no "
            "setting reads BATCH_REGISTER_SETLE"
        ),
        advice="correct or unset it; `batch-register config` shows the names",
    )
    assert settings_finding(Settings.resolve({}, {}, None)).seen == "all as they come"
