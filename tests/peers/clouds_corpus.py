"""Some ninety descriptions of clouds, good and bad, for two readers to read.

Each is a clouds.yaml, some with a secure.yaml, a clouds-public.yaml or variables beside
it. A case says what is expected of our reader where it is not plain agreement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

Json = dict[str, Any]

PASSWORD = {
    "auth_url": "https://iam.eu-de.example/v3",
    "username": "batch",
    "password": "pass:word {x} %",
    "user_domain_name": "ACCOUNT",
    "project_name": "eu-de",
    "project_domain_name": "ACCOUNT",
}
BARE = {k: PASSWORD[k] for k in ("auth_url", "username", "password")}
NO_DOMAINS = {**BARE, "project_name": "eu-de"}
CREDENTIAL = {
    "auth_url": "https://iam.eu-de.example/v3",
    "application_credential_secret": "s",
}
TOKEN = {"auth_url": "https://iam.eu-de.example/v3", "token": "t", "project_id": "p"}
IMAGES = "https://ims.{region_name}.example"


@dataclass(frozen=True)
class Case:
    """One description; where all of the last three are empty, both readers agree."""

    name: str
    clouds: str
    secure: str = ""
    public: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""  # what our reader says of it, as a regular expression
    ours_alone: str = ""  # why only our reader can use it
    differs: Mapping[str, str] = field(default_factory=dict)  # field: why it does


def _text(entry: Mapping[str, Any]) -> str:
    return yaml.safe_dump({"clouds": {"x": entry}})


def _entry(*out: str, auth: Json | None = None, **keys: Any) -> Json:
    """Return the usual entry with other keys beside `auth`, or another `auth`."""
    entry = {"region_name": "eu-de", "auth": auth or PASSWORD, **keys}
    return {key: value for key, value in entry.items() if key not in out}


def _auth(*out: str, **keys: Any) -> Json:
    """Return the usual login with other keys, or without some."""
    return {k: v for k, v in {**PASSWORD, **keys}.items() if k not in out}


def _with(name: str, *out: str, auth: Json | None = None, **keys: Any) -> Case:
    return Case(name, _text(_entry(*out, auth=auth, **keys)))


def _refused(told: str, name: str, auth: Json | None = None, **keys: Any) -> Case:
    return Case(name, _text(_entry(auth=auth, **keys)), refused=told)


BARE_PROJECT = {"scope": "a project's name alone is no scope for Keystone"}
NOT_SCOPED = {"scope": "Keystone refuses a scope beside an application credential"}

LOGINS = [
    _with("password"),
    _with("password, told", auth_type="password"),
    _with("v3password", auth_type="v3password"),
    _with("user id", auth=_auth("username", "user_domain_name", user_id="u1")),
    _with("user id beside the name", auth=_auth(user_id="u1")),
    _with("project id", auth=_auth("project_name", project_id="p1")),
    _with("project id beside the name", auth=_auth(project_id="p1")),
    _with("tenant name", auth=_auth("project_name", tenant_name="eu-de")),
    _with("tenant id", auth=_auth("project_name", tenant_id="p1")),
    _with("sub-project", auth=_auth(project_name="eu-de_sub 1")),
    _with("project beside auth", auth=_auth("project_name"), project_name="outer"),
    _with("project in both places", project_name="outer"),
    _with("user beside auth", auth=_auth("username"), username="outer"),
    _with("user in both places", username="outer"),
    _with("password beside auth", auth=_auth("password"), password="pa}ss"),
    _with("auth_url beside auth", auth=_auth("auth_url"), auth_url="https://i.e/v3"),
    _with("dashes", auth={k.replace("_", "-"): v for k, v in PASSWORD.items()}),
    _with("blanks in the password", auth=_auth(password=" a b ")),
    _with("a number that is quoted", auth=_auth(password="0123")),
    _with(
        "auth_url of the region", auth=_auth(auth_url="https://i.{region_name}.e/v3")
    ),
    _with("auth_url without a version", auth=_auth(auth_url="https://i.example")),
    _with("auth_url with a last slash", auth=_auth(auth_url="https://i.example/v3/")),
    _with("auth_url with a port", auth=_auth(auth_url="https://i.example:443/v3")),
    _with(
        "credential by id",
        auth={**CREDENTIAL, "application_credential_id": "c"},
        auth_type="v3applicationcredential",
    ),
    _with(
        "credential by name",
        auth={
            **CREDENTIAL,
            "application_credential_name": "c",
            "username": "batch",
            "user_domain_id": "d",
        },
        auth_type="v3applicationcredential",
    ),
    Case(
        "credential with a project",
        _text(
            _entry(
                auth={
                    **CREDENTIAL,
                    "application_credential_id": "c",
                    "project_id": "p",
                },
                auth_type="v3applicationcredential",
            )
        ),
        differs=NOT_SCOPED,
    ),
    Case(
        "credential, not told",
        _text(_entry(auth={**CREDENTIAL, "application_credential_id": "c"})),
        ours_alone="the way in is plain from the keys; openstacksdk wants auth_type",
    ),
    _with("token", auth=TOKEN, auth_type="token"),
    _with("v3token", auth=TOKEN, auth_type="v3token"),
    _with(
        "token for a named project",
        auth={
            "auth_url": "https://iam.eu-de.example/v3",
            "token": "t",
            "project_name": "n",
            "project_domain_name": "d",
        },
        auth_type="v3token",
    ),
    _with(
        "token beside auth",
        auth={k: v for k, v in TOKEN.items() if k != "token"},
        auth_type="v3token",
        auth_token="t",
    ),
    Case(
        "access key",
        _text(_entry(auth={"ak": "AK", "sk": "SK"}, auth_type="aksk")),
        ours_alone="OpenStack knows no signatures",
    ),
    Case(
        "temporary access key",
        _text(_entry(auth={"ak": "AK", "sk": "SK", "security_token": "S"})),
        ours_alone="OpenStack knows no signatures",
    ),
]

TOTP = {**_auth("password"), "passcode": "123456"}
OIDC = {
    "auth_url": "https://iam.eu-de.example/v3",
    "identity_provider": "idp",
    "protocol": "openid",
    "client_id": "c",
    "client_secret": "s",
    "access_token_endpoint": "https://idp.example/token",
    "username": "batch",
    "password": "p",
    "project_name": "eu-de",
    "project_domain_name": "ACCOUNT",
}

PLUGINS = [
    _with("one-time passcode", auth=TOTP, auth_type="v3totp"),
    _with(
        "one-time passcode, domain for both",
        auth={
            "auth_url": "https://iam.eu-de.example/v3",
            "username": "batch",
            "passcode": "1",
            "project_name": "n",
            "domain_id": "d",
        },
        auth_type="v3totp",
    ),
    _with(
        "two factors",
        auth={**PASSWORD, "passcode": "123456"},
        auth_type="v3multifactor",
        auth_methods=["v3password", "v3totp"],
    ),
    _with(
        "two factors in one text",
        auth={**PASSWORD, "passcode": "123456"},
        auth_type="v3multifactor",
        auth_methods="v3password,v3totp",
    ),
    _with("OpenID Connect", auth=OIDC, auth_type="v3oidcpassword"),
    _with(
        "OpenID Connect, a secret outside",
        auth={k: v for k, v in OIDC.items() if k != "client_secret"},
        auth_type="v3oidcpassword",
        client_secret="s",
    ),
    _with("no login", auth={"endpoint": "https://i.example"}, auth_type="none"),
    _with(
        "HTTP basic",
        auth={"endpoint": "https://i.example", "username": "u", "password": "p"},
        auth_type="http_basic",
    ),
    _with(
        "token and endpoint",
        auth={"endpoint": "https://i.example", "token": "t"},
        auth_type="token_endpoint",
    ),
    _with(
        "trust, as keystoneauth1 has it",
        auth={
            **_auth("password", "project_name", "project_domain_name"),
            "passcode": "1",
            "trust_id": "t",
        },
        auth_type="v3totp",
    ),
    _refused(
        "'v3totp' cannot be used so: .*missing.*'passcode'",
        "no passcode",
        auth=_auth("password"),
        auth_type="v3totp",
    ),
    _refused(
        "does not know invented",
        "an option of no plugin",
        auth={**TOTP, "invented": "x"},
        auth_type="v3totp",
    ),
    _refused("needs a person", "a browser", auth=OIDC, auth_type="v3websso"),
]

DOMAINS = [
    _with(
        "domain ids",
        auth={**NO_DOMAINS, "user_domain_id": "u", "project_domain_id": "p"},
    ),
    _with("domain name for both", auth={**NO_DOMAINS, "domain_name": "D"}),
    _with("domain id for both", auth={**NO_DOMAINS, "domain_id": "d"}),
    _with("domain beside auth", auth=NO_DOMAINS, domain_name="D"),
    _with("domain ids beside auth", user_domain_id="u", project_domain_id="p"),
    _with(
        "domain below the user's", auth=_auth("project_domain_name", domain_name="D")
    ),
    _with("default domain id", auth={**NO_DOMAINS, "default_domain_id": "d"}),
    _with("default domain name", auth={**NO_DOMAINS, "default_domain_name": "D"}),
    _with("default domain beside the user's", auth=_auth(default_domain_id="d")),
    Case(
        "user's domain alone",
        _text(_entry(auth=_auth("project_domain_name"))),
        differs=BARE_PROJECT,
    ),
    _refused("user_domain_name is missing", "no domain", auth=NO_DOMAINS),
    Case(
        "default_domain",
        _text(_entry(auth=NO_DOMAINS, default_domain="default")),
        differs={
            "identity": "openstackclient reads default_domain, openstacksdk does not",
            "scope": "openstackclient reads default_domain, openstacksdk does not",
        },
    ),
]

PLACES = [
    _with("region list", "region_name", regions=["eu-nl", "eu-de"]),
    _with(
        "region list with settings",
        "region_name",
        regions=[
            {
                "name": "eu-nl",
                "values": {"interface": "internal", "auth": {"username": "nl"}},
            },
            "eu-de",
        ],
    ),
    _with("region list with a name alone", "region_name", regions=[{"name": "eu-nl"}]),
    _with("region twice, in agreement", regions=["eu-de", "eu-nl"]),
    _with("no region", "region_name"),
    _with("internal interface", interface="internal"),
    _with("admin interface", interface="admin"),
    _with("interface as URL", interface="publicURL"),
    _with("endpoint type", endpoint_type="internalURL"),
    _with("image interface", image_interface="internal", interface="public"),
    _with("image endpoint type", image_endpoint_type="admin"),
    _with("image endpoint", image_endpoint_override="https://ims.example/v2"),
    _with("image endpoint of the region", image_endpoint_override=IMAGES),
    _with("image endpoint without _override", image_endpoint="https://ims.example/v2"),
    _with(
        "image endpoint in both ways",
        image_endpoint="https://a.example",
        image_endpoint_override="https://b.example",
    ),
    _with("Keystone v3", identity_api_version="3"),
    _with("Glance v2", image_api_version="2"),
    _with("Keystone v3 as a number", identity_api_version=3),
    _with(
        "other services", compute_api_version="2", volume_endpoint_override="https://v"
    ),
]

TRUST = [
    _with("verify", verify=True),
    _with("no verify", verify=False),
    _with("insecure", insecure=True),
    _with("not insecure", insecure=False),
    _with("insecure beats verify", insecure=True, verify=True),
    _with("cacert", cacert="/etc/ca.pem"),
    _with("cacert below home", cacert="~/ca.pem"),
    _with("cacert, relative", cacert="certs/ca.pem"),
    _with("cacert of the region", cacert="/etc/{region_name}.pem"),
    _with("cacert without verification", cacert="/etc/ca.pem", verify=False),
    _with("client certificate", cert="/etc/c.pem", key="~/k.pem"),
    _with("client certificate in one file", cert="/etc/c.pem"),
    _with("key without a certificate", key="/etc/k.pem"),
    Case(
        "YAML's words for yes and no",
        _text(_entry()).rstrip() + "\n    verify: off\n    insecure: Yes\n",
    ),
    Case(
        "verify in quotes",
        _text(_entry()) + "    verify: 'false'\n",
        differs={"verify": "openstacksdk takes the text for the path of a CA file"},
    ),
]

PUBLIC = """\
public-clouds:
  blue:
    auth: {auth_url: 'https://iam.{region_name}.blue.example/v3', user_domain_name: BLUE}
    regions: [b-1, b-2]
    interface: internal
  plain: {region_name: p-1, auth: {auth_url: 'https://iam.plain.example/v3'}}
  otc: {region_name: own, auth: {auth_url: 'https://own.example/v3'}}
  nested: {profile: otc}
