"""The request that logs in: `POST {auth_url}/auth/tokens`.

Decides: its address and body for each way of logging in, and how a person would name
who logs in. Must not know: what the answer is. Source: OpenStack Identity API v3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never
from urllib.parse import urlsplit

from batch_register.identity.cloud import (
    Agency,
    Auth,
    CredentialLogin,
    Domain,
    GivenToken,
    KeyPair,
    Login,
    PasswordLogin,
    PluginLogin,
    Project,
    TokenLogin,
    User,
)
from batch_register.transport import Request

Json = dict[str, object]

_SECRET_NAME = re.compile("(password|secret|token|passcode|code|otp_key|sk)$")


def login_request(
    login: Login, project: Project, *, deadline_s: float, for_agency: bool = False
) -> Request:
    """Return the request for a token of the project.

    `for_agency`: the token is only to be exchanged for an agency's, so it is one of the
    user's account.
    """
    auth: Json = {"identity": _identity(login)}
    scope = _account(login) if for_agency else _scope(login, project)
    if scope:
        auth["scope"] = scope
    request = _token_request(login.auth_url, auth, deadline_s=deadline_s)
    return replace(request, secrets=(secret(login),))


def agency_request(
    agency: Agency, project: Project, *, auth_url: str, token: str, deadline_s: float
) -> Request:
    """Return the request for an agency's token of the project.

    Source: IAM API reference, "Obtaining an Agency Token".
    """
    domain = agency.domain
    account = {"domain_id": domain.id} if domain.id else {"domain_name": domain.name}
    role = {**account, "agency_name": agency.name}
    auth: Json = {
        "identity": {"methods": ["assume_role"], "assume_role": role},
        "scope": {"project": _project(project, domain)},
    }
    request = _token_request(auth_url, auth, deadline_s=deadline_s)
    return replace(request, headers={**request.headers, "X-Auth-Token": token})


def _token_request(auth_url: str, auth: Json, *, deadline_s: float) -> Request:
    return Request(
        operation="log in",
        method="POST",
        url=f"{identity_root(auth_url)}/auth/tokens",
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        body=json.dumps({"auth": auth}).encode(),
        deadline_s=deadline_s,
    )


def identity_root(auth_url: str) -> str:
    """Return the address up to and with `/v3`, whichever way it was written."""
    root = re.sub(r"/v[0-9.]+$", "", auth_url.rstrip("/"))
    return f"{root}/v3"


def who(login: Login) -> str:
    """Return who logs in, for a message: never a secret."""
    match login:
        case PasswordLogin(user=user):
            return _user_name(user)
        case CredentialLogin(credential_id=None, credential_name=name, user=user):
            return f"application credential {name!r} of {_user_name(user)}"
        case CredentialLogin(credential_id=credential_id):
            return f"application credential {credential_id!r}"
        case TokenLogin():
            return "the given token"
        case _:
            assert_never(login)


def for_project(login: Login, project: Project) -> str:
    """Return the project that is asked for, as the end of a phrase; empty for none."""
    if isinstance(login, CredentialLogin) or not project.is_known:
        return ""
    return f" for project {project.id or project.name!r}"


def who_is_agency(agency: Agency) -> str:
    """Return whose agency is used, for a message."""
    account = agency.domain.name or agency.domain.id
    return f"agency {agency.name!r} of {account!r}"


def host(login: Login) -> str:
    """Return Keystone's host and port, for a message."""
    return urlsplit(login.auth_url).netloc.rpartition("@")[2]


def secret(login: Login) -> str:
    """Return what must never show, so that a careless server's echo can be masked."""
    match login:
        case PasswordLogin(password=value):
            return value
        case CredentialLogin(secret=value):
            return value
        case TokenLogin(token=value):
            return value
        case _:
            assert_never(login)


def secrets(auth: Auth) -> tuple[str, ...]:
    """Return everything in it that must never show."""
    match auth:
        case KeyPair(keys=keys):
            return keys.access_key, keys.secret_key, keys.security_token or ""
        case GivenToken(token=value):
            return (value,)
        case PluginLogin(values=values):
            return plugin_secrets(values)
        case _:
            return (secret(auth),)


def plugin_secrets(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return what looks like a secret by its name; too many do no harm."""
    return tuple(value for key, value in values.items() if _SECRET_NAME.search(key))


def _identity(login: Login) -> Json:
    match login:
        case PasswordLogin(user=user, password=password):
            body: Json = {"user": {**_user(user), "password": password}}
            return {"methods": ["password"], "password": body}
        case CredentialLogin():
            method = "application_credential"
            return {"methods": [method], method: _credential(login)}
        case TokenLogin(token=token):
            return {"methods": ["token"], "token": {"id": token}}
        case _:
            assert_never(login)


def _credential(login: CredentialLogin) -> Json:
    if login.credential_id is not None:
        return {"id": login.credential_id, "secret": login.secret}
    return {
        "name": login.credential_name,
        "user": _user(login.user),
        "secret": login.secret,
    }


def _user(user: User) -> Json:
    if user.id is not None:
        return {"id": user.id}
    return {"name": user.name, **_within(user.domain)}


def _project(project: Project, fallback: Domain) -> Json:
    """Return the scope; a name goes with its domain where any is known.

    Keystone refuses a bare name. Where only the user's domain was told, it is the
    project's as well: in an IAM both are the account.
    """
    if project.id is not None:
        return {"id": project.id}
    domain = project.domain if project.domain.is_known else fallback
    return {"name": project.name, **_within(domain)}


def _scope(login: Login, project: Project) -> Json:
    # An application credential belongs to its project: Keystone refuses a scope.
    if isinstance(login, CredentialLogin) or not project.is_known:
        return {}
    return {"project": _project(project, _user_domain(login))}


def _account(login: Login) -> Json:
    return _within(_user_domain(login))


def _user_domain(login: Login) -> Domain:
    return login.user.domain if isinstance(login, PasswordLogin) else Domain()


def _within(domain: Domain) -> Json:
    if domain.id is not None:
        return {"domain": {"id": domain.id}}
    if domain.name is not None:
        return {"domain": {"name": domain.name}}
    return {}


def _user_name(user: User) -> str:
    if user.id is not None:
        return f"user {user.id!r}"
    domain = user.domain.name or user.domain.id
    return f"user {user.name!r}" + (f" of domain {domain!r}" if domain else "")
