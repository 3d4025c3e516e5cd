"""The keys of one cloud entry: their spellings, their texts, and what is refused.

Decides: which keys count, which we refuse because we cannot honour them and leaving
them out would change where we go or as whom, and how a complaint names a key. Keys that
change nothing for us are passed over. Must not know: what a cloud is made of.
Source: openstacksdk, "Configuring OpenStack SDK Applications".
"""

from __future__ import annotations

import re
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
    "default_domain": "default_domain_id",
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
    "agency_name",
    "agency_domain_name",
    "agency_domain_id",
    "ak",
    "sk",
    "security_token",
}
_VERBATIM = frozenset({"password", "application_credential_secret"})
_OTHER_LOGIN = "set the auth_type that it belongs to, or take it out"
_REFUSED = {
    "vendor_hook": "take it out: no code is loaded for a vendor",
    "auth_plugin": "write auth_type: openstacksdk does not heed the old name either",
    "image_region_name": "set region_name",
    "image_service_type": "set image_endpoint_override",
    "image_service_name": "set image_endpoint_override",
}
# They belong to a kind of login that we leave to keystoneauth1.
_REFUSED_HERE = frozenset(
    {
        "auth_methods",
        "passcode",
        "trust_id",
        "system_scope",
        "identity_provider",
        "protocol",
    }
)
# YAML 1.1's own words, as openstacksdk reads the files.
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_WORDS = frozenset({"true", "false"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LABEL = re.compile(r"[A-Za-z0-9._-]+")  # of a host name


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

    def __init__(
        self,
        entry: Mapping[str, object],
        origin: Origin,
        *,
        region_name: str | None = None,
    ) -> None:
        self._origin = origin
        self._region_name = region_name
        self._inner_names: frozenset[str] = frozenset()
        self._empty: set[str] = set()
        self._spelled: dict[str, tuple[str, object]] = {}
        inner = entry.get("auth") or {}
        if not isinstance(inner, Mapping):
            self.refuse("auth", "is not a mapping", "put the keys of a login under it")
        outer = self._normal({k: v for k, v in entry.items() if k != "auth"})
        within = self._normal(inner)
        self._inner_names = frozenset(within)
        self._check(outer, within)
        moved = {k: v for k, v in outer.items() if k in _OUTER_WINS}
        self._values = {**outer, **within, **moved}

    def _check(self, outer: Mapping[str, object], within: Mapping[str, object]) -> None:
        """Refuse what we cannot honour, or what cannot be meant."""
        for key in self._empty & (within.keys() - outer.keys()) & _OUTER_WINS:
            hint = "take the empty one out, or the other"
            self.refuse(key, "is given, and given empty", hint)
        if "auth_type" in self._empty:
            self.refuse("auth_type", "is empty", "write none if that is meant")
        for key in (key for key in _REFUSED if key in outer or key in within):
            self.refuse(key, "cannot be honoured", _REFUSED[key])

    def check_own_login(self) -> None:
        """Refuse what belongs to another kind of login than our own ones."""
        for key in (key for key in self._values if key in _REFUSED_HERE):
            self.refuse(key, "cannot be honoured", _OTHER_LOGIN)
        for key in (key for key in self._inner_names if key not in _AUTH_KEYS):
            self.refuse(key, "is not known here", _OTHER_LOGIN)

    @property
    def inner_names(self) -> frozenset[str]:
        """Return the names of the keys under `auth`."""
        return self._inner_names

    def single_values(self) -> dict[str, str]:
        """Return the text of every key that has one, as it is written."""
        return {
            key: self._checked(key, value)
            for key, value in self._values.items()
            if isinstance(value, str | int | float)
        }

    def several(self, key: str) -> tuple[str, ...]:
        """Return a list of names, which may be written as one text with commas."""
        value = self._values.get(key) or ()
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            self.refuse(key, "is not a list", "write one name per line")
        return tuple(str(part).strip() for part in parts)

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
        text = self._checked(key, value)
        if key in _VERBATIM:
            return text
        text = text.strip()
        if _CONTROL.search(text):
            self.refuse(key, "is not one line", "take the control characters out")
        return text

    def _checked(self, key: str, value: str | float) -> str:
        """Return the text; a variable of another encoding holds what cannot be sent."""
        text = str(value)
        try:
            text.encode()
        except UnicodeEncodeError:
            problem = "holds bytes that are not UTF-8"
            self.refuse(key, problem, "write it in UTF-8")
        return text

    def need(self, key: str, why: str) -> str:
        """Return a value that must be there."""
        return self.text(key) or self.lacks(key, why)

    def url(self, key: str) -> str | None:
        """Return an address without a last slash, `{region_name}` filled in."""
        text = self._filled(key)
        if text is None:
            return None
        if not is_plain_url(text):
            hint = "give http(s)://host[:port][/path], without a user name"
            self.refuse(key, "is not a plain address", hint)
        return text.rstrip("/")

    def _filled(self, key: str) -> str | None:
        text = self.text(key)
        if text is None:
            return None
        if "{region_name}" in text:
            if self._region_name is None:
                self.lacks("region_name", f"{self._label(key)} is made of it")
            if not _LABEL.fullmatch(self._region_name):
                # a slash in it would end the host early, and lead elsewhere
                hint = "give letters, digits and - . _ only"
                self.refuse("region_name", f"cannot be part of {key}", hint)
            text = text.replace("{region_name}", self._region_name)
        if "{" in text or "}" in text:
            hint = "write it out: {region_name} alone is filled in"
            self.refuse(key, "holds a name in braces", hint)
        return text

    def path(self, key: str) -> Path | None:
        """Return a path; `~` is the home, relative ones start at the cwd."""
        text = self._filled(key)
        if text is None:
            return None
        if text.startswith("~/"):
            return self._origin.home / text[2:]
        if text.startswith("~"):
            self.refuse(key, "begins with another user's home", "write the path out")
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
        """Return a truth value; a variable has no other words for it than these two."""
        text = (self.text(key) or "").lower()
        if not text:
            return default
        words = _WORDS if self._origin.variable_prefix else _TRUE | _FALSE
        if text not in words:
            self.refuse(key, "is neither true nor false", "write true or false")
        return text in _TRUE

    def _normal(self, entry: Mapping[object, object]) -> dict[str, object]:
        """Return the keys in their one spelling, those without a value left out."""
        found: dict[str, object] = {}
        for key, value in entry.items():
            written = str(key).replace("-", "_")
            name = _ALIASES.get(written, written)
            if value is None or value == "":
                self._empty.add(name)
                continue
            before, other = self._spelled.setdefault(name, (written, value))
            if before != written and other != value:
                problem = f"is given twice, as {before} and as {written}"
                self.refuse(name, problem, "keep one of them")
            found[name] = value
        return found

    def _label(self, key: str) -> str:
        if self._origin.variable_prefix:
            return f"{self._origin.variable_prefix}{key.upper()}"
        inner = key in self._inner_names or key in _AUTH_KEYS
        return f"auth.{key}" if inner else key


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
