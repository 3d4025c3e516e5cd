"""What we make of an entry is what openstacksdk makes of it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st
from keystoneauth1.identity.v3 import Password
from openstack import config

from batch_register.identity.cloud import CredentialLogin, PasswordLogin, TokenLogin
from batch_register.identity.clouds import load_cloud
from batch_register.identity.files import Surroundings
from batch_register.identity.login import login_request

pytestmark = pytest.mark.peer


NAMES = st.text("abcdefgh-._XYZ", min_size=1, max_size=8).filter(
    # YAML 1.1 makes numbers and nulls of these, and openstacksdk keeps them.
    lambda text: isinstance(yaml.safe_load(f"[{text!r}]")[0], str)
)


def maybe(*keys: str) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(keys, NAMES))


def one_of(**keys: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.one_of(
        [st.fixed_dictionaries({key: value}) for key, value in keys.items()]
    )


def merged(*parts: st.SearchStrategy[dict[str, str]]) -> st.SearchStrategy:
    return st.tuples(*parts).map(
        lambda found: {k: v for d in found for k, v in d.items()}
    )


AUTH_URLS = st.sampled_from(
    ["https://iam.{region_name}.example:443/v3", "http://127.0.0.1:5000/v3"]
)
DOMAINS = one_of(
    user_domain_name=NAMES, user_domain_id=NAMES, domain_name=NAMES, domain_id=NAMES
)
PROJECTS = one_of(
    project_name=NAMES, project_id=NAMES, tenant_name=NAMES, tenant_id=NAMES
)
PASSWORDS = merged(
    st.fixed_dictionaries(
        {"auth_url": AUTH_URLS, "username": NAMES, "password": NAMES}
    ),
    DOMAINS,
    PROJECTS,
    st.just({}) | one_of(project_domain_name=NAMES, project_domain_id=NAMES),
)
OUTER = maybe("compute_api_version", "volume_api_version", "ims_profile")
TRUST = st.fixed_dictionaries(
    {},
    optional={
        "verify": st.booleans(),
        "insecure": st.booleans(),
        "cacert": st.just("/etc/ca.pem"),
        "cert": st.just("/etc/cert.pem"),
        "key": st.just("/etc/key.pem"),
        "interface": st.sampled_from(["public", "internal", "admin"]),
    },
)


def theirs(path: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = config.OpenStackConfig(
            config_files=[str(path)], secure_files=[], load_envvars=False
        ).get_one("x")
        return found, found.get_requests_verify_args()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(auth=PASSWORDS, outer=OUTER, trust=TRUST, outside=st.booleans())
def test_a_password_entry_means_the_same(auth, outer, trust, outside):
    inner = dict(auth)
    entry = {**outer, **trust, "region_name": "eu-de", "auth": inner}
    if outside:  # scope and domains may stand beside `auth` as well
        for key in [k for k in inner if k.startswith(("project_", "user_domain"))]:
            entry[key] = inner.pop(key)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clouds.yaml"
        path.write_text(yaml.safe_dump({"clouds": {"x": entry}}))
        cloud = load_cloud(
            Surroundings(environ={}, cwd=Path(folder), home=Path(folder)), name="x"
        )
        region, (verify, cert) = theirs(path)
    assert isinstance(cloud.auth, PasswordLogin)
    user, project = cloud.auth.user, cloud.project
    ours = {
        "auth_url": cloud.auth.auth_url,
        "username": user.name,
        "password": cloud.auth.password,
        "user_domain_id": user.domain.id,
        "user_domain_name": user.domain.name,
        "project_id": project.id,
        "project_name": project.name,
        "project_domain_id": project.domain.id,
        "project_domain_name": project.domain.name,
    }
    assert {k: v for k, v in ours.items() if v is not None} == region.config["auth"]
    assert cloud.region_name == region.region_name
    assert cloud.interface == region.config["interface"]
    assert (str(cloud.cacert) if cloud.verify and cloud.cacert else cloud.verify) == (
        verify
    )
    key = (str(cloud.cert), str(cloud.key)) if cloud.key else str(cloud.cert)
    assert (key if cloud.cert else None) == cert


@pytest.mark.parametrize(
    "entry",
    [
        {
            "auth": {
                "auth_url": "https://iam.example/v3",
                "username": "u",
                "password": "p",
                "user_domain_name": "d",
                "project_domain_id": "pd",
                "project_name": "n",
            }
        },
        {
            "auth_type": "v3password",
            "auth": {
                "auth_url": "https://iam.example/v3",
                "user_id": "u",
                "password": "p",
                "project_id": "n",
            },
        },
        {
            "auth_type": "v3applicationcredential",
            "auth": {
                "auth_url": "https://iam.example/v3",
                "application_credential_id": "c",
                "application_credential_secret": "s",
            },
        },
        {
            "auth_type": "v3applicationcredential",
            "auth": {
                "auth_url": "https://iam.example/v3",
                "application_credential_name": "c",
                "application_credential_secret": "s",
                "username": "u",
                "user_domain_id": "d",
            },
        },
        {
            "auth_type": "v3token",
            "auth": {
                "auth_url": "https://iam.example/v3",
                "token": "t",
                "project_name": "n",
                "project_domain_name": "d",
            },
        },
    ],
)
def test_a_login_is_worded_as_keystoneauth_words_it(tmp_path, entry):
    """The bodies of `POST /v3/auth/tokens` are compared, as sent."""
    path = tmp_path / "clouds.yaml"
    path.write_text(yaml.safe_dump({"clouds": {"x": entry}}))
    cloud = load_cloud(Surroundings(environ={}, cwd=tmp_path, home=tmp_path), name="x")
    assert isinstance(cloud.auth, PasswordLogin | CredentialLogin | TokenLogin)
    ours = login_request(cloud.auth, cloud.project, deadline_s=1.0)
    region, _ = theirs(path)
    sent: list[tuple[str, object]] = []

    class Session:
        def post(self, url, **options):
            sent.append((url, options["json"]))
            raise StopIteration

    plugin = region._auth
    if hasattr(plugin, "_do_create_plugin"):  # it would ask the server for its version
        plugin = Password(**region.config["auth"])
    with pytest.raises(StopIteration):
        plugin.get_auth_ref(Session())
    assert sent == [(ours.url, json.loads(ours.body))]