"""
PROFILED = _auth("auth_url", "user_domain_name")


def _profiled(name: str, profile: str, refused: str = "", **keys: Any) -> Case:
    entry = {"profile": profile, "auth": {**PROFILED, **keys.pop("auth", {})}, **keys}
    return Case(name, _text(entry), public=PUBLIC, refused=refused)


LAYERS = [
    _profiled("profile", "blue"),
    _profiled("profile, other region", "blue", region_name="b-9"),
    _profiled("profile, own regions", "blue", regions=["b-2", "b-1"]),
    _profiled("profile, own interface", "blue", interface="public"),
    _profiled("profile, own domain", "blue", auth={"user_domain_name": "OWN"}),
    _profiled("profile with one region", "plain", auth={"user_domain_name": "D"}),
    _profiled(
        "a file's profile before a shipped one", "otc", auth={"user_domain_id": "d"}
    ),
    Case("shipped profile", _text({"profile": "otc", "auth": _auth("auth_url")})),
    Case(
        "shipped profile, old key",
        _text({"cloud": "otc", "region_name": "eu-nl", "auth": _auth("auth_url")}),
    ),
    Case(
        "shipped profile of Switzerland",
        _text({"profile": "otc-swiss", "auth": _auth("auth_url")}),
        differs={"url": "openstacksdk's own profile lacks https://"},
    ),
    _profiled("unknown profile", "green", refused="there is no profile 'green'"),
    _profiled("nested profile", "nested", refused="profile 'nested' in .* builds on"),
    Case(
        "secure",
        _text(_entry(auth=_auth("password"))),
        secure=_text({"auth": {"password": "from secure"}}),
    ),
    Case(
        "secure wins",
        _text(_entry(interface="internal")),
        secure=_text({"auth": {"password": "from secure"}, "interface": "admin"}),
    ),
    Case("secure alone", "clouds: {}", secure=_text(_entry())),
    Case(
        "secure with a profile",
        _text({"profile": "blue", "auth": _auth("auth_url", "password")}),
        secure=_text({"auth": {"password": "from secure"}}),
        public=PUBLIC,
    ),
    Case(
        "anchors",
        "base: &b {auth_url: 'https://i.example/v3', user_domain_name: D}\n"
        "clouds: {x: {auth: {<<: *b, username: u, password: p, project_id: q}}}\n",
    ),
]

VARIABLES = {
    "OS_AUTH_URL": "https://iam.eu-de.example/v3",
    "OS_USERNAME": "batch",
    "OS_PASSWORD": "p {x}",
    "OS_USER_DOMAIN_NAME": "ACCOUNT",
    "OS_PROJECT_NAME": "eu-de",
    "OS_PROJECT_DOMAIN_NAME": "ACCOUNT",
    "OS_REGION_NAME": "eu-de",
}


def _variables(name: str, refused: str = "", **changed: str) -> Case:
    found = {**VARIABLES, **changed}
    environ = {name: value for name, value in found.items() if value}
    return Case(f"variables: {name}", "", environ=environ, refused=refused)


ENVIRONMENT = [
    _variables("password"),
    _variables("tenant", OS_PROJECT_NAME="", OS_TENANT_NAME="eu-de"),
    _variables("project id", OS_PROJECT_ID="p1"),
    _variables(
        "default domain",
        OS_USER_DOMAIN_NAME="",
        OS_PROJECT_DOMAIN_NAME="",
        OS_DEFAULT_DOMAIN_ID="default",
    ),
    _variables("trust", OS_CACERT="/etc/ca.pem", OS_CERT="/c.pem", OS_KEY="/k.pem"),
    _variables("insecure", OS_INSECURE="true"),
    _variables("not insecure", OS_INSECURE="False"),
    _variables("insecure by number", "OS_INSECURE is neither", OS_INSECURE="1"),
    _variables("interface", OS_INTERFACE="internal"),
    _variables("endpoint type", OS_ENDPOINT_TYPE="publicURL"),
    _variables("endpoint", OS_IMAGE_ENDPOINT_OVERRIDE="https://ims.example"),
    _variables(
        "Keystone v2", "OS_IDENTITY_API_VERSION is", OS_IDENTITY_API_VERSION="2"
    ),
    _variables("Keystone v3", OS_IDENTITY_API_VERSION="3"),
    _variables("profile", OS_PROFILE="otc", OS_AUTH_URL=""),
    Case(
        "variables: credential",
        "",
        environ={
            "OS_AUTH_TYPE": "v3applicationcredential",
            "OS_AUTH_URL": "https://iam.eu-de.example/v3",
            "OS_APPLICATION_CREDENTIAL_ID": "c",
            "OS_APPLICATION_CREDENTIAL_SECRET": "s",
        },
    ),
]

BAD = [
    _refused("is 2, not|is not 3", "Keystone v2", identity_api_version="2.0"),
    _refused("image_api_version is not 2", "Glance v1", image_api_version=1),
    _refused("auth_plugin cannot be honoured", "auth_plugin", auth_plugin="v3token"),
    _refused("auth_type is empty", "no auth_type", auth_type=""),
    _refused("auth_type 'v2password'", "v2password", auth_type="v2password"),
    _refused(
        "auth_type 'invented' is not known", "invented auth_type", auth_type="invented"
    ),
    _refused("is given twice", "two projects", auth=_auth(tenant_name="other")),
    _refused("is given twice", "two projects in two places", tenant_name="other"),
    _refused(
        "is given twice", "two interfaces", interface="public", endpoint_type="admin"
    ),
    _refused("auth.trust_id cannot", "trust", auth=_auth(trust_id="t")),
    _refused("auth.system_scope cannot", "system", auth=_auth(system_scope="all")),
    _refused("auth.invented is not known", "unknown key", auth=_auth(invented="a")),
    _refused("auth.project_name is missing", "no project", auth=_auth("project_name")),
    _refused("auth.auth_url is missing", "no auth_url", auth=_auth("auth_url")),
    _refused("auth.password is missing", "no password", auth=_auth("password")),
    _refused("auth.username is missing", "no user", auth=_auth("username")),
    _refused("region_name names several", "regions in a text", region_name="a,b"),
    _refused(
        "both region_name and regions", "region twice", regions=["eu-nl", "eu-de"]
    ),
    _refused(
        "another form", "regions with other keys", regions=[{"name": "a", "x": 1}]
    ),
    _refused("image_region_name cannot", "image region", image_region_name="eu-nl"),
    _refused("image_service_type cannot", "image type", image_service_type="ims"),
    _refused("image_service_name cannot", "image name", image_service_name="ims"),
    _refused("interface is not", "interface list", interface=["internal", "public"]),
    _refused("interface is not known", "unknown interface", interface="side"),
    _refused(
        "holds a name in braces",
        "braces",
        image_endpoint_override="https://{interface}",
    ),
    _refused("another user's home", "another home", cacert="~root/ca.pem"),
    _refused("neither true nor false", "verify by number", verify=1),
    _refused("neither true nor false", "verify by path", verify="/etc/ca.pem"),
    _refused("vendor_hook cannot", "hook", vendor_hook="otcextensions.sdk:load"),
    _refused(
        "not a plain address",
        "a login in auth_url",
        auth=_auth(auth_url="https://u:p@i/v3"),
    ),
    Case("no YAML", "clouds: [", refused="not valid YAML"),
    Case("no clouds", "cloud: {}", refused="holds no mapping `clouds`"),
    Case("another name", "clouds: {y: {}}", refused="there is no cloud 'x'"),
    Case(
        "YAML 1.1's numbers",
        _text(_entry(auth=_auth("password"))).replace(
            "project_name: eu-de", "project_name: eu-de\n      password: 0123"
        ),
        differs={"identity": "what is written is meant: 0123 is not the number 83"},
    ),
]

CASES = [*LOGINS, *PLUGINS, *DOMAINS, *PLACES, *TRUST, *LAYERS, *ENVIRONMENT, *BAD]
