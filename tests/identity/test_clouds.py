"""Which cloud is meant, from files and variables, and what its entry says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from batch_register.errors import SettingsError
from batch_register.identity.cloud import (
    Agency,
    Cloud,
    CredentialLogin,
    Domain,
    GivenToken,
    KeyPair,
    PasswordLogin,
    Project,
    TokenLogin,
    User,
)
from batch_register.identity.clouds import load_cloud
from batch_register.identity.files import Surroundings
from batch_register.identity.signing import AccessKeys

SECRET = "canary-secret"
USUAL_AUTH = {
    "auth_url": "https://iam.eu-de.example:443/v3",
    "username": "batch",
    "password": SECRET,
    "user_domain_name": "ACCOUNT",
    "project_name": "eu-de",
}
ACCOUNT = Domain(name="ACCOUNT")
PASSWORD_LOGIN = PasswordLogin(
    auth_url="https://iam.eu-de.example:443/v3",
    user=User(name="batch", domain=ACCOUNT),
    password=SECRET,
)


class Machine:
    """Folders and variables of a made-up machine."""

    def __init__(self, root: Path) -> None:
        self.cwd = root / "work"
        self.home = root / "home"
        self.config = self.home / ".config" / "openstack"
        self.environ: dict[str, str] = {}
        for folder in (self.cwd, self.config):
            folder.mkdir(parents=True)

    def write(self, path: Path, clouds: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({"clouds": clouds}))
        return path

    def load(self, name: str | None = None, region: str | None = None) -> Cloud:
        around = Surroundings(environ=self.environ, cwd=self.cwd, home=self.home)
        assert SECRET not in repr(around)
        return load_cloud(around, name=name, region=region)

    def entry(self, entry: object, region: str | None = None) -> Cloud:
        self.write(self.cwd / "clouds.yaml", {"x": entry})
        return self.load("x", region)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def changed(**changes: object) -> dict[str, object]:
    """The usual entry with other keys; `auth__x` goes below auth, None takes out."""
    auth: dict[str, object] = dict(USUAL_AUTH)
    entry: dict[str, object] = {"region_name": "eu-de", "auth": auth}
    for name, value in changes.items():
        place, key = (auth, name[6:]) if name.startswith("auth__") else (entry, name)
        place[key] = value
        if value is None:
            del place[key]
    return entry


def problem(machine: Machine, entry: object, region: str | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        machine.entry(entry, region)
    error = caught.value
    assert error.hint
    assert SECRET not in str(error) + error.hint + repr(error)
    prefix = f"cloud 'x' in {machine.cwd / 'clouds.yaml'}: "
    assert error.message.startswith(prefix)
    return error.message.removeprefix(prefix)


def test_overrides_of_the_profile_are_kept_as_they_were_read(machine):
    told = {"task_limit": "10", "disk_formats": ["raw"]}
    cloud = machine.entry(changed(ims_profile_overrides=told))
    assert cloud.profile_overrides == told


def test_overrides_that_are_no_mapping_are_refused(machine):
    told = problem(machine, changed(ims_profile_overrides="10"))
    assert told == "ims_profile_overrides is not a mapping"


def test_a_named_entry_says_all_there_is(machine):
    entry = changed(
        interface="internalURL",
        image_endpoint_override="https://ims.{region_name}.example/v2/",
        ims_endpoint_override="https://ims2.example",
        obs_endpoint_override="https://obs.example:8443",
        ims_profile="otc",
        cacert="~/ca.pem",
        cert="certs/me.pem",
        key="/etc/me.key",
        verify="true",
        compute_api_version="2",
        image_api_use_tasks="false",
    )
    cloud = machine.entry(entry)
    assert cloud == Cloud(
        name="x",
        source=f"cloud 'x' in {machine.cwd / 'clouds.yaml'}",
        auth=PASSWORD_LOGIN,
        project=Project(name="eu-de"),
        region_name="eu-de",
        interface="internal",
        image_endpoint="https://ims.eu-de.example/v2",
        ims_endpoint="https://ims2.example",
        obs_endpoint="https://obs.example:8443",
        ims_profile="otc",
        cacert=machine.home / "ca.pem",
        cert=machine.cwd / "certs/me.pem",
        key=Path("/etc/me.key"),
    )
    assert SECRET not in repr(cloud)


def test_the_flag_comes_before_os_cloud_and_that_before_the_other_variables(machine):
    machine.write(machine.cwd / "clouds.yaml", {"a": changed(), "b": changed()})
    machine.environ = {
        "OS_CLOUD": "a",
        "OS_AUTH_URL": "https://env.example",
        "HUAWEICLOUD_SDK_AK": "AK",
    }
    assert machine.load("b").name == "b"
    assert machine.load().name == "a"


def test_the_nearest_file_is_taken_and_only_that(machine):
    far = machine.write(machine.config / "clouds.yaml", {"x": changed(), "y": {}})
    assert machine.load("x").source == f"cloud 'x' in {far}"
    near = machine.write(machine.cwd / "clouds.yml", {"x": changed()})
    assert machine.load("x").source == f"cloud 'x' in {near}"
    with pytest.raises(SettingsError, match="no cloud 'y'"):
        machine.load("y")


def test_xdg_config_home_and_the_override_variable_are_looked_at(machine, tmp_path):
    xdg = machine.write(tmp_path / "xdg/openstack/clouds.json", {"x": changed()})
    machine.environ["XDG_CONFIG_HOME"] = str(tmp_path / "xdg")
    assert machine.load("x").source == f"cloud 'x' in {xdg}"
    own = machine.write(machine.cwd / "my.yaml", {"x": changed()})
    machine.environ["OS_CLIENT_CONFIG_FILE"] = "my.yaml"
    assert machine.load("x").source == f"cloud 'x' in {own}"


def test_the_machines_shared_folders_come_after_ones_own(machine, tmp_path):
    shared = machine.write(tmp_path / "b/openstack/clouds.yaml", {"x": changed()})
    machine.environ["XDG_CONFIG_DIRS"] = f"{tmp_path}/a:{tmp_path}/b"
    assert machine.load("x").source == f"cloud 'x' in {shared}"
    own = machine.write(machine.config / "clouds.yaml", {"x": changed()})
    assert machine.load("x").source == f"cloud 'x' in {own}"


def test_an_override_variable_that_names_no_file_is_an_error(machine):
    machine.write(machine.cwd / "clouds.yaml", {"x": changed()})
    machine.environ["OS_CLIENT_CONFIG_FILE"] = "gone.yaml"
    with pytest.raises(SettingsError, match=r"OS_CLIENT_CONFIG_FILE .*gone\.yaml"):
        machine.load("x")


def test_secure_yaml_adds_the_password(machine):
    public = machine.write(
        machine.cwd / "clouds.yaml", {"x": changed(auth__password=None)}
    )
    secure = machine.write(
        machine.config / "secure.yaml", {"x": {"auth": {"password": SECRET}}}
    )
    cloud = machine.load("x")
    assert cloud.auth == PASSWORD_LOGIN
    assert cloud.source == f"cloud 'x' in {public} and {secure}"


def test_a_profile_of_the_nearest_file_lies_below_the_entry(machine):
    """What the entry says wins, and what its region says wins over that."""
    public = machine.config / "clouds-public.yaml"
    profile = {
        "auth": {"auth_url": "https://iam.{region_name}.blue.example", "username": "p"},
        "regions": [{"name": "b-1", "values": {"interface": "admin"}}, "b-2"],
        "interface": "internal",
    }
    public.write_text(yaml.safe_dump({"public-clouds": {"blue": profile}}))
    entry = changed(profile="blue", auth__auth_url=None, region_name=None)
    cloud = machine.entry(entry)
    assert isinstance(cloud.auth, PasswordLogin)
    assert cloud.auth.auth_url == "https://iam.b-1.blue.example"
    assert cloud.auth.user == PASSWORD_LOGIN.user
    assert (cloud.region_name, cloud.interface) == ("b-1", "admin")
    assert machine.entry(entry, "b-2").interface == "internal"
    assert "blue" in hint_of(machine, changed(profile="green"))


def hint_of(machine: Machine, entry: object) -> str:
    with pytest.raises(SettingsError) as caught:
        machine.entry(entry)
    return caught.value.hint


def test_an_entry_may_stand_in_secure_yaml_alone(machine):
    machine.environ["OS_CLIENT_SECURE_FILE"] = str(machine.cwd / "mine.yaml")
    machine.write(machine.cwd / "mine.yaml", {"x": changed()})
    assert machine.load("x").auth == PASSWORD_LOGIN


def test_an_unknown_name_lists_the_known_ones(machine):
    machine.write(machine.cwd / "clouds.yaml", {"b": {}, "a": {}})
    with pytest.raises(SettingsError) as caught:
        machine.load("c")
    assert caught.value.hint == "name one of these: a, b"


def test_a_near_miss_of_a_name_names_what_was_meant(machine):
    machine.write(machine.cwd / "clouds.yaml", {"otc-prod": {}, "otc-test": {}})
    with pytest.raises(SettingsError) as caught:
        machine.load("otc-prdo")
    assert caught.value.hint == (
        "did you mean 'otc-prod'? name one of these: otc-prod, otc-test"
    )


def test_a_name_without_any_file_says_so(machine):
    with pytest.raises(SettingsError, match="no cloud 'c' in any") as caught:
        machine.load("c")
    assert caught.value.hint == "describe it in clouds.yaml"


def test_nothing_at_all_names_every_way(machine):
    with pytest.raises(SettingsError) as caught:
        machine.load()
    assert caught.value.exit_code == 2
    assert caught.value.hint == "write a clouds.yaml"
    machine.write(machine.cwd / "clouds.yaml", {"a": {}})
    with pytest.raises(SettingsError) as caught:
        machine.load()
    assert caught.value.hint == "name one with --cloud: a"


def test_variables_alone_describe_a_cloud(machine):
    machine.environ = {
        "OS_AUTH_URL": "https://iam.eu-de.example:443/v3",
        "OS_USERNAME": "batch",
        "OS_PASSWORD": SECRET,
        "OS_USER_DOMAIN_NAME": "ACCOUNT",
        "OS_TENANT_NAME": "eu-de",
        "OS_PROJECT_ID": "",
        "OS_REGION_NAME": "eu-de",
        "OS_IDENTITY_API_VERSION": "3",
        "OS_ENDPOINT_TYPE": "publicURL",
        "OS_CACERT": "ca.pem",
        "OS_INSECURE": "true",
        "HUAWEICLOUD_SDK_AK": "AK",
    }
    assert machine.load(region="eu-nl") == Cloud(
        name="environment",
        source="environment",
        auth=PASSWORD_LOGIN,
        project=Project(name="eu-de"),
        region_name="eu-nl",
        cacert=machine.cwd / "ca.pem",
        verify=False,
    )


def test_a_missing_variable_is_named(machine):
    machine.environ = {"OS_AUTH_URL": "https://iam.example", "OS_USERNAME": "batch"}
    with pytest.raises(SettingsError, match="environment: OS_USER_DOMAIN_NAME is miss"):
        machine.load()


def test_a_token_without_an_auth_url_is_used_as_it_is(machine):
    machine.environ = {"OS_TOKEN": f" {SECRET}\n", "OS_PROJECT_ID": "p1"}
    cloud = machine.load()
    assert cloud.auth == GivenToken(token=SECRET)
    assert cloud.project == Project(id="p1")
    assert SECRET not in repr(cloud)


def test_huaweis_variables_describe_a_cloud(machine):
    machine.environ = {
        "HUAWEICLOUD_SDK_AK": "AK",
        "HUAWEICLOUD_SDK_SK": SECRET,
        "HUAWEICLOUD_SDK_PROJECT_ID": "p1",
        "HUAWEICLOUD_SDK_SECURITY_TOKEN": "canary-token",
    }
    cloud = machine.load(region="cn-north-4")
    keys = AccessKeys(access_key="AK", secret_key=SECRET, security_token="canary-token")
    assert cloud == Cloud(
        name="environment",
        source="environment",
        auth=KeyPair(keys=keys),
        project=Project(id="p1"),
        region_name="cn-north-4",
        ims_profile="huawei",
    )
    assert "canary" not in repr(cloud)


def test_the_official_sdks_addresses_are_heeded(machine):
    machine.environ = {
        "HUAWEICLOUD_SDK_AK": "AK",
        "HUAWEICLOUD_SDK_SK": SECRET,
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": "https://iam.example",
        "HUAWEICLOUD_SDK_REGION_IMS_CN_NORTH_4": "https://a.example,https://b.example",
        "OS_REGION_NAME": "cn-north-4",
        "OS_CACERT": "/etc/ca.pem",
        "OS_PROJECT_NAME": "another cloud's",
    }
    cloud = machine.load()
    keys = AccessKeys(access_key="AK", secret_key=SECRET)
    assert cloud == Cloud(
        name="environment",
        source="environment",
        auth=KeyPair(keys=keys, auth_url="https://iam.example"),
        region_name="cn-north-4",
        image_endpoint="https://a.example",
        cacert=Path("/etc/ca.pem"),
    )
    other = machine.load(region="cn-north-1")
    assert (other.image_endpoint, other.ims_profile) == (None, "huawei")


@pytest.mark.parametrize(
    ("there", "missing"),
    [("AK", "HUAWEICLOUD_SDK_SK"), ("SK", "HUAWEICLOUD_SDK_AK")],
)
def test_half_an_access_key_names_the_other_half(machine, there, missing):
    machine.environ = {f"HUAWEICLOUD_SDK_{there}": SECRET}
    with pytest.raises(SettingsError, match=f"{missing} is missing"):
        machine.load()


@pytest.mark.parametrize("name", ["IDP_ID", "ID_TOKEN_FILE", "CREDENTIALS_FILE"])
def test_the_official_sdks_other_ways_in_are_named(machine, name):
    variable = f"HUAWEICLOUD_SDK_{name}"
    machine.environ = {variable: SECRET}
    with pytest.raises(SettingsError, match=f"{variable} cannot be") as caught:
        machine.load()
    assert SECRET not in str(caught.value)
    machine.environ |= {"HUAWEICLOUD_SDK_AK": "AK", "HUAWEICLOUD_SDK_SK": "SK"}
    assert machine.load().name == "environment"


AUTH_URL = "https://iam.example"


@pytest.mark.parametrize(
    ("entry", "auth"),
    [
        (
            {
                "auth_type": "v3applicationcredential",
                "auth": {
                    "auth_url": AUTH_URL,
                    "application_credential_id": "c1",
                    "application_credential_secret": SECRET,
                },
            },
            CredentialLogin(auth_url=AUTH_URL, secret=SECRET, credential_id="c1"),
        ),
        (
            {
                "auth": {
                    "auth_url": AUTH_URL,
                    "application_credential_name": "night",
                    "application_credential_secret": SECRET,
                    "user_id": "u1",
                },
            },
            CredentialLogin(
                auth_url=AUTH_URL,
                secret=SECRET,
                credential_name="night",
                user=User(id="u1"),
            ),
        ),
        (
            {"auth": {"auth_url": AUTH_URL, "token": SECRET, "project_id": "p"}},
            TokenLogin(auth_url=AUTH_URL, token=SECRET),
        ),
        (
            {"auth_type": "v3token", "auth": {"auth_token": SECRET}},
            GivenToken(token=SECRET),
        ),
        (
            {"auth_type": "aksk", "auth": {"ak": "AK", "sk": SECRET}},
            KeyPair(keys=AccessKeys(access_key="AK", secret_key=SECRET)),
        ),
        (
            {"ak": "AK", "sk": SECRET, "auth": {"auth_url": AUTH_URL}},
            KeyPair(
                keys=AccessKeys(access_key="AK", secret_key=SECRET), auth_url=AUTH_URL
            ),
        ),
        (changed(ak="AK", sk="SK"), PASSWORD_LOGIN),
        (changed(auth_type="password", auth__token="t"), PASSWORD_LOGIN),
    ],
)
def test_the_way_of_logging_in_is_told_or_plain_from_what_is_there(
    machine, entry, auth
):
    cloud = machine.entry(entry)
    assert cloud.auth == auth
    assert SECRET not in repr(cloud)


@pytest.mark.parametrize(
    ("changes", "user_domain", "project_domain"),
    [
        ({"auth__domain_name": "D"}, Domain(name="ACCOUNT"), Domain(name="D")),
        (
            {"auth__user_domain_name": None, "auth__domain_name": "D"},
            Domain(name="D"),
            Domain(name="D"),
        ),
        (
            {"auth__user_domain_name": None, "auth__default_domain_id": "d"},
            Domain(id="d"),
            Domain(id="d"),
        ),
        (
            {"auth__project_domain_id": "pd", "user_domain_name": "OUTER"},
            Domain(name="OUTER"),
            Domain(id="pd"),
        ),
    ],
)
def test_a_domain_may_be_told_once_for_both(
    machine, changes, user_domain, project_domain
):
    cloud = machine.entry(changed(**changes))
    assert isinstance(cloud.auth, PasswordLogin)
    assert cloud.auth.user.domain == user_domain
    assert cloud.project == Project(name="eu-de", domain=project_domain)


def test_an_agency_is_another_accounts(machine):
    cloud = machine.entry(
        changed(auth__agency_name="migration", auth__agency_domain_id="d1")
    )
    assert cloud.agency == Agency(name="migration", domain=Domain(id="d1"))
    assert cloud.auth == PASSWORD_LOGIN


KEYS_FOR_AN_AGENCY = {
    "auth_type": "aksk",
    "auth": {"ak": "AK", "sk": SECRET, "agency_name": "a", "agency_domain_id": "d"},
}


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (KEYS_FOR_AN_AGENCY, "auth.agency_name needs another login"),
        (changed(auth__agency_name="a"), "auth.agency_domain_name is missing"),
        (changed(auth__agency_domain_id="d"), "auth.agency_name is missing"),
        (changed(profile="blue"), "there is no profile 'blue'"),
        (changed(cloud="blue"), "there is no profile 'blue'"),
        (changed(image_region_name="a"), "image_region_name cannot be honoured"),
        (changed(auth_methods=["a"]), "auth_methods cannot be honoured"),
        (changed(auth__trust_id=SECRET), "auth.trust_id cannot be honoured"),
        (changed(auth__system_scope="all"), "auth.system_scope cannot be honoured"),
        (changed(auth__invented=SECRET), "auth.invented is not known here"),
        (changed(auth_type="v2password"), "auth_type 'v2password' is Keystone v2's"),
        (changed(auth_type="v3websso"), "auth_type 'v3websso' needs a person at a br"),
        (changed(auth_type=""), "auth_type is empty"),
        (changed(auth=SECRET), "auth is not a mapping"),
        (changed(auth=None), "auth.user_domain_name is missing"),
        (changed(auth__password=None), "auth.password is missing"),
        (changed(auth__password=[SECRET]), "auth.password is not a text"),
        (changed(auth__username=None), "auth.username is missing"),
        (changed(auth__user_domain_name=None), "auth.user_domain_name is missing"),
        (changed(auth__project_name=None), "auth.project_name is missing"),
        (changed(auth__auth_url=None), "auth.auth_url is missing"),
        (changed(auth__auth_url="iam.example"), "auth.auth_url is not a plain addr"),
        (
            changed(auth__auth_url=f"https://u:{SECRET}@iam.example"),
            "auth.auth_url is not a plain address",
        ),
        (changed(auth__auth_url="https://h:x/"), "auth.auth_url is not a plain addr"),
        (
            changed(obs_endpoint_override="https://h?x=1"),
            "obs_endpoint_override is not a plain address",
        ),
        (
            changed(region_name=None, auth__auth_url="https://iam.{region_name}.e"),
            "region_name is missing",
        ),
        (changed(verify="perhaps"), "verify is neither true nor false"),
        (changed(interface="side"), "interface is not known"),
        (changed(region_name="a,b"), "region_name names several regions"),
        (changed(regions=[{"a": "b"}]), "regions holds an entry of another form"),
        (changed(regions=[["a"]]), "regions holds an entry of another form"),
        (changed(regions="a"), "regions is not a list"),
    ],
)
def test_what_is_wrong_is_named_without_its_value(machine, entry, told):
    if "auth" not in entry:
        entry = {**entry, "username": "batch"}
    assert problem(machine, entry).startswith(told)


def test_a_region_comes_from_the_flag_the_entry_or_the_first_of_the_list(machine):
    both = changed(region_name="b", regions=["a", "b"])
    only_list = changed(region_name=None, regions=["a", "b"])
    assert machine.entry(both, "a").region_name == "a"
    assert problem(machine, both) == "both region_name and regions are given"
    assert (
        machine.entry(changed(region_name="a", regions=["a", "b"])).region_name == "a"
    )
    assert machine.entry(only_list).region_name == "a"
    assert machine.entry(changed(region_name=None)).region_name is None
    assert problem(machine, both, "c") == "regions has no 'c'"


def test_blanks_are_part_of_a_password_and_of_nothing_else(machine):
    entry = changed(auth__password=f" {SECRET} ", auth__username=" batch\n")
    assert machine.entry(entry).auth == PasswordLogin(
        auth_url=PASSWORD_LOGIN.auth_url,
        user=PASSWORD_LOGIN.user,
        password=f" {SECRET} ",
    )


def test_verification_is_off_where_either_key_says_so(machine):
    assert machine.entry(changed(verify="no")).verify is False
    assert machine.entry(changed(insecure="True")).verify is False
    assert machine.entry(changed(insecure="false")).verify is True


def test_scalars_are_taken_as_they_are_written(machine):
    """YAML 1.1 would make the number 83, a date and a truth of these."""
    (machine.cwd / "clouds.yaml").write_text(
        "base: &base {auth_url: https://iam.example, project_id: 0123}\n"
        "clouds:\n  x:\n    auth:\n      <<: *base\n      username: 2024-01-01\n"
        "      password: yes\n      user_domain_name: 1_000\n    cacert: ~\n"
    )
    cloud = machine.load("x")
    assert cloud.auth == PasswordLogin(
        auth_url="https://iam.example",
        user=User(name="2024-01-01", domain=Domain(name="1_000")),
        password="yes",
    )
    assert cloud.project.id == "0123"
    assert cloud.cacert is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"clouds:\n  x: [{SECRET}\n", "line 3: not valid YAML"),
        (f"clouds:\n  x: !!python/name:os.{SECRET}\n", "line 2: not valid YAML"),
        ("clouds: \x00", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
        (SECRET, "holds no mapping `clouds`"),
        (f"cloud: {SECRET}", "holds no mapping `clouds`"),
        ("clouds: {x: text}", "is not a mapping"),
        ("#" * (2**20 + 1), "is larger than"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_line(machine, text, told):
    path = machine.cwd / "clouds.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        machine.load("x")
    assert str(path) in caught.value.message
    assert told in caught.value.message
    assert SECRET not in caught.value.message + caught.value.hint


def test_a_folder_of_that_name_is_passed_over(machine):
    (machine.cwd / "clouds.yaml").mkdir()
    far = machine.write(machine.config / "clouds.yaml", {"x": changed()})
    assert machine.load("x").source == f"cloud 'x' in {far}"


def test_a_file_that_cannot_be_read_is_named(machine):
    """A process's memory is a file whose start cannot be read, not even by root."""
    unreadable = Path("/proc/self/mem")
    if not unreadable.is_file():
        pytest.skip("no /proc here")
    machine.environ["OS_CLIENT_CONFIG_FILE"] = str(unreadable)
    with pytest.raises(SettingsError, match="/proc/self/mem cannot be read: "):
        machine.load("x")
