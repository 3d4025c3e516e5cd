"""Every way of giving credentials, with the whole command against a cloud that checks."""

from __future__ import annotations

from typing import Any

import pytest

from batch_register.simulator import (
    AccessKey,
    Agency,
    ApplicationCredential,
    Project,
    UserAccount,
)
from tests.hostile.conftest import Stage
from tests.hostile.test_tokens import revoking

pytestmark = pytest.mark.integration

CREDENTIAL = ApplicationCredential(
    id="a" * 32, name="night", secret="made-up-credential-secret"
)
USER = UserAccount(application_credentials=(CREDENTIAL,))
PARTNER = UserAccount(
    name="partner",
    password="made-up-partner-password",
    id="c" * 32,
    domain_name="SIMULATED-PARTNER",
    domain_id="d" * 32,
)
CAREFUL = UserAccount(
    name="careful",
    password="made-up-careful-password",
    id="f" * 32,
    passcode="made-up-passcode",
)
TEMPORARY = AccessKey(
    access="AKTEMPORARY000000001",
    secret="made-up-temporary-secret",
    security_token="made-up-security-token",
)
AGENCY = Agency(name="migration")
SUB_PROJECT = "sim-region-1_wave 07"
PROJECT_ID = "b" * 32


@pytest.fixture
def options() -> dict[str, Any]:
    return {
        "users": (USER, PARTNER, CAREFUL),
        "access_keys": (AccessKey(), TEMPORARY),
        "agencies": (AGENCY,),
        "project_id": PROJECT_ID,
        "project_name": SUB_PROJECT,
        "other_projects": (Project(id="e" * 32, name="sim-region-1"),),
    }


OF_USER = {"user_domain_name": USER.domain_name, "password": USER.password}
NAMED = {"project_name": SUB_PROJECT}
WAYS: dict[str, dict[str, Any]] = {
    "names": {"username": USER.name, **OF_USER, **NAMED},
    "ids": {"user_id": USER.id, "password": USER.password, "project_id": PROJECT_ID},
    "credential by id": {
        "application_credential_id": CREDENTIAL.id,
        "application_credential_secret": CREDENTIAL.secret,
    },
    "credential by name": {
        "application_credential_name": CREDENTIAL.name,
        "application_credential_secret": CREDENTIAL.secret,
        "username": USER.name,
        "user_domain_id": USER.domain_id,
    },
    "access key, project by name": {
        "ak": AccessKey().access,
        "sk": AccessKey().secret,
        **NAMED,
    },
    "temporary access key": {
        "ak": TEMPORARY.access,
        "sk": TEMPORARY.secret,
        "security_token": TEMPORARY.security_token,
        "project_id": PROJECT_ID,
    },
    "agency": {
        "username": PARTNER.name,
        "password": PARTNER.password,
        "user_domain_name": PARTNER.domain_name,
        "agency_name": AGENCY.name,
        "agency_domain_name": AGENCY.domain_name,
        **NAMED,
    },
}


def use(stage: Stage, auth: dict[str, Any]) -> None:
    stage.entry["auth"] = {"auth_url": f"{stage.front.url}/v3", **auth}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_in_makes_every_image_once(stage: Stage, way: str) -> None:
    use(stage, WAYS[way])
    ended = stage.run()
    assert ended.code == 0, ended.err
    assert stage.made() == [1, 1, 1, 1]
    for secret in (USER, PARTNER, CREDENTIAL, TEMPORARY):
        for value in (
            getattr(secret, "password", None),
            getattr(secret, "secret", None),
            getattr(secret, "security_token", None),
        ):
            assert not value or value not in ended.out + ended.err


@pytest.mark.parametrize("exchanged", [True, False])
def test_a_token_makes_every_image_once(stage: Stage, exchanged: bool) -> None:
    async def issue() -> str:
        return stage.simulator.issue_token()

    token = {"token": stage.backstage.do(issue()), "project_id": PROJECT_ID}
    stage.entry["auth"] = {**token}
    if exchanged:
        use(stage, token)
    ended = stage.run()
    assert ended.code == 0, ended.err
    assert stage.made() == [1, 1, 1, 1]
    assert stage.front.counts["token"] == int(exchanged)


