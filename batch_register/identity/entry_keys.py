"""The keys of one cloud entry: their spellings, their texts, and what is refused.

Decides: which keys count, which we refuse because we cannot honour them and leaving
them out would change where we go or as whom, and how a complaint names a key. Keys that
change nothing for us are passed over. Must not know: what a cloud is made of.
Source: openstacksdk, "Configuring OpenStack SDK Applications".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from batch_register.errors import SettingsError

# Other spellings that openstacksdk takes; it reads `-` as `_` as well.
_ALIASES = {
    "tenant_id": "project_id",
    "tenant_name": "project_name",
    "auth_token": "token",
    "auth_plugin": "auth_type",
    "user_name": "username",
    "endpoint_type": "interface",
    "image_endpoint_type": "image_interface",
}
# These may stand beside `auth` or in it; where both do, the outer one wins.
_OUTER_WINS = frozenset(
    {
        "project_id",
        "project_name",
        "project_domain_id",
        "project_domain_name",
        "user_domain_id",
        "user_domain_name",
        "domain_id",
        "domain_name",
        "token",
    }
)
_AUTH_KEYS = _OUTER_WINS | {
    "auth_url",
    "username",
    "user_id",
    "password",
    "default_domain_id",
    "default_domain_name",
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
    "ak",
    "sk",
    "security_token",
}
_VERBATIM = frozenset({"password", "application_credential_secret"})
_PROFILE_HINT = "write auth_url, region_name and the rest out in the entry"
KIND_HINT = "use a password, an application credential, a token, or auth_type: aksk"
_REFUSED = {
    "profile": _PROFILE_HINT,
    "cloud": _PROFILE_HINT,
    "vendor_hook": _PROFILE_HINT,
    "image_region_name": "set region_name",
    "image_service_type": "set image_endpoint_override",
    "image_service_name": "set image_endpoint_override",
    "auth_methods": KIND_HINT,
    "passcode": KIND_HINT,
    "trust_id": KIND_HINT,
    "system_scope": "set project_name or project_id",
    "identity_provider": KIND_HINT,
    "protocol": KIND_HINT,
}
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an entry was read, and where its relative paths start."""

    name: str  # of the cloud
    source: str  # "cloud 'x' in /etc/openstack/clouds.yaml"
    cwd: Path
    home: Path
    variable_prefix: str = ""  # "OS_" where the keys are environment variables


class EntryKeys:
    """The keys of one entry in one flat name space, with the errors they cause."""

    def __init__(self, entry: Mapping[str, object], origin: Origin) -> None:
        self._origin = origin
        self.region_name: str | None = None
        self._inner_names: frozenset[str] = frozenset()
        outer = _normal(entry)
        inner = outer.pop("auth", None) or {}
        if not isinstance(inner, Mapping):
            self.refuse("auth", "is not a mapping", "put the keys of a login under it")
        within = _normal(inner)
        self._regions = outer.pop("regions", None)
        self._inner_names = frozenset(within)
        for key in {**outer, **within}:
            if key in _REFUSED:
                self.refuse(key, "cannot be honoured", _REFUSED[key])
        for key in within:
            if key not in _AUTH_KEYS:
                self.refuse(key, "is not known here", KIND_HINT)
        moved = {k: v for k, v in outer.items() if k in _OUTER_WINS}
        self._values = {**outer, **within, **moved}

    def refuse(self, key: str, problem: str, hint: str) -> NoReturn:
        """Raise SettingsError about a key: what is wrong, and what to do."""
        message = f"{self._origin.source}: {self._label(key)} {problem}"
        raise SettingsError(message, hint=hint)

    def lacks(self, key: str, why: str) -> NoReturn:
        """Raise SettingsError about a key that is not there."""
        message = f"{self._origin.source}: {self._label(key)} is missing: {why}"
        raise SettingsError(message, hint=f"set {self._label(key)}")

    def has(self, *names: str) -> bool:
        """Return whether any of the keys has a value."""
        return any(self._values.get(name) for name in names)

    def text(self, key: str) -> str | None:
        """Return a value, blanks around it cut off; None where it is empty.

        A token read from a file ends with a newline; a password may begin with a blank.
        """
        value = self._values.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str | int | float):
            self.refuse(key, "is not a text", "give a single value")
        return str(value) if key in _VERBATIM else str(value).strip()

    def need(self, key: str, why: str) -> str:
        """Return a value that must be there."""
        return self.text(key) or self.lacks(key, why)

    def url(self, key: str) -> str | None:
        """Return an address without a last slash, `{region_name}` filled in."""
        text = self.text(key)
        if text is None:
            return None
        if "{region_name}" in text:
            if self.region_name is None:
                self.lacks("region_name", f"{self._label(key)} is made of it")
            text = text.replace("{region_name}", self.region_name)
        if not is_plain_url(text):
            hint = "give http(s)://host[:port][/path], without a user name"
            self.refuse(key, "is not a plain address", hint)
        return text.rstrip("/")

    def path(self, key: str) -> Path | None:
        """Return a path; `~` is the home, relative ones start at the cwd."""
        text = self.text(key)
        if text is None:
            return None
        if text.startswith("~/"):
            return self._origin.home / text[2:]
        return self._origin.cwd / text

    def mapping(self, key: str) -> Mapping[str, object]:
        """Return the keys under a key as they stand there; empty where it is not set."""
        value = self._values.get(key)
        if value is None or value == "":
            return {}
        if not isinstance(value, Mapping):
            self.refuse(key, "is not a mapping", "put keys and values under it")
        return {str(name): each for name, each in value.items()}

    def switch(self, key: str, *, default: bool) -> bool:
        """Return a truth value."""
        text = (self.text(key) or "").lower()
        if not text:
            return default
        if text not in _TRUE | _FALSE:
            self.refuse(key, "is neither true nor false", "write true or false")
        return text in _TRUE

    def region(self, wanted: str | None) -> str | None:
        """Return the region: the one asked for, else the entry's, else the first."""
        names = self._region_names()
        own = self.text("region_name")
        if own is not None and "," in own:
            self.refuse("region_name", "names several regions", "name one")
        if wanted and names and wanted not in names:
            self.refuse("regions", f"has no {wanted!r}", f"use one of {names}")
        return wanted or own or (names[0] if names else None)

    def _region_names(self) -> list[str]:
        regions = self._regions or []
        if not isinstance(regions, list) or not all(
            isinstance(name, str) for name in regions
        ):
            hint = "list names only, and write one entry per region for the rest"
            self.refuse("regions", "holds settings per region", hint)
        return regions

    def _label(self, key: str) -> str:
        if self._origin.variable_prefix:
            return f"{self._origin.variable_prefix}{key.upper()}"
        inner = key in self._inner_names or key in _AUTH_KEYS
        return f"auth.{key}" if inner else key


def _normal(entry: Mapping[object, object] | Mapping[str, object]) -> dict[str, object]:
    named = {str(key).replace("-", "_"): value for key, value in entry.items()}
    return {_ALIASES.get(key, key): value for key, value in named.items()}


def is_plain_url(text: str) -> bool:
    """Return whether text is http(s)://host[:port][/path] and nothing more."""
    try:
        parts = urlsplit(text)
        has_port = parts.port != 0
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and " " not in text
    known = parts.scheme in ("http", "https") and bool(parts.hostname)
    bare = "@" not in parts.netloc and not parts.query and not parts.fragment
    return plain and known and bare and has_port
