"""From the keys of one cloud entry to a checked `Cloud`; no I/O.

Decides: what each key means and which are needed. Must not know: files, the
environment. Source: openstacksdk, "Configuring OpenStack SDK Applications".
"""

from __future__ import annotations

from batch_register.identity.cloud import (
    Agency,
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
from batch_register.identity.entry_keys import EntryKeys, Origin
from batch_register.identity.layers import Entry, layered
from batch_register.identity.signing import AccessKeys

_NO_PROFILE: Entry = {}

_KINDS = {
    "password": "password",
    "v3password": "password",
    "token": "token",
    "v3token": "token",
    "v3applicationcredential": "application_credential",
    "application_credential": "application_credential",
    "aksk": "aksk",
}
_UNFIT = {
    "v2password": "is Keystone v2's",
    "v2token": "is Keystone v2's",
    "v3websso": "needs a person at a browser",
    "v3oidcdeviceauthz": "needs a person at a browser",
}
_UNFIT_HINT = "use a password, an application credential, a token or aksk"


def cloud_from_entry(
    entry: Entry,
    origin: Origin,
    *,
    region: str | None = None,
    profile: Entry = _NO_PROFILE,
) -> Cloud:
    """Return the cloud that an entry describes; `region` wins over its own.

    `profile` is the vendor's, which the entry builds on.

    Raises:
        SettingsError: a key is missing, malformed, or one that we cannot honour.
    """
    layers = layered(entry, profile, wanted=region, source=origin.source)
    keys = EntryKeys(layers.entry, origin, region_name=layers.region_name)
    _check_versions(keys)
    auth = _auth(keys)
    project = _project(keys)
    if isinstance(auth, PasswordLogin | TokenLogin) and not project.is_known:
        keys.lacks("project_name", "a login without a project cannot use images")
    agency = _agency(keys, auth)
    return Cloud(
        name=origin.name,
        source=origin.source,
        auth=auth,
        project=project,
        agency=agency,
        region_name=keys.text("region_name"),
        interface=_interface(keys),
        image_endpoint=keys.url("image_endpoint_override")
        or keys.url("image_endpoint"),
        ims_endpoint=keys.url("ims_endpoint_override"),
        obs_endpoint=keys.url("obs_endpoint_override"),
        ims_profile=keys.text("ims_profile"),
        profile_overrides=keys.mapping("ims_profile_overrides"),
        verify=keys.switch("verify", default=True)
        and not keys.switch("insecure", default=False),
        cacert=keys.path("cacert"),
        cert=keys.path("cert"),
        key=keys.path("key"),
    )


def _check_versions(keys: EntryKeys) -> None:
    for key, version in (("identity_api_version", "3"), ("image_api_version", "2")):
        told = keys.text(key) or version
        if told.removeprefix("v").partition(".")[0] != version:
            keys.refuse(key, f"is not {version}", "no other version is spoken")


def _auth(keys: EntryKeys) -> Auth:
    told = keys.text("auth_type")
    kind = _guessed(keys) if told is None else _KINDS.get(told)
    if told is not None and kind is None:
        return _plugin(keys, told)
    keys.check_own_login()
    match kind:
        case "aksk":
            return _key_pair(keys)
        case "token":
            return _token(keys)
        case "application_credential":
            return _credential(keys)
        case _:
            user = _user(keys, "a password belongs to a user")
            return PasswordLogin(
                auth_url=_auth_url(keys),
                user=user,
                password=keys.need("password", "there is nothing to log in with"),
            )


def _guessed(keys: EntryKeys) -> str:
    """Return the kind of login that the keys are for."""
    if keys.has("password"):
        return "password"
    if keys.has("application_credential_id", "application_credential_secret"):
        return "application_credential"
    if keys.has("token"):
        return "token"
    return "aksk" if keys.has("ak", "sk") else "password"


def _token(keys: EntryKeys) -> GivenToken | TokenLogin:
    token = keys.need("token", "that is what auth_type: token logs in with")
    auth_url = keys.url("auth_url")
    if auth_url is None:
        return GivenToken(token=token)
    return TokenLogin(auth_url=auth_url, token=token)


def _plugin(keys: EntryKeys, auth_type: str) -> PluginLogin:
    """Return a login for keystoneauth1, its domains as for our own."""
    if auth_type in _UNFIT:
        keys.refuse("auth_type", f"{auth_type!r} {_UNFIT[auth_type]}", _UNFIT_HINT)
    values = keys.single_values()
    if auth_url := keys.url("auth_url"):
        values["auth_url"] = auth_url
    if keys.has("project_id", "project_name"):
        for part in ("id", "name"):
            if told := values.pop(f"domain_{part}", None):
                values.setdefault(f"user_domain_{part}", told)
                values.setdefault(f"project_domain_{part}", told)
    return PluginLogin(
        auth_type=auth_type,
        values=values,
        given=keys.inner_names - {"domain_id", "domain_name"},
        methods=keys.several("auth_methods"),
    )


def _auth_url(keys: EntryKeys) -> str:
    return keys.url("auth_url") or keys.lacks("auth_url", "where to log in")


def _key_pair(keys: EntryKeys) -> KeyPair:
    access = AccessKeys(
        access_key=keys.need("ak", "an access key has two parts"),
        secret_key=keys.need("sk", "an access key has two parts"),
        security_token=keys.text("security_token"),
    )
    return KeyPair(keys=access, auth_url=keys.url("auth_url"))


def _credential(keys: EntryKeys) -> CredentialLogin:
    secret = keys.need("application_credential_secret", "nothing to log in with")
    credential_id = keys.text("application_credential_id")
    if credential_id is not None:
        return CredentialLogin(
            auth_url=_auth_url(keys), secret=secret, credential_id=credential_id
        )
    name = keys.need("application_credential_name", "no id was given either")
    return CredentialLogin(
        auth_url=_auth_url(keys),
        secret=secret,
        credential_name=name,
        user=_user(keys, "the credential is named, so its user must be"),
    )


def _user(keys: EntryKeys, why: str) -> User:
    user_id = keys.text("user_id")
    if user_id is not None:
        return User(id=user_id)
    name = keys.need("username", why)
    domain = _domain(keys, "user_domain", "domain", "default_domain")
    if not domain.is_known:
        keys.lacks("user_domain_name", "a user's name means nothing without a domain")
    return User(name=name, domain=domain)


def _project(keys: EntryKeys) -> Project:
    project_id = keys.text("project_id")
    domain = _domain(keys, "project_domain", "domain", "default_domain")
    return Project(id=project_id, name=keys.text("project_name"), domain=domain)


def _agency(keys: EntryKeys, auth: Auth) -> Agency | None:
    name = keys.text("agency_name")
    if name is None:
        if keys.has("agency_domain_name", "agency_domain_id"):
            keys.lacks("agency_name", "an account has many agencies")
        return None
    if not isinstance(auth, PasswordLogin | TokenLogin):
        hint = "log in with a password, or with a token and auth_url"
        keys.refuse("agency_name", "needs another login", hint)
    domain = _domain(keys, "agency_domain")
    if not domain.is_known:
        keys.lacks("agency_domain_name", "the account whose agency it is")
    return Agency(name=name, domain=domain)


def _domain(keys: EntryKeys, *kinds: str) -> Domain:
    """Return the first id and the first name told; where both are, the id is used."""
    ids = (keys.text(f"{kind}_id") for kind in kinds)
    names = (keys.text(f"{kind}_name") for kind in kinds)
    return Domain(
        id=next(filter(None, ids), None), name=next(filter(None, names), None)
    )


def _interface(keys: EntryKeys) -> str:
    told = keys.text("image_interface") or keys.text("interface") or "public"
    interface = told.removesuffix("URL")
    if interface not in ("public", "internal", "admin"):
        keys.refuse("interface", "is not known", "use public, internal or admin")
    return interface