def test_the_official_sdks_variables_make_every_image_once(
    stage: Stage, quiet_environment: pytest.MonkeyPatch
) -> None:
    quiet_environment.delenv("OS_CLOUD")
    for name, value in {
        "AK": TEMPORARY.access,
        "SK": TEMPORARY.secret,
        "SECURITY_TOKEN": TEMPORARY.security_token or "",
        "PROJECT_ID": PROJECT_ID,
        "REGION_IMS_SIM_REGION_1": stage.front.url,
    }.items():
        quiet_environment.setenv(f"HUAWEICLOUD_SDK_{name}", value)
    ended = stage.run("--region", "sim-region-1")
    assert ended.code == 0, ended.err
    assert stage.made() == [1, 1, 1, 1]


def test_variables_alone_make_every_image_once(
    stage: Stage, quiet_environment: pytest.MonkeyPatch
) -> None:
    quiet_environment.delenv("OS_CLOUD")
    auth = {"auth_url": f"{stage.front.url}/v3", **WAYS["names"]}
    for name, value in auth.items():
        quiet_environment.setenv(f"OS_{name.upper()}", value)
    quiet_environment.setenv("OS_IMAGE_ENDPOINT_OVERRIDE", stage.front.url)
    ended = stage.run("--region", "sim-region-1")
    assert ended.code == 0, ended.err
    assert stage.made() == [1, 1, 1, 1]


TWO_FACTORS = {
    "username": CAREFUL.name,
    "user_domain_name": CAREFUL.domain_name,
    "password": CAREFUL.password,
    "passcode": CAREFUL.passcode,
    "project_domain_name": CAREFUL.domain_name,
    **NAMED,
}


@pytest.mark.peer
class TestThroughKeystoneauth:
    """The extra `openstack`: other kinds of login, the same life of tokens."""

    def use(self, stage: Stage, **changed: Any) -> None:
        use(stage, {**TWO_FACTORS, **changed})
        stage.entry["auth_type"] = "v3multifactor"
        stage.entry["auth_methods"] = ["v3password", "v3totp"]

    def test_two_factors_make_every_image_once(self, stage: Stage) -> None:
        self.use(stage)
        ended = stage.run()
        assert ended.code == 0, ended.err
        assert stage.made() == [1, 1, 1, 1]
        assert stage.front.counts["token"] == 1
        said = ended.out + ended.err
        assert "made-up-passcode" not in said
        assert "made-up-careful-password" not in said

    def test_a_wrong_passcode_is_refused_once(self, stage: Stage) -> None:
        self.use(stage, passcode="another-made-up-one")
        ended = stage.run()
        assert ended.code == 77, ended.err
        assert "auth_type v3multifactor, cloud hostile" in ended.err
        assert "another-made-up-one" not in ended.err
        assert stage.front.counts["token"] == 1

    def test_tokens_that_are_revoked_are_replaced(self, stage: Stage) -> None:
        self.use(stage)
        stage.trouble("create", revoking(stage), when=lambda call: call.number == 1)
        ended = stage.run()
        assert ended.code == 0, ended.err
        assert stage.front.counts["token"] == 2
        assert stage.made() == [1, 1, 1, 1]

    def test_a_password_alone_is_not_enough_there(self, stage: Stage) -> None:
        use(stage, {k: v for k, v in TWO_FACTORS.items() if k != "passcode"})
        assert stage.run().code == 77


def test_an_agency_that_is_not_ours_ends_the_run_and_is_named(stage: Stage) -> None:
    use(stage, {**WAYS["agency"], "agency_name": "other"})
    ended = stage.run()
    assert ended.code == 77, ended.err
    assert "agency 'other' of 'SIMULATED-ACCOUNT' for project" in ended.err
    assert stage.front.counts["token"] == 2
    assert stage.audit()["writes"] == 0


def test_a_temporary_key_without_its_token_says_what_is_missing(
    stage: Stage,
) -> None:
    way = {
        k: v for k, v in WAYS["temporary access key"].items() if k != "security_token"
    }
    use(stage, way)
    ended = stage.run()
    assert ended.code == 77, ended.err
    assert "security token is missing" in ended.explanation
    assert stage.audit()["writes"] == 0
