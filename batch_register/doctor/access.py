"""From who we are and how we get there to findings.

Decides: how credentials and addresses are described without showing a secret, and what
to do where they do not work. Must not know: files, sockets, what images are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from batch_register.doctor.findings import Finding, State, Topic
from batch_register.doctor.reach import reach_advice
from batch_register.errors import AuthenticationError, ServiceError, SettingsError
from batch_register.identity import Connection, Whence
from batch_register.identity.cloud import (
    Auth,
    Cloud,
    CredentialLogin,
    GivenToken,
    KeyPair,
    PasswordLogin,
    PluginLogin,
    TokenLogin,
)
from batch_register.identity.login import who
from batch_register.ims.profile import Profile
from batch_register.settings import SETTINGS, ResolvedSettings

# The whole of a usual call takes less than a second.
_SLOW_S = 5.0
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_WHENCE = {
    Whence.OVERRIDE: "from the entry's override",
    Whence.CATALOGUE: "from the token's catalogue",
    Whence.PROFILE: "made by the profile from the region",
}

_GIVEN_BY = {
    Whence.OVERRIDE: "image_endpoint_override or ims_endpoint_override",
    Whence.CATALOGUE: "region_name and interface, by which the catalogue was searched",
    Whence.PROFILE: "region_name and ims_profile, of which the address is made",
}


def wrong_settings(topic: Topic, error: SettingsError) -> Finding:
    """Return the problem that a setting is."""
    return Finding(
        topic=topic,
        state=State.PROBLEM,
        seen=error.message,
        advice=error.hint,
        exit_code=error.exit_code,
    )


def settings_finding(resolved: ResolvedSettings) -> Finding:
    """Return which settings somebody chose, and where; no values."""
    chosen = [
        f"{setting.name} ({resolved.origins[setting.field_name]})"
        for setting in SETTINGS
        if resolved.is_chosen(setting.field_name)
    ]
    seen = ", ".join(chosen) or "all as they come"
    unread = ", ".join(resolved.unknown_variables)
    if not unread:
        return Finding(topic=Topic.SETTINGS, state=State.OK, seen=seen)
    return Finding(
        topic=Topic.SETTINGS,
        state=State.WARNING,
        seen=f"{seen}; no setting reads {unread}",
        advice="correct or unset it; `batch-register config` shows the names",
    )


def credentials_finding(cloud: Cloud, variables: Sequence[str]) -> Finding:
    """Return where the credentials are; `variables`: those of the environment."""
    place = cloud.source
    if place == "environment":
        place = f"the environment: {', '.join(variables)}"
    seen = f"{_kind(cloud.auth)}, from {place}"
    return Finding(topic=Topic.CREDENTIALS, state=State.OK, seen=seen)


def _kind(auth: Auth) -> str:
    match auth:
        case PasswordLogin():
            return f"password of {who(auth)}"
        case CredentialLogin():
            return who(auth)
        case TokenLogin():
            return "a token, to be exchanged for one of the project"
        case GivenToken():
            return "a token, used as it is"
        case KeyPair(keys=keys):
            temporary = "temporary " if keys.security_token else ""
            return f"{temporary}access key (AK/SK), which signs each request"
        case PluginLogin(auth_type=auth_type):
            return f"{auth_type}, through keystoneauth1"


def address_words(whence: Whence) -> str:
    """Return what to check where the image service does not answer at its address."""
    return _GIVEN_BY[whence]


def identity_finding(
    cloud: Cloud, auth_url: str | None, *, slowest_s: float | None
) -> Finding:
    """Return whether the identity service was reached, how safely and how fast.

    `slowest_s` is the time of its slowest answer; None: it was not asked.
    """
    if auth_url is None or slowest_s is None:
        return Finding(
            topic=Topic.IDENTITY,
            state=State.NOT_LOOKED_AT,
            seen="not needed: these credentials need no login",
        )
    found = _reached(Topic.IDENTITY, cloud, auth_url, f"{auth_url} answers")
    return _timed(found, slowest_s)


def _timed(finding: Finding, slowest_s: float) -> Finding:
    """Return the finding, and a warning where answers are slow."""
    if slowest_s < _SLOW_S:
        return finding
    hurry = "look at network and proxy, else ask the provider: runs will take long"
    return replace(
        finding,
        state=State.WARNING,
        seen=f"{finding.seen}; slow: answers took up to {slowest_s:.0f} s",
        advice=f"{finding.advice}; {hurry}" if finding.advice else hurry,
    )


def _reached(topic: Topic, cloud: Cloud, url: str, words: str) -> Finding:
    parts = urlsplit(url)
    if parts.scheme == "https" and cloud.verify:
        seen = f"{words}; TLS, certificate checked"
        return Finding(topic=topic, state=State.OK, seen=seen)
    if parts.scheme == "https":
        return Finding(
            topic=topic,
            state=State.WARNING,
            seen=f"{words}; TLS, but its certificate is not checked (verify: false)",
            advice="set cacert to the authority that signed it, and take verify out",
        )
    if parts.hostname in _HERE:
        seen = f"{words}; not encrypted, on this machine"
        return Finding(topic=topic, state=State.OK, seen=seen)
    return Finding(
        topic=topic,
        state=State.WARNING,
        seen=f"{words}; not encrypted: whoever listens gets the credentials",
        advice="use its https address",
    )


def login_failure(cloud: Cloud, error: ServiceError) -> Finding:
    """Return the problem that a login had: with the credentials, or on the way there."""
    is_refusal = isinstance(error, AuthenticationError)
    advice = (
        refused_advice(cloud) if is_refusal else reach_advice(error.fault, "auth_url")
    )
    return Finding(
        topic=Topic.LOGIN if is_refusal else Topic.IDENTITY,
        state=State.PROBLEM,
        seen=error.fault.sentence(),
        advice=error.hint or advice,
        exit_code=error.exit_code,
    )


def refused_advice(cloud: Cloud) -> str:
    """Return what to do where the identity service refuses the credentials."""
    match cloud.auth:
        case PasswordLogin():
            keys = "username, password, user_domain_name and project_name"
            return f"check {keys} of {cloud.source}"
        case CredentialLogin():
            return (
                "check application_credential_id and application_credential_secret of "
                f"{cloud.source}; the credential may have ended"
            )
        case TokenLogin() | GivenToken():
            return f"get a new token for {cloud.source}: this one is wrong or has ended"
        case PluginLogin(auth_type=auth_type):
            return f"check what {auth_type} needs under auth of {cloud.source}"
        case KeyPair():
            return (
                f"check ak and sk of {cloud.source}, that they are of this region's "
                "project, and this machine's clock"
            )


def service_refused_advice(cloud: Cloud) -> str:
    """Return what to do where the image service refuses the credentials."""
    if isinstance(cloud.auth, KeyPair | GivenToken):
        return refused_advice(cloud)
    return (
        "the identity service gave this token, so check that region_name, project and "
        f"image endpoint of {cloud.source} belong together"
    )


def login_finding(cloud: Cloud) -> Finding:
    """Return that the credentials work."""
    words = "a token of the project was given"
    if isinstance(cloud.auth, KeyPair):
        words = "the signature is accepted"
    elif isinstance(cloud.auth, GivenToken):
        words = "the token is accepted"
    return Finding(topic=Topic.LOGIN, state=State.OK, seen=words)


def project_finding(cloud: Cloud, connection: Connection, profile: Profile) -> Finding:
    """Return project and region, which must agree with each other and the catalogue.

    Where an override gives the address, only the catalogue shows a mistyped region,
    which would then stand in ledgers.

    Source: IAM, "Obtaining a User Token Through Password Authentication": a project is
    named like its region, or like it and an underscore.
    """
    name, region = cloud.project.name, cloud.region_name
    called = f" ({name})" if name else ""
    seen = f"{connection.project_id}{called}, region {region or 'not named'}"
    known = connection.image_regions
    if region and known and not {region, "*"} & set(known):
        return Finding(
            topic=Topic.PROJECT,
            state=State.WARNING,
            seen=f"{seen}: the token's catalogue has no image service there",
            advice=f"set region_name (or --region) to one of: {', '.join(known)}",
        )
    homes = {each for each in profile.regions if name and _is_of(name, each)}
    if region and homes and region not in homes:
        return Finding(
            topic=Topic.PROJECT,
            state=State.WARNING,
            seen=f"{seen}: the project is named like another region",
            advice="set region_name (or --region) and project_name to one region",
        )
    return Finding(topic=Topic.PROJECT, state=State.OK, seen=seen)


def _is_of(project_name: str, region: str) -> bool:
    return project_name == region or project_name.startswith(f"{region}_")


def endpoint_finding(
    cloud: Cloud, connection: Connection, profile: Profile, *, slowest_s: float
) -> Finding:
    """Return where the image service is, who says so, and what kind of cloud it is."""
    changed = ", ".join(sorted(cloud.profile_overrides))
    kind = f"profile {profile.name}" + (f" but for {changed}" if changed else "")
    url = connection.image_endpoint
    words = f"{url} answers, {_WHENCE[connection.endpoint_from]}; {kind}"
    return _timed(_reached(Topic.ENDPOINT, cloud, url, words), slowest_s)


def objects_address(cloud: Cloud, profile: Profile, listed: str | None) -> str:
    """Return where the object storage is and who says so; empty where nobody does.

    `listed` is the address that the token's catalogue has.
    """
    if cloud.obs_endpoint is not None:
        return f"{cloud.obs_endpoint}, from obs_endpoint_override"
    published = profile.endpoints(cloud.region_name or "")
    if published is not None:
        return f"{published.objects}, made by the profile from the region"
    return f"{listed}, from the token's catalogue" if listed else ""


def objects_finding(address: str) -> Finding:
    """Return where the object storage is, before it was asked anything."""
    return Finding(
        topic=Topic.OBJECTS,
        state=State.OK if address else State.NOT_LOOKED_AT,
        seen=f"{address}; not asked"
        if address
        else "no address is known; the image service reads the files itself",
    )


def proxy_finding(names: Sequence[tuple[str, str]]) -> Finding:
    """Return which proxy is on the way to which service; the name is empty for none."""
    used = [f"{name} on the way to the {what}" for what, name in names if name]
    seen = "; ".join(used) or "none"
    return Finding(topic=Topic.PROXY, state=State.OK, seen=seen)
