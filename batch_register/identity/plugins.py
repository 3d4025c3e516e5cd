"""Ways in that keystoneauth1 has and we have not: the extra `openstack`.

Its plugins are blocking code over requests. They run in a worker thread, and what they
send goes out through our own sender: with its certificates, proxies, deadline and
masking, and without redirects or ~/.netrc. The plugin's time is thereby bounded by the
sender's, and a cancelled login ends with its request.

Decides: how a plugin is made of an entry's values, and what its failures mean. Must not
know: how long a token is used. Source: keystoneauth, "Plugin Options", "Using Sessions".
Imported only where such an `auth_type` is told: the extra may be missing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
from keystoneauth1 import exceptions, loading, session as keystone_session
from keystoneauth1.identity import base as identity_base
from requests import adapters

from batch_register.errors import ServiceError, SettingsError
from batch_register.identity.cloud import PluginLogin
from batch_register.identity.keystone import refused_login, send_login
from batch_register.identity.login import plugin_secrets
from batch_register.identity.session import Session, read_catalog
from batch_register.identity.tokens import Issued
from batch_register.transport import Reply, Request, Sender
from batch_register.transport.skew import server_time
from batch_register.transport.text import plain_text

_OTHER_NAMES = {"token_endpoint": "admin_token"}  # as openstacksdk reads it


def load_plugin(login: PluginLogin, *, source: str) -> Any:  # noqa: ANN401 - any plugin
    """Return keystoneauth1's plugin for a login.

    Raises:
        SettingsError: there is no such plugin, or its options are not those given.
    """
    auth_type = _OTHER_NAMES.get(login.auth_type, login.auth_type)
    try:
        options = _options([auth_type, *login.methods])
        found: dict[str, object] = {
            option.dest: value
            for option in options
            if (value := _value(option, login)) is not None
        }
        if unknown := login.given - {name for o in options for name in _names(o)}:
            raise _wrong(login, source, f"does not know {', '.join(sorted(unknown))}")
        if login.methods:
            found["auth_methods"] = list(login.methods)
        return loading.get_plugin_loader(auth_type).load_from_options(**found)
    except exceptions.NoMatchingPlugin:
        raise _wrong(login, source, "is not known to keystoneauth1") from None
    except exceptions.MissingRequiredOptions as lacks:
        names = ", ".join(option.dest for option in lacks.options)
        raise _wrong(login, source, f"needs {names}") from None
    except (exceptions.ClientException, TypeError, AttributeError) as exc:
        secrets = plugin_secrets(login.values)
        problem = f"cannot be used so: {plain_text(str(exc), secrets=secrets)}"
        raise _wrong(login, source, problem) from None


class PluginSource:
    """Logs in through a plugin; a `tokens.TokenSource`."""

    def __init__(
        self,
        login: PluginLogin,
        plugin: Any,  # noqa: ANN401 - any plugin
        sender: Sender,
        *,
        cloud_name: str,
        deadline_s: float,
    ) -> None:
        self._plugin = plugin
        self._sender = sender
        self._deadline_s = deadline_s
        self._subject = f"auth_type {login.auth_type}, cloud {cloud_name}"
        self._secrets = plugin_secrets(login.values)

    @property
    def gives_tokens(self) -> bool:
        """Return whether it logs in at a Keystone, and not only adds headers."""
        return isinstance(self._plugin, identity_base.BaseIdentityPlugin)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what is logged in with."""
        return self._secrets

    async def issue(self) -> Issued:
        """Return a new token."""
        wire = self._wire()
        try:
            access = await asyncio.to_thread(self._plugin.get_auth_ref, wire.session())
            session = _session(access)
        except (exceptions.ClientException, requests.RequestException) as exc:
            failure: Exception = exc
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            failure = exc  # an answer of another form than the plugin expects
        else:
            now = server_time(wire.reply) if wire.reply else None
            return Issued(session=session, keystone_now=now)
        raise self._failure(wire, failure)

    async def headers(self) -> tuple[dict[str, str], str | None]:
        """Return what a plugin without a login adds to requests, and its address."""
        session = self._wire().session()
        headers = await asyncio.to_thread(self._plugin.get_headers, session)
        endpoint = await asyncio.to_thread(self._plugin.get_endpoint, session)
        return dict(headers or {}), endpoint

    def _wire(self) -> _Wire:
        loop = asyncio.get_running_loop()
        return _Wire(self._sender, loop, self._deadline_s, self._secrets)

    def _failure(self, wire: _Wire, failure: Exception) -> ServiceError | SettingsError:
        if wire.request is not None and wire.reply is not None:
            return refused_login(wire.request, wire.reply, self._subject)
        words = plain_text(str(failure), secrets=self._secrets)
        message = f"{self._subject}: {words or type(failure).__name__}"
        return SettingsError(message, hint="correct the keys under auth")


