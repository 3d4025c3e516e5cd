"""Who we are, in which project, and where its image service stands.

Decides: which way of giving credentials a cloud's settings call for, and where the
project id and the address come from. Must not know: images, profiles, flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, assert_never

from batch_register.errors import SettingsError
from batch_register.identity.cloud import (
    Cloud,
    CredentialLogin,
    GivenToken,
    KeyPair,
    PasswordLogin,
    PluginLogin,
    TokenLogin,
)
from batch_register.identity.clouds import load_cloud
from batch_register.identity.endpoints import (
    Whence,
    image_regions,
    listed_store,
    locate_endpoint,
)
from batch_register.identity.files import Surroundings
from batch_register.identity.keys import FixedHeaders, FixedToken, Signer
from batch_register.identity.keystone import LOGIN_DEADLINE_S, KeystoneSource
from batch_register.identity.projects import find_project_id
from batch_register.identity.session import Session
from batch_register.identity.tokens import TokenAuth, TokenSource
from batch_register.ports import Clock
from batch_register.transport import Authoriser, Sender

if TYPE_CHECKING:
    from batch_register.identity.plugins import PluginSource

__all__ = [
    "Cloud",
    "Connection",
    "FixedToken",
    "Signer",
    "Surroundings",
    "TokenAuth",
    "Whence",
    "connect",
    "load_cloud",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What calls to the image service need; `image_endpoint` has no last slash.

    `image_regions` are those in which the token's catalogue has an image service;
    `listed_store` is the object store that it has for our region.
    """

    authoriser: Authoriser
    project_id: str
    image_endpoint: str
    endpoint_from: Whence
    image_regions: tuple[str, ...] = ()
    listed_store: str | None = None


async def connect(
    cloud: Cloud,
    sender: Sender,
    clock: Clock,
    *,
    image_fallback: str | None = None,
    auth_fallback: str | None = None,
    deadline_s: float = LOGIN_DEADLINE_S,
) -> Connection:
    """Log in where that is called for, and find the project and the image service.

    The fallbacks are the addresses that the cloud's profile makes of the region;
    `deadline_s` is for each login, in seconds.

    Raises:
        SettingsError: project or address cannot be told.
        AuthenticationError: the credentials were refused.
        ServiceError: Keystone or IAM did not answer as documented.
    """
    auth = cloud.auth
    match auth:
        case PasswordLogin() | CredentialLogin() | TokenLogin():
            source = KeystoneSource(
                auth,
                cloud.project,
                sender,
                cloud_name=cloud.name,
                agency=cloud.agency,
                deadline_s=deadline_s,
            )
            return await _by_tokens(cloud, source, clock, image_fallback)
        case PluginLogin():
            plugin = _plugin_source(cloud, auth, sender, deadline_s)
            if plugin.gives_tokens:
                return await _by_tokens(cloud, plugin, clock, image_fallback)
            headers, endpoint = await plugin.headers()
            return _fixed(cloud, FixedHeaders(headers), endpoint or image_fallback)
        case GivenToken(token=token):
            return _fixed(cloud, FixedToken(token), image_fallback)
        case KeyPair():
            place = locate_endpoint(cloud, (), fallback=image_fallback)
            auth_url = auth.auth_url or auth_fallback
            project_id = cloud.project.id or await _look_up(
                cloud, auth, sender, clock, auth_url
            )
            signer = Signer(auth.keys, clock, project_id=project_id)
            return Connection(
                authoriser=signer,
                project_id=project_id,
                image_endpoint=place.url,
                endpoint_from=place.whence,
            )
        case _:
            assert_never(auth)


async def _by_tokens(
    cloud: Cloud, source: TokenSource, clock: Clock, fallback: str | None
) -> Connection:
    tokens = TokenAuth(source, clock)
    session = await tokens.session()
    _require_project(cloud, session)
    place = locate_endpoint(cloud, session.catalog, fallback=fallback)
    return Connection(
        authoriser=tokens,
        project_id=session.project_id or _told_project(cloud),
        image_endpoint=place.url,
        endpoint_from=place.whence,
        image_regions=image_regions(session.catalog),
        listed_store=listed_store(cloud, session.catalog),
    )


def _require_project(cloud: Cloud, session: Session) -> None:
    """Refuse a token of another project than the one that is told.

    An application credential belongs to one project, whatever its entry says. Names are
    compared as databases of Keystone do, without regard to case.
    """
    told, found = cloud.project.id, session.project_id
    if told is None:
        told = (cloud.project.name or "").casefold() or None
        found = (session.project_name or "").casefold() or None
    if told is None or found is None or told == found:
        return
    wanted = cloud.project.id or cloud.project.name
    got = session.project_name or session.project_id
    message = f"{cloud.source}: the login is for project {got!r}, not {wanted!r}"
    hint = "correct the project there, or use credentials of that project"
    raise SettingsError(message, hint=hint)


def _fixed(cloud: Cloud, authoriser: Authoriser, fallback: str | None) -> Connection:
    project_id = _told_project(cloud)
    place = locate_endpoint(cloud, (), fallback=fallback)
    return Connection(
        authoriser=authoriser,
        project_id=project_id,
        image_endpoint=place.url,
        endpoint_from=place.whence,
    )


def _plugin_source(
    cloud: Cloud, login: PluginLogin, sender: Sender, deadline_s: float
) -> PluginSource:
    try:
        plugins = import_module("batch_register.identity.plugins")
    except ModuleNotFoundError as exc:
        message = f"{cloud.source}: auth_type {login.auth_type!r} needs {exc.name}"
        hint = "install the extra: pip install 'batch-register[openstack]'"
        raise SettingsError(message, hint=hint) from None
    source: PluginSource = plugins.PluginSource(
        login,
        plugins.load_plugin(login, source=cloud.source),
        sender,
        cloud_name=cloud.name,
        deadline_s=deadline_s,
    )
    return source


def _told_project(cloud: Cloud) -> str:
    if cloud.project.id is None:
        message = f"{cloud.source}: nothing tells the project's id"
        raise SettingsError(message, hint="set project_id")
    return cloud.project.id


async def _look_up(
    cloud: Cloud, pair: KeyPair, sender: Sender, clock: Clock, auth_url: str | None
) -> str:
    name = cloud.project.name or cloud.region_name
    if auth_url is None or name is None:
        message = f"{cloud.source}: an access key does not tell its project"
        raise SettingsError(message, hint="set project_id, or auth_url and region_name")
    signer = Signer(pair.keys, clock, project_id=None)
    return await find_project_id(
        sender, signer, clock, auth_url=auth_url, region=name, source=cloud.source
    )