@dataclass
class _Wire:
    """Carries what a plugin sends from its thread to our sender, and back."""

    sender: Sender
    loop: asyncio.AbstractEventLoop
    deadline_s: float
    secrets: tuple[str, ...]
    request: Request | None = None
    reply: Reply | None = None

    def session(self) -> Any:  # noqa: ANN401 - keystoneauth1 has no types for us
        carrier = requests.Session()
        carrier.trust_env = False
        for scheme in ("https://", "http://"):
            carrier.mount(scheme, self)
        return keystone_session.Session(session=carrier, redirect=False)

    def send(self, prepared: Any, **_options: object) -> Any:  # noqa: ANN401
        """Send one request; `requests` calls this in the worker thread."""
        body = prepared.body or b""
        self.request = Request(
            operation="log in",
            method=prepared.method,
            url=prepared.url,
            headers={k: _text(v) for k, v in prepared.headers.items()},
            body=body.encode() if isinstance(body, str) else body,
            deadline_s=self.deadline_s,
            secrets=self.secrets,
        )
        sending = send_login(self.sender, self.request)
        reply = asyncio.run_coroutine_threadsafe(sending, self.loop).result()
        self.reply = reply
        return _response(prepared, reply)

    def close(self) -> None:
        """Close nothing: the sender is not ours."""


def _session(access: Any) -> Session:  # noqa: ANN401 - keystoneauth1's AccessInfo
    return Session(
        token=access.auth_token,
        issued_at=_instant(access, "issued"),
        expires_at=_instant(access, "expires"),
        project_id=access.project_id,
        project_name=access.project_name,
        catalog=read_catalog(access.service_catalog.catalog),
    )


def _instant(access: Any, name: str) -> datetime | None:  # noqa: ANN401
    """Return a time of the token; None where Keystone told none that can be read."""
    try:
        instant: datetime | None = getattr(access, name)
    except (KeyError, TypeError, ValueError):
        return None
    return instant


def _response(prepared: Any, reply: Reply) -> Any:  # noqa: ANN401
    response = requests.Response()
    response.request, response.url = prepared, prepared.url
    response.status_code = reply.status
    response.headers.update(reply.headers)
    response.headers.pop("content-encoding", None)  # the sender has undone it
    response._content = reply.body  # noqa: SLF001 - as adapters fill it in
    response.encoding = adapters.get_encoding_from_headers(response.headers)
    return response


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _options(auth_types: list[str]) -> list[Any]:
    """Return the options of all these plugins; a factor's plugin has its own."""
    return [
        option
        for auth_type in auth_types
        for option in loading.get_plugin_loader(auth_type).get_options()
    ]


def _names(option: Any) -> list[str]:  # noqa: ANN401 - keystoneauth1's Opt
    return [option.dest, *(old.dest for old in option.deprecated)]


def _value(option: Any, login: PluginLogin) -> str | None:  # noqa: ANN401
    found = (login.values.get(name) for name in _names(option))
    return next((value for value in found if value), None)


def _wrong(login: PluginLogin, source: str, problem: str) -> SettingsError:
    message = f"{source}: auth_type {login.auth_type!r} {problem}"
    hint = "see keystoneauth's page of plugin options for what belongs under auth"
    return SettingsError(message, hint=hint)
